/*
 * value: see the header. Wording and leniency are those of wireguard-tools
 * 1.0.20210914, but for numbers that it would silently cut to their low bits.
 */
#include "config.h"

#include "wgconf/value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/banned.h"

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

char *value_without_blanks(const char *text, size_t len)
{
	char *word = malloc(len + 1);
	size_t used = 0;

	if (!word)
		return NULL;
	for (size_t i = 0; i < len; i++)
		if (!is_blank(text[i]))
			word[used++] = text[i];
	word[used] = '\0';
	return word;
}

int value_parse_key(
	const char *text, uint8_t ret_key[static KEY_SIZE], struct err *err)
{
	if (!key_parse_base64(ret_key, text))
		return err_set(err, -EINVAL,
			"Key is not the correct length or format: `%s'", text);
	return 0;
}

int value_parse_port(const char *text, uint16_t *ret_port, struct err *err)
{
	uint64_t port;

	if (text[0] == '\0')
		return err_set(err, -EINVAL, "Unable to parse empty port");
	if (!num_parse_u64(text, UINT16_MAX, &port))
		return err_set(err, -EINVAL,
			"Servname not supported for ai_socktype: `%s'", text);
	*ret_port = (uint16_t)port;
	return 0;
}

int value_parse_fwmark(const char *text, uint32_t *ret_fwmark, struct err *err)
{
	if (strcasecmp(text, "off") == 0) {
		*ret_fwmark = 0;
		return 0;
	}
	if (strncmp(text, "0X", 2) == 0 ||
		!num_parse_u32_auto(text, ret_fwmark))
		return err_set(err, -EINVAL,
			"Fwmark is neither 0/off nor 0-0xffffffff: `%s'", text);
	return 0;
}

int value_parse_keepalive(const char *text, uint16_t *ret_sec, struct err *err)
{
	uint64_t sec;

	if (strcasecmp(text, "off") == 0) {
		*ret_sec = 0;
		return 0;
	}
	if (!num_parse_u64(text, UINT16_MAX, &sec))
		return err_set(err, -EINVAL,
			"Persistent keepalive interval is neither 0/off nor"
			" 1-65535: `%s'",
			text);
	*ret_sec = (uint16_t)sec;
	return 0;
}

/* Room for the longest address and a length with a few zeros before it. What
 * does not fit is no network; it is quoted from where it stands. */
#define NET_WORD_SIZE 128

static int parse_net(const char *word, size_t len, struct ipnet *ret_net,
	wgconf_warn_fn warn, void *warn_arg, struct err *err)
{
	char text[NET_WORD_SIZE], warning[NET_WORD_SIZE + 64];
	char *slash;
	struct ipnet net;
	uint64_t bits;
	size_t addr_len = strcspn(word, "/,");

	if (len >= sizeof(text))
		return err_set(err, -EINVAL,
			"Unable to parse IP address: `%.*s'", (int)addr_len,
			word);
	memcpy(text, word, len);
	text[len] = '\0';
	slash = strchr(text, '/');
	if (slash)
		*slash = '\0';
	if (!ipaddr_parse(text, &net.addr))
		return err_set(
			err, -EINVAL, "Unable to parse IP address: `%s'", text);
	bits = ip_bits(net.addr.family);
	if (slash && !num_parse_u64(slash + 1, bits, &bits)) {
		*slash = '/';
		return err_set(err, -EINVAL,
			"AllowedIP is not in the correct format: `%s'", text);
	}
	net.prefix_len = (uint8_t)bits;
	if (!ipnet_is_masked(&net) && warn) {
		*slash = '/'; /* there is one: full length is masked */
		(void)snprintf(warning, sizeof(warning),
			"Warning: AllowedIP has nonzero host part: %s", text);
		warn(warn_arg, warning);
	}
	*ret_net = net;
	return 0;
}

int value_parse_allowedips(struct wgconf_peer *peer, const char *text,
	enum value_deltas deltas, wgconf_warn_fn warn, void *warn_arg,
	struct err *err)
{
	AUTO(free_ptr) char *words = value_without_blanks(text, strlen(text));
	const char *word = words;
	struct wgconf_allowedip *ip;
	struct ipnet net;
	size_t len;
	char sign;
	int r;

	if (!words)
		return err_set(err, -ENOMEM, "Out of memory");
	if (words[0] == '\0') {
		peer->flags |= WGPEER_REPLACE_ALLOWEDIPS;
		return 0;
	}
	for (;;) {
		sign = '\0';
		if (deltas == VALUE_DELTAS && (*word == '+' || *word == '-'))
			sign = *word++;
		else
			peer->flags |= WGPEER_REPLACE_ALLOWEDIPS;
		len = strcspn(word, ",");
		r = parse_net(word, len, &net, warn, warn_arg, err);
		if (r < 0)
			return r;
		ip = wgconf_allowedip_add(peer, &net);
		if (!ip)
			return err_set(err, -ENOMEM, "Out of memory");
		ip->remove = sign == '-';
		if (word[len] == '\0')
			return 0;
		word += len + 1;
	}
}

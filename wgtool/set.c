/*
 * set: changes to an interface and its peers, word by word. Keys come from
 * files, never from words.
 */
#include "config.h"

#include "wgtool/commands.h"

#include "wgconf/value.h"
#include "wgtool/ipc.h"
#include "wgtool/lookup.h"

#include <sodium.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

#define KEY_TEXT_LEN (KEY_BASE64_SIZE - 1)

struct change {
	struct wgconf_device *dev;
	struct wgconf_peer *peer; /* the last one named, NULL before any */
};

static int read_key_text(
	FILE *file, char text[static KEY_BASE64_SIZE], struct err *err)
{
	size_t len;
	int c;

	setvbuf(file, NULL, _IONBF, 0); /* no copy stays in a buffer */
	len = fread(text, 1, KEY_TEXT_LEN, file);
	text[len] = '\0';
	if (len == 0 && !ferror(file))
		return 0;
	if (len != KEY_TEXT_LEN)
		return err_set(err, -EINVAL, "Invalid length key in key file");
	while ((c = getc(file)) != EOF)
		if (!memchr(" \t\n\v\f\r", c, strlen(" \t\n\v\f\r")))
			return err_set(err, -EINVAL,
				"Found trailing character in key file: `%c'",
				c);
	return 0;
}

/* An empty file is no key: all zero. */
static int read_key(
	const char *path, uint8_t ret_key[static KEY_SIZE], struct err *err)
{
	char text[KEY_BASE64_SIZE];
	FILE *file = fopen(path, "re");
	int r;

	if (!file)
		return err_errno(err, "fopen");
	r = read_key_text(file, text, err);
	if (r == 0 && text[0] == '\0')
		memset(ret_key, 0, KEY_SIZE);
	else if (r == 0)
		r = value_parse_key(text, ret_key, err);
	(void)fclose(file);
	sodium_memzero(text, sizeof(text));
	return r;
}

static int set_listen_port(
	struct change *change, const char *value, struct err *err)
{
	change->dev->flags |= WGDEV_HAS_LISTEN_PORT;
	return lookup_port(NULL, value, &change->dev->listen_port, err)
		? 0
		: -EINVAL;
}

static int set_fwmark(struct change *change, const char *value, struct err *err)
{
	change->dev->flags |= WGDEV_HAS_FWMARK;
	return value_parse_fwmark(value, &change->dev->fwmark, err);
}

static int set_private_key(
	struct change *change, const char *value, struct err *err)
{
	change->dev->flags |= WGDEV_HAS_SECKEY;
	return read_key(value, change->dev->seckey.b, err);
}

static int set_peer(struct change *change, const char *value, struct err *err)
{
	struct pubkey key;
	int r = value_parse_key(value, key.b, err);

	if (r < 0)
		return r;
	change->peer = wgconf_peer_add(change->dev, &key);
	return change->peer ? 0 : err_set(err, -ENOMEM, "Out of memory");
}

static int set_remove(struct change *change, const char *value, struct err *err)
{
	(void)value, (void)err;
	change->peer->flags |= WGPEER_REMOVE;
	return 0;
}

static int set_preshared_key(
	struct change *change, const char *value, struct err *err)
{
	change->peer->flags |= WGPEER_HAS_PSK;
	return read_key(value, change->peer->psk.b, err);
}

static int set_endpoint(
	struct change *change, const char *value, struct err *err)
{
	change->peer->flags |= WGPEER_HAS_ENDPOINT;
	return lookup_endpoint(NULL, value, &change->peer->endpoint, err)
		? 0
		: -EINVAL;
}

static int set_keepalive(
	struct change *change, const char *value, struct err *err)
{
	change->peer->flags |= WGPEER_HAS_KEEPALIVE;
	return value_parse_keepalive(value, &change->peer->keepalive_sec, err);
}

static int set_allowedips(
	struct change *change, const char *value, struct err *err)
{
	return value_parse_allowedips(
		change->peer, value, VALUE_DELTAS, print_warning, NULL, err);
}

static const struct keyword {
	const char *name;
	enum { DEVICE, PEER, ANY } section;
	bool has_value;
	int (*set)(struct change *change, const char *value, struct err *err);
} keywords[] = {
	{ "listen-port", DEVICE, true, set_listen_port },
	{ "fwmark", DEVICE, true, set_fwmark },
	{ "private-key", DEVICE, true, set_private_key },
	{ "peer", ANY, true, set_peer },
	{ "remove", PEER, false, set_remove },
	{ "preshared-key", PEER, true, set_preshared_key },
	{ "endpoint", PEER, true, set_endpoint },
	{ "persistent-keepalive", PEER, true, set_keepalive },
	{ "allowed-ips", PEER, true, set_allowedips },
};

/* NULL: no such word, not here, or without its value. */
static const struct keyword *find_keyword(
	const char *word, bool in_peer, bool value_follows)
{
	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++) {
		const struct keyword *kw = &keywords[i];
		bool in_place =
			kw->section == ANY || (kw->section == PEER) == in_peer;

		if (strcmp(word, kw->name) == 0)
			return in_place && (value_follows || !kw->has_value)
				? kw
				: NULL;
	}
	return NULL;
}

static bool parse_words(struct change *change, char *words[], int count)
{
	struct err err = { 0 };

	while (count > 0) {
		const struct keyword *kw =
			find_keyword(words[0], change->peer, count > 1);

		if (!kw) {
			fprintf(stderr, "Invalid argument: %s\n", words[0]);
			return false;
		}
		if (kw->set(change, kw->has_value ? words[1] : NULL, &err) <
			0) {
			fprintf(stderr, "%s\n", err.msg);
			return false;
		}
		words += 1 + kw->has_value;
		count -= 1 + kw->has_value;
	}
	return true;
}

int set_main(int argc, char *argv[])
{
	AUTO(wgconf_device_free)
	struct wgconf_device *dev = wgconf_device_new();
	struct change change = { .dev = dev };
	int r;

	if (argc < 3) {
		fprintf(stderr,
			"Usage: %s %s <interface> [listen-port <port>]"
			" [fwmark <mark>] [private-key <file path>]"
			" [peer <base64 public key> [remove]"
			" [preshared-key <file path>] [endpoint <ip>:<port>]"
			" [persistent-keepalive <interval seconds>]"
			" [allowed-ips [+|-]<ip1>/<cidr1>"
			"[,[+|-]<ip2>/<cidr2>]...] ]...\n",
			program_name, argv[0]);
		return 1;
	}
	if (!dev) {
		fprintf(stderr, "Out of memory\n");
		return 1;
	}
	if (!parse_words(&change, argv + 2, argc - 2))
		return 1;
	r = ipc_set(argv[1], dev);
	if (r < 0) {
		fprintf(stderr, "Unable to modify interface: %s\n",
			strerror(-r));
		return 1;
	}
	return 0;
}

/* conf: see conf.h. */
#include "config.h"

#include "meshd/conf.h"

#include "base/num.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

#define URL_SCHEME "https://"
#define HOST_CHARACTERS                                                        \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"
#define HOST_MAX 253

struct conf conf_default(void)
{
	return (struct conf){ .state_dir = CONF_STATE_DIR,
		.socket = CONF_SOCKET,
		.listen = CONF_LISTEN };
}

/* The length of a host at the start of TEXT: a name, IPv4, or [IPv6]; 0: it is
 * none. */
static size_t host_len(const char *text)
{
	char inside[IPADDR_TEXT_SIZE];
	struct ipaddr addr;
	size_t len;

	if (*text != '[') {
		len = strspn(text, HOST_CHARACTERS);
		return len <= HOST_MAX && *text != '.' && *text != '-' ? len
								       : 0;
	}
	len = strcspn(text, "]");
	if (text[len] != ']' || len - 1 >= sizeof(inside))
		return 0;
	memcpy(inside, text + 1, len - 1);
	inside[len - 1] = 0;
	return ipaddr_parse(inside, &addr) && addr.family == IP_V6 ? len + 1
								   : 0;
}

bool conf_url_valid(const char *url)
{
	size_t scheme = strlen(URL_SCHEME), len;
	uint64_t port = 1;

	if (strlen(url) > TOKEN_URL_MAX ||
		strncmp(url, URL_SCHEME, scheme) != 0)
		return false;
	len = host_len(url + scheme);
	if (len == 0)
		return false;
	url += scheme + len;
	if (*url == ':' && !num_parse_u64(url + 1, UINT16_MAX, &port))
		return false;
	return port != 0 && (*url == ':' || *url == 0);
}

int conf_complete(struct conf *conf, const char *hostname, struct err *err)
{
	int len;

	if (!endpoint_parse(conf->listen, &conf->listen_at))
		return err_set(err, -EINVAL,
			"--listen wants ADDRESS:PORT or [ADDRESS]:PORT, not "
			"`%s'",
			conf->listen);
	if (conf->url) {
		if (!conf_url_valid(conf->url))
			return err_set(err, -EINVAL,
				"--url wants https://HOST:PORT, not `%s'",
				conf->url);
		(void)str_copy(
			conf->url_text, sizeof(conf->url_text), conf->url);
		return 0;
	}
	len = snprintf(conf->url_text, sizeof(conf->url_text),
		URL_SCHEME "%s:%u", hostname, conf->listen_at.port);
	if (len < 0 || (size_t)len >= sizeof(conf->url_text) ||
		!conf_url_valid(conf->url_text))
		return err_set(err, -EINVAL,
			"the host's name `%s' makes no URL: give one with "
			"--url",
			hostname);
	return 0;
}

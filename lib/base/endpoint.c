#include "config.h"
#include "base/endpoint.h"
#include "base/num.h"

#include <stdio.h>
#include <string.h>

#include "base/banned.h"

bool endpoint_known(const struct endpoint *ep)
{
	return ep->addr.family != IP_NONE;
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	if (!endpoint_known(a) || !endpoint_known(b))
		return endpoint_known(a) == endpoint_known(b);
	return ipaddr_equal(&a->addr, &b->addr) && a->port == b->port &&
		a->scope_id == b->scope_id;
}

/* 1..MAX as it would be printed: no 0 in front. */
static bool parse_positive(const char *text, uint64_t max, uint64_t *ret)
{
	return text[0] != '0' && num_parse_u64(text, max, ret);
}

/* "fe80::1" or "fe80::1%3", changed in place. */
static bool parse_scoped(char *text, struct endpoint *ep)
{
	char *percent = strchr(text, '%');
	uint64_t scope = 0;

	if (percent) {
		*percent = 0;
		if (!parse_positive(percent + 1, UINT32_MAX, &scope))
			return false;
	}
	ep->scope_id = (uint32_t)scope;
	return ipaddr_parse(text, &ep->addr) && ep->addr.family == IP_V6;
}

bool endpoint_parse(const char *text, struct endpoint *ret_ep)
{
	struct endpoint ep = { 0 };
	char host[ENDPOINT_TEXT_SIZE];
	char *colon;
	uint64_t port;

	if (!str_copy(host, sizeof(host), text))
		return false;
	colon = strrchr(host, ':');
	if (!colon || !parse_positive(colon + 1, UINT16_MAX, &port))
		return false;
	*colon = 0;
	if (host[0] == '[') {
		if (colon < host + 2 || colon[-1] != ']')
			return false;
		colon[-1] = 0;
		if (!parse_scoped(host + 1, &ep))
			return false;
	} else if (!ipaddr_parse(host, &ep.addr) || ep.addr.family != IP_V4) {
		return false;
	}
	ep.port = (uint16_t)port;
	*ret_ep = ep;
	return true;
}

const char *endpoint_format(
	const struct endpoint *ep, char buf[static ENDPOINT_TEXT_SIZE])
{
	char addr[IPADDR_TEXT_SIZE];

	if (!endpoint_known(ep))
		(void)str_copy(buf, ENDPOINT_TEXT_SIZE, "(none)");
	else if (ep->addr.family == IP_V4)
		(void)snprintf(buf, ENDPOINT_TEXT_SIZE, "%s:%u",
			ipaddr_format(&ep->addr, addr), ep->port);
	else if (!ep->scope_id)
		(void)snprintf(buf, ENDPOINT_TEXT_SIZE, "[%s]:%u",
			ipaddr_format(&ep->addr, addr), ep->port);
	else
		(void)snprintf(buf, ENDPOINT_TEXT_SIZE, "[%s%%%u]:%u",
			ipaddr_format(&ep->addr, addr), ep->scope_id, ep->port);
	return buf;
}

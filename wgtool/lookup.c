#include "config.h"

#include "wgtool/lookup.h"

#include "base/num.h"
#include "base/time.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/banned.h"

#define RETRIES_DEFAULT	 15
#define RETRIES_INFINITE UINT64_MAX
#define WAIT_FIRST_NS	 NSEC_PER_SEC
#define WAIT_MAX_NS	 (20 * NSEC_PER_SEC)

static void addrinfo_free(struct addrinfo *info)
{
	if (info)
		freeaddrinfo(info);
}
AUTO_DEFINE(struct addrinfo, addrinfo_free)

static const char *reason(int code)
{
	return code == EAI_SYSTEM ? strerror(errno) : gai_strerror(code);
}

static bool retries_allowed(uint64_t *ret_retries, struct err *err)
{
	const char *text = getenv("WG_ENDPOINT_RESOLUTION_RETRIES");

	*ret_retries = RETRIES_DEFAULT;
	if (!text)
		return true;
	*ret_retries = 0;
	if (text[0] == '\0' || num_parse_u64(text, INT_MAX, ret_retries))
		return true;
	*ret_retries = RETRIES_INFINITE;
	if (strcmp(text, "infinity") == 0)
		return true;
	(void)err_set(err, -EINVAL,
		"Unable to parse WG_ENDPOINT_RESOLUTION_RETRIES: `%s'", text);
	return false;
}

/* Cuts TEXT in two. The brackets, if any, go. */
static bool split_endpoint(char *text, const char **ret_host,
	const char **ret_port, const char *whole, struct err *err)
{
	char *end = text[0] == '[' ? strchr(text, ']') : NULL;
	char *colon = end ? end + 1 : strrchr(text, ':');

	if (text[0] == '\0')
		(void)err_set(err, -EINVAL, "Unable to parse empty endpoint");
	else if (text[0] == '[' && !end)
		(void)err_set(err, -EINVAL,
			"Unable to find matching brace of endpoint: `%s'",
			whole);
	else if (!colon || colon[0] != ':' || colon[1] == '\0')
		(void)err_set(err, -EINVAL,
			"Unable to find port of endpoint: `%s'", whole);
	else {
		*colon = '\0';
		if (end)
			*end = '\0';
		*ret_host = end ? text + 1 : text;
		*ret_port = colon + 1;
		return true;
	}
	return false;
}

static bool from_addrinfo(const struct addrinfo *info, struct endpoint *ret_ep)
{
	struct endpoint ep = { 0 };
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;

	if (info->ai_family == AF_INET && info->ai_addrlen == sizeof(in4)) {
		memcpy(&in4, info->ai_addr, sizeof(in4));
		ep.addr.family = IP_V4;
		memcpy(ep.addr.b, &in4.sin_addr, sizeof(in4.sin_addr));
		ep.port = ntohs(in4.sin_port);
	} else if (info->ai_family == AF_INET6 &&
		info->ai_addrlen == sizeof(in6)) {
		memcpy(&in6, info->ai_addr, sizeof(in6));
		ep.addr.family = IP_V6;
		memcpy(ep.addr.b, &in6.sin6_addr, sizeof(in6.sin6_addr));
		ep.port = ntohs(in6.sin6_port);
		ep.scope_id = in6.sin6_scope_id;
	} else {
		return false;
	}
	*ret_ep = ep;
	return true;
}

static bool may_pass(int code)
{
	return code != EAI_NONAME && code != EAI_FAIL && code != EAI_NODATA &&
		code != EAI_SERVICE;
}

/* The libc would cut 70000 down to 4464. */
static bool port_in_range(const char *text)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	return *end != '\0' || number <= UINT16_MAX;
}

static int look_up(const char *host, const char *port, int flags,
	struct addrinfo **ret_info)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_DGRAM,
		.ai_protocol = IPPROTO_UDP,
		.ai_flags = flags };

	if (!port_in_range(port))
		return EAI_SERVICE;
	return getaddrinfo(host, port, &hints, ret_info);
}

/* Seconds between tries grow by a fifth each time. */
static void wait_again(const char *text, int code, int64_t *wait_ns)
{
	struct timespec wait = { .tv_sec = *wait_ns / NSEC_PER_SEC,
		.tv_nsec = *wait_ns % NSEC_PER_SEC };

	fprintf(stderr, "%s: `%s'. Trying again in %.2f seconds...\n",
		reason(code), text, (double)*wait_ns / (double)NSEC_PER_SEC);
	(void)nanosleep(&wait, NULL);
	*wait_ns += *wait_ns / 5;
	if (*wait_ns > WAIT_MAX_NS)
		*wait_ns = WAIT_MAX_NS;
}

bool lookup_endpoint(
	void *arg, const char *text, struct endpoint *ret_ep, struct err *err)
{
	AUTO(free_ptr) char *copy = strdup(text);
	AUTO(addrinfo_free) struct addrinfo *info = NULL;
	const char *host, *port;
	int64_t wait_ns = WAIT_FIRST_NS;
	uint64_t retries;
	int code;

	(void)arg;
	if (!copy) {
		(void)err_set(err, -ENOMEM, "Out of memory");
		return false;
	}
	if (!retries_allowed(&retries, err) ||
		!split_endpoint(copy, &host, &port, text, err))
		return false;
	for (;;) {
		code = look_up(host, port, 0, &info);
		if (code == 0 || !may_pass(code) || retries == 0)
			break;
		if (retries != RETRIES_INFINITE)
			retries--;
		wait_again(text, code, &wait_ns);
	}
	if (code != 0)
		(void)err_set(err, -EINVAL, "%s: `%s'", reason(code), text);
	else if (!from_addrinfo(info, ret_ep))
		(void)err_set(err, -EINVAL,
			"Neither IPv4 nor IPv6 address found: `%s'", text);
	else
		return true;
	return false;
}

bool lookup_port(
	void *arg, const char *text, uint16_t *ret_port, struct err *err)
{
	AUTO(addrinfo_free) struct addrinfo *info = NULL;
	struct endpoint any;
	int code;

	(void)arg;
	if (text[0] == '\0') {
		(void)err_set(err, -EINVAL, "Unable to parse empty port");
		return false;
	}
	code = look_up(NULL, text, AI_PASSIVE, &info);
	if (code != 0 || !from_addrinfo(info, &any)) {
		(void)err_set(err, -EINVAL, "%s: `%s'",
			reason(code ? code : EAI_FAMILY), text);
		return false;
	}
	*ret_port = any.port;
	return true;
}

uint32_t lookup_scope_index(const char *ifname)
{
	AUTO(addrinfo_free) struct addrinfo *info = NULL;
	struct endpoint ep;
	char text[64];
	int len = snprintf(text, sizeof(text), "fe80::1%%%s", ifname);

	if (len < 0 || (size_t)len >= sizeof(text) ||
		look_up(text, "1", AI_NUMERICHOST, &info) != 0 ||
		!from_addrinfo(info, &ep))
		return 0;
	return ep.scope_id;
}

const char *lookup_endpoint_text(
	const struct endpoint *ep, char buf[static ENDPOINT_TEXT_SIZE])
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	char host[ENDPOINT_TEXT_SIZE - sizeof("[]:65535")];

	if (ep->addr.family != IP_V6 || ep->scope_id == 0)
		return endpoint_format(ep, buf);
	memcpy(&in6.sin6_addr, ep->addr.b, sizeof(in6.sin6_addr));
	in6.sin6_scope_id = ep->scope_id;
	if (getnameinfo((const struct sockaddr *)&in6, sizeof(in6), host,
		    sizeof(host), NULL, 0, NI_NUMERICHOST) != 0)
		return endpoint_format(ep, buf);
	(void)snprintf(buf, ENDPOINT_TEXT_SIZE, "[%s]:%u", host, ep->port);
	return buf;
}

#include "config.h"
#include "base/ipnet.h"
#include "base/num.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

_Static_assert(IPADDR_TEXT_SIZE == INET6_ADDRSTRLEN, "inet_ntop(3) fits");

uint8_t ip_bits(enum ip_family family)
{
	switch (family) {
	case IP_V4:
		return 32;
	case IP_V6:
		return 128;
	case IP_NONE:
		break;
	}
	return 0;
}

static size_t ip_bytes(enum ip_family family)
{
	return ip_bits(family) / 8;
}

bool ipaddr_equal(const struct ipaddr *a, const struct ipaddr *b)
{
	return ipaddr_compare(a, b) == 0;
}

int ipaddr_compare(const struct ipaddr *a, const struct ipaddr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->b, b->b, ip_bytes(a->family));
}

/* inet_pton(3) of every libc takes "1.2.3.4"; some take "01.2.3.4" as well,
 * which others read as octal. */
static bool has_leading_zero(const char *text)
{
	for (const char *p = text; *p; p++) {
		bool starts = p == text || p[-1] == '.';

		if (starts && p[0] == '0' && p[1] && p[1] != '.')
			return true;
	}
	return false;
}

bool ipaddr_parse(const char *text, struct ipaddr *ret_addr)
{
	struct ipaddr addr = { 0 };

	if (strnlen(text, IPADDR_TEXT_SIZE) >= IPADDR_TEXT_SIZE)
		return false;
	if (strchr(text, ':')) {
		addr.family = IP_V6;
		if (inet_pton(AF_INET6, text, addr.b) != 1)
			return false;
	} else {
		addr.family = IP_V4;
		if (has_leading_zero(text) ||
			inet_pton(AF_INET, text, addr.b) != 1)
			return false;
	}
	*ret_addr = addr;
	return true;
}

const char *ipaddr_format(
	const struct ipaddr *addr, char buf[static IPADDR_TEXT_SIZE])
{
	int af = addr->family == IP_V6 ? AF_INET6 : AF_INET;

	if (addr->family == IP_NONE)
		(void)str_copy(buf, IPADDR_TEXT_SIZE, "(none)");
	else if (!inet_ntop(af, addr->b, buf, IPADDR_TEXT_SIZE))
		buf[0] = 0;
	return buf;
}

bool ipnet_parse(const char *text, struct ipnet *ret_net)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	char addr_text[IPADDR_TEXT_SIZE];
	struct ipnet net;
	uint64_t prefix_len;

	if (len >= sizeof(addr_text))
		return false;
	memcpy(addr_text, text, len);
	addr_text[len] = 0;
	if (!ipaddr_parse(addr_text, &net.addr))
		return false;
	prefix_len = ip_bits(net.addr.family);
	if (slash) {
		if (slash[1] == '0' && slash[2])
			return false;
		if (!num_parse_u64(slash + 1, prefix_len, &prefix_len))
			return false;
	}
	net.prefix_len = (uint8_t)prefix_len;
	*ret_net = net;
	return true;
}

const char *ipnet_format(
	const struct ipnet *net, char buf[static IPNET_TEXT_SIZE])
{
	char addr[IPADDR_TEXT_SIZE];

	(void)snprintf(buf, IPNET_TEXT_SIZE, "%s/%u",
		ipaddr_format(&net->addr, addr), net->prefix_len);
	return buf;
}

/* The bits of byte I that belong to the network. */
static uint8_t mask_byte(uint8_t prefix_len, size_t i)
{
	size_t bits = prefix_len > i * 8 ? prefix_len - i * 8 : 0;

	return bits >= 8 ? 0xff : (uint8_t)(0xff00 >> bits);
}

void ipnet_mask(struct ipnet *net)
{
	for (size_t i = 0; i < ip_bytes(net->addr.family); i++)
		net->addr.b[i] &= mask_byte(net->prefix_len, i);
}

bool ipnet_is_masked(const struct ipnet *net)
{
	struct ipnet masked = *net;

	ipnet_mask(&masked);
	return ipaddr_equal(&masked.addr, &net->addr);
}

bool ipnet_equal(const struct ipnet *a, const struct ipnet *b)
{
	return ipnet_compare(a, b) == 0;
}

int ipnet_compare(const struct ipnet *a, const struct ipnet *b)
{
	int order = ipaddr_compare(&a->addr, &b->addr);

	return order ? order : (int)a->prefix_len - (int)b->prefix_len;
}

bool ipnet_contains_addr(const struct ipnet *net, const struct ipaddr *addr)
{
	if (net->addr.family != addr->family || addr->family == IP_NONE)
		return false;
	for (size_t i = 0; i < ip_bytes(addr->family); i++) {
		if ((net->addr.b[i] ^ addr->b[i]) &
			mask_byte(net->prefix_len, i))
			return false;
	}
	return true;
}

bool ipnet_contains(const struct ipnet *outer, const struct ipnet *inner)
{
	return outer->prefix_len <= inner->prefix_len &&
		ipnet_contains_addr(outer, &inner->addr);
}

bool ipnet_overlaps(const struct ipnet *a, const struct ipnet *b)
{
	return ipnet_contains(a, b) || ipnet_contains(b, a);
}

struct ipnet ipnet_host(const struct ipaddr *addr)
{
	return (struct ipnet){ .addr = *addr,
		.prefix_len = ip_bits(addr->family) };
}

/* prefix: see prefix.h. */
#include "config.h"

#include "meshd/ctl/prefix.h"

#include <errno.h>
#include <string.h>

#include "base/banned.h"

#define V4_CHOICES    64 /* 2^(16 - 10) */
#define V4_LEN	      16
#define V6_LEN	      48
#define HOST_BITS_MIN 3 /* six hosts */

/* What a mesh may have: RFC 1918, RFC 6598, RFC 4193. */
static const char *const private_ranges[] = { "10.0.0.0/8", "172.16.0.0/12",
	"192.168.0.0/16", "100.64.0.0/10", "fd00::/8" };

struct ipnet prefix_choose(
	enum ip_family family, const uint8_t random[static PREFIX_RANDOM_SIZE])
{
	struct ipnet net = { .addr.family = family };

	if (family == IP_V4) {
		net.addr.b[0] = 100;
		net.addr.b[1] = (uint8_t)(64 + random[0] % V4_CHOICES);
		net.prefix_len = V4_LEN;
	} else {
		net.addr.b[0] = 0xfd;
		memcpy(net.addr.b + 1, random, V6_LEN / 8 - 1);
		net.prefix_len = V6_LEN;
	}
	return net;
}

static bool is_private(const struct ipnet *net)
{
	struct ipnet range;

	for (size_t i = 0; i < ARRAY_SIZE(private_ranges); i++) {
		if (ipnet_parse(private_ranges[i], &range) &&
			ipnet_contains(&range, net))
			return true;
	}
	return false;
}

int prefix_parse(enum ip_family family, const char *text, struct ipnet *ret_net,
	struct err *err)
{
	const char *kind = family == IP_V4 ? "IPv4" : "IPv6";
	char masked_text[IPNET_TEXT_SIZE];
	struct ipnet net, masked;

	if (!strchr(text, '/') || !ipnet_parse(text, &net) ||
		net.addr.family != family)
		return err_set(err, -EINVAL, "not an %s prefix like %s: \"%s\"",
			kind,
			family == IP_V4 ? "10.7.0.0/16" : "fd12:3456::/48",
			text);
	masked = net;
	ipnet_mask(&masked);
	if (!ipnet_equal(&net, &masked))
		return err_set(err, -EINVAL,
			"has bits behind its prefix length: \"%s\" (%s?)", text,
			ipnet_format(&masked, masked_text));
	if (!is_private(&net))
		return err_set(err, -EINVAL,
			"not a private %s prefix (%s): \"%s\"", kind,
			family == IP_V4 ? "10.0.0.0/8, 172.16.0.0/12, "
					  "192.168.0.0/16, 100.64.0.0/10"
					: "fd00::/8",
			text);
	if (net.prefix_len + HOST_BITS_MIN > ip_bits(family))
		return err_set(
			err, -EINVAL, "too small for a mesh: \"%s\"", text);
	*ret_net = net;
	return 0;
}

#include "config.h"

#include "engine/core/inner.h"

#include "base/wire.h"

#include <string.h>

#include "base/banned.h"

struct ipv4_header { /* RFC 791 */
	uint8_t version_ihl, ds;
	struct be16 total_length;
	struct be16 id, fragment;
	uint8_t ttl, protocol;
	struct be16 checksum;
	uint8_t source[4], destination[4];
};
struct ipv6_header { /* RFC 8200 */
	uint8_t version_class_flow[4];
	struct be16 payload_length;
	uint8_t next_header, hop_limit;
	uint8_t source[16], destination[16];
};
_Static_assert(sizeof(struct ipv4_header) == 20, "RFC 791 s3.1");
_Static_assert(sizeof(struct ipv6_header) == 40, "RFC 8200 s3");

enum ip_family inner_family(const uint8_t *data, size_t len)
{
	if (len >= sizeof(struct ipv4_header) && data[0] >> 4 == 4)
		return IP_V4;
	if (len >= sizeof(struct ipv6_header) && data[0] >> 4 == 6)
		return IP_V6;
	return IP_NONE;
}

bool inner_length(
	const uint8_t *data, size_t len, enum ip_family family, size_t *ret_len)
{
	const struct ipv4_header *ip4 = (const void *)data;
	const struct ipv6_header *ip6 = (const void *)data;
	size_t own;

	if (family == IP_V4) {
		own = be16_get(ip4->total_length);
		if (own < sizeof(*ip4))
			return false;
	} else {
		own = be16_get(ip6->payload_length) + sizeof(*ip6);
	}
	if (own > len)
		return false;
	*ret_len = own;
	return true;
}

const uint8_t *inner_source(const uint8_t *data, enum ip_family family)
{
	return family == IP_V4
		? ((const struct ipv4_header *)(const void *)data)->source
		: ((const struct ipv6_header *)(const void *)data)->source;
}

const uint8_t *inner_destination(const uint8_t *data, enum ip_family family)
{
	return family == IP_V4
		? ((const struct ipv4_header *)(const void *)data)->destination
		: ((const struct ipv6_header *)(const void *)data)->destination;
}

/* IPv6 keeps its traffic class across the first two bytes. */
static uint8_t ecn_of(const uint8_t *data, enum ip_family family)
{
	return (family == IP_V4 ? data[1] : data[1] >> 4) & ECN_MASK;
}

static void set_ecn4(struct ipv4_header *ip, uint8_t ecn)
{
	uint16_t sum = be16_get(ip->checksum);
	uint8_t ds = (uint8_t)((ip->ds & ~ECN_MASK) | ecn);
	/* RFC 1624 eqn. 3: HC' = ~(~HC + ~m + m'). The word is version_ihl, ds;
	 * its high half cancels but for the complement. */
	uint32_t acc = (uint16_t)~sum + (uint32_t)(uint16_t)~ip->ds + ds;

	acc = (acc & 0xffff) + (acc >> 16);
	acc = (acc & 0xffff) + (acc >> 16);
	ip->checksum = be16_make((uint16_t)~acc);
	ip->ds = ds;
}

static void set_ecn(uint8_t *data, enum ip_family family, uint8_t ecn)
{
	if (family == IP_V4)
		set_ecn4((void *)data, ecn);
	else
		data[1] = (uint8_t)((data[1] & ~(ECN_MASK << 4)) | ecn << 4);
}

uint8_t ecn_encapsulate(const uint8_t *data, enum ip_family family)
{
	uint8_t ecn = ecn_of(data, family);

	return ecn == ECN_CE ? ECN_ECT0 : ecn;
}

void ecn_decapsulate(uint8_t *data, enum ip_family family, uint8_t outer_ds)
{
	uint8_t outer = outer_ds & ECN_MASK;
	uint8_t inner = ecn_of(data, family);

	if (!inner) /* not ECN-capable: must not be marked */
		return;
	if (outer == ECN_CE && inner != ECN_CE)
		set_ecn(data, family, ECN_CE);
	else if (outer == ECN_ECT1 && inner == ECN_ECT0)
		set_ecn(data, family, ECN_ECT1);
}

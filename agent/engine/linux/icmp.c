/*
 * icmp: builds unreachable messages and limits their rate. See icmp.h.
 */
#include "config.h"

#include "engine/linux/icmp.h"

#include <string.h>

#include "base/banned.h"

#define V4_HEADER    20
#define V6_HEADER    40
#define ICMP_HEADER  8
#define PROTO_ICMP   1
#define PROTO_ICMPV6 58
#define TTL	     64

#define ICMP_COST_NS (NSEC_PER_SEC / ICMP_PER_SEC)
#define ICMP_FULL_NS (ICMP_COST_NS * ICMP_BURST)

/* RFC 1071, over an even count of bytes but for the last call. */
static uint32_t sum_add(uint32_t sum, const uint8_t *bytes, size_t len)
{
	for (; len > 1; len -= 2, bytes += 2)
		sum += (uint32_t)bytes[0] << 8 | bytes[1];
	if (len > 0)
		sum += (uint32_t)bytes[0] << 8;
	return sum;
}

static void sum_store(uint32_t sum, uint8_t ret[static 2])
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	sum = ~sum;
	ret[0] = (uint8_t)(sum >> 8);
	ret[1] = (uint8_t)sum;
}

static void put16(uint8_t ret[static 2], size_t value)
{
	ret[0] = (uint8_t)(value >> 8);
	ret[1] = (uint8_t)value;
}

static bool v4_is_single_source(const uint8_t addr[static 4])
{
	return addr[0] != 0 && addr[0] != 127 && addr[0] < 224;
}

static bool v4_is_group(const uint8_t addr[static 4])
{
	return addr[0] >= 224; /* class D, reserved, limited broadcast */
}

/* ICMP types that are errors: RFC 1122 3.2.2, and RFC 4443 2.1. */
static bool v4_is_icmp_error(const uint8_t *packet, size_t header, size_t len)
{
	uint8_t type;

	if (packet[9] != PROTO_ICMP)
		return false;
	if (len <= header) /* cannot tell: assume it is one */
		return true;
	type = packet[header];
	return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

static size_t v4_unreachable(const uint8_t *packet, size_t len, uint8_t *ret)
{
	size_t header, quoted, total;
	bool later_fragment;

	if (len < V4_HEADER)
		return 0;
	header = (size_t)(packet[0] & 0xf) * 4;
	if (header < V4_HEADER || header > len)
		return 0;
	later_fragment = ((packet[6] & 0x1f) | packet[7]) != 0;
	if (later_fragment || !v4_is_single_source(packet + 12) ||
		v4_is_group(packet + 16) ||
		v4_is_icmp_error(packet, header, len))
		return 0;

	quoted = ICMP_V4_MAX - V4_HEADER - ICMP_HEADER;
	if (quoted > len)
		quoted = len;
	total = V4_HEADER + ICMP_HEADER + quoted;
	memset(ret, 0, V4_HEADER + ICMP_HEADER);
	memcpy(ret + V4_HEADER + ICMP_HEADER, packet, quoted);
	ret[0] = 0x45;
	ret[1] = 0xc0; /* internetwork control, RFC 1812 4.3.2.5 */
	put16(ret + 2, total);
	ret[8] = TTL;
	ret[9] = PROTO_ICMP;
	memcpy(ret + 12, packet + 16, 4);
	memcpy(ret + 16, packet + 12, 4);
	sum_store(sum_add(0, ret, V4_HEADER), ret + 10);
	ret[V4_HEADER] = 3;
	ret[V4_HEADER + 1] = 1;
	sum_store(sum_add(0, ret + V4_HEADER, total - V4_HEADER),
		ret + V4_HEADER + 2);
	return total;
}

/* Walks the extension headers to the payload: an ICMPv6 error, or something
 * that cannot be told from one (RFC 4443 2.4 (e.1), (f)). */
static bool v6_refuses_answer(const uint8_t *packet, size_t len)
{
	uint8_t next = packet[6];
	size_t at = V6_HEADER;

	/* Each step is 8 bytes at least, so this ends within the packet. */
	while (at + 8 <= len) {
		switch (next) {
		case 0:	 /* hop by hop */
		case 43: /* routing */
		case 60: /* destination options */
			next = packet[at];
			at += ((size_t)packet[at + 1] + 1) * 8;
			break;
		case 44: /* fragment: only the first one may be answered */
			if (((packet[at + 2] << 8 | packet[at + 3]) & ~7) != 0)
				return true;
			next = packet[at];
			at += 8;
			break;
		case PROTO_ICMPV6: /* errors, and redirect */
			return packet[at] < 128 || packet[at] == 137;
		default:
			return false;
		}
	}
	return next == PROTO_ICMPV6 || next == 0 || next == 43 || next == 44 ||
		next == 60;
}

static bool v6_is_single_source(const uint8_t addr[static 16])
{
	static const uint8_t unspecified[16];
	static const uint8_t loopback[16] = { [15] = 1 };

	return addr[0] != 0xff && memcmp(addr, unspecified, 16) != 0 &&
		memcmp(addr, loopback, 16) != 0;
}

static size_t v6_unreachable(const uint8_t *packet, size_t len, uint8_t *ret)
{
	size_t quoted, body;
	uint32_t sum;

	if (len < V6_HEADER || !v6_is_single_source(packet + 8) ||
		packet[24] == 0xff || v6_refuses_answer(packet, len))
		return 0;

	quoted = ICMP_V6_MAX - V6_HEADER - ICMP_HEADER;
	if (quoted > len)
		quoted = len;
	body = ICMP_HEADER + quoted;
	memset(ret, 0, V6_HEADER + ICMP_HEADER);
	memcpy(ret + V6_HEADER + ICMP_HEADER, packet, quoted);
	ret[0] = 0x60;
	put16(ret + 4, body);
	ret[6] = PROTO_ICMPV6;
	ret[7] = TTL;
	memcpy(ret + 8, packet + 24, 16);
	memcpy(ret + 24, packet + 8, 16);
	ret[V6_HEADER] = 1;
	ret[V6_HEADER + 1] = 3;
	/* RFC 8200 8.1: both addresses, length, next header */
	sum = sum_add((uint32_t)body + PROTO_ICMPV6, ret + 8, 32);
	sum_store(sum_add(sum, ret + V6_HEADER, body), ret + V6_HEADER + 2);
	return V6_HEADER + body;
}

size_t icmp_unreachable(
	const uint8_t *packet, size_t len, uint8_t ret[static ICMP_ANSWER_MAX])
{
	switch (len > 0 ? packet[0] >> 4 : 0) {
	case 4:
		return v4_unreachable(packet, len, ret);
	case 6:
		return v6_unreachable(packet, len, ret);
	default:
		return 0;
	}
}

void icmp_limiter_init(struct icmp_limiter *limiter, struct mono now)
{
	limiter->last = now;
	limiter->credit_ns = ICMP_FULL_NS;
}

bool icmp_limiter_take(struct icmp_limiter *limiter, struct mono now)
{
	int64_t credit = limiter->credit_ns + mono_sub(now, limiter->last);

	if (credit > ICMP_FULL_NS)
		credit = ICMP_FULL_NS;
	limiter->last = now;
	limiter->credit_ns = credit;
	if (credit < ICMP_COST_NS)
		return false;
	limiter->credit_ns = credit - ICMP_COST_NS;
	return true;
}

/*
 * icmp: the answer the kernel's WireGuard gives a local sender whose packet
 * has nowhere to go: ICMPv4 3/1 (host unreachable), ICMPv6 1/3 (address
 * unreachable). Pure: bytes in, bytes out.
 *
 *   | IP header | type code 0 0 | 0 0 0 0 | as much of the packet as may be |
 *
 * It is sent in the name of the packet's destination: a local address as the
 * source would be refused as martian by the stack it is handed to.
 */
#ifndef ENGINE_LINUX_ICMP_H
#define ENGINE_LINUX_ICMP_H

#include "base/auto.h"
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RFC 1812 4.3.2.3: at most 576; RFC 4443 2.4 (c): at most the IPv6 minimum. */
#define ICMP_V4_MAX	576
#define ICMP_V6_MAX	1280
#define ICMP_ANSWER_MAX ICMP_V6_MAX

/* Builds the answer to PACKET; its length, or 0 where RFC 1122 3.2.2 and
 * RFC 4443 2.4 (e) forbid one: an ICMP error, a later fragment, a group as the
 * destination, no single host as the source. */
WARN_UNUSED size_t icmp_unreachable(
	const uint8_t *packet, size_t len, uint8_t ret[static ICMP_ANSWER_MAX]);

/* Token bucket, filled ICMP_PER_SEC a second up to ICMP_BURST, as the kernel's
 * icmp_msgs_burst and a tenth of its icmp_msgs_per_sec. */
#define ICMP_BURST   50
#define ICMP_PER_SEC 100
struct icmp_limiter {
	struct mono last;
	int64_t credit_ns;
};
void icmp_limiter_init(struct icmp_limiter *limiter, struct mono now);
WARN_UNUSED bool icmp_limiter_take(
	struct icmp_limiter *limiter, struct mono now);

#endif

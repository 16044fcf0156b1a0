/*
 * ipnet: an address, and an address with a prefix length. Both families in one
 * type; bytes in network order. Text as inet_ntop(3) writes it.
 */
#ifndef BASE_IPNET_H
#define BASE_IPNET_H

#include "base/auto.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ip_family { IP_NONE, IP_V4, IP_V6 };

struct ipaddr {
	enum ip_family family;
	uint8_t b[16]; /* the first 4 for IPv4; the rest is 0 */
};
struct ipnet {
	struct ipaddr addr;
	uint8_t prefix_len;
};

#define IPADDR_TEXT_SIZE 46
#define IPNET_TEXT_SIZE	 50

uint8_t ip_bits(enum ip_family family); /* 32, 128; 0 for none */
bool ipaddr_equal(const struct ipaddr *a, const struct ipaddr *b);
/* Family first, then bytes: a total order. <0, 0, >0. */
int ipaddr_compare(const struct ipaddr *a, const struct ipaddr *b);
WARN_UNUSED bool ipaddr_parse(const char *text, struct ipaddr *ret_addr);
const char *ipaddr_format(
	const struct ipaddr *addr, char buf[static IPADDR_TEXT_SIZE]);

/* "addr" (full length) or "addr/len"; host bits are kept as written. */
WARN_UNUSED bool ipnet_parse(const char *text, struct ipnet *ret_net);
const char *ipnet_format(
	const struct ipnet *net, char buf[static IPNET_TEXT_SIZE]);
void ipnet_mask(struct ipnet *net); /* clears the host bits */
bool ipnet_is_masked(const struct ipnet *net);
bool ipnet_equal(const struct ipnet *a, const struct ipnet *b);
int ipnet_compare(const struct ipnet *a, const struct ipnet *b);
bool ipnet_contains_addr(const struct ipnet *net, const struct ipaddr *addr);
bool ipnet_contains(const struct ipnet *outer, const struct ipnet *inner);
bool ipnet_overlaps(const struct ipnet *a, const struct ipnet *b);
struct ipnet ipnet_host(const struct ipaddr *addr); /* /32 or /128 */

#endif

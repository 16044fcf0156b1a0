/*
 * inner: the little that the core looks at inside a packet: family, addresses,
 * length and the two ECN bits.
 *
 * ECN follows the kernel: the outer header carries the inner ECN bits and no
 * DSCP, CE shown outside as ECT(0) (RFC 3168 s9.1.1, full functionality); on
 * the way in, what the path marked is merged into the inner header (RFC 6040
 * s4.2) and nothing is ever dropped for it.
 */
#ifndef ENGINE_CORE_INNER_H
#define ENGINE_CORE_INNER_H

#include "base/auto.h"
#include "base/ipnet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ECN_MASK 0x3
#define ECN_ECT1 0x1
#define ECN_ECT0 0x2
#define ECN_CE	 0x3

/* IP_NONE if DATA does not hold a whole IPv4 or IPv6 header. */
enum ip_family inner_family(const uint8_t *data, size_t len);
/* The header's own idea of the length; false if it is below the header's or
 * above LEN. FAMILY is inner_family()'s. */
WARN_UNUSED bool inner_length(const uint8_t *data, size_t len,
	enum ip_family family, size_t *ret_len);
const uint8_t *inner_source(const uint8_t *data, enum ip_family family);
const uint8_t *inner_destination(const uint8_t *data, enum ip_family family);

uint8_t ecn_encapsulate(const uint8_t *data, enum ip_family family);
/* Keeps an IPv4 header checksum right. */
void ecn_decapsulate(uint8_t *data, enum ip_family family, uint8_t outer_ds);

#endif

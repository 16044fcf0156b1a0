/*
 * prefix: which addresses a mesh gets. Chosen at random, so that two meshes
 * that meet one day do not use the same; or typed, and then checked. Pure:
 * random bytes are an argument.
 */
#ifndef MESHD_CTL_PREFIX_H
#define MESHD_CTL_PREFIX_H

#include "base/err.h"
#include "base/ipnet.h"

#include <stdint.h>

#define PREFIX_RANDOM_SIZE 8

/* IP_V4: one of the 64 /16 of 100.64.0.0/10 (RFC 6598). IP_V6: a /48 of
 * fd00::/8 with a random global id of 40 bits (RFC 4193 s3.2). */
struct ipnet prefix_choose(
	enum ip_family family, const uint8_t random[static PREFIX_RANDOM_SIZE]);

/* "10.7.0.0/16": of FAMILY, no host bits, private, neither too small for a
 * mesh nor larger than its private range. -EINVAL, ERR quotes TEXT. */
WARN_UNUSED int prefix_parse(enum ip_family family, const char *text,
	struct ipnet *ret_net, struct err *err);

#endif

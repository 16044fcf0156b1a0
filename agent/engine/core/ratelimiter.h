/*
 * ratelimiter: a token bucket a source, 20 handshake messages a second with
 * bursts of 5; an IPv6 source is its /64. Asked only under load, and only about
 * sources that proved their address.
 *
 * Model: fixed table of sets under a keyed hash. A bucket that is full again
 * says nothing and may be taken by another source; when all of a set are in
 * use a new source is refused, as the kernel does when its table is full.
 */
#ifndef ENGINE_CORE_RATELIMITER_H
#define ENGINE_CORE_RATELIMITER_H

#include "base/auto.h"
#include "base/ipnet.h"
#include "base/time.h"
#include "engine/core/limits.h"

#include <stdbool.h>
#include <stdint.h>

#define RATELIMIT_KEY_SIZE 16

struct ratelimit_bucket {
	uint64_t source; /* IPv4 address or IPv6 /64, family in the type */
	int64_t tokens_ns;
	struct mono last; /* ns 0: never used */
	enum ip_family family;
};

struct ratelimiter {
	uint8_t key[RATELIMIT_KEY_SIZE];
	struct ratelimit_bucket buckets[RATELIMIT_SETS][RATELIMIT_WAYS];
};

/* RL is zeroed memory (large: let it come from calloc). */
void ratelimiter_init(
	struct ratelimiter *rl, const uint8_t key[static RATELIMIT_KEY_SIZE]);
WARN_UNUSED bool ratelimiter_allow(
	struct ratelimiter *rl, const struct ipaddr *source, struct mono now);

#endif

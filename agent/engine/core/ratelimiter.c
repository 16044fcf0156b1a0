#include "config.h"

#include "engine/core/ratelimiter.h"

#include <sodium.h>

#include <string.h>

#include "base/banned.h"

_Static_assert(RATELIMIT_KEY_SIZE == crypto_shorthash_siphash24_KEYBYTES,
	"one SipHash key");

#define COST_NS (NSEC_PER_SEC / RATELIMIT_PER_SEC)
#define FULL_NS (COST_NS * RATELIMIT_BURST)

void ratelimiter_init(
	struct ratelimiter *rl, const uint8_t key[static RATELIMIT_KEY_SIZE])
{
	memcpy(rl->key, key, RATELIMIT_KEY_SIZE);
}

static uint64_t source_of(const struct ipaddr *addr)
{
	uint64_t source = 0;

	/* The first 8 bytes: all of an IPv4 address, the /64 of an IPv6 one. */
	memcpy(&source, addr->b, sizeof(source));
	return source;
}

static size_t set_of(
	const struct ratelimiter *rl, uint64_t source, enum ip_family family)
{
	uint8_t in[9], out[crypto_shorthash_siphash24_BYTES];
	uint64_t h;

	memcpy(in, &source, sizeof(source));
	in[8] = (uint8_t)family;
	(void)crypto_shorthash_siphash24(out, in, sizeof(in), rl->key);
	memcpy(&h, out, sizeof(h));
	return h % RATELIMIT_SETS;
}

static bool is_full(const struct ratelimit_bucket *b, struct mono now)
{
	return b->family == IP_NONE ||
		mono_sub(now, b->last) >= FULL_NS - b->tokens_ns;
}

static struct ratelimit_bucket *find_bucket(
	struct ratelimiter *rl, const struct ipaddr *addr, struct mono now)
{
	uint64_t source = source_of(addr);
	struct ratelimit_bucket *set =
		rl->buckets[set_of(rl, source, addr->family)];
	struct ratelimit_bucket *unused = NULL;

	for (size_t i = 0; i < RATELIMIT_WAYS; i++) {
		if (set[i].family == addr->family && set[i].source == source)
			return &set[i];
		if (!unused && is_full(&set[i], now))
			unused = &set[i];
	}
	if (unused)
		*unused = (struct ratelimit_bucket){
			.source = source,
			.tokens_ns = FULL_NS,
			.last = now,
			.family = addr->family,
		};
	return unused;
}

bool ratelimiter_allow(
	struct ratelimiter *rl, const struct ipaddr *source, struct mono now)
{
	struct ratelimit_bucket *b = find_bucket(rl, source, now);
	int64_t since;

	if (!b)
		return false;
	since = mono_sub(now, b->last);
	if (since < 0)
		since = 0;
	if (since > FULL_NS - b->tokens_ns)
		b->tokens_ns = FULL_NS;
	else
		b->tokens_ns += since;
	b->last = now;
	if (b->tokens_ns < COST_NS)
		return false;
	b->tokens_ns -= COST_NS;
	return true;
}

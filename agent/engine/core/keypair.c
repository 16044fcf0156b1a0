#include "config.h"

#include "engine/core/keypair.h"
#include "engine/core/limits.h"

#include <sodium.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* 64 peers. From malloc, and zeroed one by one: untouched until used. */
#define CHUNK_KEYPAIRS ((size_t)64 * KEYPAIRS_PER_PEER)

struct keypair_chunk {
	struct keypair_chunk *next;
	size_t used; /* the first so many have been handed out before */
	struct keypair keypairs[CHUNK_KEYPAIRS];
};

void keypair_pool_init(struct keypair_pool *pool, struct index_table *table,
	struct retirement *retirement)
{
	*pool = (struct keypair_pool){ .table = table,
		.retirement = retirement };
}

void keypair_pool_release(struct keypair_pool *pool)
{
	while (pool->first) {
		struct keypair_chunk *chunk = pool->first;

		pool->first = chunk->next;
		free(chunk);
	}
	*pool = (struct keypair_pool){ 0 };
}

int keypair_pool_reserve(struct keypair_pool *pool, size_t count)
{
	while (pool->capacity < count) {
		struct keypair_chunk *chunk = malloc(sizeof(*chunk));

		if (!chunk)
			return -ENOMEM;
		chunk->next = NULL;
		chunk->used = 0;
		if (pool->last)
			pool->last->next = chunk;
		else
			pool->first = pool->filling = chunk;
		pool->last = chunk;
		pool->capacity += CHUNK_KEYPAIRS;
	}
	return 0;
}

static struct keypair *take_keypair(struct keypair_pool *pool)
{
	struct keypair *kp = pool->free_list;

	if (kp) {
		pool->free_list = kp->next_free;
		kp->next_free = NULL;
	} else {
		if (pool->filling && pool->filling->used == CHUNK_KEYPAIRS)
			pool->filling = pool->filling->next;
		BUG_ON(!pool->filling);
		kp = &pool->filling->keypairs[pool->filling->used++];
		memset(kp, 0, sizeof(*kp));
	}
	pool->in_use++;
	kp->pool = pool;
	atomic_flag_clear(&kp->turn);
	return kp;
}

/* No worker can see it any more. */
static void wipe_and_free(struct retired *retired)
{
	struct keypair *kp = CONTAINER_OF(retired, struct keypair, retired);
	struct keypair_pool *pool = kp->pool;

	sodium_memzero(kp, sizeof(*kp));
	kp->next_free = pool->free_list;
	pool->free_list = kp;
	pool->in_use--;
}

void keypair_drop(struct keypair_pool *pool, struct keypair **slot)
{
	struct keypair *kp = TAKE(*slot);

	if (!kp)
		return;
	index_remove(pool->table, &kp->entry);
	retire(pool->retirement, &kp->retired, wipe_and_free);
}

struct keypair *keypair_make(struct keypair_pool *pool,
	const struct session *session, struct index_entry *from,
	struct mono now)
{
	struct keypair *kp = take_keypair(pool);

	kp->session = *session;
	kp->birthdate = now;
	atomic_store(&kp->sending_is_valid, true);
	/* Whole before a worker can find it. */
	index_replace(pool->table, from, &kp->entry, INDEX_KEYPAIR);
	return kp;
}

static bool is_older(const struct keypair *kp, struct mono now, int64_t ns)
{
	return mono_sub(now, kp->birthdate) >= ns;
}

static uint64_t sent(const struct keypair *kp)
{
	return atomic_load_explicit(&kp->sending_counter, memory_order_relaxed);
}

bool keypair_may_seal(const struct keypair *kp, struct mono now)
{
	return kp &&
		atomic_load_explicit(
			&kp->sending_is_valid, memory_order_relaxed) &&
		!is_older(kp, now, REJECT_AFTER_TIME_NS) &&
		sent(kp) < REJECT_AFTER_MESSAGES;
}

bool keypair_may_open(const struct keypair *kp, struct mono now)
{
	return kp && !is_older(kp, now, REJECT_AFTER_TIME_NS);
}

bool keypair_is_stale_to_seal(const struct keypair *kp, struct mono now)
{
	return kp &&
		(sent(kp) > REKEY_AFTER_MESSAGES ||
			(kp->session.i_am_the_initiator &&
				is_older(kp, now, REKEY_AFTER_TIME_NS)));
}

bool keypair_is_stale_to_open(const struct keypair *kp, struct mono now)
{
	return kp && kp->session.i_am_the_initiator &&
		is_older(kp, now,
			REJECT_AFTER_TIME_NS - KEEPALIVE_TIMEOUT_NS -
				REKEY_TIMEOUT_NS);
}

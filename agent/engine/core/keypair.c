#include "config.h"

#include "engine/core/keypair.h"
#include "engine/core/limits.h"

#include <sodium.h>

#include <errno.h>
#include <stdlib.h>

#include "base/banned.h"

/* 64 peers. From malloc, and zeroed one by one: untouched until used. */
#define CHUNK_KEYPAIRS ((size_t)64 * KEYPAIRS_PER_PEER)

struct keypair_chunk {
	struct keypair_chunk *next;
	size_t used; /* the first so many have been handed out before */
	struct keypair keypairs[CHUNK_KEYPAIRS];
};

void keypair_pool_init(struct keypair_pool *pool, struct index_table *table)
{
	*pool = (struct keypair_pool){ .table = table };
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

	pool->in_use++;
	if (kp) {
		pool->free_list = (struct keypair *)(void *)kp->entry.next;
		kp->entry.next = NULL;
		return kp;
	}
	if (pool->filling && pool->filling->used == CHUNK_KEYPAIRS)
		pool->filling = pool->filling->next;
	BUG_ON(!pool->filling);
	kp = &pool->filling->keypairs[pool->filling->used++];
	*kp = (struct keypair){ .sending_counter = 0 };
	return kp;
}

void keypair_drop(struct keypair_pool *pool, struct keypair **slot)
{
	struct keypair *kp = TAKE(*slot);

	if (!kp)
		return;
	index_remove(pool->table, &kp->entry);
	sodium_memzero(kp, sizeof(*kp));
	/* A free keypair's next is in its entry. */
	kp->entry.next = pool->free_list ? &pool->free_list->entry : NULL;
	pool->free_list = kp;
	pool->in_use--;
}

struct keypair *keypair_make(struct keypair_pool *pool,
	const struct session *session, struct index_entry *from,
	struct mono now)
{
	struct keypair *kp = take_keypair(pool);

	index_replace(pool->table, from, &kp->entry, INDEX_KEYPAIR);
	kp->session = *session;
	kp->birthdate = now;
	kp->sending_is_valid = true;
	return kp;
}

static bool is_too_old(const struct keypair *kp, struct mono now)
{
	return mono_sub(now, kp->birthdate) >= REJECT_AFTER_TIME_NS;
}

bool keypair_may_seal(const struct keypair *kp, struct mono now)
{
	return kp && kp->sending_is_valid && !is_too_old(kp, now) &&
		kp->sending_counter < REJECT_AFTER_MESSAGES;
}

bool keypair_may_open(const struct keypair *kp, struct mono now)
{
	return kp && !is_too_old(kp, now) &&
		kp->replay.next < REJECT_AFTER_MESSAGES;
}

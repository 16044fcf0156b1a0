#include "config.h"

#include "engine/core/keypair.h"
#include "engine/core/limits.h"

#include <sodium.h>

#include <errno.h>
#include <stdlib.h>

#include "base/banned.h"

/* 64 peers; past glibc's mmap threshold, so untouched pages stay unmapped. */
#define CHUNK_KEYPAIRS ((size_t)64 * KEYPAIRS_PER_PEER)

struct keypair_chunk {
	struct keypair_chunk *next;
	struct keypair keypairs[CHUNK_KEYPAIRS];
};

void keypair_pool_init(struct keypair_pool *pool, struct index_table *table)
{
	*pool = (struct keypair_pool){ .table = table };
}

void keypair_pool_release(struct keypair_pool *pool)
{
	while (pool->chunks) {
		struct keypair_chunk *chunk = pool->chunks;

		pool->chunks = chunk->next;
		free(chunk);
	}
	*pool = (struct keypair_pool){ 0 };
}

/* A free keypair's next is in its entry. */
static void push_free(struct keypair_pool *pool, struct keypair *kp)
{
	kp->entry.next = pool->free_list ? &pool->free_list->entry : NULL;
	pool->free_list = kp;
}

int keypair_pool_reserve(struct keypair_pool *pool, size_t count)
{
	while (pool->capacity < count) {
		struct keypair_chunk *chunk = calloc(1, sizeof(*chunk));

		if (!chunk)
			return -ENOMEM;
		/* What the chunk before had left is not lost. */
		while (pool->fresh)
			push_free(pool,
				&pool->chunks->keypairs[CHUNK_KEYPAIRS -
					pool->fresh--]);
		chunk->next = pool->chunks;
		pool->chunks = chunk;
		pool->fresh = CHUNK_KEYPAIRS;
		pool->capacity += CHUNK_KEYPAIRS;
	}
	return 0;
}

static struct keypair *take_keypair(struct keypair_pool *pool)
{
	struct keypair *kp = pool->free_list;

	if (kp) {
		pool->free_list = (struct keypair *)(void *)kp->entry.next;
		kp->entry.next = NULL;
	} else {
		BUG_ON(!pool->fresh);
		kp = &pool->chunks->keypairs[CHUNK_KEYPAIRS - pool->fresh--];
	}
	pool->in_use++;
	return kp;
}

void keypair_drop(struct keypair_pool *pool, struct keypair **slot)
{
	struct keypair *kp = TAKE(*slot);

	if (!kp)
		return;
	index_remove(pool->table, &kp->entry);
	sodium_memzero(kp, sizeof(*kp));
	push_free(pool, kp);
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

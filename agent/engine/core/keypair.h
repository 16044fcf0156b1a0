/*
 * keypair: the two transport keys of one session with their counters, and the
 * pool that all of a device come from.
 *
 * The pool is grown when peers are added: three a peer, which is all a keyring
 * can hold. Memory of a keypair never used is never touched. A keypair is in
 * the index table from the moment it is taken until it is dropped, which wipes
 * it.
 */
#ifndef ENGINE_CORE_KEYPAIR_H
#define ENGINE_CORE_KEYPAIR_H

#include "base/auto.h"
#include "base/key.h"
#include "base/time.h"
#include "engine/core/index.h"
#include "engine/core/replay.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEYPAIRS_PER_PEER 3

/* What a finished handshake yields (WP 5.4.5). */
struct session {
	uint8_t sending_key[KEY_SIZE];
	uint8_t receiving_key[KEY_SIZE];
	uint32_t remote_index;
	bool i_am_the_initiator;
};

struct keypair {
	struct index_entry entry; /* first: an INDEX_KEYPAIR entry is this */
	struct session session;
	struct mono birthdate;
	uint64_t sending_counter; /* the next one */
	bool sending_is_valid;
	struct replay replay;
};

struct keypair_chunk;
struct keypair_pool {
	struct index_table *table;
	struct keypair_chunk *first, *last; /* in the order of growing */
	struct keypair_chunk *filling; /* those before it were all used once */
	struct keypair *free_list;     /* used before; wiped */
	size_t capacity, in_use;
};

void keypair_pool_init(struct keypair_pool *pool, struct index_table *table);
void keypair_pool_release(struct keypair_pool *pool);
/* 0 or -ENOMEM, pool intact. */
WARN_UNUSED int keypair_pool_reserve(struct keypair_pool *pool, size_t count);

/* Takes over FROM's index and a copy of SESSION. The pool has room. */
struct keypair *keypair_make(struct keypair_pool *pool,
	const struct session *session, struct index_entry *from,
	struct mono now);
/* Wipes what is in SLOT, which may be NULL, and empties it. */
void keypair_drop(struct keypair_pool *pool, struct keypair **slot);

/* Both take NULL for "no keypair". */
bool keypair_may_seal(const struct keypair *kp, struct mono now);
bool keypair_may_open(const struct keypair *kp, struct mono now);

#endif

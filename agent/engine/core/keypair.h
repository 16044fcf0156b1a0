/*
 * keypair: the two transport keys of one session with their counters, and the
 * pool that all of a device come from.
 *
 * The pool is grown when peers are added: three a peer, which is all a keyring
 * can hold, and as many again while dropped ones wait for data workers to let go
 * of them. Memory of a keypair never used is never touched. A keypair is in the
 * index table from the moment it is taken until it is dropped; then it is
 * retired, and wiped when no worker can see it any more.
 *
 * The control thread makes and drops them. What workers write is atomic, but for
 * the replay window: that belongs to whoever has the keypair's turn, a flag that
 * only workers take, and contend for only when a packet came to the wrong one.
 */
#ifndef ENGINE_CORE_KEYPAIR_H
#define ENGINE_CORE_KEYPAIR_H

#include "base/auto.h"
#include "base/key.h"
#include "base/time.h"
#include "engine/core/index.h"
#include "engine/core/replay.h"
#include "engine/core/retire.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEYPAIRS_PER_PEER 3
/* A session that is made drops one at most, and a turn makes WG_WORK_MAX. */
#define KEYPAIRS_SPARE (2 * WG_WORK_MAX)

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
	_Atomic uint64_t sending_counter; /* the next one */
	_Atomic bool sending_is_valid;
	_Atomic bool proven; /* it opened a packet */
	atomic_flag turn;    /* to write what follows */
	struct replay replay;
	struct keypair_pool *pool;
	struct retired retired;
	struct keypair *next_free;
};

struct keypair_chunk;
struct keypair_pool {
	struct index_table *table;
	struct retirement *retirement;
	struct keypair_chunk *first, *last; /* in the order of growing */
	struct keypair_chunk *filling; /* those before it were all used once */
	struct keypair *free_list;     /* used before; wiped */
	size_t capacity, in_use;
};

void keypair_pool_init(struct keypair_pool *pool, struct index_table *table,
	struct retirement *retirement);
void keypair_pool_release(struct keypair_pool *pool);
/* 0 or -ENOMEM, pool intact. */
WARN_UNUSED int keypair_pool_reserve(struct keypair_pool *pool, size_t count);

/* Takes over FROM's index and a copy of SESSION. The pool has room: three for
 * each peer, and KEYPAIRS_SPARE for those that were dropped in this turn. */
struct keypair *keypair_make(struct keypair_pool *pool,
	const struct session *session, struct index_entry *from,
	struct mono now);
/* Retires what is in SLOT, which may be NULL, and empties it. The caller has
 * unpublished it. */
void keypair_drop(struct keypair_pool *pool, struct keypair **slot);

/* These take NULL for "no keypair". */
bool keypair_may_seal(const struct keypair *kp, struct mono now);
bool keypair_may_open(const struct keypair *kp, struct mono now);
/* WP 6.2: by count for either side, by time only for the initiator, so that the
 * two do not rekey at once. */
bool keypair_is_stale_to_seal(const struct keypair *kp, struct mono now);
/* The initiator's last chance: its key would not outlive another silence. */
bool keypair_is_stale_to_open(const struct keypair *kp, struct mono now);

#endif

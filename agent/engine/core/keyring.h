/*
 * keyring: a peer's sessions; which keypair may seal, which may open.
 *
 *   NONE     -> CURRENT   keyring_on_initiator_done   (we hold proof: the
 *                                                      response arrived)
 *   NONE     -> NEXT      keyring_on_responder_done   (no proof yet: may open,
 *                                                      must not seal; replaces
 *                                                      an older NEXT)
 *   NEXT     -> CURRENT   keyring_on_first_open       (the first authentic
 *                                                      packet is the proof)
 *   NEXT     -> PREVIOUS  keyring_on_initiator_done   (a pending next is
 *                                                      demoted; the old current
 *                                                      is dropped)
 *   CURRENT  -> PREVIOUS  initiator_done, first_open  (may open late packets,
 *                                                      must not seal)
 *   PREVIOUS -> NONE      any of the three            (keys wiped at the moment
 *                                                      of leaving)
 * Invariant: only CURRENT seals.
 *
 * Keypairs come from a pool that is grown when peers are added: three a peer,
 * which is all a keyring can hold. Memory of a keypair never used is never
 * touched.
 */
#ifndef ENGINE_CORE_KEYRING_H
#define ENGINE_CORE_KEYRING_H

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
	bool receiving_is_valid;
	struct replay replay;
};

struct keypair_chunk;
struct keypair_pool {
	struct index_table *table;
	struct keypair_chunk *chunks; /* newest first */
	struct keypair *free_list;    /* used before; wiped */
	size_t capacity, in_use;
	size_t fresh; /* never used, at the end of the newest chunk */
};

struct keyring {
	struct keypair *current, *previous, *next;
};

void keypair_pool_init(struct keypair_pool *pool, struct index_table *table);
void keypair_pool_release(struct keypair_pool *pool);
/* 0 or -ENOMEM, pool intact. */
WARN_UNUSED int keypair_pool_reserve(struct keypair_pool *pool, size_t count);

/* Each takes over FROM's index and a copy of SESSION. */
struct keypair *keyring_on_initiator_done(struct keyring *ring,
	struct keypair_pool *pool, const struct session *session,
	struct index_entry *from, struct mono now);
struct keypair *keyring_on_responder_done(struct keyring *ring,
	struct keypair_pool *pool, const struct session *session,
	struct index_entry *from, struct mono now);
/* KP opened its first packet. True if it was NEXT and is CURRENT now. */
bool keyring_on_first_open(
	struct keyring *ring, struct keypair_pool *pool, struct keypair *kp);
/* All keys wiped. */
void keyring_clear(struct keyring *ring, struct keypair_pool *pool);
/* Our identity changed: nothing seals any more; late packets still open. */
void keyring_expire(struct keyring *ring);

/* Both take NULL for "no keypair". */
bool keypair_may_seal(const struct keypair *kp, struct mono now);
bool keypair_may_open(const struct keypair *kp, struct mono now);

#endif

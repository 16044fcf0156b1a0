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
 */
#ifndef ENGINE_CORE_KEYRING_H
#define ENGINE_CORE_KEYRING_H

#include "base/time.h"
#include "engine/core/keypair.h"

#include <stdbool.h>

struct keyring {
	struct keypair *current, *previous, *next;
};

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

#endif

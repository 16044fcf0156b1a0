#include "config.h"

#include "engine/core/keyring.h"

#include "base/auto.h"

#include "base/banned.h"

struct keypair *keyring_on_initiator_done(struct keyring *ring,
	struct keypair_pool *pool, const struct session *session,
	struct index_entry *from, struct mono now)
{
	keypair_drop(pool, &ring->previous);
	if (ring->next) {
		/* The far end may already seal with it. */
		ring->previous = TAKE(ring->next);
		keypair_drop(pool, &ring->current);
	} else {
		ring->previous = TAKE(ring->current);
	}
	ring->current = keypair_make(pool, session, from, now);
	return ring->current;
}

struct keypair *keyring_on_responder_done(struct keyring *ring,
	struct keypair_pool *pool, const struct session *session,
	struct index_entry *from, struct mono now)
{
	keypair_drop(pool, &ring->next);
	keypair_drop(pool, &ring->previous);
	ring->next = keypair_make(pool, session, from, now);
	return ring->next;
}

bool keyring_on_first_open(
	struct keyring *ring, struct keypair_pool *pool, struct keypair *kp)
{
	if (!kp || kp != ring->next)
		return false;
	keypair_drop(pool, &ring->previous);
	ring->previous = TAKE(ring->current);
	ring->current = TAKE(ring->next);
	return true;
}

void keyring_clear(struct keyring *ring, struct keypair_pool *pool)
{
	keypair_drop(pool, &ring->next);
	keypair_drop(pool, &ring->current);
	keypair_drop(pool, &ring->previous);
}

void keyring_expire(struct keyring *ring)
{
	if (ring->next)
		ring->next->sending_is_valid = false;
	if (ring->current)
		ring->current->sending_is_valid = false;
}

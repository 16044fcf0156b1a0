#include "config.h"

#include "engine/core/peer.h"
#include "engine/core/state.h"

#include <sodium.h>

#include <stdlib.h>

#include "base/banned.h"

struct wg_peer *peer_new(struct wg_device *dev, const struct pubkey *key)
{
	struct wg_peer *peer = calloc(1, sizeof(*peer));

	if (!peer)
		return NULL;
	list_init(&peer->in_pending);
	list_init(&peer->in_unsettled);
	list_init(&peer->allowedips);
	staged_init(&peer->staged);
	timers_init(&peer->timers, &dev->timers, &peer->flow.activity);
	handshake_init(&peer->handshake, key);
	cookie_jar_init(&peer->jar, &peer->handshake.remote.public);
	hash_add(&dev->peers_by_key, &peer->by_key,
		hash_of(&dev->peers_by_key, key->b, sizeof(key->b)));
	list_init(&peer->in_device);
	list_add_tail(&dev->peers, &peer->in_device);
	dev->peer_count++;
	return peer;
}

/* Workers have let go of it; its keypairs were retired before it. */
static void wipe_and_free(struct retired *retired)
{
	struct wg_peer *peer = CONTAINER_OF(retired, struct wg_peer, retired);

	sodium_memzero(peer, sizeof(*peer));
	free(peer);
}

/* Nothing outside holds a peer across calls but the owner, who asked for this:
 * queued handshakes name keys, not peers, and out.peer is borrowed. Workers
 * find it in the two tables, which it leaves here; what they have put into
 * their outboxes before they let go is taken out before it is freed
 * (wg_device_reclaim). */
void peer_free(struct wg_device *dev, struct wg_peer *peer)
{
	if (!peer)
		return;
	hash_del(&dev->peers_by_key, &peer->by_key);
	list_del(&peer->in_device);
	list_del(&peer->in_pending);
	list_del(&peer->in_unsettled);
	dev->peer_count--;
	allowedips_clear(&dev->allowedips, &peer->allowedips);
	staging_purge(&dev->staging, &peer->staged);
	timers_stop(&peer->timers);
	handshake_clear(&peer->handshake, &dev->indices);
	keyring_clear(&peer->keyring, &dev->keypairs);
	peer_publish_keypair(peer);
	peer->removed = true;
	retire(&dev->retirement, &peer->retired, wipe_and_free);
}

void peer_want(struct wg_device *dev, struct wg_peer *peer, enum want want)
{
	/* Not "no wants": poll takes the last one before it acts on it. */
	if (list_empty(&peer->in_pending))
		list_add_tail(&dev->pending, &peer->in_pending);
	peer->wants |= want;
}

bool peer_has_endpoint(const struct wg_peer *peer)
{
	return endpoint_known(&peer->path.remote);
}

void peer_set_path(struct wg_peer *peer, const struct wg_path *path)
{
	if (path_equal(&peer->path, path))
		return;
	peer->path = *path;
	path_cell_set(&peer->flow.path, path);
}

void peer_forget_source(struct wg_peer *peer)
{
	struct wg_path path = { .remote = peer->path.remote };

	peer_set_path(peer, &path);
}

void peer_publish_keypair(struct wg_peer *peer)
{
	atomic_store(&peer->flow.next, peer->keyring.next);
	atomic_store(&peer->flow.current, peer->keyring.current);
	/* The next one may grow old too. */
	atomic_fetch_and(&peer->flow.posted, ~(uint32_t)NOTICE_REKEY);
}

void peer_stage(struct wg_device *dev, struct wg_peer *peer,
	const uint8_t *packet, size_t len)
{
	size_t dropped =
		staging_push(&dev->staging, &peer->staged, packet, len);

	peer->taken++;
	COUNT(&dev->own, staged_overflow, dropped);
}

void peer_settle(struct wg_peer *peer)
{
	if (!peer->staged.len)
		atomic_store(&peer->flow.settled, peer->taken);
}

void peer_purge_staged(struct wg_device *dev, struct wg_peer *peer)
{
	staging_purge(&dev->staging, &peer->staged);
	peer_settle(peer);
}

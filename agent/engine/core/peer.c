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
	list_init(&peer->allowedips);
	staged_init(&peer->staged);
	timers_init(&peer->timers, &dev->timers);
	handshake_init(&peer->handshake, key, &dev->identity);
	cookie_jar_init(&peer->jar, &peer->handshake.remote.public);
	hash_add(&dev->peers_by_key, &peer->by_key,
		hash_of(&dev->peers_by_key, key->b, sizeof(key->b)));
	list_init(&peer->in_device);
	list_add_tail(&dev->peers, &peer->in_device);
	dev->peer_count++;
	return peer;
}

/* Nothing outside holds a peer across calls but the owner, who asked for this:
 * queued handshakes name keys, not peers, and out.peer is borrowed. */
void peer_free(struct wg_device *dev, struct wg_peer *peer)
{
	if (!peer)
		return;
	hash_del(&dev->peers_by_key, &peer->by_key);
	list_del(&peer->in_device);
	list_del(&peer->in_pending);
	dev->peer_count--;
	allowedips_clear(&dev->allowedips, &peer->allowedips);
	staging_purge(&dev->staging, &peer->staged);
	timers_stop(&peer->timers);
	handshake_clear(&peer->handshake, &dev->indices);
	keyring_clear(&peer->keyring, &dev->keypairs);
	sodium_memzero(peer, sizeof(*peer));
	free(peer);
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

void peer_forget_source(struct wg_peer *peer)
{
	peer->path.local = (struct ipaddr){ .family = IP_NONE };
	peer->path.ifindex = 0;
}

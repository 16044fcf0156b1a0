#include "config.h"

#include "engine/core/device.h"
#include "engine/core/peer.h"
#include "engine/core/state.h"

#include <sodium.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

struct wg_device *wg_device_new(const struct wg_rng *rng, const struct now *now)
{
	struct wg_device *dev = calloc(1, sizeof(*dev));
	uint8_t key[HASH_KEY_SIZE];

	(void)now;
	if (!dev)
		return NULL;
	dev->rng = *rng;
	list_init(&dev->peers);
	list_init(&dev->pending);
	list_init(&dev->unsettled);
	rng->fill(rng->arg, key, sizeof(key));
	hash_init(&dev->peers_by_key, key);
	index_init(&dev->indices, &dev->retirement);
	allowedips_init(&dev->allowedips, &dev->retirement);
	keypair_pool_init(&dev->keypairs, &dev->indices, &dev->retirement);
	dev->scratch = malloc(SCRATCH_SIZE);
	dev->limiter = calloc(1, sizeof(*dev->limiter));
	if (!worker_init(&dev->own, dev) || !staging_init(&dev->staging) ||
		!hsqueue_init(&dev->handshakes) || !dev->scratch ||
		!dev->limiter)
		goto fail;
	rng->fill(rng->arg, key, sizeof(key));
	ratelimiter_init(dev->limiter, key);
	sodium_memzero(key, sizeof(key));
	return dev;
fail:
	wg_device_free(dev);
	return NULL;
}

void wg_device_free(struct wg_device *dev)
{
	if (!dev)
		return;
	list_for_each_safe(pos, &dev->peers)
		peer_free(dev, LIST_ENTRY(pos, struct wg_peer, in_device));
	retire_reclaim(&dev->retirement); /* workers have ended */
	while (dev->own.next) {
		struct wg_worker *w = dev->own.next;

		dev->own.next = w->next;
		worker_release(w);
		free(w);
	}
	worker_release(&dev->own);
	allowedips_release(&dev->allowedips);
	hash_release(&dev->peers_by_key);
	index_release(&dev->indices);
	keypair_pool_release(&dev->keypairs);
	heap_release(&dev->timers);
	staging_release(&dev->staging);
	hsqueue_release(&dev->handshakes);
	free(dev->limiter);
	free(dev->scratch);
	sodium_memzero(dev, sizeof(*dev));
	free(dev);
}

/* --- workers --- */

struct wg_worker *wg_device_add_worker(struct wg_device *dev)
{
	struct wg_worker *w = calloc(1, sizeof(*w));
	struct wg_worker **last = &dev->own.next;

	if (!w)
		return NULL;
	if (!worker_init(w, dev)) {
		free(w);
		return NULL;
	}
	while (*last)
		last = &(*last)->next;
	*last = w;
	dev->retirement.deferred = true;
	return w;
}

struct wg_worker *wg_device_own_worker(struct wg_device *dev)
{
	return &dev->own;
}

bool wg_device_has_retired(const struct wg_device *dev)
{
	return retire_pending(&dev->retirement) ||
		index_wants_settling(&dev->indices);
}

void wg_device_reclaim(struct wg_device *dev, const struct now *now)
{
	/* What workers said before they let go may name what goes now. */
	wg_device_collect(dev, now);
	retire_reclaim(&dev->retirement);
	index_settle(&dev->indices);
}

void wg_device_flushed(struct wg_device *dev)
{
	list_for_each_safe(pos, &dev->unsettled) {
		list_del(pos);
		peer_settle(LIST_ENTRY(pos, struct wg_peer, in_unsettled));
	}
}

void wg_device_seal(struct wg_device *dev, const struct now *now,
	struct wg_packet *packets, size_t count)
{
	(void)wg_worker_mtu(&dev->own);
	wg_worker_seal(&dev->own, now, packets, count);
	wg_device_collect(dev, now);
}

void wg_device_open(struct wg_device *dev, const struct now *now,
	struct wg_packet *packets, size_t count)
{
	wg_worker_open(&dev->own, now, packets, count);
	wg_device_collect(dev, now);
}

#define COUNTERS (sizeof(struct wg_counters) / sizeof(uint64_t))

const struct wg_counters *wg_device_counters(struct wg_device *dev)
{
	uint64_t sum[COUNTERS] = { 0 };

	for (const struct wg_worker *w = &dev->own; w; w = w->next) {
		const uint64_t *counters = (const uint64_t *)&w->counters;

		for (size_t i = 0; i < COUNTERS; i++)
			sum[i] +=
				__atomic_load_n(&counters[i], __ATOMIC_RELAXED);
	}
	memcpy(&dev->counters, sum, sizeof(sum));
	return &dev->counters;
}

void wg_device_set_mtu(struct wg_device *dev, uint32_t mtu)
{
	dev->mtu = mtu;
}

/* --- identity --- */

static void forget_session(struct wg_device *dev, struct wg_peer *peer)
{
	handshake_clear(&peer->handshake, &dev->indices);
	peer->wants &= ~(unsigned int)WANT_RESPONSE;
	peer->timers.sent_handshake_before = false;
}

void wg_device_set_seckey(
	struct wg_device *dev, const struct now *now, const struct seckey *key)
{
	struct noise_identity identity = { .present = !key_is_zero(key->b) };
	bool same = dev->identity.present == identity.present &&
		key_equal(dev->identity.secret.b, key->b);

	if (same)
		return;
	if (identity.present) {
		identity.secret = *key;
		seckey_clamp(&identity.secret);
		identity.public = seckey_public(&identity.secret);
		wg_device_remove_peer(
			dev, wg_device_find_peer(dev, &identity.public));
		cookie_checker_set_key(&dev->checker, &identity.public);
	}
	dev->identity = identity;
	seckey_wipe(&identity.secret);
	list_for_each(pos, &dev->peers) {
		struct wg_peer *peer =
			LIST_ENTRY(pos, struct wg_peer, in_device);

		noise_forget(&peer->handshake.remote);
		keyring_expire(&peer->keyring);
		forget_session(dev, peer);
		if (peer->timers.persistent_keepalive_sec)
			peer_want_keepalive(dev, peer, now);
		else
			peer_want_staged(dev, peer, now);
	}
}

bool wg_device_get_seckey(const struct wg_device *dev, struct seckey *ret_key)
{
	if (dev->identity.present)
		*ret_key = dev->identity.secret;
	return dev->identity.present;
}

struct wall wg_device_timestamp(const struct wg_device *dev)
{
	return dev->last_timestamp;
}

void wg_device_raise_timestamp(struct wg_device *dev, struct wall least)
{
	/* One grain above: LEAST itself was sent already. */
	if (least.ns > dev->last_timestamp.ns)
		dev->last_timestamp = handshake_timestamp(least, least);
}

/* --- peers --- */

struct wg_peer *wg_device_find_peer(
	struct wg_device *dev, const struct pubkey *key)
{
	uint64_t h = hash_of(&dev->peers_by_key, key->b, sizeof(key->b));
	struct hash_node *node;

	for (node = hash_first(&dev->peers_by_key, h); node;
		node = hash_next(node)) {
		struct wg_peer *peer =
			CONTAINER_OF(node, struct wg_peer, by_key);

		if (key_equal(peer->handshake.remote.public.b, key->b))
			return peer;
	}
	return NULL;
}

/* Everything that COUNT peers can ever need at once, so that nothing is taken
 * later: an index for each handshake half and keypair, a timer, keypairs. */
static int reserve(struct wg_device *dev, size_t count)
{
	size_t room = 4;
	int r;

	while (room < count)
		room *= 2;
	r = hash_reserve(&dev->peers_by_key, room);
	if (!r)
		r = heap_reserve(&dev->timers, room);
	if (!r)
		r = index_reserve(&dev->indices, room * KEYPAIRS_PER_PEER);
	if (!r)
		r = keypair_pool_reserve(&dev->keypairs,
			count * KEYPAIRS_PER_PEER + KEYPAIRS_SPARE);
	return r;
}

int wg_device_add_peer(struct wg_device *dev, const struct now *now,
	const struct pubkey *key, struct wg_peer **ret_peer)
{
	struct wg_peer *peer;
	int r;

	(void)now;
	if (dev->identity.present && key_equal(dev->identity.public.b, key->b))
		return -EINVAL;
	if (wg_device_find_peer(dev, key))
		return -EEXIST;
	if (dev->peer_count >= PEERS_MAX)
		return -ENOSPC;
	r = reserve(dev, dev->peer_count + 1);
	if (r < 0)
		return r;
	peer = peer_new(dev, key);
	if (!peer)
		return -ENOMEM;
	*ret_peer = peer;
	return 0;
}

void wg_device_remove_peer(struct wg_device *dev, struct wg_peer *peer)
{
	peer_free(dev, peer);
}

struct wg_peer *wg_device_next_peer(
	const struct wg_device *dev, const struct wg_peer *prev)
{
	struct list *next = prev ? prev->in_device.next : dev->peers.next;

	return next == &dev->peers
		? NULL
		: LIST_ENTRY(next, struct wg_peer, in_device);
}

void wg_device_down(struct wg_device *dev)
{
	list_for_each(pos, &dev->peers) {
		struct wg_peer *peer =
			LIST_ENTRY(pos, struct wg_peer, in_device);

		peer_purge_staged(dev, peer);
		timers_stop(&peer->timers);
		forget_session(dev, peer);
		keyring_clear(&peer->keyring, &dev->keypairs);
		peer_publish_keypair(peer);
		peer->wants = 0;
		list_del(&peer->in_pending);
	}
	hsqueue_clear(&dev->handshakes);
	dev->replies_len = 0;
}

void wg_peer_set_psk(struct wg_peer *peer, const struct psk *psk)
{
	peer->handshake.remote.psk = *psk;
}

void wg_peer_set_endpoint(struct wg_device *dev, const struct now *now,
	struct wg_peer *peer, const struct endpoint *ep)
{
	bool was_waiting = !peer_has_endpoint(peer) &&
		(timers_pending(&peer->timers, TIMER_RETRANSMIT_HANDSHAKE) ||
			peer->timers.persistent_keepalive_sec);

	peer_set_path(peer, &(struct wg_path){ .remote = *ep });
	if (!peer_has_endpoint(peer))
		return;
	if (peer->staged.len)
		peer_want_staged(dev, peer, now);
	else if (was_waiting)
		peer_want_keepalive(dev, peer, now);
}

void wg_peer_set_keepalive(struct wg_device *dev, const struct now *now,
	struct wg_peer *peer, uint16_t seconds)
{
	bool turned_on = seconds && !peer->timers.persistent_keepalive_sec;

	peer->timers.persistent_keepalive_sec = seconds;
	if (turned_on)
		peer_want_keepalive(dev, peer, now);
}

void wg_peer_initiate(
	struct wg_device *dev, const struct now *now, struct wg_peer *peer)
{
	const struct keypair *kp = peer->keyring.current;
	bool under_way =
		timers_pending(&peer->timers, TIMER_RETRANSMIT_HANDSHAKE);
	bool fresh = keypair_may_seal(kp, now->mono) &&
		mono_sub(now->mono, kp->birthdate) < REKEY_AFTER_TIME_NS;

	if (!under_way && !fresh)
		peer_want_initiation(dev, peer, now, FIRST_TRY);
}

void wg_peer_send_keepalive(
	struct wg_device *dev, const struct now *now, struct wg_peer *peer)
{
	peer_want_keepalive(dev, peer, now);
}

void wg_peer_get_info(const struct wg_peer *peer, const struct now *now,
	struct wg_peer_info *ret_info)
{
	*ret_info = (struct wg_peer_info){
		.pubkey = peer->handshake.remote.public,
		.psk = peer->handshake.remote.psk,
		.endpoint = peer->path.remote,
		.keepalive_sec = peer->timers.persistent_keepalive_sec,
		.last_handshake = peer->last_handshake,
		.last_receive = { atomic_load_explicit(
			&peer->flow.activity.received_ns,
			memory_order_relaxed) },
		.rx_bytes = atomic_load_explicit(
			&peer->flow.rx_bytes, memory_order_relaxed),
		.tx_bytes = atomic_load_explicit(
			&peer->flow.tx_bytes, memory_order_relaxed),
		.has_session =
			keypair_may_seal(peer->keyring.current, now->mono),
	};
}

void wg_peer_set_tag(struct wg_peer *peer, void *tag)
{
	peer->tag = tag;
}

void *wg_peer_get_tag(const struct wg_peer *peer)
{
	return peer->tag;
}

/* --- allowed IPs --- */

int wg_device_add_allowedip(
	struct wg_device *dev, struct wg_peer *peer, const struct ipnet *net)
{
	return allowedips_add(&dev->allowedips, net, peer, &peer->allowedips);
}

void wg_device_remove_allowedip(
	struct wg_device *dev, struct wg_peer *peer, const struct ipnet *net)
{
	allowedips_remove(&dev->allowedips, net, peer);
}

void wg_device_clear_allowedips(struct wg_device *dev, struct wg_peer *peer)
{
	allowedips_clear(&dev->allowedips, &peer->allowedips);
}

void wg_peer_each_allowedip(const struct wg_peer *peer,
	void (*fn)(void *arg, const struct ipnet *net), void *arg)
{
	list_for_each(pos, &peer->allowedips) {
		struct ipnet net = allowedips_net(pos);

		fn(arg, &net);
	}
}

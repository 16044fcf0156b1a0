/*
 * send: everything that leaves: inner packets sealed in runs of one peer, and
 * the datagrams that poll takes. The rules of what sending means for the timers
 * (WP 6) are here, beside it.
 *
 *   route -> seal_run -> wg_transport_seal   (or stage_run: no session yet)
 *
 * Counters are spent when a packet is sealed, sent or not. Private to the core.
 */
#include "config.h"

#include "engine/core/inner.h"
#include "engine/core/peer.h"
#include "engine/core/state.h"
#include "engine/core/transport.h"

#include <sodium.h>

#include <string.h>

#include "base/banned.h"

/* --- wishes --- */

void peer_want_initiation(struct wg_device *dev, struct wg_peer *peer,
	const struct now *now, enum retry retry)
{
	if (retry == FIRST_TRY)
		peer->timers.handshake_attempts = 0;
	if (!dev->identity.present)
		return;
	if (!peer_has_endpoint(peer))
		timers_on_endpoint_missing(&peer->timers, now->mono, &dev->rng);
	else if (!timers_may_initiate(&peer->timers, now->mono))
		timers_on_initiation_deferred(&peer->timers);
	else
		peer_want(dev, peer, WANT_INITIATION);
}

static bool can_seal(const struct wg_peer *peer, const struct now *now)
{
	return peer_has_endpoint(peer) &&
		keypair_may_seal(peer->keyring.current, now->mono);
}

void peer_want_keepalive(
	struct wg_device *dev, struct wg_peer *peer, const struct now *now)
{
	if (can_seal(peer, now))
		peer_want(dev, peer,
			peer->staged.len ? WANT_STAGED : WANT_KEEPALIVE);
	else
		peer_want_initiation(dev, peer, now, FIRST_TRY);
}

void peer_want_staged(
	struct wg_device *dev, struct wg_peer *peer, const struct now *now)
{
	if (!peer->staged.len)
		return;
	if (can_seal(peer, now))
		peer_want(dev, peer, WANT_STAGED);
	else
		peer_want_initiation(dev, peer, now, FIRST_TRY);
}

/* --- after sending (kernel send.c) --- */

static void count_sent(struct wg_peer *peer, size_t len)
{
	atomic_fetch_add_explicit(
		&peer->flow.tx_bytes, len, memory_order_relaxed);
}

static void on_handshake_sent(
	struct wg_peer *peer, const struct now *now, size_t len)
{
	timers_on_handshake_sent(&peer->timers, now->mono);
	timers_on_any_authenticated_packet_sent(&peer->timers, now->mono);
	count_sent(peer, len);
}

/* --- datagrams for poll --- */

static void set_out(struct wg_out *out, struct wg_peer *peer,
	const uint8_t *data, size_t len, uint8_t ds)
{
	*out = (struct wg_out){
		.kind = WG_OUT_DATAGRAM,
		.data = data,
		.len = len,
		.path = peer->path,
		.ds = ds,
		.peer = peer,
	};
}

bool peer_send_initiation(struct wg_device *dev, struct wg_peer *peer,
	const struct now *now, struct wg_out *ret_out)
{
	struct wg_message_initiation *message = (void *)dev->scratch;
	/* Above what this peer, or any, was ever shown: clocks may jump. */
	struct wall floor = { dev->last_timestamp.ns > now->wall.ns
			? dev->last_timestamp.ns
			: now->wall.ns };
	struct wall timestamp =
		handshake_timestamp(floor, peer->handshake.last_sent_timestamp);

	if (!peer_has_endpoint(peer) ||
		!timers_may_initiate(&peer->timers, now->mono)) {
		peer_want_initiation(dev, peer, now, IS_RETRY);
		return false;
	}
	if (!handshake_create_initiation(&peer->handshake, &dev->identity,
		    &dev->indices, peer, &dev->rng, timestamp, message))
		return false;
	if (timestamp.ns > dev->last_timestamp.ns)
		dev->last_timestamp = timestamp;
	cookie_add_macs(&peer->jar, message, sizeof(*message), now->mono);
	on_handshake_sent(peer, now, sizeof(*message));
	timers_on_handshake_initiated(&peer->timers, now->mono, &dev->rng);
	set_out(ret_out, peer, dev->scratch, sizeof(*message), HANDSHAKE_DS);
	return true;
}

bool peer_send_response(struct wg_device *dev, struct wg_peer *peer,
	const struct now *now, struct wg_out *ret_out)
{
	struct wg_message_response *message = (void *)dev->scratch;
	struct session session;

	if (!handshake_create_response(&peer->handshake, &dev->indices, peer,
		    &dev->rng, message, &session))
		return false;
	cookie_add_macs(&peer->jar, message, sizeof(*message), now->mono);
	(void)keyring_on_responder_done(&peer->keyring, &dev->keypairs,
		&session, &peer->handshake.responder.entry, now->mono);
	sodium_memzero(&session, sizeof(session));
	peer_publish_keypair(peer);
	timers_on_session_derived(&peer->timers, now->mono);
	on_handshake_sent(peer, now, sizeof(*message));
	set_out(ret_out, peer, dev->scratch, sizeof(*message), HANDSHAKE_DS);
	return true;
}

/* Seals what lies behind the scratch's headroom. */
static bool send_data(struct wg_device *dev, struct wg_peer *peer,
	const struct now *now, size_t len, uint8_t ds, struct wg_out *ret_out)
{
	struct keypair *kp = peer->keyring.current;
	struct wg_packet packet = {
		.data = dev->scratch + WG_HEADROOM,
		.len = len,
	};

	if (!wg_transport_seal(kp, dev->own.aead, &packet, 1, dev->mtu))
		return false;
	set_out(ret_out, peer, packet.data, packet.len, ds);
	worker_on_sent(&dev->own, now, peer, kp, packet.len, len > 0);
	/* An interval may have been set since a worker sent. */
	timers_on_any_authenticated_packet_sent(&peer->timers, now->mono);
	return true;
}

/* The last one is settled when it has left: until then a worker's next packet
 * must not overtake it. */
static void on_unstaged(struct wg_device *dev, struct wg_peer *peer)
{
	if (peer->staged.len)
		return;
	if (!dev->retirement.deferred) /* there is no other worker */
		peer_settle(peer);
	else if (list_empty(&peer->in_unsettled))
		list_add_tail(&dev->unsettled, &peer->in_unsettled);
}

bool peer_send_staged(struct wg_device *dev, struct wg_peer *peer,
	const struct now *now, struct wg_out *ret_out)
{
	uint8_t *inner = dev->scratch + WG_HEADROOM;
	uint8_t ds;
	size_t len;

	if (!peer->staged.len)
		return false;
	if (!can_seal(peer, now)) {
		peer_want_initiation(dev, peer, now, FIRST_TRY);
		return false;
	}
	len = staging_pop(&dev->staging, &peer->staged, inner);
	on_unstaged(dev, peer);
	ds = ecn_encapsulate(inner, inner_family(inner, len));
	return send_data(dev, peer, now, len, ds, ret_out);
}

bool peer_send_keepalive(struct wg_device *dev, struct wg_peer *peer,
	const struct now *now, struct wg_out *ret_out)
{
	return can_seal(peer, now) && send_data(dev, peer, now, 0, 0, ret_out);
}

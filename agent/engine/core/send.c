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

/* --- rules after sending (kernel send.c) --- */

static void on_handshake_sent(
	struct wg_peer *peer, const struct now *now, size_t len)
{
	timers_on_handshake_sent(&peer->timers, now->mono);
	timers_on_any_authenticated_packet_traversal(&peer->timers, now->mono);
	timers_on_any_authenticated_packet_sent(&peer->timers);
	peer->tx_bytes += len;
}

/* WP 6.2: by count for either side, by time only for the initiator, so that
 * the two do not rekey at once. */
static void keep_key_fresh(
	struct wg_device *dev, struct wg_peer *peer, const struct now *now)
{
	const struct keypair *kp = peer->keyring.current;
	bool by_count, by_time;

	if (!kp || !kp->sending_is_valid)
		return;
	by_count = kp->sending_counter > REKEY_AFTER_MESSAGES;
	by_time = kp->session.i_am_the_initiator &&
		mono_sub(now->mono, kp->birthdate) >= REKEY_AFTER_TIME_NS;
	if (by_count || by_time)
		peer_want_initiation(dev, peer, now, FIRST_TRY);
}

static void on_data_sent(struct wg_device *dev, struct wg_peer *peer,
	const struct now *now, bool has_payload)
{
	timers_on_any_authenticated_packet_traversal(&peer->timers, now->mono);
	timers_on_any_authenticated_packet_sent(&peer->timers);
	if (has_payload)
		timers_on_data_sent(&peer->timers, now->mono, &dev->rng);
	keep_key_fresh(dev, peer, now);
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
	timers_on_session_derived(&peer->timers, now->mono);
	on_handshake_sent(peer, now, sizeof(*message));
	set_out(ret_out, peer, dev->scratch, sizeof(*message), HANDSHAKE_DS);
	return true;
}

/* Seals what lies behind the scratch's headroom. */
static bool send_data(struct wg_device *dev, struct wg_peer *peer,
	const struct now *now, size_t len, uint8_t ds, struct wg_out *ret_out)
{
	struct wg_packet packet = {
		.data = dev->scratch + WG_HEADROOM,
		.len = len,
	};

	if (!wg_transport_seal(peer->keyring.current, &packet, 1, dev->mtu))
		return false;
	peer->tx_bytes += packet.len;
	set_out(ret_out, peer, packet.data, packet.len, ds);
	on_data_sent(dev, peer, now, len > 0);
	return true;
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
	ds = ecn_encapsulate(inner, inner_family(inner, len));
	return send_data(dev, peer, now, len, ds, ret_out);
}

bool peer_send_keepalive(struct wg_device *dev, struct wg_peer *peer,
	const struct now *now, struct wg_out *ret_out)
{
	return can_seal(peer, now) && send_data(dev, peer, now, 0, 0, ret_out);
}

/* --- the data path --- */

static struct wg_peer *route(struct wg_device *dev, struct wg_packet *p)
{
	enum ip_family family = inner_family(p->data, p->len);
	struct wg_peer *peer;

	p->verdict = WG_DROPPED;
	if (family == IP_NONE || p->len > INNER_PACKET_MAX) {
		dev->counters.bad_inner++;
		return NULL;
	}
	p->ds = ecn_encapsulate(p->data, family);
	peer = family == IP_V4 ? allowedips_find4(&dev->allowedips,
					 inner_destination(p->data, family))
			       : allowedips_find6(&dev->allowedips,
					 inner_destination(p->data, family));
	if (!peer) {
		dev->counters.no_peer++;
		p->verdict = WG_NO_PEER;
	}
	return peer;
}

static void stage_run(struct wg_device *dev, const struct now *now,
	struct wg_peer *peer, struct wg_packet *packets, size_t count)
{
	bool has_endpoint = peer_has_endpoint(peer);

	if (!count)
		return;
	for (size_t i = 0; i < count; i++) {
		dev->counters.staged_overflow += staging_push(&dev->staging,
			&peer->staged, packets[i].data, packets[i].len);
		packets[i].verdict = has_endpoint ? WG_STAGED : WG_NO_ENDPOINT;
	}
	if (!has_endpoint)
		dev->counters.no_endpoint += count;
	peer_want_staged(dev, peer, now);
}

static void seal_run(struct wg_device *dev, const struct now *now,
	struct wg_peer *peer, struct wg_packet *packets, size_t count)
{
	/* What waits already goes first: order within a flow is kept. */
	bool direct = !peer->staged.len && can_seal(peer, now);
	size_t sealed = 0;

	if (direct)
		sealed = wg_transport_seal(
			peer->keyring.current, packets, count, dev->mtu);
	for (size_t i = 0; i < sealed; i++) {
		packets[i].path = peer->path;
		packets[i].verdict = WG_SEND;
		peer->tx_bytes += packets[i].len;
	}
	if (sealed)
		on_data_sent(dev, peer, now, true);
	stage_run(dev, now, peer, packets + sealed, count - sealed);
}

void wg_device_seal(struct wg_device *dev, const struct now *now,
	struct wg_packet *packets, size_t count)
{
	struct wg_peer *peer = NULL, *run_peer = NULL;
	size_t start = 0;

	for (size_t i = 0; i < count; i++) {
		peer = route(dev, &packets[i]);
		if (peer == run_peer)
			continue;
		if (run_peer)
			seal_run(
				dev, now, run_peer, packets + start, i - start);
		run_peer = peer;
		start = i;
	}
	if (run_peer)
		seal_run(dev, now, run_peer, packets + start, count - start);
}

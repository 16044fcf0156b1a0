/*
 * receive: what is control's of everything that arrives: handshake and cookie
 * messages, and what data workers tell. Cheap tests first: length and type,
 * index or mac1, then, under load, mac2 and the source's rate (WP 5.3). X25519
 * runs only in wg_device_work.
 *
 * Until a tag was right nothing changes but counters, the handshake queue, the
 * limiter and the ring of cookie replies: all of fixed size.
 */
#include "config.h"

#include "engine/core/peer.h"
#include "engine/core/state.h"

#include <sodium.h>

#include <string.h>

#include "base/banned.h"

/* --- rules after an authentic message (kernel receive.c) --- */

/* Where a handshake message moves an endpoint: a tag of the peer's was right
 * over one that came by PATH. What data moves is worker.c's. */
static void on_authentic(struct wg_device *dev, struct wg_peer *peer,
	const struct now *now, const struct wg_path *path, size_t len)
{
	if (!endpoint_equal(&peer->path.remote, &path->remote))
		peer_want(dev, peer, WANT_EVENT_ENDPOINT);
	peer_set_path(peer, path);
	atomic_fetch_add_explicit(
		&peer->flow.rx_bytes, len, memory_order_relaxed);
	timers_on_any_authenticated_packet_received(&peer->timers, now->mono);
}

static void on_handshake_complete(
	struct wg_device *dev, struct wg_peer *peer, const struct now *now)
{
	timers_on_handshake_complete(&peer->timers);
	peer->last_handshake = now->wall;
	peer_want(dev, peer, WANT_EVENT_SESSION);
}

/* --- what data workers tell --- */

/* The path is where the last authentic packet put it, or we since then. */
static void follow_path(struct wg_device *dev, struct wg_peer *peer)
{
	struct wg_path path;

	path_cell_get(&peer->flow.path, &path);
	if (!endpoint_equal(&peer->path.remote, &path.remote))
		peer_want(dev, peer, WANT_EVENT_ENDPOINT);
	peer->path = path;
}

/* The first packet under the next keypair: for workers it is the current one
 * already. If it is the next one no more, they are put right. */
static void follow_keypair(
	struct wg_device *dev, struct wg_peer *peer, const struct now *now)
{
	struct keypair *next = peer->keyring.next;
	bool first = next && atomic_load(&next->proven) &&
		keyring_on_first_open(&peer->keyring, &dev->keypairs, next);

	peer_publish_keypair(peer);
	if (!first)
		return;
	on_handshake_complete(dev, peer, now);
	peer_want_staged(dev, peer, now);
}

static void on_notice(
	struct wg_device *dev, struct wg_peer *peer, const struct now *now)
{
	/* REKEY stays set until the keyring changes: said once is enough. */
	uint32_t notice =
		atomic_fetch_and(&peer->flow.posted, (uint32_t)NOTICE_REKEY);

	if (notice & NOTICE_MOVED)
		follow_path(dev, peer);
	if (notice & NOTICE_CONFIRMED)
		follow_keypair(dev, peer, now);
	if (notice & NOTICE_TIMERS)
		timers_watch(&peer->timers, &dev->rng);
	if (notice & NOTICE_REKEY)
		peer_want_initiation(dev, peer, now, FIRST_TRY);
}

static void take_record(struct wg_device *dev, const struct now *now,
	const struct outbox_record *record, const uint8_t *bytes)
{
	struct wg_peer *peer = record->peer;

	if (peer && peer->removed)
		return;
	switch (record->kind) {
	case OUTBOX_PACKET:
		peer_stage(dev, peer, bytes, record->len);
		peer_want_staged(dev, peer, now);
		break;
	case OUTBOX_MESSAGE:
		(void)receive_message(
			dev, now, &record->path, bytes, record->len);
		break;
	case OUTBOX_NOTICE:
		on_notice(dev, peer, now);
		break;
	}
}

void wg_device_collect(struct wg_device *dev, const struct now *now)
{
	for (struct wg_worker *w = &dev->own; w; w = w->next) {
		struct outbox_record record;

		/* At most what is there now: the loop has others to serve. */
		for (size_t left = OUTBOX_SIZE / sizeof(record); left > 0 &&
			outbox_take(&w->outbox, &record, dev->scratch);
			left--)
			take_record(dev, now, &record, dev->scratch);
	}
}

/* --- handshake messages: cheap tests first --- */

struct message {
	const uint8_t *data;
	size_t len;
	const struct wg_path *path;
};

static void reply_with_cookie(
	struct wg_device *dev, const struct now *now, const struct message *p)
{
	struct cookie_reply *reply;

	if (dev->replies_len == COOKIE_REPLIES_MAX)
		return;
	reply = &dev->replies[(dev->replies_head + dev->replies_len++) %
		COOKIE_REPLIES_MAX];
	reply->path = *p->path;
	cookie_create_reply(&dev->checker, p->data, p->len, &p->path->remote,
		now->mono, &dev->rng, &reply->message);
	COUNT(&dev->own, cookies_sent, 1);
}

static enum wg_verdict receive_handshake(
	struct wg_device *dev, const struct now *now, const struct message *p)
{
	if (!dev->identity.present ||
		!cookie_check_mac1(&dev->checker, p->data, p->len)) {
		COUNT(&dev->own, bad_mac1, 1);
		return WG_DROPPED;
	}
	if (hsqueue_under_load(&dev->handshakes, now->mono)) {
		if (!cookie_check_mac2(&dev->checker, p->data, p->len,
			    &p->path->remote, now->mono, &dev->rng)) {
			COUNT(&dev->own, bad_mac2, 1);
			reply_with_cookie(dev, now, p);
			return WG_CONSUMED;
		}
		if (!ratelimiter_allow(
			    dev->limiter, &p->path->remote.addr, now->mono)) {
			COUNT(&dev->own, rate_limited, 1);
			return WG_DROPPED;
		}
	}
	if (!hsqueue_push(&dev->handshakes, p->path, p->data, p->len)) {
		COUNT(&dev->own, queue_full, 1);
		return WG_DROPPED;
	}
	return WG_CONSUMED;
}

/* Never moves the endpoint: anybody who saw our message could have sent it. */
static enum wg_verdict receive_cookie(
	struct wg_device *dev, const struct now *now, const struct message *p)
{
	const struct wg_message_cookie *message = (const void *)p->data;
	struct index_entry *entry =
		index_find(&dev->indices, le32_get(message->receiver_index));

	if (!entry) {
		COUNT(&dev->own, unknown_index, 1);
		return WG_DROPPED;
	}
	if (!cookie_consume_reply(&entry->peer->jar, message, now->mono)) {
		COUNT(&dev->own, bad_handshake, 1);
		return WG_DROPPED;
	}
	return WG_CONSUMED;
}

enum wg_verdict receive_message(struct wg_device *dev, const struct now *now,
	const struct wg_path *path, const uint8_t *bytes, size_t len)
{
	const struct message message = { bytes, len, path };
	struct le32 type;

	if (len < sizeof(type)) {
		COUNT(&dev->own, bad_length, 1);
		return WG_DROPPED;
	}
	memcpy(&type, bytes, sizeof(type));
	switch (le32_get(type)) {
	case MESSAGE_INITIATION:
		if (len == sizeof(struct wg_message_initiation))
			return receive_handshake(dev, now, &message);
		break;
	case MESSAGE_RESPONSE:
		if (len == sizeof(struct wg_message_response))
			return receive_handshake(dev, now, &message);
		break;
	case MESSAGE_COOKIE:
		if (len == sizeof(struct wg_message_cookie))
			return receive_cookie(dev, now, &message);
		break;
	case MESSAGE_DATA: /* a long enough one does not come here */
		break;
	default:
		COUNT(&dev->own, bad_type, 1);
		return WG_DROPPED;
	}
	COUNT(&dev->own, bad_length, 1);
	return WG_DROPPED;
}

/* --- queued handshake messages --- */

static void consume_initiation(struct wg_device *dev, const struct now *now,
	const struct queued_handshake *q)
{
	struct opened_initiation opened;
	struct wg_peer *peer;

	if (!handshake_open_initiation(
		    &dev->identity, (const void *)q->bytes, &opened)) {
		COUNT(&dev->own, bad_handshake, 1);
		return;
	}
	peer = wg_device_find_peer(dev, &opened.static_key);
	if (!peer) {
		sodium_memzero(&opened, sizeof(opened));
		COUNT(&dev->own, bad_handshake, 1);
		return;
	}
	switch (handshake_accept_initiation(
		&peer->handshake, &dev->identity, &opened, now->mono)) {
	case INITIATION_ACCEPTED:
		on_authentic(dev, peer, now, &q->path, q->len);
		peer_want(dev, peer, WANT_RESPONSE);
		break;
	case INITIATION_BAD:
		COUNT(&dev->own, bad_handshake, 1);
		break;
	case INITIATION_REPLAYED:
		COUNT(&dev->own, replayed_timestamp, 1);
		break;
	case INITIATION_FLOODED:
		COUNT(&dev->own, flooded_peer, 1);
		break;
	}
}

static void consume_response(struct wg_device *dev, const struct now *now,
	const struct queued_handshake *q)
{
	const struct wg_message_response *message = (const void *)q->bytes;
	struct index_entry *entry =
		index_find(&dev->indices, le32_get(message->receiver_index));
	struct session session;
	struct wg_peer *peer;

	if (!entry || entry->kind != INDEX_HANDSHAKE) {
		COUNT(&dev->own, unknown_index, 1);
		return;
	}
	peer = entry->peer;
	if (!handshake_consume_response(
		    &peer->handshake, &dev->identity, message, &session)) {
		COUNT(&dev->own, bad_handshake, 1);
		return;
	}
	(void)keyring_on_initiator_done(&peer->keyring, &dev->keypairs,
		&session, &peer->handshake.initiator.entry, now->mono);
	sodium_memzero(&session, sizeof(session));
	peer_publish_keypair(peer);
	timers_on_session_derived(&peer->timers, now->mono);
	on_handshake_complete(dev, peer, now);
	on_authentic(dev, peer, now, &q->path, q->len);
	/* What waits, or else an empty message: the responder may not seal
	 * before it saw one. */
	peer_want_keepalive(dev, peer, now);
}

bool wg_device_work(struct wg_device *dev, const struct now *now, size_t max)
{
	const struct queued_handshake *q;

	wg_device_collect(dev, now);
	BUG_ON(dev->retirement.deferred && max > WG_WORK_MAX);
	while (max-- && (q = hsqueue_pop(&dev->handshakes))) {
		if (q->len == sizeof(struct wg_message_initiation))
			consume_initiation(dev, now, q);
		else
			consume_response(dev, now, q);
	}
	return dev->handshakes.len > 0;
}

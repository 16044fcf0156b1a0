/*
 * receive: everything that arrives. Cheap tests first: length and type, index
 * or mac1, then, under load, mac2 and the source's rate (WP 5.3). X25519 runs
 * only in wg_device_work.
 *
 *   data: index -> tag -> replay -> endpoint -> length -> owner of the source
 *
 * Until a tag was right nothing changes but counters, the handshake queue, the
 * limiter and the ring of cookie replies: all of fixed size.
 */
#include "config.h"

#include "engine/core/inner.h"
#include "engine/core/peer.h"
#include "engine/core/state.h"
#include "engine/core/transport.h"

#include <sodium.h>

#include <string.h>

#include "base/banned.h"

/* --- rules after an authentic message (kernel receive.c) --- */

/* The one place where a packet moves an endpoint. Callers have just verified
 * the peer's tag over a message that came by PATH. */
static void on_authentic(struct wg_device *dev, struct wg_peer *peer,
	const struct now *now, const struct wg_path *path)
{
	if (!endpoint_equal(&peer->path.remote, &path->remote))
		peer_want(dev, peer, WANT_EVENT_ENDPOINT);
	peer->path = *path;
	peer->last_receive = now->mono;
	timers_on_any_authenticated_packet_received(&peer->timers);
	timers_on_any_authenticated_packet_traversal(&peer->timers, now->mono);
}

static void on_handshake_complete(
	struct wg_device *dev, struct wg_peer *peer, const struct now *now)
{
	timers_on_handshake_complete(&peer->timers);
	peer->last_handshake = now->wall;
	peer_want(dev, peer, WANT_EVENT_SESSION);
}

/* The initiator's last chance: its key would not outlive another silence. */
static void keep_key_fresh(
	struct wg_device *dev, struct wg_peer *peer, const struct now *now)
{
	const struct keypair *kp = peer->keyring.current;

	if (peer->timers.sent_lastminute_handshake || !kp ||
		!kp->sending_is_valid || !kp->session.i_am_the_initiator)
		return;
	if (mono_sub(now->mono, kp->birthdate) <
		REJECT_AFTER_TIME_NS - KEEPALIVE_TIMEOUT_NS - REKEY_TIMEOUT_NS)
		return;
	peer->timers.sent_lastminute_handshake = true;
	peer_want_initiation(dev, peer, now, FIRST_TRY);
}

/* --- data --- */

static enum wg_verdict accept_inner(
	struct wg_device *dev, struct wg_peer *peer, struct wg_packet *p)
{
	enum ip_family family = inner_family(p->data, p->len);
	const struct wg_peer *owner;
	size_t len;

	if (family == IP_NONE || !inner_length(p->data, p->len, family, &len)) {
		dev->counters.bad_inner++;
		return WG_DROPPED;
	}
	owner = family == IP_V4 ? allowedips_find4(&dev->allowedips,
					  inner_source(p->data, family))
				: allowedips_find6(&dev->allowedips,
					  inner_source(p->data, family));
	if (owner != peer) {
		dev->counters.wrong_source++;
		return WG_DROPPED;
	}
	ecn_decapsulate(p->data, family, p->ds);
	p->len = len;
	return WG_DELIVER;
}

static enum wg_verdict on_opened(struct wg_device *dev, struct keypair *kp,
	const struct now *now, struct wg_packet *p)
{
	struct wg_peer *peer = kp->entry.peer;
	size_t wire_len = p->len + KEEPALIVE_SIZE;
	enum wg_verdict verdict = WG_CONSUMED;

	on_authentic(dev, peer, now, &p->path);
	if (keyring_on_first_open(&peer->keyring, &dev->keypairs, kp)) {
		on_handshake_complete(dev, peer, now);
		peer_want_staged(dev, peer, now);
	}
	keep_key_fresh(dev, peer, now);
	if (p->len) {
		timers_on_data_received(&peer->timers, now->mono);
		verdict = accept_inner(dev, peer, p);
	}
	if (verdict != WG_DROPPED)
		peer->rx_bytes += wire_len;
	return verdict;
}

static void open_run(struct wg_device *dev, const struct now *now,
	struct keypair *kp, struct wg_packet *packets, size_t count)
{
	enum transport_verdict verdicts[WG_BATCH_MAX];

	wg_transport_open(kp, packets, count, verdicts);
	for (size_t i = 0; i < count; i++) {
		packets[i].verdict = WG_DROPPED;
		switch (verdicts[i]) {
		case TRANSPORT_OPENED:
			packets[i].verdict =
				on_opened(dev, kp, now, &packets[i]);
			break;
		case TRANSPORT_BAD_TAG:
			dev->counters.bad_tag++;
			break;
		case TRANSPORT_REPLAYED:
			dev->counters.replayed_counter++;
			break;
		}
	}
}

static bool is_data_for(const struct wg_packet *p, struct le32 index)
{
	const struct wg_message_data *header = (const void *)p->data;

	return p->len >= KEEPALIVE_SIZE &&
		le32_get(header->type) == MESSAGE_DATA &&
		le32_get(header->receiver_index) == le32_get(index);
}

/* Opens the data messages that follow each other for one session; returns how
 * many packets that dealt with. */
static size_t receive_data(struct wg_device *dev, const struct now *now,
	struct wg_packet *packets, size_t count)
{
	const struct wg_message_data *header = (const void *)packets->data;
	struct le32 index = header->receiver_index;
	struct index_entry *entry = index_find(&dev->indices, le32_get(index));
	struct keypair *kp = NULL;
	size_t n = 1;

	while (n < count && is_data_for(&packets[n], index))
		n++;
	if (entry && entry->kind == INDEX_KEYPAIR)
		kp = CONTAINER_OF(entry, struct keypair, entry);
	if (keypair_may_open(kp, now->mono)) {
		open_run(dev, now, kp, packets, n);
		return n;
	}
	for (size_t i = 0; i < n; i++)
		packets[i].verdict = WG_DROPPED;
	dev->counters.unknown_index += n;
	return n;
}

/* --- handshake messages: cheap tests first --- */

static void reply_with_cookie(
	struct wg_device *dev, const struct now *now, const struct wg_packet *p)
{
	struct cookie_reply *reply;

	if (dev->replies_len == COOKIE_REPLIES_MAX)
		return;
	reply = &dev->replies[(dev->replies_head + dev->replies_len++) %
		COOKIE_REPLIES_MAX];
	reply->path = p->path;
	cookie_create_reply(&dev->checker, p->data, p->len, &p->path.remote,
		now->mono, &dev->rng, &reply->message);
	dev->counters.cookies_sent++;
}

static enum wg_verdict receive_handshake(
	struct wg_device *dev, const struct now *now, const struct wg_packet *p)
{
	if (!dev->identity.present ||
		!cookie_check_mac1(&dev->checker, p->data, p->len)) {
		dev->counters.bad_mac1++;
		return WG_DROPPED;
	}
	if (hsqueue_under_load(&dev->handshakes, now->mono)) {
		if (!cookie_check_mac2(&dev->checker, p->data, p->len,
			    &p->path.remote, now->mono, &dev->rng)) {
			dev->counters.bad_mac2++;
			reply_with_cookie(dev, now, p);
			return WG_CONSUMED;
		}
		if (!ratelimiter_allow(
			    dev->limiter, &p->path.remote.addr, now->mono)) {
			dev->counters.rate_limited++;
			return WG_DROPPED;
		}
	}
	if (!hsqueue_push(&dev->handshakes, &p->path, p->data, p->len)) {
		dev->counters.queue_full++;
		return WG_DROPPED;
	}
	return WG_CONSUMED;
}

/* Never moves the endpoint: anybody who saw our message could have sent it. */
static enum wg_verdict receive_cookie(
	struct wg_device *dev, const struct now *now, const struct wg_packet *p)
{
	const struct wg_message_cookie *message = (const void *)p->data;
	struct index_entry *entry =
		index_find(&dev->indices, le32_get(message->receiver_index));

	if (!entry) {
		dev->counters.unknown_index++;
		return WG_DROPPED;
	}
	if (!cookie_consume_reply(&entry->peer->jar, message, now->mono)) {
		dev->counters.bad_handshake++;
		return WG_DROPPED;
	}
	return WG_CONSUMED;
}

static enum wg_verdict receive_other(
	struct wg_device *dev, const struct now *now, const struct wg_packet *p)
{
	struct le32 type;

	if (p->len < sizeof(type)) {
		dev->counters.bad_length++;
		return WG_DROPPED;
	}
	memcpy(&type, p->data, sizeof(type));
	switch (le32_get(type)) {
	case MESSAGE_INITIATION:
		if (p->len == sizeof(struct wg_message_initiation))
			return receive_handshake(dev, now, p);
		break;
	case MESSAGE_RESPONSE:
		if (p->len == sizeof(struct wg_message_response))
			return receive_handshake(dev, now, p);
		break;
	case MESSAGE_COOKIE:
		if (p->len == sizeof(struct wg_message_cookie))
			return receive_cookie(dev, now, p);
		break;
	case MESSAGE_DATA: /* a long enough one does not come here */
		break;
	default:
		dev->counters.bad_type++;
		return WG_DROPPED;
	}
	dev->counters.bad_length++;
	return WG_DROPPED;
}

static bool is_data(const struct wg_packet *p)
{
	const struct wg_message_data *header = (const void *)p->data;

	return p->len >= KEEPALIVE_SIZE &&
		le32_get(header->type) == MESSAGE_DATA;
}

void wg_device_open(struct wg_device *dev, const struct now *now,
	struct wg_packet *packets, size_t count)
{
	size_t i = 0;

	while (i < count) {
		if (is_data(&packets[i])) {
			i += receive_data(dev, now, packets + i, count - i);
		} else {
			packets[i].verdict =
				receive_other(dev, now, &packets[i]);
			i++;
		}
	}
}

/* --- queued handshake messages --- */

static void consume_initiation(struct wg_device *dev, const struct now *now,
	const struct queued_handshake *q)
{
	struct opened_initiation opened;
	struct wg_peer *peer;

	if (!handshake_open_initiation(
		    &dev->identity, (const void *)q->bytes, &opened)) {
		dev->counters.bad_handshake++;
		return;
	}
	peer = wg_device_find_peer(dev, &opened.static_key);
	if (!peer) {
		sodium_memzero(&opened, sizeof(opened));
		dev->counters.bad_handshake++;
		return;
	}
	switch (handshake_accept_initiation(
		&peer->handshake, &opened, now->mono)) {
	case INITIATION_ACCEPTED:
		peer->rx_bytes += q->len;
		on_authentic(dev, peer, now, &q->path);
		peer_want(dev, peer, WANT_RESPONSE);
		break;
	case INITIATION_BAD:
		dev->counters.bad_handshake++;
		break;
	case INITIATION_REPLAYED:
		dev->counters.replayed_timestamp++;
		break;
	case INITIATION_FLOODED:
		dev->counters.flooded_peer++;
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
		dev->counters.unknown_index++;
		return;
	}
	peer = entry->peer;
	if (!handshake_consume_response(
		    &peer->handshake, &dev->identity, message, &session)) {
		dev->counters.bad_handshake++;
		return;
	}
	(void)keyring_on_initiator_done(&peer->keyring, &dev->keypairs,
		&session, &peer->handshake.initiator.entry, now->mono);
	sodium_memzero(&session, sizeof(session));
	peer->rx_bytes += q->len;
	timers_on_session_derived(&peer->timers, now->mono);
	on_handshake_complete(dev, peer, now);
	on_authentic(dev, peer, now, &q->path);
	/* What waits, or else an empty message: the responder may not seal
	 * before it saw one. */
	peer_want_keepalive(dev, peer, now);
}

bool wg_device_work(struct wg_device *dev, const struct now *now, size_t max)
{
	const struct queued_handshake *q;

	while (max-- && (q = hsqueue_pop(&dev->handshakes))) {
		if (q->len == sizeof(struct wg_message_initiation))
			consume_initiation(dev, now, q);
		else
			consume_response(dev, now, q);
	}
	return dev->handshakes.len > 0;
}

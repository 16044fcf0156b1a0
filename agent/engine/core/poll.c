/*
 * poll: when the device must be woken, what is due then, and what it has for
 * the caller: cookie replies first, then peer by peer its events, handshake
 * messages, staged packets, keepalive.
 */
#include "config.h"

#include "engine/core/peer.h"
#include "engine/core/state.h"

#include "base/banned.h"

/* --- timers --- */

static void perform(struct wg_device *dev, struct wg_peer *peer,
	const struct now *now, enum duty duty)
{
	switch (duty) {
	case DUTY_NONE:
		break;
	case DUTY_RETRY:
		peer_forget_source(peer);
		peer_want_initiation(dev, peer, now, IS_RETRY);
		break;
	case DUTY_INITIATE:
		peer_forget_source(peer);
		peer_want_initiation(dev, peer, now, FIRST_TRY);
		break;
	case DUTY_GIVE_UP:
		peer_purge_staged(dev, peer);
		atomic_fetch_and(&peer->flow.posted, ~(uint32_t)NOTICE_REKEY);
		peer_want(dev, peer, WANT_EVENT_UNREACHABLE);
		break;
	case DUTY_KEEPALIVE:
		peer_want_keepalive(dev, peer, now);
		break;
	case DUTY_ZERO_KEYS:
		handshake_clear(&peer->handshake, &dev->indices);
		keyring_clear(&peer->keyring, &dev->keypairs);
		peer_publish_keypair(peer);
		break;
	}
}

void wg_device_tick(struct wg_device *dev, const struct now *now)
{
	struct heap_node *node;

	wg_device_collect(dev, now);
	while ((node = heap_peek(&dev->timers)) &&
		mono_reached(node->deadline, now->mono)) {
		struct wg_peer *peer =
			CONTAINER_OF(node, struct wg_peer, timers.node);
		enum duty duty;

		while ((duty = timers_expire(&peer->timers, now->mono)) !=
			DUTY_NONE)
			perform(dev, peer, now, duty);
	}
}

struct mono wg_device_deadline(const struct wg_device *dev)
{
	const struct heap_node *node = heap_peek(&dev->timers);

	if (dev->replies_len || !list_empty(&dev->pending) ||
		!outbox_empty(&dev->own.outbox))
		return (struct mono){ 0 };
	return node ? node->deadline : MONO_NEVER;
}

/* --- output --- */

static bool take_want(struct wg_peer *peer, enum want want)
{
	bool set = peer->wants & want;

	peer->wants &= ~(unsigned int)want;
	return set;
}

static bool take_event(struct wg_peer *peer, struct wg_out *ret_out)
{
	static const struct {
		enum want want;
		enum wg_event event;
	} events[] = {
		{ WANT_EVENT_SESSION, WG_EVENT_SESSION },
		{ WANT_EVENT_ENDPOINT, WG_EVENT_ENDPOINT },
		{ WANT_EVENT_UNREACHABLE, WG_EVENT_UNREACHABLE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		if (!take_want(peer, events[i].want))
			continue;
		*ret_out = (struct wg_out){
			.kind = WG_OUT_EVENT,
			.peer = peer,
			.event = events[i].event,
		};
		return true;
	}
	return false;
}

static bool poll_peer(struct wg_device *dev, const struct now *now,
	struct wg_peer *peer, struct wg_out *ret_out)
{
	if (take_event(peer, ret_out))
		return true;
	if (take_want(peer, WANT_RESPONSE) &&
		peer_send_response(dev, peer, now, ret_out))
		return true;
	if (take_want(peer, WANT_INITIATION) &&
		peer_send_initiation(dev, peer, now, ret_out))
		return true;
	if (take_want(peer, WANT_STAGED) &&
		peer_send_staged(dev, peer, now, ret_out)) {
		if (peer->staged.len)
			peer->wants |= WANT_STAGED;
		return true;
	}
	return take_want(peer, WANT_KEEPALIVE) &&
		peer_send_keepalive(dev, peer, now, ret_out);
}

static bool poll_reply(struct wg_device *dev, struct wg_out *ret_out)
{
	const struct cookie_reply *reply = &dev->replies[dev->replies_head];

	if (!dev->replies_len)
		return false;
	*ret_out = (struct wg_out){
		.kind = WG_OUT_DATAGRAM,
		.data = (const uint8_t *)&reply->message,
		.len = sizeof(reply->message),
		.path = reply->path,
	};
	dev->replies_head = (dev->replies_head + 1) % COOKIE_REPLIES_MAX;
	dev->replies_len--;
	return true;
}

enum wg_out_kind wg_device_poll(
	struct wg_device *dev, const struct now *now, struct wg_out *ret_out)
{
	wg_device_collect(dev, now);
	if (poll_reply(dev, ret_out))
		return ret_out->kind;
	while (!list_empty(&dev->pending)) {
		struct wg_peer *peer = LIST_ENTRY(
			dev->pending.next, struct wg_peer, in_pending);
		bool done = poll_peer(dev, now, peer, ret_out);

		if (!peer->wants)
			list_del(&peer->in_pending);
		if (done)
			return ret_out->kind;
	}
	*ret_out = (struct wg_out){ .kind = WG_OUT_NONE };
	return WG_OUT_NONE;
}

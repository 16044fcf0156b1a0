/* device: what two of them do to each other, and what their owner sees.
 *
 *   Alice 10.0.0.1 fd00::1 @192.0.2.1:1001  ---  Bob 10.0.0.2 @192.0.2.2:1002
 */
#include "config.h"

#include "tests/unit/coretest.h"

#include "engine/core/limits.h"
#include "engine/core/messages.h"
#include "engine/core/peer.h"
#include "engine/core/state.h"

#include <sodium.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

#define SETUP(pair)                                                            \
	struct pair pair;                                                      \
	(void)state;                                                           \
	pair_init(&(pair), 1)

static const struct wg_counters *counters(struct pair *pair, int side)
{
	return wg_device_counters(pair->side[side].dev);
}

/* Next datagram, which must be of TYPE and LEN. */
static void expect_out(struct pair *pair, int from, enum wg_message_type type,
	size_t len, struct datagram *ret)
{
	assert_true(pair_poll(pair, from, ret));
	assert_int_equal(datagram_type(ret), type);
	assert_int_equal(ret->len, len);
}

static void expect_silence(struct pair *pair, int from)
{
	struct datagram d;

	assert_false(pair_poll(pair, from, &d));
}

/* Packet SEQ from FROM is delivered by D. */
static void expect_delivery(struct pair *pair, int to, struct datagram *d)
{
	struct wg_packet p;
	uint8_t want[100];

	assert_int_equal(pair_open(pair, to, d, &p), WG_DELIVER);
	(void)test_packet(want, to ? "10.0.0.1" : "10.0.0.2",
		to ? "10.0.0.2" : "10.0.0.1", 100, 0, 1);
	assert_int_equal(p.len, 100);
	assert_memory_equal(p.data, want, 100);
}

static void exchange(struct pair *pair, int from)
{
	struct datagram d;

	assert_int_equal(pair_seal(pair, from, &d), WG_SEND);
	expect_delivery(pair, !from, &d);
}

/* --- configuration --- */

static void test_peers(void **state)
{
	SETUP(pair);
	struct wg_device *dev = pair.side[ALICE].dev;
	struct wg_peer *peer, *peers[20];
	struct pubkey key = { { 0 } };
	struct seckey secret;

	assert_int_equal(wg_device_add_peer(
				 dev, &pair.now, &pair.side[BOB].public, &peer),
		-EEXIST);
	assert_int_equal(wg_device_add_peer(dev, &pair.now,
				 &pair.side[ALICE].public, &peer),
		-EINVAL);
	assert_true(wg_device_get_seckey(dev, &secret));
	assert_memory_equal(secret.b, pair.side[ALICE].secret.b, KEY_SIZE);
	wg_device_remove_peer(dev, pair.side[ALICE].peer);
	assert_null(wg_device_next_peer(dev, NULL));
	assert_null(wg_device_find_peer(dev, &pair.side[BOB].public));
	for (uint8_t i = 0; i < ARRAY_SIZE(peers); i++) {
		key.b[0] = (uint8_t)(i + 1);
		assert_int_equal(
			wg_device_add_peer(dev, &pair.now, &key, &peers[i]), 0);
		wg_peer_set_tag(peers[i], &peers[i]);
	}
	wg_device_remove_peer(dev, peers[7]);
	peer = NULL;
	for (uint8_t i = 0; i < ARRAY_SIZE(peers); i++) {
		key.b[0] = (uint8_t)(i + 1);
		if (i == 7) {
			assert_null(wg_device_find_peer(dev, &key));
			continue;
		}
		peer = wg_device_next_peer(dev, peer);
		assert_ptr_equal(peer, peers[i]);
		assert_ptr_equal(wg_device_find_peer(dev, &key), peer);
		assert_ptr_equal(wg_peer_get_tag(peer), &peers[i]);
	}
	assert_null(wg_device_next_peer(dev, peer));
	pair_release(&pair);
}

static void test_info(void **state)
{
	SETUP(pair);
	struct wg_peer_info info = pair_info(&pair, ALICE);
	struct psk psk = { { 9 } };
	double age;

	assert_int_equal(info.endpoint.addr.family, IP_NONE);
	assert_false(info.has_session);
	assert_true(info.last_handshake.ns == 0 && info.last_receive.ns == 0);
	wg_peer_set_psk(pair.side[ALICE].peer, &psk);
	wg_peer_set_psk(pair.side[BOB].peer, &psk);
	pair_connect(&pair);
	info = pair_info(&pair, ALICE);
	assert_memory_equal(info.pubkey.b, pair.side[BOB].public.b, KEY_SIZE);
	assert_memory_equal(info.psk.b, psk.b, KEY_SIZE);
	assert_true(endpoint_equal(&info.endpoint, &pair.side[BOB].endpoint));
	assert_true(info.last_handshake.ns == pair.now.wall.ns);
	assert_true(info.last_receive.ns == pair.now.mono.ns);
	/* As wg(8) counts: 148 and a keepalive out, 92 in. */
	assert_int_equal(info.tx_bytes, 148 + 32);
	assert_int_equal(info.rx_bytes, 92);
	info = pair_info(&pair, BOB);
	assert_int_equal(info.tx_bytes, 92);
	assert_int_equal(info.rx_bytes, 148 + 32);
	exchange(&pair, ALICE);
	assert_int_equal(pair_info(&pair, ALICE).tx_bytes, 148 + 32 + 32 + 112);
	assert_int_equal(pair_info(&pair, BOB).rx_bytes, 148 + 32 + 32 + 112);
	age = 179.9;
	now_add(&pair.now, age);
	assert_true(pair_info(&pair, ALICE).has_session);
	now_add(&pair.now, 0.2);
	assert_false(pair_info(&pair, ALICE).has_session);
	pair_release(&pair);
}

static void collect(void *arg, const struct ipnet *net)
{
	char *text = arg, one[IPNET_TEXT_SIZE];
	size_t len = strlen(text);

	(void)snprintf(text + len, 200 - len, "%s ", ipnet_format(net, one));
}

static void test_allowedips(void **state)
{
	SETUP(pair);
	struct side *a = &pair.side[ALICE];
	struct ipnet net = test_net("10.7.0.0/16"), host;
	char text[200] = "";

	assert_int_equal(wg_device_add_allowedip(a->dev, a->peer, &net), 0);
	host = test_net("10.0.0.2/32");
	assert_int_equal(wg_device_add_allowedip(a->dev, a->peer, &host), 0);
	wg_peer_each_allowedip(a->peer, collect, text);
	assert_string_equal(text, "fd00::2/128 10.7.0.0/16 10.0.0.2/32 ");
	wg_device_remove_allowedip(a->dev, a->peer, &net);
	*text = 0;
	wg_peer_each_allowedip(a->peer, collect, text);
	assert_string_equal(text, "fd00::2/128 10.0.0.2/32 ");
	wg_device_clear_allowedips(a->dev, a->peer);
	*text = 0;
	wg_peer_each_allowedip(a->peer, collect, text);
	assert_string_equal(text, "");
	pair_release(&pair);
}

/* --- the first packet --- */

static void test_first_packet(void **state)
{
	SETUP(pair);
	struct datagram d;

	pair_introduce(&pair, ALICE);
	expect_silence(&pair, ALICE);
	assert_int_equal(pair_seal(&pair, ALICE, &d), WG_STAGED);
	expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	assert_int_equal(d.ds, 0x88);
	assert_true(endpoint_equal(&d.path.remote, &pair.side[BOB].endpoint));
	expect_silence(&pair, ALICE);
	assert_int_equal(pair_deliver(&pair, BOB, &d), WG_CONSUMED);
	expect_out(&pair, BOB, MESSAGE_RESPONSE, 92, &d);
	assert_int_equal(d.ds, 0x88);
	assert_true(endpoint_equal(&d.path.remote, &pair.side[ALICE].endpoint));
	assert_int_equal(pair.side[BOB].moves, 1);
	assert_int_equal(pair.side[BOB].sessions, 0);
	assert_false(pair_info(&pair, BOB).has_session); /* no proof yet */
	assert_int_equal(pair_deliver(&pair, ALICE, &d), WG_CONSUMED);
	/* Right after the handshake: the packet, not a keepalive. */
	expect_out(&pair, ALICE, MESSAGE_DATA, 32 + 112, &d);
	assert_int_equal(d.ds, 0);
	expect_silence(&pair, ALICE);
	assert_int_equal(pair.side[ALICE].sessions, 1);
	expect_delivery(&pair, BOB, &d);
	expect_silence(&pair, BOB);
	assert_int_equal(pair.side[BOB].sessions, 1);
	exchange(&pair, ALICE);
	exchange(&pair, BOB);
	pair_release(&pair);
}

/* Nothing is sent to nowhere; known, it goes the same moment. */
static void test_endpoint_becomes_known(void **state)
{
	SETUP(pair);
	struct datagram d;

	assert_int_equal(pair_seal(&pair, ALICE, &d), WG_NO_ENDPOINT);
	assert_int_equal(counters(&pair, ALICE)->no_endpoint, 1);
	expect_silence(&pair, ALICE);
	pair_run(&pair, 7.3); /* in the middle of some retry */
	expect_silence(&pair, ALICE);
	pair_introduce(&pair, ALICE);
	expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	assert_int_equal(pair_deliver(&pair, BOB, &d), WG_CONSUMED);
	expect_out(&pair, BOB, MESSAGE_RESPONSE, 92, &d);
	assert_int_equal(pair_deliver(&pair, ALICE, &d), WG_CONSUMED);
	expect_out(&pair, ALICE, MESSAGE_DATA, 144, &d);
	expect_delivery(&pair, BOB, &d);
	pair_release(&pair);
}

/* A peer that keeps alive has something to say as well. */
static void test_keepalive_waits_for_endpoint(void **state)
{
	SETUP(pair);
	struct side *a = &pair.side[ALICE];
	struct datagram d;

	wg_peer_set_keepalive(a->dev, &pair.now, a->peer, 25);
	expect_silence(&pair, ALICE);
	pair_run(&pair, 1000); /* long given up */
	assert_int_equal(a->unreachables, 1);
	pair_introduce(&pair, ALICE);
	expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	pair_release(&pair);
}

/* One without either stays quiet. */
static void test_endpoint_alone_is_quiet(void **state)
{
	SETUP(pair);

	pair_introduce(&pair, ALICE);
	expect_silence(&pair, ALICE);
	assert_true(
		wg_device_deadline(pair.side[ALICE].dev).ns == MONO_NEVER.ns);
	pair_release(&pair);
}

static void test_staged_in_order(void **state)
{
	SETUP(pair);
	struct side *a = &pair.side[ALICE];
	struct wg_packet p[1];
	static uint8_t buf[1][WG_HEADROOM + 200 + WG_TAILROOM];
	uint8_t want[200];
	struct datagram d;
	struct wg_packet got;

	pair_introduce(&pair, ALICE);
	for (uint32_t i = 0; i < 200; i++) {
		p[0] = (struct wg_packet){ .data = buf[0] + WG_HEADROOM };
		p[0].len = test_packet(
			p[0].data, "10.0.0.1", "10.0.0.2", 60 + i % 100, 0, i);
		wg_device_seal(a->dev, &pair.now, p, 1);
		assert_int_equal(p[0].verdict, WG_STAGED);
	}
	assert_int_equal(counters(&pair, ALICE)->staged_overflow, 72);
	expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	(void)pair_deliver(&pair, BOB, &d);
	expect_out(&pair, BOB, MESSAGE_RESPONSE, 92, &d);
	(void)pair_deliver(&pair, ALICE, &d);
	/* There is a session, but who comes now queues up behind. */
	p[0] = (struct wg_packet){ .data = buf[0] + WG_HEADROOM };
	p[0].len = test_packet(p[0].data, "10.0.0.1", "10.0.0.2", 77, 0, 200);
	wg_device_seal(a->dev, &pair.now, p, 1);
	assert_int_equal(p[0].verdict, WG_STAGED);
	for (uint32_t i = 73; i <= 200; i++) {
		size_t len = i == 200 ? 77 : 60 + i % 100;

		assert_true(pair_poll(&pair, ALICE, &d));
		assert_int_equal(pair_open(&pair, BOB, &d, &got), WG_DELIVER);
		(void)test_packet(want, "10.0.0.1", "10.0.0.2", len, 0, i);
		assert_int_equal(got.len, len);
		assert_memory_equal(got.data, want, len);
	}
	expect_silence(&pair, ALICE);
	exchange(&pair, ALICE);
	pair_release(&pair);
}

static void test_unroutable(void **state)
{
	SETUP(pair);
	uint8_t buf[WG_HEADROOM + 100 + WG_TAILROOM];
	struct wg_packet p = { .data = buf + WG_HEADROOM };

	pair_connect(&pair);
	p.len = test_packet(p.data, "10.0.0.1", "10.0.0.3", 100, 0, 0);
	wg_device_seal(pair.side[ALICE].dev, &pair.now, &p, 1);
	assert_int_equal(p.verdict, WG_NO_PEER);
	p.len = test_packet(p.data, "fd00::1", "fd00::3", 100, 0, 0);
	wg_device_seal(pair.side[ALICE].dev, &pair.now, &p, 1);
	assert_int_equal(p.verdict, WG_NO_PEER);
	assert_int_equal(counters(&pair, ALICE)->no_peer, 2);
	p.data[0] = 0x55;
	wg_device_seal(pair.side[ALICE].dev, &pair.now, &p, 1);
	assert_int_equal(p.verdict, WG_DROPPED);
	p.len = 0;
	wg_device_seal(pair.side[ALICE].dev, &pair.now, &p, 1);
	assert_int_equal(p.verdict, WG_DROPPED);
	assert_int_equal(counters(&pair, ALICE)->bad_inner, 2);
	expect_silence(&pair, ALICE);
	pair_release(&pair);
}

/* --- sessions over time --- */

/* The responder may not seal before it has seen a packet of the session. */
static void test_responder_waits_for_proof(void **state)
{
	SETUP(pair);
	struct datagram d, data;

	pair_introduce(&pair, ALICE);
	wg_peer_initiate(
		pair.side[ALICE].dev, &pair.now, pair.side[ALICE].peer);
	expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	(void)pair_deliver(&pair, BOB, &d);
	expect_out(&pair, BOB, MESSAGE_RESPONSE, 92, &d);
	assert_int_equal(pair_seal(&pair, BOB, &data), WG_STAGED);
	expect_silence(&pair, BOB); /* no initiation: it sent just now */
	(void)pair_deliver(&pair, ALICE, &d);
	expect_out(&pair, ALICE, MESSAGE_DATA, 32, &d);
	assert_int_equal(pair_deliver(&pair, BOB, &d), WG_CONSUMED);
	expect_out(&pair, BOB, MESSAGE_DATA, 144, &data);
	expect_delivery(&pair, ALICE, &data);
	pair_release(&pair);
}

/* That first packet is lost: the responder initiates itself, 5 s after its
 * response and not later. */
static void test_proof_is_lost(void **state)
{
	SETUP(pair);
	struct datagram d;

	pair_introduce(&pair, ALICE);
	wg_peer_initiate(
		pair.side[ALICE].dev, &pair.now, pair.side[ALICE].peer);
	expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	(void)pair_deliver(&pair, BOB, &d);
	expect_out(&pair, BOB, MESSAGE_RESPONSE, 92, &d);
	(void)pair_deliver(&pair, ALICE, &d);
	expect_out(&pair, ALICE, MESSAGE_DATA, 32, &d); /* lost */
	pair_sleep(&pair, 1);
	assert_int_equal(pair_seal(&pair, BOB, &d), WG_STAGED);
	expect_silence(&pair, BOB);
	pair_sleep(&pair, 3.9);
	wg_device_tick(pair.side[BOB].dev, &pair.now);
	expect_silence(&pair, BOB);
	pair_sleep(&pair, 0.2);
	wg_device_tick(pair.side[BOB].dev, &pair.now);
	expect_out(&pair, BOB, MESSAGE_INITIATION, 148, &d);
	pair_release(&pair);
}

struct rekey_row {
	int sender; /* who sends a packet at that age */
	double age;
	int initiates; /* -1: nobody */
	int line;
};
static const struct rekey_row rekeys[] = {
	{ ALICE, 119.9, -1, __LINE__ },
	{ ALICE, 120.1, ALICE, __LINE__ }, /* REKEY_AFTER_TIME, initiator */
	{ BOB, 120.1, -1, __LINE__ },	   /* not the responder */
	{ BOB, 164.9, -1, __LINE__ },
	{ BOB, 165.1, ALICE, __LINE__ }, /* receiving, at the last minute */
	{ BOB, 179.9, ALICE, __LINE__ },
	{ ALICE, 180.1, ALICE, __LINE__ }, /* too old: staged */
	{ BOB, 180.1, BOB, __LINE__ },
};

static void test_rekey_by_time(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rekeys); i++) {
		const struct rekey_row *row = &rekeys[i];
		struct datagram d;
		SETUP(pair);

		pair_connect(&pair);
		pair_sleep(&pair, row->age);
		ROW_EQUAL(row, pair_seal(&pair, row->sender, &d),
			row->age < 180 ? WG_SEND : WG_STAGED);
		if (row->age < 180)
			expect_delivery(&pair, !row->sender, &d);
		for (int side = 0; side < 2; side++) {
			bool out = pair_poll(&pair, side, &d);

			ROW_EQUAL(row, out, side == row->initiates);
			if (out)
				ROW_EQUAL(row, datagram_type(&d),
					MESSAGE_INITIATION);
		}
		pair_release(&pair);
	}
}

/* Only one last-minute handshake a session. */
static void test_last_minute_once(void **state)
{
	SETUP(pair);
	struct datagram d;

	pair_connect(&pair);
	pair_sleep(&pair, 166);
	exchange(&pair, BOB);
	expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d); /* lost */
	expect_silence(&pair, ALICE);
	pair_sleep(&pair, 5.1);
	assert_int_equal(pair_seal(&pair, BOB, &d), WG_SEND);
	expect_delivery(&pair, ALICE, &d);
	expect_silence(&pair, ALICE); /* the timer repeats it, not this */
	pair_release(&pair);
}

static void test_rekey_by_count(void **state)
{
	for (int side = 0; side < 2; side++) {
		struct keypair *kp;
		struct datagram d;
		SETUP(pair);

		pair_connect(&pair);
		pair_sleep(&pair, 6); /* BOB sent a response 5 s ago or more */
		kp = pair.side[side].peer->keyring.current;
		kp->sending_counter = REKEY_AFTER_MESSAGES;
		exchange(&pair, side);
		expect_out(&pair, side, MESSAGE_INITIATION, 148, &d);
		(void)pair_deliver(&pair, !side, &d);
		pair_pump(&pair);
		assert_ptr_not_equal(pair.side[side].peer->keyring.current, kp);
		assert_int_equal(pair.side[side].sessions, 2);
		pair_release(&pair);
	}
}

static void test_reject_by_count(void **state)
{
	SETUP(pair);
	struct keypair *kp;
	struct datagram d;

	pair_connect(&pair);
	pair_sleep(&pair, 6);
	kp = pair.side[ALICE].peer->keyring.current;
	kp->sending_counter = REJECT_AFTER_MESSAGES - 1;
	exchange(&pair, ALICE);
	assert_int_equal(pair_seal(&pair, ALICE, &d), WG_STAGED);
	assert_int_equal(kp->sending_counter, REJECT_AFTER_MESSAGES);
	pair_pump(&pair);
	exchange(&pair, ALICE);
	pair_release(&pair);
}

/* A packet that was on the way for too long. */
static void test_reject_by_time(void **state)
{
	SETUP(pair);
	struct datagram early, late;

	pair_connect(&pair);
	pair_sleep(&pair, 179);
	assert_int_equal(pair_seal(&pair, ALICE, &early), WG_SEND);
	assert_int_equal(pair_seal(&pair, ALICE, &late), WG_SEND);
	pair_sleep(&pair, 0.9);
	expect_delivery(&pair, BOB, &early);
	pair_sleep(&pair, 0.2);
	assert_int_equal(pair_deliver(&pair, BOB, &late), WG_DROPPED);
	pair_release(&pair);
}

/* Late packets of the session before still open after a rekey. */
static void test_previous_opens(void **state)
{
	SETUP(pair);
	struct datagram late[2];

	pair_connect(&pair);
	pair_sleep(&pair, 121);
	assert_int_equal(pair_seal(&pair, BOB, &late[BOB]), WG_SEND);
	assert_int_equal(pair_seal(&pair, ALICE, &late[ALICE]), WG_SEND);
	pair_pump(&pair); /* the rekey that ALICE's packet began */
	assert_int_equal(pair.side[ALICE].sessions, 2);
	assert_int_equal(pair.side[BOB].sessions, 2);
	expect_delivery(&pair, BOB, &late[ALICE]);
	expect_delivery(&pair, ALICE, &late[BOB]);
	assert_int_equal(pair_deliver(&pair, ALICE, &late[BOB]), WG_DROPPED);
	pair_release(&pair);
}

static void test_keys_are_wiped(void **state)
{
	SETUP(pair);
	struct keypair *kp[2];

	pair_connect(&pair);
	exchange(&pair, ALICE);
	for (int i = 0; i < 2; i++)
		kp[i] = pair.side[i].peer->keyring.current;
	pair_run(&pair, 539);
	for (int i = 0; i < 2; i++)
		assert_false(key_is_zero(kp[i]->session.sending_key));
	pair_run(&pair, 2);
	for (int i = 0; i < 2; i++) {
		assert_true(key_is_zero(kp[i]->session.sending_key));
		assert_true(key_is_zero(kp[i]->session.receiving_key));
		assert_int_equal(pair.side[i].dev->keypairs.in_use, 0);
	}
	/* And nothing is left to do. */
	pair_run(&pair, 1);
	for (int i = 0; i < 2; i++)
		assert_true(wg_device_deadline(pair.side[i].dev).ns ==
			MONO_NEVER.ns);
	pair_release(&pair);
}

/* Both at once: two round trips at most (threats 4.3 L4); here one. */
static void test_simultaneous(void **state)
{
	SETUP(pair);
	struct datagram d[2];

	for (int i = 0; i < 2; i++) {
		pair_introduce(&pair, i);
		assert_int_equal(pair_seal(&pair, i, &d[i]), WG_STAGED);
	}
	for (int i = 0; i < 2; i++)
		expect_out(&pair, i, MESSAGE_INITIATION, 148, &d[i]);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pair_deliver(&pair, !i, &d[i]), WG_CONSUMED);
	for (int i = 0; i < 2; i++)
		expect_out(&pair, i, MESSAGE_RESPONSE, 92, &d[i]);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pair_deliver(&pair, !i, &d[i]), WG_CONSUMED);
	for (int i = 0; i < 2; i++)
		expect_out(&pair, i, MESSAGE_DATA, 144, &d[i]);
	for (int i = 0; i < 2; i++)
		expect_delivery(&pair, !i, &d[i]);
	for (int i = 0; i < 4; i++)
		exchange(&pair, i % 2);
	pair_run(&pair, 60);
	exchange(&pair, ALICE);
	exchange(&pair, BOB);
	pair_release(&pair);
}

/* No answer: 20 initiations, then silence, until there is traffic again. */
static void test_gives_up(void **state)
{
	SETUP(pair);
	struct side *a = &pair.side[ALICE];
	unsigned int initiations = 0;
	struct datagram d;
	int64_t last = 0;

	pair_introduce(&pair, ALICE);
	assert_int_equal(pair_seal(&pair, ALICE, &d), WG_STAGED);
	while (!a->unreachables) {
		while (pair_poll(&pair, ALICE, &d)) {
			assert_int_equal(datagram_type(&d), MESSAGE_INITIATION);
			if (initiations++)
				assert_true(pair.now.mono.ns - last >=
					REKEY_TIMEOUT_NS);
			last = pair.now.mono.ns;
		}
		if (a->unreachables)
			break;
		pair.now.mono = wg_device_deadline(a->dev);
		wg_device_tick(a->dev, &pair.now);
	}
	assert_int_equal(initiations, 20);
	assert_int_equal(a->peer->staged.len, 0);
	pair_run(&pair, 10000);
	expect_silence(&pair, ALICE);
	assert_int_equal(pair_seal(&pair, ALICE, &d), WG_STAGED);
	expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	pair_release(&pair);
}

static void test_no_session_with_wrong_psk(void **state)
{
	SETUP(pair);
	struct psk psk = { { 77 } };

	wg_peer_set_psk(pair.side[ALICE].peer, &psk);
	pair_introduce(&pair, ALICE);
	wg_peer_initiate(
		pair.side[ALICE].dev, &pair.now, pair.side[ALICE].peer);
	pair_pump(&pair);
	assert_int_equal(counters(&pair, ALICE)->bad_handshake, 1);
	assert_false(pair_info(&pair, ALICE).has_session);
	wg_peer_set_psk(pair.side[BOB].peer, &psk); /* the retry has it */
	pair_run(&pair, 6);
	assert_true(pair_info(&pair, ALICE).has_session);
	exchange(&pair, ALICE);
	pair_release(&pair);
}

/* --- keepalives --- */

static unsigned int count_out(struct pair *pair, double sec)
{
	uint64_t before =
		pair_info(pair, ALICE).tx_bytes + pair_info(pair, BOB).tx_bytes;

	pair_run(pair, sec);
	return (unsigned int)((pair_info(pair, ALICE).tx_bytes +
				      pair_info(pair, BOB).tx_bytes - before) /
		32);
}

/* threats 4.3 L3 */
static void test_idle_is_silent(void **state)
{
	SETUP(pair);

	pair_connect(&pair);
	assert_int_equal(count_out(&pair, 100000), 0);
	pair_release(&pair);
}

static void test_passive_keepalive(void **state)
{
	SETUP(pair);

	pair_connect(&pair);
	exchange(&pair, ALICE);
	assert_int_equal(count_out(&pair, 9.9), 0);
	assert_int_equal(count_out(&pair, 0.2), 1); /* BOB's */
	assert_int_equal(count_out(&pair, 100000), 0);
	pair_release(&pair);
}

static void test_persistent_keepalive(void **state)
{
	SETUP(pair);
	struct side *a = &pair.side[ALICE];

	pair_connect(&pair);
	wg_peer_set_keepalive(a->dev, &pair.now, a->peer, 10);
	assert_int_equal(count_out(&pair, 0.1), 1); /* at once */
	assert_int_equal(count_out(&pair, 99.95), 10);
	wg_peer_set_keepalive(a->dev, &pair.now, a->peer, 0);
	assert_int_equal(count_out(&pair, 100000), 0);
	pair_release(&pair);
}

/* With one that sends and one that hears nothing back: 15 s, then a new
 * handshake (the far end restarted, say). */
static void test_dead_peer_detected(void **state)
{
	SETUP(pair);
	struct side *a = &pair.side[ALICE];
	struct datagram d;
	double waited;

	pair_connect(&pair);
	pair_sleep(&pair, 30);
	assert_int_equal(pair_seal(&pair, ALICE, &d), WG_SEND); /* lost */
	waited = (double)(wg_device_deadline(a->dev).ns - pair.now.mono.ns) /
		1e9;
	pair_sleep(&pair, waited);
	wg_device_tick(a->dev, &pair.now);
	while (!pair_poll(&pair, ALICE, &d)) {
		pair.now.mono = wg_device_deadline(a->dev);
		wg_device_tick(a->dev, &pair.now);
		waited =
			(double)(pair.now.mono.ns - test_now(30).mono.ns) / 1e9;
	}
	assert_int_equal(datagram_type(&d), MESSAGE_INITIATION);
	assert_true(waited >= 15 && waited < 15.334);
	pair_release(&pair);
}

static void test_send_keepalive(void **state)
{
	SETUP(pair);
	struct side *a = &pair.side[ALICE];
	struct datagram d;

	pair_introduce(&pair, ALICE);
	wg_peer_send_keepalive(a->dev, &pair.now, a->peer);
	expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	(void)pair_deliver(&pair, BOB, &d);
	pair_pump(&pair);
	wg_peer_send_keepalive(a->dev, &pair.now, a->peer);
	expect_out(&pair, ALICE, MESSAGE_DATA, 32, &d);
	expect_silence(&pair, ALICE);
	/* A handshake is not wanted while there is a fresh session... */
	wg_peer_initiate(a->dev, &pair.now, a->peer);
	expect_silence(&pair, ALICE);
	pair_sleep(&pair, 121);
	wg_peer_initiate(a->dev, &pair.now, a->peer); /* ...now it is */
	expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	wg_peer_initiate(a->dev, &pair.now, a->peer); /* under way */
	expect_silence(&pair, ALICE);
	pair_release(&pair);
}

/* Sending the last thing wanted makes a new want: the keepalive is due for a
 * rekey. (Once queued the peer twice and made poll run in circles.) */
static void test_want_made_while_polling(void **state)
{
	SETUP(pair);
	struct side *a = &pair.side[ALICE];
	struct datagram d;

	pair_connect(&pair);
	pair_sleep(&pair, 121);
	wg_peer_send_keepalive(a->dev, &pair.now, a->peer);
	expect_out(&pair, ALICE, MESSAGE_DATA, 32, &d);
	expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	expect_silence(&pair, ALICE);
	assert_true(list_empty(&a->dev->pending));
	pair_release(&pair);
}

/* --- paths --- */

static void move(struct pair *pair, int side, const char *to)
{
	pair->side[side].endpoint = test_endpoint(to);
}

static bool is_at(struct pair *pair, int side, const char *where)
{
	struct endpoint want = test_endpoint(where);
	struct wg_peer_info info = pair_info(pair, side);

	return endpoint_equal(&info.endpoint, &want);
}

static void test_roams_by_data(void **state)
{
	SETUP(pair);
	struct datagram d, replay;

	pair_connect(&pair);
	assert_int_equal(pair_seal(&pair, ALICE, &d), WG_SEND);
	replay = d;
	expect_delivery(&pair, BOB, &d);
	pair.side[BOB].moves = 0;
	move(&pair, ALICE, "198.51.100.1:77");
	exchange(&pair, ALICE);
	assert_true(is_at(&pair, BOB, "198.51.100.1:77"));
	expect_silence(&pair, BOB);
	assert_int_equal(pair.side[BOB].moves, 1);
	/* Both families, and BOB's next goes there. */
	move(&pair, ALICE, "[2001:db8::1]:78");
	exchange(&pair, ALICE);
	assert_int_equal(pair_seal(&pair, BOB, &d), WG_SEND);
	assert_true(endpoint_equal(&d.path.remote, &pair.side[ALICE].endpoint));
	/* Somebody else's echo of it moves nothing, nor does a spoiled one. */
	move(&pair, ALICE, "203.0.113.66:66");
	d = replay;
	assert_int_equal(pair_deliver(&pair, BOB, &d), WG_DROPPED);
	assert_int_equal(counters(&pair, BOB)->replayed_counter, 1);
	assert_int_equal(pair_seal(&pair, ALICE, &d), WG_SEND);
	datagram_data(&d)[d.len - 1] ^= 1;
	assert_int_equal(pair_deliver(&pair, BOB, &d), WG_DROPPED);
	assert_int_equal(counters(&pair, BOB)->bad_tag, 1);
	assert_true(is_at(&pair, BOB, "[2001:db8::1]:78"));
	pair_release(&pair);
}

static void test_roams_by_handshake(void **state)
{
	SETUP(pair);
	struct datagram d, old;

	pair_connect(&pair);
	pair_sleep(&pair, 130);
	assert_int_equal(pair_seal(&pair, ALICE, &d), WG_SEND);
	expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	old = d;
	move(&pair, ALICE, "198.51.100.1:77");
	(void)pair_deliver(&pair, BOB, &d);
	assert_true(is_at(&pair, BOB, "198.51.100.1:77"));
	expect_out(&pair, BOB, MESSAGE_RESPONSE, 92, &d);
	move(&pair, BOB, "198.51.100.2:78");
	(void)pair_deliver(&pair, ALICE, &d);
	assert_true(is_at(&pair, ALICE, "198.51.100.2:78"));
	/* The same initiation again, from elsewhere. */
	move(&pair, ALICE, "203.0.113.66:66");
	(void)pair_deliver(&pair, BOB, &old);
	assert_int_equal(counters(&pair, BOB)->replayed_timestamp, 1);
	assert_true(is_at(&pair, BOB, "198.51.100.1:77"));
	pair_release(&pair);
}

/* The source is learned from what came, used, and forgotten when there is no
 * answer. */
static void test_sticky_source(void **state)
{
	SETUP(pair);
	struct side *a = &pair.side[ALICE];
	struct datagram d;

	pair_connect(&pair);
	assert_int_equal(pair_seal(&pair, ALICE, &d), WG_SEND); /* lost */
	assert_true(ipaddr_equal(&d.path.local, &a->endpoint.addr));
	assert_int_equal(d.path.ifindex, 7);
	/* New handshake timer, then the retransmission: both without. */
	for (int i = 0; i < 2; i++) {
		while (!pair_poll(&pair, ALICE, &d)) {
			pair.now.mono = wg_device_deadline(a->dev);
			wg_device_tick(a->dev, &pair.now);
			assert_true(a->peer->path.ifindex == 7 ||
				!list_empty(&a->dev->pending));
		}
		assert_int_equal(datagram_type(&d), MESSAGE_INITIATION);
		assert_int_equal(d.path.local.family, IP_NONE);
		assert_int_equal(d.path.ifindex, 0);
		if (i == 0) { /* learned again, by a packet of BOB's */
			assert_int_equal(pair_seal(&pair, BOB, &d), WG_SEND);
			expect_delivery(&pair, ALICE, &d);
			assert_int_equal(a->peer->path.ifindex, 7);
		}
	}
	/* Configuring an endpoint forgets it too. */
	assert_int_equal(pair_seal(&pair, BOB, &d), WG_SEND);
	expect_delivery(&pair, ALICE, &d);
	pair_introduce(&pair, ALICE);
	assert_int_equal(pair_seal(&pair, ALICE, &d), WG_SEND);
	assert_int_equal(d.path.ifindex, 0);
	pair_release(&pair);
}

/* --- inner packets --- */

/* The longest prefix of the whole device decides whose a source is. */
struct source_row {
	const char *source;
	enum wg_verdict want;
	int line;
};
static const struct source_row sources[] = {
	{ "10.0.0.1", WG_DELIVER, __LINE__ },
	{ "fd00::1", WG_DELIVER, __LINE__ },
	{ "10.0.0.9", WG_DROPPED, __LINE__ },  /* nobody's */
	{ "10.9.0.1", WG_DELIVER, __LINE__ },  /* in ALICE's /16 */
	{ "10.9.5.1", WG_DROPPED, __LINE__ },  /* in it, but CAROL's /24 */
	{ "fd00:9::1", WG_DROPPED, __LINE__ }, /* CAROL's */
};

static void test_source_check(void **state)
{
	SETUP(pair);
	struct side *b = &pair.side[BOB];
	struct pubkey key = { { 33 } };
	struct wg_peer *carol;
	struct ipnet net;

	pair_connect(&pair);
	assert_int_equal(
		wg_device_add_peer(b->dev, &pair.now, &key, &carol), 0);
	net = test_net("10.9.0.0/16");
	assert_int_equal(wg_device_add_allowedip(b->dev, b->peer, &net), 0);
	net = test_net("10.9.5.0/24");
	assert_int_equal(wg_device_add_allowedip(b->dev, carol, &net), 0);
	net = test_net("fd00:9::/32");
	assert_int_equal(wg_device_add_allowedip(b->dev, carol, &net), 0);
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		const struct source_row *row = &sources[i];
		bool v6 = strchr(row->source, ':') != NULL;
		struct datagram d;
		struct wg_packet p = { .data = datagram_data(&d) };
		uint64_t dropped = counters(&pair, BOB)->wrong_source;

		p.len = test_packet(p.data, row->source,
			v6 ? "fd00::2" : "10.0.0.2", 80, 0, 0);
		wg_device_seal(pair.side[ALICE].dev, &pair.now, &p, 1);
		ROW_EQUAL(row, p.verdict, WG_SEND);
		memmove(datagram_data(&d), p.data, p.len);
		d.len = p.len;
		d.ds = 0;
		ROW_EQUAL(row, pair_open(&pair, BOB, &d, &p), row->want);
		ROW_EQUAL(row, counters(&pair, BOB)->wrong_source - dropped,
			row->want == WG_DROPPED);
	}
	pair_release(&pair);
}

/* Padding is cut by the packet's own length; a lying length is dropped. */
static void test_inner_length(void **state)
{
	SETUP(pair);
	struct datagram d;
	struct wg_packet p;

	pair_connect(&pair);
	for (int lie = 0; lie < 2; lie++) {
		p = (struct wg_packet){ .data = datagram_data(&d) };
		p.len = test_packet(p.data, "10.0.0.1", "10.0.0.2", 65, 0, 0);
		if (lie)
			p.data[3] = 81; /* 80 are sealed */
		wg_device_seal(pair.side[ALICE].dev, &pair.now, &p, 1);
		memmove(datagram_data(&d), p.data, p.len);
		d.len = p.len;
		d.ds = 0;
		assert_int_equal(pair_open(&pair, BOB, &d, &p),
			lie ? WG_DROPPED : WG_DELIVER);
		if (!lie)
			assert_int_equal(p.len, 65);
	}
	assert_int_equal(counters(&pair, BOB)->bad_inner, 1);
	pair_release(&pair);
}

static void test_ecn_through(void **state)
{
	SETUP(pair);
	struct datagram d;
	struct wg_packet p = { .data = datagram_data(&d) };

	pair_connect(&pair);
	p.len = test_packet(p.data, "10.0.0.1", "10.0.0.2", 65, 0xb8 | 2, 0);
	wg_device_seal(pair.side[ALICE].dev, &pair.now, &p, 1);
	assert_int_equal(p.ds, 2);
	memmove(datagram_data(&d), p.data, p.len);
	d.len = p.len;
	d.ds = 3; /* the path was congested */
	assert_int_equal(pair_open(&pair, BOB, &d, &p), WG_DELIVER);
	assert_int_equal(p.data[1], 0xb8 | 3);
	assert_true(ipv4_checksum_ok(p.data));
	/* The same over staging. */
	pair_sleep(&pair, 200);
	p = (struct wg_packet){ .data = datagram_data(&d) };
	p.len = test_packet(p.data, "fd00::1", "fd00::2", 65, 0xb8 | 1, 0);
	wg_device_seal(pair.side[ALICE].dev, &pair.now, &p, 1);
	assert_int_equal(p.verdict, WG_STAGED);
	expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	(void)pair_deliver(&pair, BOB, &d);
	expect_out(&pair, BOB, MESSAGE_RESPONSE, 92, &d);
	(void)pair_deliver(&pair, ALICE, &d);
	expect_out(&pair, ALICE, MESSAGE_DATA, 32 + 80, &d);
	assert_int_equal(d.ds, 1);
	pair_release(&pair);
}

/* A batch of all kinds at once, runs and strays. */
static void test_mixed_batches(void **state)
{
	SETUP(pair);
	enum { N = WG_BATCH_MAX };
	static uint8_t buf[N][WG_HEADROOM + 200 + WG_TAILROOM];
	static struct wg_packet p[N];
	uint8_t want[200];

	pair_connect(&pair);
	for (uint32_t i = 0; i < N; i++) {
		const char *dst = i % 7 == 3 ? "10.0.0.77"
			: i % 5 == 2	     ? "fd00::2"
					     : "10.0.0.2";

		p[i] = (struct wg_packet){ .data = buf[i] + WG_HEADROOM };
		p[i].len = test_packet(p[i].data,
			*dst == 'f' ? "fd00::1" : "10.0.0.1", dst, 60 + i, 0,
			i);
		if (i % 11 == 5)
			p[i].data[0] = 0;
	}
	wg_device_seal(pair.side[ALICE].dev, &pair.now, p, N);
	for (uint32_t i = 0; i < N; i++) {
		assert_int_equal(p[i].verdict,
			i % 11 == 5	     ? WG_DROPPED
				: i % 7 == 3 ? WG_NO_PEER
					     : WG_SEND);
		if (i % 13 == 1)
			p[i].data[p[i].len - 1] ^= 1;
		p[i].path.remote = pair.side[ALICE].endpoint;
	}
	wg_device_open(pair.side[BOB].dev, &pair.now, p, N);
	for (uint32_t i = 0; i < N; i++) {
		bool good = i % 11 != 5 && i % 7 != 3 && i % 13 != 1;

		assert_int_equal(p[i].verdict == WG_DELIVER, good);
		if (!good)
			continue;
		(void)test_packet(want, i % 5 == 2 ? "fd00::1" : "10.0.0.1",
			i % 5 == 2 ? "fd00::2" : "10.0.0.2", 60 + i, 0, i);
		assert_int_equal(p[i].len, 60 + i);
		assert_memory_equal(p[i].data, want, 60 + i);
	}
	pair_release(&pair);
}

/* --- identity --- */

static void test_set_seckey(void **state)
{
	SETUP(pair);
	struct side *a = &pair.side[ALICE];
	struct datagram late, d;
	struct seckey fresh;
	struct pubkey public;

	pair_connect(&pair);
	assert_int_equal(pair_seal(&pair, BOB, &late), WG_SEND);
	/* The same key again changes nothing. */
	wg_device_set_seckey(a->dev, &pair.now, &a->secret);
	assert_true(pair_info(&pair, ALICE).has_session);
	memset(fresh.b, 5, sizeof(fresh.b));
	seckey_clamp(&fresh);
	wg_device_set_seckey(a->dev, &pair.now, &fresh);
	assert_false(pair_info(&pair, ALICE).has_session);
	expect_delivery(&pair, ALICE, &late); /* still opens */
	assert_int_equal(pair_seal(&pair, ALICE, &d), WG_STAGED);
	expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	(void)pair_deliver(&pair, BOB, &d);
	expect_silence(&pair, BOB); /* does not know who that is */
	/* BOB learns of it: one new peer, and traffic flows. */
	public = seckey_public(&fresh);
	wg_device_remove_peer(pair.side[BOB].dev, pair.side[BOB].peer);
	assert_int_equal(wg_device_add_peer(pair.side[BOB].dev, &pair.now,
				 &public, &pair.side[BOB].peer),
		0);
	pair_run(&pair, 6);
	assert_true(pair_info(&pair, ALICE).has_session);
	/* A peer with our own key goes. */
	wg_device_set_seckey(a->dev, &pair.now, &pair.side[BOB].secret);
	assert_null(wg_device_next_peer(a->dev, NULL));
	pair_release(&pair);
}

static void test_no_identity(void **state)
{
	SETUP(pair);
	static const struct seckey none;
	struct side *a = &pair.side[ALICE];
	struct datagram d;
	struct seckey key;

	wg_device_set_seckey(a->dev, &pair.now, &none);
	assert_false(wg_device_get_seckey(a->dev, &key));
	assert_true(key_is_zero(a->dev->identity.secret.b));
	pair_introduce(&pair, ALICE);
	pair_introduce(&pair, BOB);
	assert_int_equal(pair_seal(&pair, ALICE, &d), WG_STAGED);
	expect_silence(&pair, ALICE);
	assert_int_equal(pair_seal(&pair, BOB, &d), WG_STAGED);
	expect_out(&pair, BOB, MESSAGE_INITIATION, 148, &d);
	assert_int_equal(pair_deliver(&pair, ALICE, &d), WG_DROPPED);
	/* With a key it goes at once. */
	wg_device_set_seckey(a->dev, &pair.now, &a->secret);
	expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	pair_release(&pair);
}

/* A peer that keeps alive begins as soon as there is an identity. */
static void test_keepalive_waits_for_identity(void **state)
{
	SETUP(pair);
	static const struct seckey none;
	struct side *a = &pair.side[ALICE];
	struct datagram d;

	wg_device_set_seckey(a->dev, &pair.now, &none);
	pair_introduce(&pair, ALICE);
	wg_peer_set_keepalive(a->dev, &pair.now, a->peer, 25);
	expect_silence(&pair, ALICE);
	wg_device_set_seckey(a->dev, &pair.now, &a->secret);
	expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	pair_release(&pair);
}

/* A new identity forgets a session that has no proof yet, too. */
static void test_set_seckey_while_pending(void **state)
{
	SETUP(pair);
	struct side *b = &pair.side[BOB];
	struct datagram d;
	struct seckey fresh = { { 64 } };

	pair_introduce(&pair, ALICE);
	wg_peer_initiate(
		pair.side[ALICE].dev, &pair.now, pair.side[ALICE].peer);
	expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	(void)pair_deliver(&pair, BOB, &d);
	expect_out(&pair, BOB, MESSAGE_RESPONSE, 92, &d);
	wg_device_set_seckey(b->dev, &pair.now, &fresh);
	(void)pair_deliver(&pair, ALICE, &d);
	expect_out(&pair, ALICE, MESSAGE_DATA, 32, &d);
	(void)pair_deliver(&pair, BOB, &d); /* opens, and may not seal */
	assert_false(pair_info(&pair, BOB).has_session);
	pair_release(&pair);
}

/* Restarted with the clock far back: silent to peers, unless the stamp was
 * kept. */
static void test_timestamp_survives(void **state)
{
	for (int kept = 0; kept < 2; kept++) {
		struct wg_rng rng;
		struct datagram d;
		struct wall stamp;
		SETUP(pair);
		struct side *a = &pair.side[ALICE];

		pair_connect(&pair);
		stamp = wg_device_timestamp(a->dev);
		assert_true(stamp.ns > 0);
		wg_device_free(a->dev);
		pair_sleep(&pair, 30);
		pair.now.wall.ns -= 3600 * NSEC_PER_SEC;
		rng = testrng_wg(&pair.rng);
		a->dev = wg_device_new(&rng, &pair.now);
		wg_device_set_seckey(a->dev, &pair.now, &a->secret);
		if (kept)
			wg_device_raise_timestamp(a->dev, stamp);
		assert_int_equal(wg_device_add_peer(a->dev, &pair.now,
					 &pair.side[BOB].public, &a->peer),
			0);
		pair_introduce(&pair, ALICE);
		wg_peer_initiate(a->dev, &pair.now, a->peer);
		expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
		(void)pair_deliver(&pair, BOB, &d);
		assert_int_equal(pair_poll(&pair, BOB, &d), kept);
		pair_release(&pair);
	}
}

static void test_down(void **state)
{
	SETUP(pair);
	struct side *a = &pair.side[ALICE];
	struct datagram d;

	pair_connect(&pair);
	wg_peer_set_keepalive(a->dev, &pair.now, a->peer, 25);
	exchange(&pair, BOB);
	wg_device_down(a->dev);
	expect_silence(&pair, ALICE);
	assert_true(wg_device_deadline(a->dev).ns == MONO_NEVER.ns);
	assert_int_equal(a->dev->keypairs.in_use, 0);
	assert_int_equal(pair_info(&pair, ALICE).keepalive_sec, 25);
	wg_peer_send_keepalive(a->dev, &pair.now, a->peer);
	expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	pair_release(&pair);
}

/* Removed in the middle of everything: nothing of it is found again. */
static void test_remove_busy_peer(void **state)
{
	SETUP(pair);
	struct side *a = &pair.side[ALICE];
	struct datagram response, data, d;

	pair_connect(&pair);
	pair_sleep(&pair, 121);
	assert_int_equal(pair_seal(&pair, BOB, &data), WG_SEND);
	assert_int_equal(pair_seal(&pair, ALICE, &d), WG_SEND);
	expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	(void)pair_deliver(&pair, BOB, &d);
	expect_out(&pair, BOB, MESSAGE_RESPONSE, 92, &response);
	wg_peer_send_keepalive(a->dev, &pair.now, a->peer);
	wg_device_remove_peer(a->dev, a->peer);
	expect_silence(&pair, ALICE);
	assert_int_equal(a->dev->keypairs.in_use, 0);
	assert_true(wg_device_deadline(a->dev).ns == MONO_NEVER.ns);
	assert_int_equal(pair_deliver(&pair, ALICE, &data), WG_DROPPED);
	(void)pair_deliver(&pair, ALICE, &response);
	assert_int_equal(counters(&pair, ALICE)->unknown_index, 2);
	assert_int_equal(pair_seal(&pair, ALICE, &d), WG_NO_PEER);
	pair_release(&pair);
}

/* --- load --- */

/* BOB's queue is full of honest-looking initiations by strangers. */
static void load_bob(struct pair *pair)
{
	struct wg_message_initiation m = { .type = le32_make(1) };
	struct cookie_jar jar;
	struct wg_packet p = { .path.remote = test_endpoint("203.0.113.9:9") };

	cookie_jar_init(&jar, &pair->side[BOB].public);
	for (int i = 0; i < HANDSHAKE_QUEUE_LOADED; i++) {
		m.ephemeral.b[0] = (uint8_t)i;
		m.ephemeral.b[1] = (uint8_t)(i >> 8);
		cookie_add_macs(&jar, &m, sizeof(m), pair->now.mono);
		p.data = (uint8_t *)&m;
		p.len = sizeof(m);
		wg_device_open(pair->side[BOB].dev, &pair->now, &p, 1);
		assert_int_equal(p.verdict, WG_CONSUMED);
	}
	expect_silence(pair, BOB);
}

static void test_under_load(void **state)
{
	SETUP(pair);
	struct side *b = &pair.side[BOB];
	struct datagram d;
	uint64_t bad;

	load_bob(&pair);
	pair_introduce(&pair, ALICE);
	wg_peer_initiate(
		pair.side[ALICE].dev, &pair.now, pair.side[ALICE].peer);
	expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	bad = counters(&pair, BOB)->bad_handshake;
	/* Not queued: answered with a cookie, smaller than the question. */
	assert_int_equal(pair_deliver(&pair, BOB, &d), WG_CONSUMED);
	assert_int_equal(counters(&pair, BOB)->bad_handshake - bad,
		HANDSHAKE_QUEUE_LOADED);
	expect_out(&pair, BOB, MESSAGE_COOKIE, 64, &d);
	assert_int_equal(d.ds, 0);
	assert_true(endpoint_equal(&d.path.remote, &pair.side[ALICE].endpoint));
	expect_silence(&pair, BOB);
	assert_int_equal(counters(&pair, BOB)->cookies_sent, 1);
	/* A cookie moves no endpoint and answers nothing by itself. */
	move(&pair, BOB, "203.0.113.66:66");
	assert_int_equal(pair_deliver(&pair, ALICE, &d), WG_CONSUMED);
	expect_silence(&pair, ALICE);
	assert_true(is_at(&pair, ALICE, "192.0.2.2:1002"));
	move(&pair, BOB, "192.0.2.2:1002");
	/* The retry carries mac2. BOB is still under load: again full. */
	pair_sleep(&pair, 5.4);
	load_bob(&pair);
	wg_device_tick(pair.side[ALICE].dev, &pair.now);
	expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	assert_int_equal(pair_deliver(&pair, BOB, &d), WG_CONSUMED);
	expect_out(&pair, BOB, MESSAGE_RESPONSE, 92, &d);
	(void)pair_deliver(&pair, ALICE, &d);
	pair_pump(&pair);
	exchange(&pair, ALICE);
	/* A second later nobody asks for mac2 any more. */
	assert_true(hsqueue_under_load(&b->dev->handshakes, pair.now.mono));
	pair_sleep(&pair, 1);
	assert_false(hsqueue_under_load(&b->dev->handshakes, pair.now.mono));
	pair_release(&pair);
}

/* With a cookie, one source still gets 20 a second and no more. */
static void test_rate_limited_under_load(void **state)
{
	SETUP(pair);
	struct wg_device *bob = pair.side[BOB].dev;
	struct wg_message_initiation m = { .type = le32_make(1) };
	struct cookie_jar jar;
	struct datagram d;
	unsigned int taken = 0;

	load_bob(&pair);
	cookie_jar_init(&jar, &pair.side[BOB].public);
	for (int i = 0; i < 100; i++) {
		m.ephemeral.b[5] = (uint8_t)i;
		cookie_add_macs(&jar, &m, sizeof(m), pair.now.mono);
		memcpy(datagram_data(&d), &m, sizeof(m));
		d.len = sizeof(m);
		taken += pair_deliver(&pair, BOB, &d) == WG_CONSUMED;
		if (i == 0) {
			expect_out(&pair, BOB, MESSAGE_COOKIE, 64, &d);
			assert_true(cookie_consume_reply(&jar,
				(void *)datagram_data(&d), pair.now.mono));
		}
		now_add(&pair.now, 0.005);
	}
	assert_int_equal(taken, 1 + 5 + 9); /* reply; burst; 0.495 s of 20/s */
	assert_int_equal(wg_device_counters(bob)->rate_limited, 100 - taken);
	pair_release(&pair);
}

/* The ring of replies is small; what does not fit is not sent. */
static void test_cookie_ring(void **state)
{
	SETUP(pair);
	struct wg_device *bob = pair.side[BOB].dev;
	struct wg_message_initiation m = { .type = le32_make(1) };
	struct wg_packet p = { .path.remote = test_endpoint("203.0.113.9:9") };
	struct cookie_jar jar;
	struct datagram d;
	unsigned int out = 0;

	load_bob(&pair);
	cookie_jar_init(&jar, &pair.side[BOB].public);
	cookie_add_macs(&jar, &m, sizeof(m), pair.now.mono);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < COOKIE_REPLIES_MAX * 2; i++) {
			p.data = (uint8_t *)&m;
			p.len = sizeof(m);
			wg_device_open(bob, &pair.now, &p, 1);
		}
		assert_true(wg_device_deadline(bob).ns == 0);
		for (out = 0; pair_poll(&pair, BOB, &d); out++)
			assert_int_equal(datagram_type(&d), MESSAGE_COOKIE);
		assert_int_equal(out, COOKIE_REPLIES_MAX);
	}
	pair_release(&pair);
}

/* A second initiation within 20 ms, as good as the first: not answered. */
static void test_flooding_peer(void **state)
{
	SETUP(pair);
	struct side *a = &pair.side[ALICE];
	struct seckey none = { { 0 } };
	struct datagram d;

	pair_introduce(&pair, ALICE);
	wg_peer_initiate(a->dev, &pair.now, a->peer);
	expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	(void)pair_deliver(&pair, BOB, &d);
	expect_out(&pair, BOB, MESSAGE_RESPONSE, 92, &d);
	pair_sleep(&pair, 0.019);
	wg_device_set_seckey(a->dev, &pair.now, &none); /* forgets its pace */
	wg_device_set_seckey(a->dev, &pair.now, &a->secret);
	wg_device_down(a->dev);
	wg_peer_initiate(a->dev, &pair.now, a->peer);
	expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	(void)pair_deliver(&pair, BOB, &d);
	expect_silence(&pair, BOB);
	assert_int_equal(counters(&pair, BOB)->flooded_peer, 1);
	pair_release(&pair);
}

/* Established traffic does not care about a full queue. */
static void test_queue_full(void **state)
{
	SETUP(pair);
	struct wg_device *bob = pair.side[BOB].dev;
	struct wg_path path = { .remote = test_endpoint("203.0.113.9:9") };
	struct wg_message_initiation m = { .type = le32_make(1) };
	struct wg_packet p = { .path = path };
	struct cookie_jar jar;
	struct datagram d;

	pair_connect(&pair);
	while (hsqueue_push(&bob->handshakes, &path, &m, sizeof(m)))
		;
	/* Not even a proven source gets in. */
	cookie_jar_init(&jar, &pair.side[BOB].public);
	cookie_add_macs(&jar, &m, sizeof(m), pair.now.mono);
	p.data = (uint8_t *)&m;
	p.len = sizeof(m);
	wg_device_open(bob, &pair.now, &p, 1);
	expect_out(&pair, BOB, MESSAGE_COOKIE, 64, &d);
	assert_true(cookie_consume_reply(
		&jar, (void *)datagram_data(&d), pair.now.mono));
	cookie_add_macs(&jar, &m, sizeof(m), pair.now.mono);
	p.data = (uint8_t *)&m;
	wg_device_open(bob, &pair.now, &p, 1);
	assert_int_equal(p.verdict, WG_DROPPED);
	assert_int_equal(counters(&pair, BOB)->queue_full, 1);
	assert_true(wg_device_work(bob, &pair.now, 1));
	assert_int_equal(bob->handshakes.len, HANDSHAKE_QUEUE_MAX - 1);
	exchange(&pair, ALICE);
	exchange(&pair, BOB);
	assert_false(wg_device_work(bob, &pair.now, SIZE_MAX));
	pair_release(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peers),
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_allowedips),
		cmocka_unit_test(test_first_packet),
		cmocka_unit_test(test_endpoint_becomes_known),
		cmocka_unit_test(test_keepalive_waits_for_endpoint),
		cmocka_unit_test(test_endpoint_alone_is_quiet),
		cmocka_unit_test(test_staged_in_order),
		cmocka_unit_test(test_unroutable),
		cmocka_unit_test(test_responder_waits_for_proof),
		cmocka_unit_test(test_proof_is_lost),
		cmocka_unit_test(test_rekey_by_time),
		cmocka_unit_test(test_last_minute_once),
		cmocka_unit_test(test_rekey_by_count),
		cmocka_unit_test(test_reject_by_count),
		cmocka_unit_test(test_reject_by_time),
		cmocka_unit_test(test_previous_opens),
		cmocka_unit_test(test_keys_are_wiped),
		cmocka_unit_test(test_simultaneous),
		cmocka_unit_test(test_gives_up),
		cmocka_unit_test(test_no_session_with_wrong_psk),
		cmocka_unit_test(test_idle_is_silent),
		cmocka_unit_test(test_passive_keepalive),
		cmocka_unit_test(test_persistent_keepalive),
		cmocka_unit_test(test_dead_peer_detected),
		cmocka_unit_test(test_send_keepalive),
		cmocka_unit_test(test_want_made_while_polling),
		cmocka_unit_test(test_roams_by_data),
		cmocka_unit_test(test_roams_by_handshake),
		cmocka_unit_test(test_sticky_source),
		cmocka_unit_test(test_source_check),
		cmocka_unit_test(test_inner_length),
		cmocka_unit_test(test_ecn_through),
		cmocka_unit_test(test_mixed_batches),
		cmocka_unit_test(test_set_seckey),
		cmocka_unit_test(test_no_identity),
		cmocka_unit_test(test_keepalive_waits_for_identity),
		cmocka_unit_test(test_set_seckey_while_pending),
		cmocka_unit_test(test_timestamp_survives),
		cmocka_unit_test(test_down),
		cmocka_unit_test(test_remove_busy_peer),
		cmocka_unit_test(test_under_load),
		cmocka_unit_test(test_rate_limited_under_load),
		cmocka_unit_test(test_cookie_ring),
		cmocka_unit_test(test_flooding_peer),
		cmocka_unit_test(test_queue_full),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}

/* device: what its owner configures, and what becomes of the first packet. */
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
	pair_exchange(&pair, ALICE);
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

static void test_first_packet(void **state)
{
	SETUP(pair);
	struct datagram d;

	pair_introduce(&pair, ALICE);
	pair_expect_silence(&pair, ALICE);
	assert_int_equal(pair_seal(&pair, ALICE, &d), WG_STAGED);
	pair_expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	assert_int_equal(d.ds, 0x88);
	assert_true(endpoint_equal(&d.path.remote, &pair.side[BOB].endpoint));
	pair_expect_silence(&pair, ALICE);
	assert_int_equal(pair_deliver(&pair, BOB, &d), WG_CONSUMED);
	pair_expect_out(&pair, BOB, MESSAGE_RESPONSE, 92, &d);
	assert_int_equal(d.ds, 0x88);
	assert_true(endpoint_equal(&d.path.remote, &pair.side[ALICE].endpoint));
	assert_int_equal(pair.side[BOB].moves, 1);
	assert_int_equal(pair.side[BOB].sessions, 0);
	assert_false(pair_info(&pair, BOB).has_session); /* no proof yet */
	assert_int_equal(pair_deliver(&pair, ALICE, &d), WG_CONSUMED);
	/* Right after the handshake: the packet, not a keepalive. */
	pair_expect_out(&pair, ALICE, MESSAGE_DATA, 32 + 112, &d);
	assert_int_equal(d.ds, 0);
	pair_expect_silence(&pair, ALICE);
	assert_int_equal(pair.side[ALICE].sessions, 1);
	pair_expect_delivery(&pair, BOB, &d);
	pair_expect_silence(&pair, BOB);
	assert_int_equal(pair.side[BOB].sessions, 1);
	pair_exchange(&pair, ALICE);
	pair_exchange(&pair, BOB);
	pair_release(&pair);
}

/* Nothing is sent to nowhere; known, it goes the same moment. */
static void test_endpoint_becomes_known(void **state)
{
	SETUP(pair);
	struct datagram d;

	assert_int_equal(pair_seal(&pair, ALICE, &d), WG_NO_ENDPOINT);
	assert_int_equal(pair_counters(&pair, ALICE)->no_endpoint, 1);
	pair_expect_silence(&pair, ALICE);
	pair_run(&pair, 7.3); /* in the middle of some retry */
	pair_expect_silence(&pair, ALICE);
	pair_introduce(&pair, ALICE);
	pair_expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	assert_int_equal(pair_deliver(&pair, BOB, &d), WG_CONSUMED);
	pair_expect_out(&pair, BOB, MESSAGE_RESPONSE, 92, &d);
	assert_int_equal(pair_deliver(&pair, ALICE, &d), WG_CONSUMED);
	pair_expect_out(&pair, ALICE, MESSAGE_DATA, 144, &d);
	pair_expect_delivery(&pair, BOB, &d);
	pair_release(&pair);
}

/* A peer that keeps alive has something to say as well. */
static void test_keepalive_waits_for_endpoint(void **state)
{
	SETUP(pair);
	struct side *a = &pair.side[ALICE];
	struct datagram d;

	wg_peer_set_keepalive(a->dev, &pair.now, a->peer, 25);
	pair_expect_silence(&pair, ALICE);
	pair_run(&pair, 1000); /* long given up */
	assert_int_equal(a->unreachables, 1);
	pair_introduce(&pair, ALICE);
	pair_expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	pair_release(&pair);
}

/* One without either stays quiet. */
static void test_endpoint_alone_is_quiet(void **state)
{
	SETUP(pair);

	pair_introduce(&pair, ALICE);
	pair_expect_silence(&pair, ALICE);
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
	assert_int_equal(pair_counters(&pair, ALICE)->staged_overflow, 72);
	pair_expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	(void)pair_deliver(&pair, BOB, &d);
	pair_expect_out(&pair, BOB, MESSAGE_RESPONSE, 92, &d);
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
	pair_expect_silence(&pair, ALICE);
	pair_exchange(&pair, ALICE);
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
	assert_int_equal(pair_counters(&pair, ALICE)->no_peer, 2);
	p.data[0] = 0x55;
	wg_device_seal(pair.side[ALICE].dev, &pair.now, &p, 1);
	assert_int_equal(p.verdict, WG_DROPPED);
	p.len = 0;
	wg_device_seal(pair.side[ALICE].dev, &pair.now, &p, 1);
	assert_int_equal(p.verdict, WG_DROPPED);
	assert_int_equal(pair_counters(&pair, ALICE)->bad_inner, 2);
	pair_expect_silence(&pair, ALICE);
	pair_release(&pair);
}

/* A batch is padded as it was laid out, though the MTU changes meanwhile: a
 * longer message would write over the next packet. */
static void test_mtu_of_batch(void **state)
{
	SETUP(pair);
	struct wg_device *alice = pair.side[ALICE].dev;
	struct wg_worker *worker = wg_device_own_worker(alice);
	static uint8_t buf[WG_HEADROOM + 1500 + WG_TAILROOM];

	pair_connect(&pair);
	for (uint32_t changed = 1400; changed <= 1500; changed += 100) {
		struct wg_packet p = { .data = buf + WG_HEADROOM };

		wg_device_set_mtu(alice, 1411);
		assert_int_equal(wg_worker_mtu(worker), 1411);
		wg_device_set_mtu(alice, changed);
		p.len = test_packet(p.data, "10.0.0.1", "10.0.0.2", 1405, 0, 1);
		wg_worker_seal(worker, &pair.now, &p, 1);
		assert_int_equal(p.verdict, WG_SEND);
		assert_int_equal(p.len, wg_message_size(1405, 1411));
		assert_int_equal(wg_worker_mtu(worker), changed);
	}
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
		cmocka_unit_test(test_mtu_of_batch),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}

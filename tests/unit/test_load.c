/* load: handshake floods, cookies, limits; and the honest get through. */
#include "config.h"

#include "tests/unit/coretest.h"

#include "engine/core/limits.h"
#include "engine/core/messages.h"
#include "engine/core/peer.h"
#include "engine/core/state.h"

#include <sodium.h>

#include <string.h>

#include "base/banned.h"

/* BOB's queue is full of honest-looking initiations by strangers. */
static void load_bob(struct pair *pair)
{
	struct wg_message_initiation m = { .type = le32_make(1) };
	struct cookie_jar jar;
	const struct wg_path path = { .remote =
					      test_endpoint("203.0.113.9:9") };
	struct wg_packet p = { .path = &path };

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
	pair_expect_silence(pair, BOB);
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
	pair_expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	bad = pair_counters(&pair, BOB)->bad_handshake;
	/* Not queued: answered with a cookie, smaller than the question. */
	assert_int_equal(pair_deliver(&pair, BOB, &d), WG_CONSUMED);
	assert_int_equal(pair_counters(&pair, BOB)->bad_handshake - bad,
		HANDSHAKE_QUEUE_LOADED);
	pair_expect_out(&pair, BOB, MESSAGE_COOKIE, 64, &d);
	assert_int_equal(d.ds, 0);
	assert_true(endpoint_equal(&d.path.remote, &pair.side[ALICE].endpoint));
	pair_expect_silence(&pair, BOB);
	assert_int_equal(pair_counters(&pair, BOB)->cookies_sent, 1);
	/* A cookie moves no endpoint and answers nothing by itself. */
	pair_move(&pair, BOB, "203.0.113.66:66");
	assert_int_equal(pair_deliver(&pair, ALICE, &d), WG_CONSUMED);
	pair_expect_silence(&pair, ALICE);
	assert_true(pair_is_at(&pair, ALICE, "192.0.2.2:1002"));
	pair_move(&pair, BOB, "192.0.2.2:1002");
	/* The retry carries mac2. BOB is still under load: again full. */
	pair_sleep(&pair, 5.4);
	load_bob(&pair);
	wg_device_tick(pair.side[ALICE].dev, &pair.now);
	pair_expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	assert_int_equal(pair_deliver(&pair, BOB, &d), WG_CONSUMED);
	pair_expect_out(&pair, BOB, MESSAGE_RESPONSE, 92, &d);
	(void)pair_deliver(&pair, ALICE, &d);
	pair_pump(&pair);
	pair_exchange(&pair, ALICE);
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
			pair_expect_out(&pair, BOB, MESSAGE_COOKIE, 64, &d);
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
	const struct wg_path path = { .remote =
					      test_endpoint("203.0.113.9:9") };
	struct wg_packet p = { .path = &path };
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
	pair_expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	(void)pair_deliver(&pair, BOB, &d);
	pair_expect_out(&pair, BOB, MESSAGE_RESPONSE, 92, &d);
	pair_sleep(&pair, 0.019);
	wg_device_set_seckey(a->dev, &pair.now, &none); /* forgets its pace */
	wg_device_set_seckey(a->dev, &pair.now, &a->secret);
	wg_device_down(a->dev);
	wg_peer_initiate(a->dev, &pair.now, a->peer);
	pair_expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	(void)pair_deliver(&pair, BOB, &d);
	pair_expect_silence(&pair, BOB);
	assert_int_equal(pair_counters(&pair, BOB)->flooded_peer, 1);
	pair_release(&pair);
}

/* Established traffic does not care about a full queue. */
static void test_queue_full(void **state)
{
	SETUP(pair);
	struct wg_device *bob = pair.side[BOB].dev;
	struct wg_path path = { .remote = test_endpoint("203.0.113.9:9") };
	struct wg_message_initiation m = { .type = le32_make(1) };
	struct wg_packet p = { .path = &path };
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
	pair_expect_out(&pair, BOB, MESSAGE_COOKIE, 64, &d);
	assert_true(cookie_consume_reply(
		&jar, (void *)datagram_data(&d), pair.now.mono));
	cookie_add_macs(&jar, &m, sizeof(m), pair.now.mono);
	p.data = (uint8_t *)&m;
	wg_device_open(bob, &pair.now, &p, 1);
	assert_int_equal(p.verdict, WG_DROPPED);
	assert_int_equal(pair_counters(&pair, BOB)->queue_full, 1);
	assert_true(wg_device_work(bob, &pair.now, 1));
	assert_int_equal(bob->handshakes.len, HANDSHAKE_QUEUE_DROP - 1);
	pair_exchange(&pair, ALICE);
	pair_exchange(&pair, BOB);
	assert_false(wg_device_work(bob, &pair.now, SIZE_MAX));
	pair_release(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_under_load),
		cmocka_unit_test(test_rate_limited_under_load),
		cmocka_unit_test(test_cookie_ring),
		cmocka_unit_test(test_flooding_peer),
		cmocka_unit_test(test_queue_full),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}

/* identity: keys that change, come and go; restarts; interfaces that go down. */
#include "config.h"

#include "tests/unit/coretest.h"

#include "engine/core/limits.h"
#include "engine/core/messages.h"
#include "engine/core/peer.h"
#include "engine/core/state.h"

#include <sodium.h>

#include <string.h>

#include "base/banned.h"

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
	pair_expect_delivery(&pair, ALICE, &late); /* still opens */
	assert_int_equal(pair_seal(&pair, ALICE, &d), WG_STAGED);
	pair_expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	(void)pair_deliver(&pair, BOB, &d);
	pair_expect_silence(&pair, BOB); /* does not know who that is */
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
	pair_expect_silence(&pair, ALICE);
	assert_int_equal(pair_seal(&pair, BOB, &d), WG_STAGED);
	pair_expect_out(&pair, BOB, MESSAGE_INITIATION, 148, &d);
	assert_int_equal(pair_deliver(&pair, ALICE, &d), WG_DROPPED);
	/* With a key it goes at once. */
	wg_device_set_seckey(a->dev, &pair.now, &a->secret);
	pair_expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
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
	pair_expect_silence(&pair, ALICE);
	wg_device_set_seckey(a->dev, &pair.now, &a->secret);
	pair_expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
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
	pair_expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	(void)pair_deliver(&pair, BOB, &d);
	pair_expect_out(&pair, BOB, MESSAGE_RESPONSE, 92, &d);
	wg_device_set_seckey(b->dev, &pair.now, &fresh);
	(void)pair_deliver(&pair, ALICE, &d);
	pair_expect_out(&pair, ALICE, MESSAGE_DATA, 32, &d);
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
		pair_expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
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
	pair_exchange(&pair, BOB);
	wg_device_down(a->dev);
	pair_expect_silence(&pair, ALICE);
	assert_true(wg_device_deadline(a->dev).ns == MONO_NEVER.ns);
	assert_int_equal(a->dev->keypairs.in_use, 0);
	assert_int_equal(pair_info(&pair, ALICE).keepalive_sec, 25);
	wg_peer_send_keepalive(a->dev, &pair.now, a->peer);
	pair_expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
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
	pair_expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	(void)pair_deliver(&pair, BOB, &d);
	pair_expect_out(&pair, BOB, MESSAGE_RESPONSE, 92, &response);
	wg_peer_send_keepalive(a->dev, &pair.now, a->peer);
	wg_device_remove_peer(a->dev, a->peer);
	pair_expect_silence(&pair, ALICE);
	assert_int_equal(a->dev->keypairs.in_use, 0);
	assert_true(wg_device_deadline(a->dev).ns == MONO_NEVER.ns);
	assert_int_equal(pair_deliver(&pair, ALICE, &data), WG_DROPPED);
	(void)pair_deliver(&pair, ALICE, &response);
	assert_int_equal(pair_counters(&pair, ALICE)->unknown_index, 2);
	assert_int_equal(pair_seal(&pair, ALICE, &d), WG_NO_PEER);
	pair_release(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_seckey),
		cmocka_unit_test(test_no_identity),
		cmocka_unit_test(test_keepalive_waits_for_identity),
		cmocka_unit_test(test_set_seckey_while_pending),
		cmocka_unit_test(test_timestamp_survives),
		cmocka_unit_test(test_down),
		cmocka_unit_test(test_remove_busy_peer),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}

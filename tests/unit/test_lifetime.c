/* lifetime: two devices over time: rekeying, limits, giving up, keepalives. */
#include "config.h"

#include "tests/unit/coretest.h"

#include "engine/core/limits.h"
#include "engine/core/messages.h"
#include "engine/core/peer.h"
#include "engine/core/state.h"

#include <sodium.h>

#include <string.h>

#include "base/banned.h"

/* The responder may not seal before it has seen a packet of the session. */
static void test_responder_waits_for_proof(void **state)
{
	SETUP(pair);
	struct datagram d, data;

	pair_introduce(&pair, ALICE);
	wg_peer_initiate(
		pair.side[ALICE].dev, &pair.now, pair.side[ALICE].peer);
	pair_expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	(void)pair_deliver(&pair, BOB, &d);
	pair_expect_out(&pair, BOB, MESSAGE_RESPONSE, 92, &d);
	assert_int_equal(pair_seal(&pair, BOB, &data), WG_STAGED);
	pair_expect_silence(&pair, BOB); /* no initiation: it sent just now */
	(void)pair_deliver(&pair, ALICE, &d);
	pair_expect_out(&pair, ALICE, MESSAGE_DATA, 32, &d);
	assert_int_equal(pair_deliver(&pair, BOB, &d), WG_CONSUMED);
	pair_expect_out(&pair, BOB, MESSAGE_DATA, 144, &data);
	pair_expect_delivery(&pair, ALICE, &data);
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
	pair_expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	(void)pair_deliver(&pair, BOB, &d);
	pair_expect_out(&pair, BOB, MESSAGE_RESPONSE, 92, &d);
	(void)pair_deliver(&pair, ALICE, &d);
	pair_expect_out(&pair, ALICE, MESSAGE_DATA, 32, &d); /* lost */
	pair_sleep(&pair, 1);
	assert_int_equal(pair_seal(&pair, BOB, &d), WG_STAGED);
	pair_expect_silence(&pair, BOB);
	pair_sleep(&pair, 3.9);
	wg_device_tick(pair.side[BOB].dev, &pair.now);
	pair_expect_silence(&pair, BOB);
	pair_sleep(&pair, 0.2);
	wg_device_tick(pair.side[BOB].dev, &pair.now);
	pair_expect_out(&pair, BOB, MESSAGE_INITIATION, 148, &d);
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
			pair_expect_delivery(&pair, !row->sender, &d);
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
	pair_exchange(&pair, BOB);
	pair_expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d); /* lost */
	pair_expect_silence(&pair, ALICE);
	pair_sleep(&pair, 5.1);
	assert_int_equal(pair_seal(&pair, BOB, &d), WG_SEND);
	pair_expect_delivery(&pair, ALICE, &d);
	pair_expect_silence(&pair, ALICE); /* the timer repeats it, not this */
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
		pair_exchange(&pair, side);
		pair_expect_out(&pair, side, MESSAGE_INITIATION, 148, &d);
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
	pair_exchange(&pair, ALICE);
	assert_int_equal(pair_seal(&pair, ALICE, &d), WG_STAGED);
	assert_int_equal(kp->sending_counter, REJECT_AFTER_MESSAGES);
	pair_pump(&pair);
	pair_exchange(&pair, ALICE);
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
	pair_expect_delivery(&pair, BOB, &early);
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
	pair_expect_delivery(&pair, BOB, &late[ALICE]);
	pair_expect_delivery(&pair, ALICE, &late[BOB]);
	assert_int_equal(pair_deliver(&pair, ALICE, &late[BOB]), WG_DROPPED);
	pair_release(&pair);
}

static void test_keys_are_wiped(void **state)
{
	SETUP(pair);
	struct keypair *kp[2];

	pair_connect(&pair);
	pair_exchange(&pair, ALICE);
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
		pair_expect_out(&pair, i, MESSAGE_INITIATION, 148, &d[i]);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pair_deliver(&pair, !i, &d[i]), WG_CONSUMED);
	for (int i = 0; i < 2; i++)
		pair_expect_out(&pair, i, MESSAGE_RESPONSE, 92, &d[i]);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pair_deliver(&pair, !i, &d[i]), WG_CONSUMED);
	for (int i = 0; i < 2; i++)
		pair_expect_out(&pair, i, MESSAGE_DATA, 144, &d[i]);
	for (int i = 0; i < 2; i++)
		pair_expect_delivery(&pair, !i, &d[i]);
	for (int i = 0; i < 4; i++)
		pair_exchange(&pair, i % 2);
	pair_run(&pair, 60);
	pair_exchange(&pair, ALICE);
	pair_exchange(&pair, BOB);
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
	pair_expect_silence(&pair, ALICE);
	assert_int_equal(pair_seal(&pair, ALICE, &d), WG_STAGED);
	pair_expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
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
	assert_int_equal(pair_counters(&pair, ALICE)->bad_handshake, 1);
	assert_false(pair_info(&pair, ALICE).has_session);
	wg_peer_set_psk(pair.side[BOB].peer, &psk); /* the retry has it */
	pair_run(&pair, 6);
	assert_true(pair_info(&pair, ALICE).has_session);
	pair_exchange(&pair, ALICE);
	pair_release(&pair);
}

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
	pair_exchange(&pair, ALICE);
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
	pair_expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	(void)pair_deliver(&pair, BOB, &d);
	pair_pump(&pair);
	wg_peer_send_keepalive(a->dev, &pair.now, a->peer);
	pair_expect_out(&pair, ALICE, MESSAGE_DATA, 32, &d);
	pair_expect_silence(&pair, ALICE);
	/* A handshake is not wanted while there is a fresh session... */
	wg_peer_initiate(a->dev, &pair.now, a->peer);
	pair_expect_silence(&pair, ALICE);
	pair_sleep(&pair, 121);
	wg_peer_initiate(a->dev, &pair.now, a->peer); /* ...now it is */
	pair_expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	wg_peer_initiate(a->dev, &pair.now, a->peer); /* under way */
	pair_expect_silence(&pair, ALICE);
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
	pair_expect_out(&pair, ALICE, MESSAGE_DATA, 32, &d);
	pair_expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	pair_expect_silence(&pair, ALICE);
	assert_true(list_empty(&a->dev->pending));
	pair_release(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}

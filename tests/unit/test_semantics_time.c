#include "config.h"

#include "engine/core/limits.h"
#include "tests/unit/coretest.h"

#include "base/banned.h"

/*
 * What clocks and distance may do to a device: slow answers, and times that do
 * not rise. Seen through the public calls only.
 */

/* Before the initiation is sent again, its response is as good as at once. */
struct time_row {
	int line;
	double sec;
};
#define T(s)                                                                   \
	{                                                                      \
		__LINE__, (s)                                                  \
	}
static const struct time_row delays[] = { T(0), T(0.251), T(1), T(4.9) };

static void test_slow_response(void **state)
{
	for (size_t i = 0; i < sizeof(delays) / sizeof(*delays); i++) {
		const struct time_row *row = &delays[i];
		struct datagram d;

		SETUP(pair);
		pair_introduce(&pair, ALICE);
		ROW_EQUAL(row, pair_seal(&pair, ALICE, &d), WG_STAGED);
		ROW_TRUE(row, pair_poll(&pair, ALICE, &d));
		(void)pair_deliver(&pair, BOB, &d);
		pair_expect_out(&pair, BOB, MESSAGE_RESPONSE, 92, &d);
		pair_sleep(&pair, row->sec);
		wg_device_tick(pair.side[ALICE].dev, &pair.now);
		(void)pair_deliver(&pair, ALICE, &d);
		ROW_TRUE(row, pair_info(&pair, ALICE).has_session);
		pair_pump(&pair);
		pair_exchange(&pair, ALICE);
		pair_exchange(&pair, BOB);
		pair_release(&pair);
	}
}

/* Both clocks step back by any amount, at any point: nothing breaks, and once
 * time goes on, so do the packets. */
static const struct time_row steps[] = { T(0.001), T(30), T(4999) };

static void step_back(struct pair *pair, double sec)
{
	now_add(&pair->now, -sec);
	for (int i = 0; i < 2; i++) {
		wg_device_tick(pair->side[i].dev, &pair->now);
		(void)wg_device_deadline(pair->side[i].dev);
	}
}

static void test_clock_steps_back(void **state)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		const struct time_row *row = &steps[i];
		struct datagram d;

		SETUP(pair);
		pair_connect(&pair);
		pair_exchange(&pair, ALICE);
		step_back(&pair, row->sec);
		pair_pump(&pair);
		/* a live session carries on ... */
		ROW_EQUAL(row, pair_seal(&pair, ALICE, &d), WG_SEND);
		ROW_EQUAL(row, pair_deliver(&pair, BOB, &d), WG_DELIVER);
		/* ... and is renewed when time has passed again */
		pair_run(&pair, row->sec + 200);
		(void)pair_seal(&pair, ALICE, &d);
		pair_pump(&pair);
		pair_exchange(&pair, BOB);
		pair_release(&pair);
	}
}

/* The wall clock alone goes back a day: the peer still believes our stamps. */
static void test_wall_steps_back(void **state)
{
	unsigned int sessions;

	SETUP(pair);
	pair_connect(&pair);
	sessions = pair.side[BOB].sessions;
	pair.now.wall.ns -= 86400 * NSEC_PER_SEC;
	pair_sleep(&pair, 181);
	wg_peer_initiate(
		pair.side[ALICE].dev, &pair.now, pair.side[ALICE].peer);
	pair_pump(&pair);
	assert_true(pair.side[BOB].sessions > sessions);
	pair_exchange(&pair, ALICE);
	pair_release(&pair);
}

/* The host slept: CLOCK_BOOTTIME ran on, so the session is too old to use, in
 * both directions, without any timer having fired. */
static void test_suspend_expires(void **state)
{
	struct datagram late, d;

	SETUP(pair);
	pair_connect(&pair);
	pair_exchange(&pair, ALICE);
	assert_int_equal(pair_seal(&pair, BOB, &late), WG_SEND);
	pair_sleep(&pair, 3600);
	assert_int_equal(pair_seal(&pair, ALICE, &d), WG_STAGED);
	assert_int_equal(pair_deliver(&pair, ALICE, &late), WG_DROPPED);
	pair_release(&pair);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slow_response),
		cmocka_unit_test(test_clock_steps_back),
		cmocka_unit_test(test_wall_steps_back),
		cmocka_unit_test(test_suspend_expires),
	};

	return cmocka_run_group_tests_name("semantics_time", tests, NULL, NULL);
}

/* event and presence: who is woken, by what, and who counts as online. */
#include "config.h"
#include "rows.h"
#include "base/auto.h"
#include "meshd/event.h"

#include <sodium.h>
#include <string.h>

static struct now at(int64_t sec)
{
	return (struct now){ .mono = { sec * NSEC_PER_SEC },
		.wall = { sec * NSEC_PER_SEC } };
}

static struct mono mono_at(int64_t sec)
{
	return at(sec).mono;
}

static const struct waiter *woken[16];
static size_t woken_count;

static void on_wake(struct waiter *waiter)
{
	assert_false(event_is_waiting(waiter));
	assert_true(woken_count < ARRAY_SIZE(woken));
	woken[woken_count++] = waiter;
}

static struct waiter waiter_for(
	enum event_kind kind, uint64_t serial, uint32_t pending)
{
	return (struct waiter){ .kind = kind,
		.serial = serial,
		.pending = pending,
		.wake = on_wake };
}

static int setup(void **state)
{
	static struct events events;

	events_init(&events);
	woken_count = 0;
	*state = &events;
	return 0;
}

static int teardown(void **state)
{
	events_release(*state);
	return 0;
}

static void test_change(void **state)
{
	struct events *events = *state;
	struct waiter a = waiter_for(EVENT_NETMAP, 0, 0);
	struct waiter b = waiter_for(EVENT_NETMAP, 0, 0);
	struct waiter c = waiter_for(EVENT_APPLIED, 5, 1);

	assert_int_equal(event_wait(events, &a, mono_at(9)), 0);
	assert_int_equal(event_wait(events, &b, mono_at(8)), 0);
	assert_int_equal(event_wait(events, &c, mono_at(7)), 0);
	event_on_change(events);
	assert_int_equal(woken_count, 2);
	assert_ptr_equal(woken[0], &a);
	assert_ptr_equal(woken[1], &b);
	event_on_change(events);
	assert_int_equal(woken_count, 2);
	assert_true(event_is_waiting(&c));
	event_cancel(events, &c);
	event_cancel(events, &c);
	assert_int_equal(events->count, 0);
	assert_true(event_deadline(events).ns == MONO_NEVER.ns);
}

static void test_deadlines(void **state)
{
	struct events *events = *state;
	struct waiter a = waiter_for(EVENT_NETMAP, 0, 0);
	struct waiter b = waiter_for(EVENT_APPLIED, 1, 1);
	struct now now = at(7);

	assert_int_equal(event_wait(events, &a, mono_at(9)), 0);
	assert_int_equal(event_wait(events, &b, mono_at(8)), 0);
	assert_true(event_deadline(events).ns == mono_at(8).ns);
	event_on_time(events, &now);
	assert_int_equal(woken_count, 0);
	now = at(8);
	event_on_time(events, &now);
	assert_int_equal(woken_count, 1);
	assert_ptr_equal(woken[0], &b);
	now = at(100);
	event_on_time(events, &now);
	assert_int_equal(woken_count, 2);
	assert_true(event_deadline(events).ns == MONO_NEVER.ns);
}

/* The waiter is for serial 10, and two nodes are behind it. */
static void test_presence_of_waiter(void **state)
{
	struct events *events = *state;
	struct presence_state gone = { false, 9 }, behind = { true, 9 },
			      there = { true, 10 }, ahead = { true, 11 };
	const struct {
		struct presence_state was, is;
		uint32_t pending; /* after it */
		int line;
	} rows[] = {
		{ behind, behind, 2, __LINE__ },
		{ gone, there, 2, __LINE__ },
		{ there, ahead, 2, __LINE__ },
		{ gone, behind, 3, __LINE__ },
		{ behind, gone, 2, __LINE__ },
		{ behind, there, 1, __LINE__ },
		{ there, gone, 1, __LINE__ },
		{ behind, ahead, 0, __LINE__ },
	};
	struct waiter waiter = waiter_for(EVENT_APPLIED, 10, 2);

	assert_int_equal(event_wait(events, &waiter, mono_at(60)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		event_on_presence(events, rows[i].was, rows[i].is);
		ROW_INT(&rows[i], waiter.pending, rows[i].pending);
		ROW_INT(&rows[i], woken_count, rows[i].pending == 0);
	}
}

static void test_online(void **state)
{
	enum { WAIT = 50 };
	const struct {
		bool seen;
		unsigned int polls;
		bool hung_up;
		int64_t silent_sec;
		bool online;
		int line;
	} rows[] = {
		{ false, 0, false, 0, false, __LINE__ },
		{ true, 1, false, 1000, true, __LINE__ },
		{ true, 0, false, 0, true, __LINE__ },
		{ true, 0, false, 2 * WAIT - 1, true, __LINE__ },
		{ true, 0, false, 2 * WAIT, false, __LINE__ },
		{ true, 0, true, 0, false, __LINE__ },
		{ true, 1, true, 0, true, __LINE__ },
	};
	struct node_id id = { .b = { 7 } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct presence presence;
		struct presence_node *node;
		struct now now = at(10000);

		presence_init(&presence);
		if (rows[i].seen) {
			node = presence_seen(&presence, &id, &now);
			assert_non_null(node);
			node->polls = rows[i].polls;
			node->hung_up = rows[i].hung_up;
			node->wait_ns = WAIT * NSEC_PER_SEC;
			now = at(10000 + rows[i].silent_sec);
		}
		ROW_INT(&rows[i],
			presence_state(presence_find(&presence, &id), &now)
				.online,
			rows[i].online);
		presence_release(&presence);
	}
}

static void test_pending(void **state)
{
	struct presence presence;
	struct now now = at(5);
	struct node_id one;

	presence_init(&presence);
	for (uint8_t i = 0; i < 100; i++) {
		struct node_id id = { .b = { i } };
		struct presence_node *node =
			presence_seen(&presence, &id, &now);

		assert_non_null(node);
		node->polls = i % 2; /* the odd ones are online */
		node->applied = i;
	}
	assert_int_equal(presence_pending(&presence, 10, &now, &one), 5);
	assert_true(one.b[0] < 10 && one.b[0] % 2 == 1);
	assert_int_equal(presence_pending(&presence, 1, &now, &one), 0);
	presence_forget(&presence, &(struct node_id){ .b = { 3 } });
	presence_forget(&presence, &(struct node_id){ .b = { 3 } });
	assert_int_equal(presence_pending(&presence, 10, &now, &one), 4);
	presence_release(&presence);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_change, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_deadlines, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_presence_of_waiter, setup, teardown),
		cmocka_unit_test(test_online),
		cmocka_unit_test(test_pending),
	};

	if (sodium_init() < 0)
		return 99;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

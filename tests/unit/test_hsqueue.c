/* hsqueue: order, bound, and the load it shows. */
#include "config.h"

#include "tests/unit/coretest.h"

#include "engine/core/hsqueue.h"
#include "engine/core/limits.h"

#include <string.h>

#include "base/banned.h"

static bool push(struct hsqueue *q, uint32_t n)
{
	struct wg_path path = { .ifindex = n };

	return hsqueue_push(q, &path, &n, sizeof(n));
}

static void expect(struct hsqueue *q, uint32_t n)
{
	const struct queued_handshake *got = hsqueue_pop(q);
	uint32_t value;

	assert_non_null(got);
	assert_int_equal(got->path.ifindex, n);
	assert_int_equal(got->len, sizeof(value));
	memcpy(&value, got->bytes, sizeof(value));
	assert_int_equal(value, n);
}

static void test_order(void **state)
{
	struct hsqueue q;
	uint32_t in = 0, out = 0;

	(void)state;
	assert_true(hsqueue_init(&q));
	assert_null(hsqueue_pop(&q));
	for (int round = 0; round < 10; round++) {
		while (push(&q, in))
			in++;
		assert_int_equal(q.len, HANDSHAKE_QUEUE_DROP);
		while (q.len > (round % 2 ? 0 : 1000))
			expect(&q, out++);
	}
	assert_int_equal(in, out + q.len);
	hsqueue_clear(&q);
	assert_null(hsqueue_pop(&q));
	hsqueue_release(&q);
}

/* One at a time stays in the first slot: memory that never waited is never
 * touched. */
static void test_stays_small(void **state)
{
	struct hsqueue q;

	(void)state;
	assert_true(hsqueue_init(&q));
	for (uint32_t i = 0; i < 10000; i++) {
		assert_true(push(&q, i));
		expect(&q, i);
	}
	assert_int_equal(q.slots[1].len, 0);
	hsqueue_release(&q);
}

struct load_row {
	int64_t wait_ms;
	size_t len; /* queue length then */
	bool want;
	int line;
};
static const struct load_row loads[] = {
	{ 0, 0, false, __LINE__ },
	{ 0, HANDSHAKE_QUEUE_LOADED - 1, false, __LINE__ },
	{ 0, HANDSHAKE_QUEUE_LOADED, true, __LINE__ },
	{ 0, HANDSHAKE_QUEUE_DROP, true, __LINE__ },
	{ 0, 0, true, __LINE__ },   /* sticks... */
	{ 999, 0, true, __LINE__ }, /* ...for a second */
	{ 1, 0, false, __LINE__ },
	{ 0, 511, false, __LINE__ },
	{ 5000, 512, true, __LINE__ },
	{ 900, 512, true, __LINE__ }, /* begins again */
	{ 900, 0, true, __LINE__ },
	{ 100, 0, false, __LINE__ },
};

static void test_load(void **state)
{
	struct hsqueue q;
	struct now now = test_now(0);

	(void)state;
	assert_true(hsqueue_init(&q));
	for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
		const struct load_row *row = &loads[i];

		now.mono.ns += row->wait_ms * NSEC_PER_MSEC;
		while (q.len > row->len)
			(void)hsqueue_pop(&q);
		while (q.len < row->len)
			ROW_TRUE(row, push(&q, 0));
		ROW_EQUAL(row, hsqueue_under_load(&q, now.mono), row->want);
	}
	hsqueue_release(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_stays_small),
		cmocka_unit_test(test_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

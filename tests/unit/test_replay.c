/* replay: window edges in a table, then at random against a set that remembers
 * everything. Rows follow the cases of the kernel's selftest (counter.c). */
#include "config.h"

#include "tests/unit/coretest.h"

#include "engine/core/replay.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define W  REPLAY_WINDOW
#define RJ REJECT_AFTER_MESSAGES

struct tcase {
	uint64_t counter;
	enum replay_verdict want;
	int line;
};
#define T(c, v)                                                                \
	{                                                                      \
		(c), REPLAY_##v, __LINE__                                      \
	}

static const struct tcase reorder[] = {
	T(0, FRESH),
	T(1, FRESH),
	T(1, DUPLICATE),
	T(9, FRESH),
	T(8, FRESH),
	T(7, FRESH),
	T(7, DUPLICATE),
	T(W + 1, FRESH),
	T(W, FRESH),
	T(W, DUPLICATE),
	T(W - 1, FRESH),
	T(2, FRESH), /* W - 1 behind the newest: still inside */
	T(2, DUPLICATE),
	T(W + 17, FRESH),
	T(3, TOO_OLD),
	T(17, FRESH), /* exactly W behind the newest */
	T(16, TOO_OLD),
	T(W + 17, DUPLICATE),
	T(W * 4, FRESH),
	T(W * 4 - W, FRESH),
	T(W * 4 - W - 1, TOO_OLD),
	T(10, TOO_OLD),
	T(W * 4 - W + 1, FRESH),
	T(0, TOO_OLD),
	T(RJ, PAST_LIMIT),
	T(RJ - 1, FRESH),
	T(RJ, PAST_LIMIT),
	T(RJ - 1, DUPLICATE),
	T(RJ - 2, FRESH),
	T(RJ - 1 - W, FRESH),
	T(RJ - 2 - W, TOO_OLD),
	T(RJ + 1, PAST_LIMIT),
	T(UINT64_MAX, PAST_LIMIT),
	T(RJ - 3, FRESH),
	T(0, TOO_OLD),
};

/* The ring wraps on itself; a word must be clean when it is entered again. */
static const struct tcase wrap[] = {
	T(63, FRESH),
	T(64, FRESH),
	T(REPLAY_RING_BITS + 63, FRESH),
	T(REPLAY_RING_BITS + 64, FRESH),
	T(REPLAY_RING_BITS + 62, FRESH),
	T(64, TOO_OLD),
	T(2 * REPLAY_RING_BITS + 63, FRESH),
	T(REPLAY_RING_BITS + 200, FRESH),
	T(REPLAY_RING_BITS + 200, DUPLICATE),
	T(3 * REPLAY_RING_BITS + 200, FRESH),
	T(2 * REPLAY_RING_BITS + 264, FRESH),
};

static void run(const struct tcase *rows, size_t count)
{
	struct replay rp = { 0 };

	for (const struct tcase *row = rows; row < rows + count; row++)
		ROW_EQUAL(row, replay_check(&rp, row->counter), row->want);
}

static void test_rows(void **state)
{
	(void)state;
	run(reorder, ARRAY_SIZE(reorder));
	run(wrap, ARRAY_SIZE(wrap));
}

/* All of a window, in every order that hurts, each exactly once. */
static void test_bulk(void **state)
{
	struct replay rp = { 0 };

	(void)state;
	for (uint64_t i = 1; i <= W; i++)
		assert_int_equal(replay_check(&rp, i), REPLAY_FRESH);
	assert_int_equal(replay_check(&rp, 0), REPLAY_FRESH);
	for (uint64_t i = 0; i <= W; i++)
		assert_int_equal(replay_check(&rp, i), REPLAY_DUPLICATE);

	memset(&rp, 0, sizeof(rp));
	for (uint64_t i = W + 1; i-- > 0;)
		assert_int_equal(replay_check(&rp, i), REPLAY_FRESH);
	for (uint64_t i = W + 1; i-- > 0;)
		assert_int_equal(replay_check(&rp, i), REPLAY_DUPLICATE);

	memset(&rp, 0, sizeof(rp));
	for (uint64_t i = W + 2; i-- > 1;)
		assert_int_equal(replay_check(&rp, i), REPLAY_FRESH);
	assert_int_equal(replay_check(&rp, 0), REPLAY_TOO_OLD);
}

/* The naive twin: one byte for every counter there is. */
#define SPAN 60000
static void test_twin(void **state)
{
	struct testrng rng = testrng_seeded();
	uint8_t *seen = calloc(1, SPAN);

	(void)state;
	assert_non_null(seen);
	for (int round = 0; round < 20; round++) {
		uint64_t newest = 0, base = 0;
		struct replay rp = { 0 };
		bool any = false;

		memset(seen, 0, SPAN);
		for (int i = 0; i < 40000; i++) {
			uint64_t spread = UINT64_C(1)
				<< testrng_below(&rng, 15);
			uint64_t c = base + testrng_below(&rng, spread);
			enum replay_verdict want = REPLAY_FRESH;

			c = c > spread / 2 ? c - spread / 2 : 0;
			if (c >= SPAN)
				c = SPAN - 1;
			if (any && c + W < newest)
				want = REPLAY_TOO_OLD;
			else if (seen[c])
				want = REPLAY_DUPLICATE;
			assert_int_equal(replay_check(&rp, c), want);
			if (want == REPLAY_FRESH) {
				seen[c] = 1;
				newest = any && newest > c ? newest : c;
				any = true;
			}
			base += testrng_below(&rng, 3);
		}
	}
	free(seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_bulk),
		cmocka_unit_test(test_twin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

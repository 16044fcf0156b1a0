/* The wait between tries: its ceiling, its growth, its spread. */
#include "config.h"
#include "agent/backoff.h"
#include "base/auto.h"
#include "rows.h"

#include "base/banned.h"

/* The most that may be waited after so many failures. */
static void test_ceiling_doubles(void **state)
{
	static const struct {
		int64_t most_ms;
		int line;
	} rows[] = {
		{ 200, __LINE__ },
		{ 400, __LINE__ },
		{ 800, __LINE__ },
		{ 1600, __LINE__ },
		{ 3200, __LINE__ },
		{ 6400, __LINE__ },
		{ 12800, __LINE__ },
		{ 25600, __LINE__ },
		{ 30000, __LINE__ },
		{ 30000, __LINE__ },
		{ 30000, __LINE__ },
	};
	struct backoff backoff = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t most = rows[i].most_ms * NSEC_PER_MSEC;
		struct backoff copy = backoff;

		/* most mod (most + 1) is the largest there is */
		ROW_INT(&rows[i], backoff_next(&copy, (uint64_t)most), most);
		copy = backoff;
		ROW_INT(&rows[i], backoff_next(&copy, (uint64_t)most + 1), 0);
		(void)backoff_next(&backoff, 0);
	}
	backoff_reset(&backoff);
	assert_int_equal(backoff_next(&backoff, (uint64_t)BACKOFF_FIRST_NS),
		BACKOFF_FIRST_NS);
}

/* A thousand agents that failed five times come back all over the interval. */
static void test_spread(void **state)
{
	struct random random = random_start();
	unsigned int tenths[10] = { 0 };

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		struct backoff backoff = { .failures = 5 };
		int64_t wait = backoff_next(&backoff, random_next(&random));

		assert_in_range(wait, 0, 6400 * NSEC_PER_MSEC);
		tenths[wait / (6400 * NSEC_PER_MSEC / 10 + 1)]++;
	}
	/* 100 are expected in each; 50 would be 5 sigma off. */
	for (size_t i = 0; i < ARRAY_SIZE(tenths); i++)
		assert_in_range(tenths[i], 50, 150);
}

static void test_never_overflows(void **state)
{
	struct backoff backoff = { 0 };

	(void)state;
	for (unsigned int i = 0; i < 100000; i++)
		assert_in_range(backoff_next(&backoff, UINT64_MAX), 0,
			BACKOFF_CEILING_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ceiling_doubles),
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_never_overflows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

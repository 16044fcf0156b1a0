/*
 * rows: what every table-driven test needs: cmocka, assertions that name the
 * line of the ROW that failed (a struct with `int line`), and a repeatable
 * random sequence whose seed is printed (TEST_SEED=n in the environment sets
 * it).
 */
#ifndef TESTS_UNIT_ROWS_H
#define TESTS_UNIT_ROWS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

/* An allocation that is too large fails, as without the sanitizer. */
__attribute__((weak)) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

#define ROW_TRUE(row, cond)                                                    \
	_assert_true((cond) ? 1 : 0, #cond, __FILE__, (row)->line)
#define ROW_INT(row, a, b)                                                     \
	_assert_int_equal(cast_to_largest_integral_type(a),                    \
		cast_to_largest_integral_type(b), __FILE__, (row)->line)
#define ROW_STR(row, a, b) _assert_string_equal((a), (b), __FILE__, (row)->line)
#define ROW_MEM(row, a, b, size)                                               \
	_assert_memory_equal((a), (b), (size), __FILE__, (row)->line)

/* The whole program has nothing to run, and says why. (skip() of cmocka 1.1.5
 * prints "not ok # SKIP", which counts as a failure.) */
static inline int skip_all(const char *why)
{
	printf("1..0 # SKIP %s\n", why);
	return 0;
}

struct random {
	uint64_t state;
};

static inline struct random random_start(void)
{
	const char *given = getenv("TEST_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0)
			      : (uint64_t)time(NULL) * 2654435761u;

	printf("# TEST_SEED=%llu\n", (unsigned long long)seed);
	return (struct random){ seed | 1 };
}

/* xorshift64*, Vigna 2016. */
static inline uint64_t random_next(struct random *r)
{
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return r->state * UINT64_C(2685821657736338717);
}

static inline uint64_t random_below(struct random *r, uint64_t bound)
{
	return (random_next(r) >> 11) % bound;
}

#endif

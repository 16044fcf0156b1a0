/* ratelimiter: 20 a second, bursts of 5, by source. */
#include "config.h"

#include "tests/unit/coretest.h"

#include "engine/core/ratelimiter.h"

#include <sodium.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

static struct ratelimiter *make(void)
{
	static const uint8_t key[RATELIMIT_KEY_SIZE] = { 1, 2, 3 };
	struct ratelimiter *rl = calloc(1, sizeof(*rl));

	assert_non_null(rl);
	ratelimiter_init(rl, key);
	return rl;
}

/* Rows run on one limiter, one after the other. */
struct row {
	double wait_sec; /* before it */
	const char *source;
	bool want;
	int line;
};
static const struct row rows[] = {
	/* A burst of five, then one every 50 ms. */
	{ 0, "10.0.0.1", true, __LINE__ },
	{ 0, "10.0.0.1", true, __LINE__ },
	{ 0, "10.0.0.1", true, __LINE__ },
	{ 0, "10.0.0.1", true, __LINE__ },
	{ 0, "10.0.0.1", true, __LINE__ },
	{ 0, "10.0.0.1", false, __LINE__ },
	{ 0.049, "10.0.0.1", false, __LINE__ },
	{ 0.0011, "10.0.0.1", true, __LINE__ },
	{ 0, "10.0.0.1", false, __LINE__ },
	/* Others are not touched: the next address, the other family. */
	{ 0, "10.0.0.2", true, __LINE__ },
	{ 0, "a00:1::", true, __LINE__ },
	/* A rest fills up to the burst and no more. */
	{ 3600, "10.0.0.1", true, __LINE__ },
	{ 0, "10.0.0.1", true, __LINE__ },
	{ 0, "10.0.0.1", true, __LINE__ },
	{ 0, "10.0.0.1", true, __LINE__ },
	{ 0, "10.0.0.1", true, __LINE__ },
	{ 0, "10.0.0.1", false, __LINE__ },
	/* A /64 is one source, wherever in it; the next /64 is another. */
	{ 0, "2001:db8::1", true, __LINE__ },
	{ 0, "2001:db8::2", true, __LINE__ },
	{ 0, "2001:db8::ffff:0:0:3", true, __LINE__ },
	{ 0, "2001:db8::4", true, __LINE__ },
	{ 0, "2001:db8::5", true, __LINE__ },
	{ 0, "2001:db8::6", false, __LINE__ },
	{ 0, "2001:db8:0:1::1", true, __LINE__ },
	/* Time that stands still or goes back gives nothing. */
	{ -1, "2001:db8::6", false, __LINE__ },
};

static void test_rows(void **state)
{
	struct ratelimiter *rl = make();
	struct now now = test_now(0);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ipaddr addr;

		now_add(&now, rows[i].wait_sec);
		ROW_TRUE(&rows[i], ipaddr_parse(rows[i].source, &addr));
		ROW_EQUAL(&rows[i], ratelimiter_allow(rl, &addr, now.mono),
			rows[i].want);
	}
	free(rl);
}

/* However it asks, a source gets at most burst + rate x time. */
static void test_rate(void **state)
{
	struct testrng rng = testrng_seeded();
	struct ratelimiter *rl = make();
	struct now now = test_now(0), start = now;
	struct ipaddr addr = { IP_V4, { 192, 0, 2, 1 } };
	uint64_t allowed = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		double sec;

		now.mono.ns += (int64_t)testrng_below(&rng, 20000000);
		allowed += ratelimiter_allow(rl, &addr, now.mono);
		sec = (double)(now.mono.ns - start.mono.ns) / 1e9;
		assert_true((double)allowed <= 5 + sec * 20 + 1e-6);
	}
	/* And it does get it: it asked a hundred times a second. */
	assert_true((double)allowed >
		(double)(now.mono.ns - start.mono.ns) / 1e9 * 19);
	free(rl);
}

/* A crowd fills the table; then the unknown are refused, the known served, and
 * a rest of a quarter second makes room again. */
static void test_crowd(void **state)
{
	struct ratelimiter *rl = make();
	struct now now = test_now(0);
	struct ipaddr first = { IP_V4, { 172, 16, 0, 0 } }, addr = first;
	unsigned int refused = 0;

	(void)state;
	assert_true(ratelimiter_allow(rl, &first, now.mono));
	for (uint32_t i = 1; i < 100000; i++) {
		addr.b[1] = (uint8_t)(i >> 16);
		addr.b[2] = (uint8_t)(i >> 8);
		addr.b[3] = (uint8_t)i;
		refused += !ratelimiter_allow(rl, &addr, now.mono);
	}
	assert_true(refused >= 100000 - RATELIMIT_SETS * RATELIMIT_WAYS);
	assert_true(ratelimiter_allow(rl, &first, now.mono));
	now_add(&now, 0.2501);
	assert_true(ratelimiter_allow(rl, &addr, now.mono));
	free(rl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_crowd),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}

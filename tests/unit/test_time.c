/* time: saturation, RFC 3339 against the C library's calendar, durations. */
#include "config.h"
#include "rows.h"
#include "base/auto.h"
#include "base/time.h"

#include <string.h>

#define MAX INT64_MAX
#define MIN INT64_MIN

static void test_mono_saturates(void **state)
{
	static const struct {
		int64_t t, ns, want;
		int line;
	} rows[] = {
		{ 5, 7, 12, __LINE__ },
		{ 5, -7, -2, __LINE__ },
		{ MAX, -7, MAX, __LINE__ }, /* never stays never */
		{ MAX - 1, 2, MAX, __LINE__ },
		{ MIN + 1, -2, MIN, __LINE__ },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mono t = { rows[i].t };

		ROW_INT(&rows[i], mono_add(t, rows[i].ns).ns, rows[i].want);
	}
	assert_int_equal(mono_sub((struct mono){ 9 }, (struct mono){ 4 }), 5);
	assert_int_equal(mono_sub((struct mono){ 4 }, (struct mono){ 9 }), -5);
	assert_int_equal(mono_sub(MONO_NEVER, (struct mono){ 9 }), MAX);
	assert_int_equal(mono_sub((struct mono){ MIN }, MONO_NEVER), MIN);
	assert_int_equal(
		mono_sub((struct mono){ MAX - 1 }, (struct mono){ -9 }), MAX);
}

static void test_mono_order(void **state)
{
	struct mono a = { 1 }, b = { 2 };

	assert_true(mono_before(a, b));
	assert_false(mono_before(a, a));
	assert_true(mono_reached(a, a));
	assert_true(mono_reached(a, b));
	assert_false(mono_reached(b, a));
	assert_false(mono_reached(MONO_NEVER, MONO_NEVER));
	assert_int_equal(mono_min(a, b).ns, 1);
	assert_int_equal(mono_min(MONO_NEVER, b).ns, 2);
}

static const struct {
	const char *text;
	int64_t ns; /* -1: refused */
	int line;
} wall_rows[] = {
#define SEC(t, s)                                                              \
	{                                                                      \
		(t), (s)*NSEC_PER_SEC, __LINE__                                \
	}
#define NSEC(t, n)                                                             \
	{                                                                      \
		(t), (n), __LINE__                                             \
	}
#define BAD(t)                                                                 \
	{                                                                      \
		(t), -1, __LINE__                                              \
	}
	SEC("1970-01-01T00:00:00Z", 0),
	SEC("1970-12-31T23:59:59Z", 31535999),
	SEC("1972-02-29T00:00:00Z", 68169600),
	SEC("2000-02-29T12:00:00Z", 951825600),
	SEC("2000-03-01T00:00:00Z", 951868800),
	SEC("2038-01-19T03:14:08Z", INT64_C(2147483648)),
	SEC("2100-02-28T23:59:59Z", INT64_C(4107542399)),
	SEC("2261-12-31T23:59:59Z", INT64_C(9214646399)),
	NSEC("1970-01-01T00:00:00.5Z", 500000000),
	NSEC("1970-01-01T00:00:00.000000001Z", 1),
	NSEC("1970-01-01T00:00:00.1234567899999Z", 123456789),
	BAD(""),
	BAD("2026-11-22T21:00:00"),
	BAD("2026-11-22T21:00:00.Z"),
	BAD("2026-11-22T21:00:00+00:00"),
	BAD("2026-11-22t21:00:00z"),
	BAD("2026-11-22 21:00:00Z"),
	BAD("2026-11-22T21:00:00Z "),
	BAD(" 2026-11-22T21:00:00Z"),
	BAD("2026-11-22T21:00Z"),
	BAD("2026-13-01T00:00:00Z"),
	BAD("2026-00-01T00:00:00Z"),
	BAD("2026-01-00T00:00:00Z"),
	BAD("2026-01-32T00:00:00Z"),
	BAD("2026-04-31T00:00:00Z"),
	BAD("2026-02-29T00:00:00Z"),
	BAD("2100-02-29T00:00:00Z"),
	BAD("2026-01-01T24:00:00Z"),
	BAD("2026-01-01T00:60:00Z"),
	BAD("2026-01-01T00:00:60Z"),
	BAD("1969-12-31T23:59:59Z"),
	BAD("2262-01-01T00:00:00Z"),
	BAD("9999-01-01T00:00:00Z"),
	BAD("+026-01-01T00:00:00Z"),
	BAD("26-01-01T00:00:00Z"),
};

static void test_wall_parse(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(wall_rows); i++) {
		struct wall wall = { 4711 };
		bool ok = wall_parse(wall_rows[i].text, &wall);

		ROW_INT(&wall_rows[i], ok, wall_rows[i].ns >= 0);
		ROW_INT(&wall_rows[i], wall.ns, ok ? wall_rows[i].ns : 4711);
	}
}

/* The C library's calendar is the naive twin. */
static void test_wall_against_libc(void **state)
{
	struct random r = random_start();

	for (int i = 0; i < 20000; i++) {
		time_t sec = (time_t)random_below(&r, UINT64_C(9214646400));
		char want[TIME_TEXT_SIZE], text[TIME_TEXT_SIZE];
		struct wall wall;
		struct tm tm;

		assert_non_null(gmtime_r(&sec, &tm));
		assert_true(strftime(
			want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", &tm));
		wall.ns = sec * NSEC_PER_SEC + 999999999;
		assert_string_equal(wall_format(wall, text), want);
		assert_true(wall_parse(text, &wall));
		assert_int_equal(wall.ns, sec * NSEC_PER_SEC);
	}
}

static void test_wall_format_ends(void **state)
{
	char text[TIME_TEXT_SIZE];

	assert_string_equal(
		wall_format((struct wall){ -1 }, text), "1969-12-31T23:59:59Z");
	assert_string_equal(wall_format((struct wall){ MAX }, text),
		"2262-04-11T23:47:16Z");
	assert_string_equal(wall_format((struct wall){ MIN }, text),
		"1677-09-21T00:12:43Z");
}

static const struct {
	const char *text;
	int64_t sec; /* 0: refused */
	int line;
} duration_rows[] = {
#define ROW(t, s)                                                              \
	{                                                                      \
		(t), (s), __LINE__                                             \
	}
	ROW("90s", 90),
	ROW("90", 90),
	ROW("10m", 600),
	ROW("24h", 86400),
	ROW("7d", 604800),
	ROW("3650d", INT64_C(315360000)),
	ROW("315360000", INT64_C(315360000)),
	ROW("3651d", 0),
	ROW("315360001", 0),
	ROW("18446744073709551615d", 0),
	ROW("99999999999999999999999999999d", 0),
	ROW("0", 0),
	ROW("0s", 0),
	ROW("", 0),
	ROW("s", 0),
	ROW("d", 0),
	ROW("-1s", 0),
	ROW("1.5h", 0),
	ROW("1 h", 0),
	ROW("1h30m", 0),
	ROW("1H", 0),
	ROW("1w", 0),
	ROW("1ss", 0),
};

static void test_duration(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(duration_rows); i++) {
		int64_t ns = 4711, want = duration_rows[i].sec;
		bool ok = duration_parse(duration_rows[i].text, &ns);

		ROW_INT(&duration_rows[i], ok, want != 0);
		ROW_INT(&duration_rows[i], ns,
			want ? want * NSEC_PER_SEC : 4711);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mono_saturates),
		cmocka_unit_test(test_mono_order),
		cmocka_unit_test(test_wall_parse),
		cmocka_unit_test(test_wall_against_libc),
		cmocka_unit_test(test_wall_format_ends),
		cmocka_unit_test(test_duration),
	};

	return cmocka_run_group_tests_name("time", tests, NULL, NULL);
}

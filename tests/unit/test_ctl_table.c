/* Tables: alignment, styles, and what a hostile coordinator may put in. */
#include "config.h"

#include "meshd/ctl/show.h"
#include "meshd/ctl/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/banned.h"

static const char *const heads[] = { "NAME", "ADDRESS", "STATE" };

static void test_aligned(void **state)
{
	AUTO(table_free) struct table *table = table_new(3, heads);
	AUTO(buf_release) struct buf out = BUF_INIT(4096);

	table_add(table, "a");
	table_add(table, "100.64.0.1");
	table_add_styled(table, TABLE_GOOD, "online");
	table_add(table, "a-long-name");
	table_add(table, "");
	table_addf(table, "%d of %d", 1, 2);
	assert_true(table_print(table, false, &out));
	assert_string_equal(buf_str(&out),
		"NAME         ADDRESS     STATE\n"
		"a            100.64.0.1  online\n"
		"a-long-name  -           1 of 2\n");
}

static void test_without_head(void **state)
{
	AUTO(table_free) struct table *table = table_new(2, NULL);
	AUTO(buf_release) struct buf out = BUF_INIT(4096);

	assert_true(table_print(table, true, &out));
	assert_string_equal(buf_str(&out), "");
	table_add(table, "mesh");
	table_add(table, "demo");
	table_add(table, "coordinator");
	table_add(table, "x");
	assert_true(table_print(table, false, &out));
	assert_string_equal(
		buf_str(&out), "mesh         demo\ncoordinator  x\n");
}

/* Colours take no room. */
static void test_colors(void **state)
{
	AUTO(table_free) struct table *table = table_new(2, heads);
	AUTO(buf_release) struct buf out = BUF_INIT(4096);

	table_add_styled(table, TABLE_BAD, "x");
	table_add_styled(table, TABLE_PLAIN, "y");
	assert_true(table_print(table, true, &out));
	assert_string_equal(buf_str(&out),
		"\033[1mNAME\033[0m  \033[1mADDRESS\033[0m\n"
		"\033[31mx\033[0m     y\n");
}

static void test_width_of_utf8(void **state)
{
	AUTO(table_free) struct table *table = table_new(2, NULL);
	AUTO(buf_release) struct buf out = BUF_INIT(4096);

	table_add(table, "J\303\274rgen");
	table_add(table, "1");
	table_add(table, "Jurgens");
	table_add(table, "2");
	assert_true(table_print(table, false, &out));
	assert_string_equal(buf_str(&out), "J\303\274rgen   1\nJurgens  2\n");
}

static void test_clean(void **state)
{
	static const struct {
		const char *in, *out;
		int line;
	} rows[] = {
		{ "plain text", "plain text", __LINE__ },
		{ "\033[2Jgone", "?[2Jgone", __LINE__ },
		{ "two\nlines\r", "two?lines?", __LINE__ },
		{ "\177", "?", __LINE__ },
		{ "\302\233"
		  "31m",
			"??31m", __LINE__ }, /* C1 CSI */
		{ "\302\240", "\302\240", __LINE__ },
		{ "\303\274", "\303\274", __LINE__ },
		{ "\342\202\254", "\342\202\254", __LINE__ }, /* U+20AC */
		{ "\342\200\256x", "???x", __LINE__ },	      /* U+202E */
		{ "\342\201\247x", "???x", __LINE__ },	      /* U+2067 */
		{ "\360\237\230\200", "\360\237\230\200", __LINE__ },
		{ "\303", "?", __LINE__ }, /* cut off */
		{ "\342\202", "??", __LINE__ },
		{ "\300\257", "??", __LINE__ }, /* overlong */
		{ "\340\200\257", "???", __LINE__ },
		{ "\377", "?", __LINE__ },
	};
	int wrong = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(buf_release) struct buf out = BUF_INIT(256);

		text_clean(rows[i].in, &out);
		if (strcmp(buf_str(&out), rows[i].out) != 0) {
			print_error("row at line %d: %s\n", rows[i].line,
				buf_str(&out));
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static void test_full(void **state)
{
	AUTO(table_free) struct table *table = table_new(2, NULL);
	AUTO(buf_release) struct buf out = BUF_INIT(8);

	table_add(table, "more than");
	table_add(table, "eight bytes");
	assert_false(table_print(table, false, &out));
}

#define SEC(n) ((n)*NSEC_PER_SEC)
static void test_ages(void **state)
{
	static const struct {
		int64_t ago_ns;
		const char *age, *until;
	} rows[] = {
		{ 0, "now", "expired" },
		{ SEC(-5), "now", "in 5 s" },
		{ NSEC_PER_SEC - 1, "now", "expired" },
		{ SEC(1), "1 s ago", "expired" },
		{ SEC(119), "119 s ago", "expired" },
		{ SEC(120), "2 min ago", "expired" },
		{ SEC(7199), "119 min ago", "expired" },
		{ SEC(7200), "2 h ago", "expired" },
		{ SEC(172800), "2 d ago", "expired" },
		{ SEC(-172800), "now", "in 2 d" },
		{ SEC(-86400), "now", "in 24 h" },
	};
	const struct now now = { .wall = { SEC(1800000000) } };
	char text[SHOW_AGE_SIZE];

	assert_string_equal(
		show_age((struct wall){ 0 }, &now, text), "unknown");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct wall then = { now.wall.ns - rows[i].ago_ns };

		assert_string_equal(show_age(then, &now, text), rows[i].age);
		assert_string_equal(
			show_until(then, &now, text), rows[i].until);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_aligned),
		cmocka_unit_test(test_without_head),
		cmocka_unit_test(test_colors),
		cmocka_unit_test(test_width_of_utf8),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_ages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

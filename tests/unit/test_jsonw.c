/* jsonw: escaping by table, nesting, and what strings may never do. */
#include "config.h"
#include "rows.h"
#include "base/jsonw.h"

#include <string.h>

#define FFFD "\xef\xbf\xbd"

static const struct {
	const char *text, *want;
	int line;
} string_rows[] = {
#define ROW(t, w)                                                              \
	{                                                                      \
		(t), "\"" w "\"", __LINE__                                     \
	}
	ROW("", ""),
	ROW("plain", "plain"),
	ROW("\"\\/", "\\\"\\\\/"),
	ROW("\b\f\n\r\t", "\\b\\f\\n\\r\\t"),
	ROW("\x01\x1b[31m\x1f", "\\u0001\\u001b[31m\\u001f"),
	ROW("\x7f", "\\u007f"),
	ROW("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0",
		"\\u0080\\u009b\\u009f\xc2\xa0"),
	ROW("\xc3\xa4", "\xc3\xa4"),
	ROW("\xe2\x82\xac", "\xe2\x82\xac"),
	ROW("\xf0\x9f\x94\x91", "\xf0\x9f\x94\x91"),
	ROW("\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"), /* U+10FFFF */
	ROW("\xed\x9f\xbf\xee\x80\x80", "\xed\x9f\xbf\xee\x80\x80"),
	ROW("a\xff"
	    "b",
		"a" FFFD "b"),
	ROW("\x80", FFFD),
	ROW("\xc0\x80", FFFD FFFD), /* 0 in two bytes */
	ROW("\xc1\xbf", FFFD FFFD),
	ROW("\xe0\x9f\xbf", FFFD FFFD FFFD),
	ROW("\xf0\x8f\xbf\xbf", FFFD FFFD FFFD FFFD),
	ROW("\xed\xa0\x80", FFFD FFFD FFFD), /* a surrogate */
	ROW("\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD),
	ROW("\xf5\x80\x80\x80", FFFD FFFD FFFD FFFD),
	ROW("\xc3", FFFD), /* the string ends inside a character */
	ROW("\xe2\x82", FFFD FFFD),
	ROW("\xf0\x9f\x94", FFFD FFFD FFFD),
	ROW("\xe2\x82\"", FFFD FFFD "\\\""),
	ROW("\xc3(", FFFD "("),
};

static void test_strings(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(string_rows); i++) {
		AUTO(buf_release) struct buf out = BUF_INIT(1000);
		struct jsonw w;

		jsonw_init(&w, &out, false);
		jsonw_str(&w, string_rows[i].text);
		ROW_STR(&string_rows[i], buf_str(&out), string_rows[i].want);
	}
}

static void write_sample(struct buf *out, bool pretty)
{
	struct jsonw w;

	jsonw_init(&w, out, pretty);
	jsonw_object_begin(&w);
	jsonw_kv_str(&w, "name", "x");
	jsonw_kv_str(&w, "gone", NULL);
	jsonw_key(&w, "list");
	jsonw_array_begin(&w);
	jsonw_int(&w, INT64_MIN);
	jsonw_uint(&w, UINT64_MAX);
	jsonw_object_begin(&w);
	jsonw_object_end(&w);
	jsonw_array_begin(&w);
	jsonw_array_end(&w);
	jsonw_null(&w);
	jsonw_array_end(&w);
	jsonw_kv_int(&w, "i", -1);
	jsonw_kv_uint(&w, "u", 1);
	jsonw_kv_bool(&w, "\"", true);
	jsonw_key(&w, "f");
	jsonw_bool(&w, false);
	jsonw_object_end(&w);
}

static void test_nesting(void **state)
{
	AUTO(buf_release) struct buf tight = BUF_INIT(1000);
	AUTO(buf_release) struct buf pretty = BUF_INIT(1000);

	write_sample(&tight, false);
	assert_string_equal(buf_str(&tight),
		"{\"name\":\"x\",\"gone\":null,\"list\":[-9223372036854775808,"
		"18446744073709551615,{},[],null],\"i\":-1,\"u\":1,"
		"\"\\\"\":true,\"f\":false}");
	write_sample(&pretty, true);
	assert_string_equal(buf_str(&pretty),
		"{\n\t\"name\": \"x\",\n\t\"gone\": null,\n\t\"list\": [\n"
		"\t\t-9223372036854775808,\n\t\t18446744073709551615,\n"
		"\t\t{},\n\t\t[],\n\t\tnull\n\t],\n\t\"i\": -1,\n\t\"u\": 1,\n"
		"\t\"\\\"\": true,\n\t\"f\": false\n}");
}

static void test_full_buffer(void **state)
{
	for (size_t max = 0; max < 60; max++) {
		AUTO(buf_release) struct buf out = BUF_INIT(max);

		write_sample(&out, false);
		assert_true(buf_failed(&out));
		assert_true(out.len <= max);
	}
}

static void test_deepest(void **state)
{
	AUTO(buf_release) struct buf out = BUF_INIT(1000);
	struct jsonw w;

	jsonw_init(&w, &out, false);
	for (int i = 0; i < JSONW_DEPTH_MAX; i++)
		jsonw_array_begin(&w);
	for (int i = 0; i < JSONW_DEPTH_MAX; i++)
		jsonw_array_end(&w);
	assert_string_equal(buf_str(&out), "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_nesting),
		cmocka_unit_test(test_full_buffer),
		cmocka_unit_test(test_deepest),
	};

	return cmocka_run_group_tests_name("jsonw", tests, NULL, NULL);
}

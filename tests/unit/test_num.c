/* num: every parser against a table of good and hostile words. */
#include "config.h"
#include "rows.h"
#include "base/num.h"

#include <string.h>

static const struct {
	const char *text;
	uint64_t max, want;
	bool ok;
	int line;
} u64_rows[] = {
#define GOOD(t, m, w)                                                          \
	{                                                                      \
		(t), (m), (w), true, __LINE__                                  \
	}
#define BAD(t, m)                                                              \
	{                                                                      \
		(t), (m), 0, false, __LINE__                                   \
	}
	GOOD("0", 0, 0), GOOD("65535", 65535, 65535), GOOD("007", 10, 7),
	GOOD("18446744073709551615", UINT64_MAX, UINT64_MAX),
	BAD("18446744073709551616", UINT64_MAX),
	BAD("99999999999999999999999", UINT64_MAX), BAD("65536", 65535),
	BAD("1", 0), BAD("", 9), BAD(" 1", 9), BAD("1 ", 9), BAD("+1", 9),
	BAD("-1", UINT64_MAX), BAD("0x1", 9), BAD("1\n", 9),
	BAD("\xd9\xa1", 9), /* ARABIC-INDIC DIGIT ONE */
};

static void test_u64(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(u64_rows); i++) {
		uint64_t value = 4711;

		ROW_INT(&u64_rows[i],
			num_parse_u64(
				u64_rows[i].text, u64_rows[i].max, &value),
			u64_rows[i].ok);
		ROW_INT(&u64_rows[i], value,
			u64_rows[i].ok ? u64_rows[i].want : 4711);
	}
}

static const struct {
	const char *text;
	uint32_t want;
	bool ok;
	int line;
} auto_rows[] = {
#undef GOOD
#undef BAD
#define GOOD(t, w)                                                             \
	{                                                                      \
		(t), (w), true, __LINE__                                       \
	}
#define BAD(t)                                                                 \
	{                                                                      \
		(t), 0, false, __LINE__                                        \
	}
	GOOD("0", 0),
	GOOD("51820", 51820),
	GOOD("0xca6c", 0xca6c),
	GOOD("0XCA6C", 0xca6c),
	GOOD("4294967295", UINT32_MAX),
	GOOD("0xffffffff", UINT32_MAX),
	GOOD("0x00000000ffffffff", UINT32_MAX),
	BAD("4294967296"),
	BAD("0x100000000"),
	BAD("0xffffffffffffffffffffffff"),
	BAD("0x"),
	BAD("x1"),
	BAD("0xg"),
	BAD("0x-1"),
	BAD("ff"),
	BAD(""),
};

static void test_u32_auto(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(auto_rows); i++) {
		uint32_t value = 4711;

		ROW_INT(&auto_rows[i],
			num_parse_u32_auto(auto_rows[i].text, &value),
			auto_rows[i].ok);
		ROW_INT(&auto_rows[i], value,
			auto_rows[i].ok ? auto_rows[i].want : 4711);
	}
}

#define X63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ROW(t, n, i)                                                           \
	{                                                                      \
		(t), (n), (i), __LINE__                                        \
	}
static const struct {
	const char *text;
	bool name, ifname;
	int line;
} name_rows[] = {
	ROW("a", true, true),
	ROW("web-1", true, true),
	ROW("0", true, true),
	ROW("xn--bcher-kva", true, true),
	ROW(X63, true, false),
	ROW(X63 "a", false, false),
	ROW("", false, false),
	ROW("-a", false, true),
	ROW("a-", false, true),
	ROW("A", false, true),
	ROW("a.b", false, true),
	ROW("a_b", false, true),
	ROW("wg0=+.-_", false, true),
	ROW("a b", false, false),
	ROW("a/b", false, false),
	ROW("a:1", false, false),
	ROW("a\n", false, false),
	ROW("\xc3\xa4", false, false),
	ROW(".", false, false),
	ROW("..", false, false),
	ROW("...", false, true),
	ROW("fifteen-letters", true, true),
	ROW("sixteen--letters", true, false),
};

static void test_names(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(name_rows); i++) {
		ROW_INT(&name_rows[i], name_valid(name_rows[i].text),
			name_rows[i].name);
		ROW_INT(&name_rows[i], ifname_valid(name_rows[i].text),
			name_rows[i].ifname);
	}
}

static void test_str_copy(void **state)
{
	char dst[4] = "zzz";

	assert_true(str_copy(dst, sizeof(dst), "abc"));
	assert_string_equal(dst, "abc");
	assert_false(str_copy(dst, sizeof(dst), "abcd"));
	assert_string_equal(dst, "");
	assert_false(str_copy(dst, 0, ""));
	assert_true(str_copy(dst, 1, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_u64),
		cmocka_unit_test(test_u32_auto),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_str_copy),
	};

	return cmocka_run_group_tests_name("num", tests, NULL, NULL);
}

/* value: what wg(8) takes, and its words for what it does not. */
#include "config.h"
#include "wgconf_fixture.h"

#include "wgconf/value.h"

#include <errno.h>
#include <string.h>

struct tcase {
	int line;
	const char *text;
	int64_t value; /* -1: refused */
};
#define T(text, value)                                                         \
	{                                                                      \
		__LINE__, text, value                                          \
	}

#define CHECK(rows, parse, type, said)                                         \
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {                        \
		struct err err = { 0 };                                        \
		char want[ERR_MSG_MAX];                                        \
		type value = 77;                                               \
		bool ok = rows[i].value >= 0;                                  \
		ROW_INT(&rows[i], parse(rows[i].text, &value, &err),           \
			ok ? 0 : -EINVAL);                                     \
		ROW_INT(&rows[i], value, ok ? rows[i].value : 77);             \
		(void)snprintf(                                                \
			want, sizeof(want), said ": `%s'", rows[i].text);      \
		ROW_STR(&rows[i], err.msg, ok ? "" : want);                    \
	}

static void test_port(void **state)
{
	static const struct tcase rows[] = { T("0", 0), T("65535", 65535),
		T("007", 7), T("65536", -1), T("-1", -1), T("x", -1),
		T("0x5", -1), T("5 ", -1), T("99999999999999999999", -1) };
	struct err empty = { 0 };
	uint16_t port;

	CHECK(rows, value_parse_port, uint16_t,
		"Servname not supported for ai_socktype")
	assert_int_equal(value_parse_port("", &port, &empty), -EINVAL);
	assert_string_equal(empty.msg, "Unable to parse empty port");
}

static void test_fwmark(void **state)
{
	static const struct tcase rows[] = { T("0", 0), T("off", 0),
		T("OFF", 0), T("010", 10), T("0x10", 16),
		T("0xFFFFFFFF", UINT32_MAX), T("4294967295", UINT32_MAX),
		T("4294967296", -1), T("0x100000000", -1), T("0x", -1),
		T("0X10", -1), T("0x0x1", -1), T("", -1), T("-1", -1),
		T("1 ", -1), T("offf", -1) };

	CHECK(rows, value_parse_fwmark, uint32_t,
		"Fwmark is neither 0/off nor 0-0xffffffff")
}

static void test_keepalive(void **state)
{
	static const struct tcase rows[] = { T("0", 0), T("off", 0),
		T("Off", 0), T("25", 25), T("65535", 65535), T("00025", 25),
		T("65536", -1), T("", -1), T("-1", -1), T("0x10", -1),
		T("25s", -1) };

	CHECK(rows, value_parse_keepalive, uint16_t,
		"Persistent keepalive interval is neither 0/off nor 1-65535")
}

/* The 43rd digit carries two bits that must be 0: A E I M ... 048. */
static bool naive_digit(size_t at, unsigned char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789+/";
	const char *digit = c ? strchr(digits, c) : NULL;

	if (at == KEY_BASE64_SIZE - 2)
		return c == '=';
	if (at == KEY_BASE64_SIZE - 3)
		return digit && (digit - digits) % 4 == 0;
	return digit;
}

/* Every byte at every place: libsodium takes some that are not base64. */
static void test_key_bytes(void **state)
{
	static const char good[] =
		"yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";
	uint8_t key[KEY_SIZE];
	char text[sizeof(good)];

	assert_int_equal(value_parse_key(good, key, NULL), 0);
	for (size_t at = 0; at < KEY_BASE64_SIZE - 1; at++) {
		for (unsigned int c = 0; c < 256; c++) {
			memcpy(text, good, sizeof(good));
			text[at] = (char)c;
			if ((value_parse_key(text, key, NULL) == 0) !=
				naive_digit(at, (unsigned char)c))
				fail_msg("byte %u at %zu", c, at);
		}
	}
}

static void test_key_words(void **state)
{
	static const char *const bad[] = { "", "abc",
		"yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk",
		"yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk==",
		" yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=" };
	char want[ERR_MSG_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uint8_t key[KEY_SIZE] = { 7 };
		struct err err = { 0 };

		assert_int_equal(value_parse_key(bad[i], key, &err), -EINVAL);
		(void)snprintf(want, sizeof(want),
			"Key is not the correct length or format: `%s'",
			bad[i]);
		assert_string_equal(err.msg, want);
		assert_int_equal(key[0], 7);
	}
}

static void keep_warning(void *arg, const char *text)
{
	(void)str_copy(arg, ERR_MSG_MAX, text);
}

static void test_allowedips(void **state)
{
#define UNPARSED(word) "Unable to parse IP address: `" word "'"
#define UNFORMED(word) "AllowedIP is not in the correct format: `" word "'"
#define HOSTPART(word) "Warning: AllowedIP has nonzero host part: " word
	enum { KEEPS, REPLACES };
	static const struct {
		int line;
		enum value_deltas deltas;
		const char *text, *nets, *error, *warning;
		int replaces;
	} rows[] = {
#define A(deltas, text, nets, error, warning, replaces)                        \
	{ __LINE__, VALUE_##deltas, text, nets, error, warning, replaces }
		A(PLAIN, "", "", "", "", REPLACES),
		A(PLAIN, " \t", "", "", "", REPLACES),
		A(PLAIN, "10.0.0.0/8", "10.0.0.0/8 ", "", "", REPLACES),
		A(PLAIN, "10.0.0.1,fd00::1", "10.0.0.1/32 fd00::1/128 ", "", "",
			REPLACES),
		A(PLAIN, " 10.0.0.0 / 8 , ::/0 ", "10.0.0.0/8 ::/0 ", "", "",
			REPLACES),
		A(PLAIN, "10.1.2.3/08", "10.1.2.3/8 ", "",
			HOSTPART("10.1.2.3/08"), REPLACES),
		A(PLAIN, "1.2.3.4/0", "1.2.3.4/0 ", "", HOSTPART("1.2.3.4/0"),
			REPLACES),
		A(PLAIN, ",", "", UNPARSED(""), "", REPLACES),
		A(PLAIN, "::/0,", "::/0 ", UNPARSED(""), "", REPLACES),
		A(PLAIN, "::/0,x/5", "::/0 ", UNPARSED("x"), "", REPLACES),
		A(PLAIN, "+::/0", "", UNPARSED("+::"), "", REPLACES),
		A(PLAIN, "-::/0", "", UNPARSED("-::"), "", REPLACES),
		A(PLAIN, "::/129", "", UNFORMED("::/129"), "", REPLACES),
		A(PLAIN, "1.2.3.4/", "", UNFORMED("1.2.3.4/"), "", REPLACES),
		A(PLAIN, "1.2.3.4/8/9", "", UNFORMED("1.2.3.4/8/9"), "",
			REPLACES),
		A(DELTAS, "", "", "", "", REPLACES),
		A(DELTAS, "::/0", "::/0 ", "", "", REPLACES),
		A(DELTAS, "+::/0", "::/0 ", "", "", KEEPS),
		A(DELTAS, "+::/0,-10.0.0.0/8", "::/0 -10.0.0.0/8 ", "", "",
			KEEPS),
		A(DELTAS, "+::/0,10.0.0.0/8", "::/0 10.0.0.0/8 ", "", "",
			REPLACES),
		A(DELTAS, "-", "", UNPARSED(""), "", KEEPS),
		A(DELTAS, "--::", "", UNPARSED("-::"), "", KEEPS),
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(wgconf_device_free)
		struct wgconf_device *dev = wgconf_device_new();
		struct wgconf_peer *peer =
			wgconf_peer_add(dev, &(struct pubkey){ { 1 } });
		AUTO(buf_release) struct buf nets = BUF_INIT(1024);
		char warning[ERR_MSG_MAX] = "", text[IPNET_TEXT_SIZE];
		struct err err = { 0 };

		ROW_INT(&rows[i],
			value_parse_allowedips(peer, rows[i].text,
				rows[i].deltas, keep_warning, warning, &err),
			rows[i].error[0] ? -EINVAL : 0);
		list_for_each(node, &peer->allowedips) {
			const struct wgconf_allowedip *ip =
				LIST_ENTRY(node, struct wgconf_allowedip, node);
			buf_addf(&nets, "%s%s ", ip->remove ? "-" : "",
				ipnet_format(&ip->net, text));
		}
		ROW_STR(&rows[i], buf_str(&nets), rows[i].nets);
		ROW_STR(&rows[i], err.msg, rows[i].error);
		ROW_STR(&rows[i], warning, rows[i].warning);
		ROW_INT(&rows[i], !!(peer->flags & WGPEER_REPLACE_ALLOWEDIPS),
			rows[i].replaces);
	}
}

/* A word longer than any address is quoted, and nothing runs over. */
static void test_long_words(void **state)
{
	char text[600];

	for (size_t len = 1; len < sizeof(text); len++) {
		AUTO(wgconf_device_free)
		struct wgconf_device *dev = wgconf_device_new();
		struct wgconf_peer *peer =
			wgconf_peer_add(dev, &(struct pubkey){ { 1 } });
		struct err err = { 0 };

		memset(text, 'x', len);
		text[len] = '\0';
		assert_int_equal(value_parse_allowedips(peer, text, VALUE_PLAIN,
					 NULL, NULL, &err),
			-EINVAL);
		assert_non_null(strstr(err.msg, "address: `x"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_port),
		cmocka_unit_test(test_fwmark),
		cmocka_unit_test(test_keepalive),
		cmocka_unit_test(test_key_bytes),
		cmocka_unit_test(test_key_words),
		cmocka_unit_test(test_allowedips),
		cmocka_unit_test(test_long_words),
	};

	return cmocka_run_group_tests_name("value", tests, NULL, NULL);
}

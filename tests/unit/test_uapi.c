/* uapi: what a SET and a GET may say, and that it reads what it writes. */
#include "config.h"
#include "wgconf_fixture.h"

#include <errno.h>
#include <string.h>

#define KEY  "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
#define PEER "public_key=" KEY "\n"

struct tcase {
	int line;
	enum uapi_mode mode;
	const char *text;
	int result;
	const char *talk; /* part of the message; NULL if there is none */
	unsigned int at;  /* line of TEXT */
};
#define OK(mode, text)                                                         \
	{                                                                      \
		__LINE__, UAPI_##mode, text, 0, NULL, 0                        \
	}
#define NO(mode, text, result, talk, at)                                       \
	{                                                                      \
		__LINE__, UAPI_##mode, text, -result, talk, at                 \
	}
static const struct tcase cases[] = {
	OK(SET, ""),
	OK(SET, "private_key=" KEY "\n"),
	OK(SET, "listen_port=0\nlisten_port=65535\nfwmark=4294967295\n"),
	OK(SET, "replace_peers=true\n" PEER PEER),
	OK(SET, PEER "remove=true\nupdate_only=true\nprotocol_version=1\n"),
	OK(SET, PEER "replace_allowed_ips=true\nallowed_ip=10.0.0.0/8\n"),
	OK(SET, PEER "allowed_ip=-10.0.0.0/8\nallowed_ip=::/0\n"),
	OK(SET, PEER "endpoint=1.2.3.4:0\nendpoint=[::1]:1\n"),
	OK(SET, PEER "persistent_keepalive_interval=65535\n"),
	NO(SET, "\n", EPROTO, "key=value", 1),
	NO(SET, "listen_port\n", EPROTO, "key=value", 1),
	NO(SET, "=5\n", EINVAL, "unknown key: `'", 1),
	NO(SET, "get=1\n", EINVAL, "unknown key: `get'", 1),
	NO(SET, "errno=0\n", EINVAL, "unknown key: `errno'", 1),
	NO(SET, "rx_bytes=0\n", EINVAL, "unknown key", 1),
	NO(SET, PEER "last_handshake_time_sec=1\n", EINVAL, "unknown key", 2),
	NO(SET, "Listen_Port=5\n", EINVAL, "unknown key", 1),
	NO(SET, " listen_port=5\n", EINVAL, "unknown key", 1),
	NO(SET, "remove=true\n", EINVAL, "out of place: `remove'", 1),
	NO(SET, "endpoint=1.2.3.4:5\n", EINVAL, "out of place", 1),
	NO(SET, PEER "listen_port=5\n", EINVAL, "out of place", 2),
	NO(SET, PEER "replace_peers=true\n", EINVAL, "out of place", 2),
	NO(SET, "listen_port=65536\n", EINVAL, "bad value of `listen_port'", 1),
	NO(SET, "listen_port=\n", EINVAL, "bad value", 1),
	NO(SET, "listen_port= 5\n", EINVAL, "bad value", 1),
	NO(SET, "listen_port=0x5\n", EINVAL, "bad value", 1),
	NO(SET, "fwmark=4294967296\n", EINVAL, "bad value", 1),
	NO(SET, "fwmark=0x10\n", EINVAL, "bad value", 1),
	NO(SET, "replace_peers=false\n", EINVAL, "bad value", 1),
	NO(SET, "replace_peers=True\n", EINVAL, "bad value", 1),
	NO(SET, "private_key=" KEY "0\n", EINVAL, "bad value", 1),
	NO(SET, "private_key=0\n", EINVAL, "bad value", 1),
	NO(SET, "private_key=\n", EINVAL, "bad value", 1),
	NO(SET, "fwmark=1\npublic_key=x\n", EINVAL, "bad value", 2),
	NO(SET, PEER "preshared_key=x\n", EINVAL, "bad value", 2),
	NO(SET, PEER "protocol_version=2\n", EINVAL, "bad value", 2),
	NO(SET, PEER "endpoint=1.2.3.4\n", EINVAL, "bad value", 2),
	NO(SET, PEER "endpoint=1.2.3.4:65536\n", EINVAL, "bad value", 2),
	NO(SET, PEER "endpoint=host:5\n", EINVAL, "bad value", 2),
	NO(SET, PEER "endpoint=::1:5\n", EINVAL, "bad value", 2),
	NO(SET, PEER "endpoint=[fe80::1%none]:5\n", EINVAL, "bad value", 2),
	NO(SET, PEER "endpoint=\n", EINVAL, "bad value", 2),
	NO(SET, PEER "endpoint=:0\n", EINVAL, "bad value", 2),
	NO(SET, PEER "endpoint=%\n", EINVAL, "bad value", 2),
	NO(SET, PEER "endpoint=]%:0\n", EINVAL, "bad value", 2),
	NO(SET, PEER "allowed_ip=10.0.0.0/33\n", EINVAL, "bad value", 2),
	NO(SET, PEER "allowed_ip=--10.0.0.0/8\n", EINVAL, "bad value", 2),
	NO(SET, PEER "allowed_ip=+10.0.0.0/8\n", EINVAL, "bad value", 2),
	NO(SET, PEER "allowed_ip=-\n", EINVAL, "bad value", 2),
	NO(SET, PEER "persistent_keepalive_interval=off\n", EINVAL, "bad", 2),
	/* An answer may say more than we know, but no nonsense. */
	OK(GET, "private_key=" KEY "\nlisten_port=5\nfwmark=6\nerrno=0\n"),
	OK(GET, "new=thing\nremove=x\nrx_bytes=x\n" PEER "listen_port=x\n"),
	OK(GET, PEER "rx_bytes=18446744073709551615\ntx_bytes=0\n"),
	OK(GET, PEER "last_handshake_time_sec=9000000000\n"),
	OK(GET, "errno=-22\n"),
	NO(GET, "\n", EPROTO, "key=value", 1),
	NO(GET, "errno=x\n", EINVAL, "bad value of `errno'", 1),
	NO(GET, "errno=--1\n", EINVAL, "bad value", 1),
	NO(GET, "errno=2147483648\n", EINVAL, "bad value", 1),
	NO(GET, PEER "allowed_ip=-10.0.0.0/8\n", EINVAL, "bad value", 2),
	NO(GET, PEER "rx_bytes=18446744073709551616\n", EINVAL, "bad", 2),
	NO(GET, PEER "last_handshake_time_nsec=1000000000\n", EINVAL, "bad", 2),
	NO(GET, PEER "last_handshake_time_sec=9223372037\n", EINVAL, "bad", 2),
	NO(GET, PEER "last_handshake_time_sec=-1\n", EINVAL, "bad", 2),
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct tcase *row = &cases[i];
		AUTO(wgconf_device_free)
		struct wgconf_device *dev = wgconf_device_new();
		struct err err = { 0 };

		ROW_INT(row, parse_uapi(row->mode, row->text, dev, &err),
			row->result);
		ROW_INT(row, err.line, row->at);
		if (row->talk)
			ROW_TRUE(row, strstr(err.msg, row->talk));
		else
			ROW_STR(row, err.msg, "");
		/* A value may be a key: it is never quoted. */
		ROW_TRUE(row, !strstr(err.msg, "0102"));
	}
}

static int parse_bytes(const char *line, size_t len)
{
	AUTO(wgconf_device_free)
	struct wgconf_device *dev = wgconf_device_new();
	struct uapi_parser parser;

	uapi_parser_init(&parser, UAPI_GET, dev);
	return uapi_parse_line(&parser, line, len, NULL);
}

static void test_lines(void **state)
{
	char line[UAPI_LINE_MAX + 2];

	memset(line, 'x', sizeof(line));
	line[3] = '=';
	assert_int_equal(parse_bytes(line, UAPI_LINE_MAX), 0);
	assert_int_equal(parse_bytes(line, UAPI_LINE_MAX + 1), -EPROTO);
	assert_int_equal(parse_bytes("a=\0b", 4), -EPROTO);
	assert_int_equal(parse_bytes("\0=ab", 4), -EPROTO);
	assert_int_equal(parse_bytes("", 0), -EPROTO);
	assert_int_equal(parse_bytes("a=bxxxx", 3), 0);
}

static uint32_t only_eth0(const char *ifname)
{
	return strcmp(ifname, "eth0") == 0 ? 42 : 0;
}

/* wg(8) writes the name of an interface where we write its number. */
static void test_scope_names(void **state)
{
	static const struct {
		int line;
		const char *text;
		bool taken;
		uint32_t scope_id;
		uint16_t port;
	} rows[] = {
		{ __LINE__, "[fe80::1%eth0]:5", true, 42, 5 },
		{ __LINE__, "[fe80::1%eth0]:0", true, 42, 0 },
		{ __LINE__, "[fe80::1%7]:5", true, 7, 5 },
		{ __LINE__, "[fe80::1%7]:0", true, 7, 0 },
		{ __LINE__, "[fe80::1]:5", true, 0, 5 },
		{ __LINE__, "[fe80::1%eth1]:5", false, 0, 0 },
		{ __LINE__, "[fe80::1%]:5", false, 0, 0 },
		{ __LINE__, "[fe80::1%eth0:5", false, 0, 0 },
		{ __LINE__, "[fe80::1]%eth0:5", false, 0, 0 },
		{ __LINE__, "[1.2.3.4%eth0]:5", false, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(wgconf_device_free)
		struct wgconf_device *dev = uapi_device(UAPI_SET, PEER);
		AUTO(buf_release) struct buf line = BUF_INIT(256);
		struct uapi_parser parser;

		uapi_parser_init(&parser, UAPI_SET, dev);
		parser.scope_index = only_eth0;
		parser.peer =
			LIST_ENTRY(dev->peers.next, struct wgconf_peer, node);
		buf_addf(&line, "endpoint=%s", rows[i].text);
		ROW_INT(&rows[i],
			uapi_parse_line(&parser, line.data, line.len, NULL),
			rows[i].taken ? 0 : -EINVAL);
		ROW_INT(&rows[i], parser.peer->endpoint.scope_id,
			rows[i].scope_id);
		ROW_INT(&rows[i], parser.peer->endpoint.port, rows[i].port);
	}
}

static void test_answer(void **state)
{
	AUTO(wgconf_device_free)
	struct wgconf_device *dev = wgconf_device_new();
	struct uapi_parser parser;

	uapi_parser_init(&parser, UAPI_GET, dev);
	assert_false(parser.answered);
	assert_int_equal(uapi_parse_line(&parser, "errno=13", 8, NULL), 0);
	assert_true(parser.answered);
	assert_int_equal(parser.peer_errno, 13);
	assert_int_equal(uapi_parse_line(&parser, "errno=-5", 8, NULL), 0);
	assert_int_equal(parser.peer_errno, 5);
}

/* The two halves of a handshake's time come in any order. */
static void test_handshake_time(void **state)
{
	static const char *const orders[] = {
		PEER "last_handshake_time_sec=7\nlast_handshake_time_nsec=9\n",
		PEER "last_handshake_time_nsec=9\nlast_handshake_time_sec=7\n",
		PEER "last_handshake_time_sec=8\nlast_handshake_time_nsec=3\n"
		     "last_handshake_time_nsec=9\nlast_handshake_time_sec=7\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		AUTO(wgconf_device_free)
		struct wgconf_device *dev = uapi_device(UAPI_GET, orders[i]);
		assert_int_equal(
			LIST_ENTRY(dev->peers.next, struct wgconf_peer, node)
				->last_handshake.ns,
			INT64_C(7000000009));
	}
}

/* wireguard-go's order, so that diffs of the two read well. */
static void test_get_text(void **state)
{
	static const char text[] =
		"private_key=" KEY "\nlisten_port=5\nfwmark=6\n" PEER
		"preshared_key=" KEY "\nprotocol_version=1\n"
		"endpoint=[fe80::1%3]:7\nlast_handshake_time_sec=8\n"
		"last_handshake_time_nsec=9\ntx_bytes=10\nrx_bytes=11\n"
		"persistent_keepalive_interval=12\nallowed_ip=10.0.0.0/8\n"
		"allowed_ip=::/0\n";
	AUTO(wgconf_device_free)
	struct wgconf_device *dev = uapi_device(UAPI_GET, text);
	AUTO(buf_release) struct buf out = BUF_INIT(4096);

	uapi_format_get(dev, &out);
	assert_string_equal(buf_str(&out), text);
	assert_true(dev->flags & WGDEV_HAS_PUBKEY);
}

static void test_reads_what_it_writes(void **state)
{
	struct random r = random_start();

	for (int round = 0; round < 5000; round++) {
		enum uapi_mode mode = random_below(&r, 2) ? UAPI_SET : UAPI_GET;
		AUTO(wgconf_device_free)
		struct wgconf_device *dev =
			mode == UAPI_SET ? random_change(&r) : random_state(&r);
		AUTO(wgconf_device_free) struct wgconf_device *back = NULL;
		AUTO(buf_release) struct buf text = BUF_INIT(65536);
		const char *body = "";

		if (mode == UAPI_SET) {
			uapi_format_set(dev, &text);
			body = buf_str(&text) + strlen("set=1\n");
			/* A peer that goes says nothing else. */
			list_for_each(node, &dev->peers) {
				struct wgconf_peer *peer = LIST_ENTRY(
					node, struct wgconf_peer, node);
				if (!(peer->flags & WGPEER_REMOVE))
					continue;
				peer->flags = WGPEER_REMOVE;
				peer->psk = (struct psk){ { 0 } };
				peer->endpoint = (struct endpoint){ 0 };
				peer->keepalive_sec = 0;
				wgconf_allowedips_clear(peer);
			}
		} else {
			uapi_format_get(dev, &text);
			body = buf_str(&text);
		}
		assert_false(buf_failed(&text));
		back = uapi_device(mode, body);
		assert_true(same_device(dev, back));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_scope_names),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_handshake_time),
		cmocka_unit_test(test_get_text),
		cmocka_unit_test(test_reads_what_it_writes),
	};

	return cmocka_run_group_tests_name("uapi", tests, NULL, NULL);
}

/*
 * ini: what files mean, told as the SET that comes of them, and that it reads
 * what it writes. The errors' words are those of wg(8) 1.0.20210914.
 */
#include "config.h"
#include "wgconf_fixture.h"

#include "wgconf/ini.h"

#include <errno.h>
#include <string.h>

#define KEY   "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
#define HEX   "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
#define OTHER "IB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgE="
#define OHEX  "201f1e1d1c1b1a191817161514131211100f0e0d0c0b0a090807060504030201"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define PEER  "[Peer]\nPublicKey=" KEY "\n"
/* What each [Peer] brings along. */
#define SET_PEER "public_key=" HEX "\n"
#define REPLACE	 "replace_allowed_ips=true\n"

struct tcase {
	int line;
	const char *file, *set, *error;
	unsigned int at; /* line of the file; 0 for what only the end shows */
};
#define OK(file, set)                                                          \
	{                                                                      \
		__LINE__, file, set, "", 0                                     \
	}
#define NO(file, error, at)                                                    \
	{                                                                      \
		__LINE__, file, NULL, error, at                                \
	}
/* All with addconf, which adds nothing of its own. */
static const struct tcase cases[] = {
	OK("", ""),
	OK("# PrivateKey = x\n \t\r\n\n", ""),
	OK("[Interface]", ""),
	OK("[INTERFACE]\nlistenport=5\nFWMARK=0x10\n",
		"listen_port=5\nfwmark=16\n"),
	OK("[Interface]\nPrivateKey = " KEY " # mine\n",
		"private_key=" HEX "\n"),
	OK(" [ Inter face ] \n Listen Port = 5 0\n", "listen_port=50\n"),
	OK("[Interface]\nListenPort=5\n[Interface]\nListenPort=6\n",
		"listen_port=6\n"),
	OK(PEER, SET_PEER REPLACE),
	OK(PEER PEER, SET_PEER REPLACE SET_PEER REPLACE),
	OK(PEER "[Interface]\nFwMark=off\n", "fwmark=0\n" SET_PEER REPLACE),
	OK(PEER "PublicKey=" OTHER "\n", "public_key=" OHEX "\n" REPLACE),
	OK(PEER "AllowedIPs=10.0.0.0/8, ::/0\nAllowedIPs=1.2.3.4\n",
		SET_PEER REPLACE "allowed_ip=10.0.0.0/8\nallowed_ip=::/0\n"
				 "allowed_ip=1.2.3.4/32\n"),
	OK(PEER "PresharedKey=" OTHER "\nEndpoint=[::1]:5\n"
		"PersistentKeepalive=25\n",
		SET_PEER "preshared_key=" OHEX "\nendpoint=[::1]:5\n"
			 "persistent_keepalive_interval=25\n" REPLACE),
	OK(PEER "PersistentKeepalive=off\n",
		SET_PEER "persistent_keepalive_interval=0\n" REPLACE),
	NO("x", "Line unrecognized: `x'", 1),
	NO("[Foo]\n", "Line unrecognized: `[Foo]'", 1),
	NO("\n[Peer", "Line unrecognized: `[Peer'", 2),
	NO("[Peer];x\n", "Line unrecognized: `[Peer];x'", 1),
	NO("ListenPort=5\n", "Line unrecognized: `ListenPort=5'", 1),
	NO("[Interface]\nListenPort=\n", "Line unrecognized: `ListenPort='", 2),
	NO("[Interface]\nListenPort\n", "Line unrecognized: `ListenPort'", 2),
	NO("[Interface]\nListen=5\n", "Line unrecognized: `Listen=5'", 2),
	NO("[Interface]\nListenPortx=5\n", "Line unrecognized: `ListenPortx=5'",
		2),
	NO("[Interface]\n=5\n", "Line unrecognized: `=5'", 2),
	NO("[Interface]\nMTU = 1420\n", "Line unrecognized: `MTU=1420'", 2),
	NO("[Interface]\nPublicKey=" KEY "\n",
		"Line unrecognized: `PublicKey=" KEY "'", 2),
	NO(PEER "ListenPort=5\n", "Line unrecognized: `ListenPort=5'", 3),
	NO(PEER "AllowedIPs=\n", "Line unrecognized: `AllowedIPs='", 3),
	NO("[Interface]\nPrivateKey=abc\n",
		"Key is not the correct length or format: `abc'", 2),
	NO("[Interface]\nFwMark=x\n",
		"Fwmark is neither 0/off nor 0-0xffffffff: `x'", 2),
	NO(PEER "Endpoint=1.2.3.4\n",
		"Endpoint is not an address and a port: `1.2.3.4'", 3),
	NO(PEER "PersistentKeepalive=65536\n",
		"Persistent keepalive interval is neither 0/off nor 1-65535:"
		" `65536'",
		3),
	NO(PEER "AllowedIPs=10.0.0.0/99\n",
		"AllowedIP is not in the correct format: `10.0.0.0/99'", 3),
	NO("[Peer]\n", "A peer is missing a public key", 0),
	NO("[Peer]\n" PEER, "A peer is missing a public key", 0),
	NO(PEER "[Peer]\nAllowedIPs=::/0\n[Interface]\n",
		"A peer is missing a public key", 0),
};

static int parse_file(
	const char *text, struct ini_parser *parser, struct err *err)
{
	int r = 0;

	while (r == 0 && *text) {
		AUTO(buf_release) struct buf line = BUF_INIT(1 << 20);
		size_t len = strcspn(text, "\n");

		buf_add(&line, text, len);
		r = ini_parse_line(parser, buf_str(&line), err);
		text += len + (text[len] == '\n');
	}
	return r < 0 ? r : ini_parser_finish(parser, err);
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct tcase *row = &cases[i];
		AUTO(wgconf_device_free)
		struct wgconf_device *dev = wgconf_device_new();
		AUTO(buf_release) struct buf set = BUF_INIT(65536);
		struct ini_parser parser;
		struct err err = { 0 };

		ini_parser_init(&parser, dev, true, NULL, NULL);
		ROW_INT(row, parse_file(row->file, &parser, &err),
			row->set ? 0 : -EINVAL);
		ROW_STR(row, err.msg, row->error);
		ROW_INT(row, err.line, row->at);
		if (!row->set)
			continue;
		uapi_format_set(dev, &set);
		ROW_STR(row, buf_str(&set) + strlen("set=1\n"), row->set);
	}
}

/* setconf takes away what the file does not name, of the device. */
static void test_not_append(void **state)
{
	AUTO(wgconf_device_free)
	struct wgconf_device *dev = wgconf_device_new();
	AUTO(buf_release) struct buf set = BUF_INIT(65536);
	struct ini_parser parser;

	ini_parser_init(&parser, dev, false, NULL, NULL);
	assert_int_equal(parse_file(PEER, &parser, NULL), 0);
	uapi_format_set(dev, &set);
	assert_string_equal(buf_str(&set),
		"set=1\nprivate_key=" ZEROS "\nlisten_port=0\nfwmark=0\n"
		"replace_peers=true\n" SET_PEER REPLACE);
}

struct asked {
	char text[64];
	char warning[128];
};

static bool resolve(
	void *arg, const char *text, struct endpoint *ret_ep, struct err *err)
{
	struct asked *asked = arg;

	(void)str_copy(asked->text, sizeof(asked->text), text);
	if (strcmp(text, "host:http") != 0) {
		(void)err_set(err, -EINVAL, "never heard of `%s'", text);
		return false;
	}
	return endpoint_parse("9.8.7.6:80", ret_ep);
}

static bool port(
	void *arg, const char *text, uint16_t *ret_port, struct err *err)
{
	struct asked *asked = arg;

	(void)str_copy(asked->text, sizeof(asked->text), text);
	*ret_port = 53;
	return true;
}

static void warn(void *arg, const char *text)
{
	struct asked *asked = arg;

	(void)str_copy(asked->warning, sizeof(asked->warning), text);
}

static void test_hooks(void **state)
{
	AUTO(wgconf_device_free)
	struct wgconf_device *dev = wgconf_device_new();
	AUTO(buf_release) struct buf set = BUF_INIT(65536);
	struct ini_parser parser;
	struct asked asked = { 0 };
	struct err err = { 0 };

	ini_parser_init(&parser, dev, true, resolve, &asked);
	parser.port = port;
	parser.warn = warn;
	assert_int_equal(parse_file("[Interface]\nListenPort = domain\n" PEER
				    "AllowedIPs = 10.0.0.1/8\n"
				    "Endpoint = host : http\n",
				 &parser, &err),
		0);
	uapi_format_set(dev, &set);
	assert_string_equal(buf_str(&set),
		"set=1\nlisten_port=53\n" SET_PEER
		"endpoint=9.8.7.6:80\n" REPLACE "allowed_ip=10.0.0.1/8\n");
	assert_string_equal(asked.text, "host:http");
	assert_string_equal(asked.warning,
		"Warning: AllowedIP has nonzero host part: 10.0.0.1/8");
	assert_int_equal(parse_file(PEER "Endpoint=nowhere:1\n", &parser, &err),
		-EINVAL);
	assert_string_equal(err.msg, "never heard of `nowhere:1'");
}

static void test_format(void **state)
{
	static const struct {
		int line;
		const char *get, *file;
	} rows[] = {
		{ __LINE__, "", "[Interface]\n\n" },
		{ __LINE__, "fwmark=255\nlisten_port=5\nprivate_key=" HEX "\n",
			"[Interface]\nListenPort = 5\nFwMark = 0xff\n"
			"PrivateKey = " KEY "\n\n" },
		{ __LINE__, "private_key=" ZEROS "\nfwmark=0\nlisten_port=0\n",
			"[Interface]\nPrivateKey = "
			"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n" },
		{ __LINE__,
			"public_key=" HEX "\npreshared_key=" ZEROS
			"\npersistent_keepalive_interval=0\n"
			"public_key=" OHEX "\npreshared_key=" HEX
			"\nendpoint=[fe80::1%7]:5\n"
			"persistent_keepalive_interval=9\n"
			"allowed_ip=10.0.0.0/8\nallowed_ip=::/0\n",
			"[Interface]\n\n[Peer]\nPublicKey = " KEY "\n\n"
			"[Peer]\nPublicKey = " OTHER "\nPresharedKey = " KEY
			"\nAllowedIPs = 10.0.0.0/8, ::/0\n"
			"Endpoint = [fe80::1%7]:5\nPersistentKeepalive = 9\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(wgconf_device_free)
		struct wgconf_device *dev = uapi_device(UAPI_GET, rows[i].get);
		AUTO(buf_release) struct buf out = BUF_INIT(65536);

		ini_format(dev, &out);
		ROW_STR(&rows[i], buf_str(&out), rows[i].file);
	}
}

/* A running state, written and set again, is that state. */
static void test_reads_what_it_writes(void **state)
{
	struct random r = random_start();

	for (int round = 0; round < 3000; round++) {
		AUTO(wgconf_device_free)
		struct wgconf_device *dev = random_state(&r);
		AUTO(wgconf_device_free)
		struct wgconf_device *conf = wgconf_device_new();
		AUTO(wgconf_device_free) struct wgconf_device *back = NULL;
		AUTO(wgconf_device_free) struct wgconf_device *want = NULL;
		AUTO(buf_release) struct buf file = BUF_INIT(65536);
		struct ini_parser parser;

		ini_format(dev, &file);
		ini_parser_init(&parser, conf, false, NULL, NULL);
		assert_int_equal(parse_file(buf_str(&file), &parser, NULL), 0);
		back = copy_device(conf);
		want = copy_device(dev);
		assert_true(same_device(back, want));
	}
}

static void test_long_line(void **state)
{
	AUTO(wgconf_device_free)
	struct wgconf_device *dev = wgconf_device_new();
	AUTO(buf_release) struct buf file = BUF_INIT(1 << 20);
	struct ini_parser parser;
	size_t count = 0;

	buf_add_str(&file, PEER "AllowedIPs = 0.0.0.0/0");
	for (unsigned int i = 0; i < 20000; i++)
		buf_addf(&file, ", 10.%u.%u.0/24", i >> 8, i & 255);
	ini_parser_init(&parser, dev, true, NULL, NULL);
	assert_int_equal(parse_file(buf_str(&file), &parser, NULL), 0);
	list_for_each(node,
		&LIST_ENTRY(dev->peers.next, struct wgconf_peer, node)
			 ->allowedips)
		count++;
	assert_int_equal(count, 20001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_not_append),
		cmocka_unit_test(test_hooks),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_reads_what_it_writes),
		cmocka_unit_test(test_long_line),
	};

	return cmocka_run_group_tests_name("ini", tests, NULL, NULL);
}

/* json: the whole text, with and without keys. */
#include "config.h"
#include "wgconf_fixture.h"

#include "wgconf/json.h"

#include <string.h>

#define HEX "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
#define KEY "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
#define PUB "B6N8vBQgk8i3VdwbEOhstCY3StFqqFPtC9/AsrhtHHw="

static void check(bool show_keys, const char *get, const char *want)
{
	AUTO(wgconf_device_free)
	struct wgconf_device *dev = uapi_device(UAPI_GET, get);
	AUTO(buf_release) struct buf out = BUF_INIT(65536);
	struct jsonw w;

	assert_true(str_copy(dev->ifname, sizeof(dev->ifname), "wg0"));
	jsonw_init(&w, &out, false);
	wgconf_json(dev, show_keys, &w);
	assert_string_equal(buf_str(&out), want);
}

static void test_nothing_set(void **state)
{
	check(true, "",
		"{\"schema\":\"mesh/v1\",\"interface\":\"wg0\","
		"\"listenPort\":0,\"fwmark\":0,\"peers\":{}}");
}

#define ALL_SET                                                                \
	"private_key=" HEX "\nlisten_port=5\nfwmark=6\npublic_key=" HEX        \
	"\npreshared_key=" HEX "\nendpoint=[::1]:7\n"                          \
	"last_handshake_time_sec=8\nlast_handshake_time_nsec=999999999\n"      \
	"rx_bytes=18446744073709551615\ntx_bytes=10\n"                         \
	"persistent_keepalive_interval=11\nallowed_ip=10.0.0.0/8\n"            \
	"allowed_ip=::/0\n"
#define PEER_REST                                                              \
	"\"endpoint\":\"[::1]:7\",\"latestHandshake\":8,"                      \
	"\"transferRx\":18446744073709551615,\"transferTx\":10,"               \
	"\"persistentKeepalive\":11,"                                          \
	"\"allowedIps\":[\"10.0.0.0/8\",\"::/0\"]}}}"

static void test_keys_shown(void **state)
{
	check(true, ALL_SET,
		"{\"schema\":\"mesh/v1\",\"interface\":\"wg0\","
		"\"privateKey\":\"" KEY "\",\"publicKey\":\"" PUB "\","
		"\"listenPort\":5,\"fwmark\":6,\"peers\":{\"" KEY "\":{"
		"\"presharedKey\":\"" KEY "\"," PEER_REST);
}

static void test_keys_hidden(void **state)
{
	check(false, ALL_SET,
		"{\"schema\":\"mesh/v1\",\"interface\":\"wg0\","
		"\"publicKey\":\"" PUB "\",\"listenPort\":5,\"fwmark\":6,"
		"\"peers\":{\"" KEY "\":{" PEER_REST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_set),
		cmocka_unit_test(test_keys_shown),
		cmocka_unit_test(test_keys_hidden),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}

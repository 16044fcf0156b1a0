/* What `meshagent status` prints, and the control socket's messages there and
 * back. */
#include "config.h"
#include "agent/status.h"
#include "rows.h"

#include <string.h>

#include "base/banned.h"

#define NOW_SEC INT64_C(1800000000)

static struct wall at(int64_t ago_sec)
{
	return (struct wall){ (NOW_SEC - ago_sec) * NSEC_PER_SEC };
}

static struct msg_agent_status some_status(void)
{
	struct msg_agent_status status = {
		.pid = 42,
		.version = "1",
		.name = "a",
		.mesh_name = "home",
		.interface = "mesh0",
		.listen_port = 51820,
		.mtu = 1420,
		.coordinator = "https://c:7443",
		.serial = 17,
	};

	assert_true(ipnet_parse("100.64.1.1/16", &status.addresses[0]));
	status.address_count = 1;
	status.peers = calloc(2, sizeof(*status.peers));
	assert_non_null(status.peers);
	return status;
}

static void add_peer(
	struct msg_agent_status *status, const char *name, const char *endpoint)
{
	struct msg_agent_peer *peer = &status->peers[status->peer_count++];

	(void)str_copy(peer->name, sizeof(peer->name), name);
	assert_true(ipnet_parse("100.64.1.2/32", &peer->addresses[0]));
	peer->address_count = 1;
	if (endpoint)
		assert_true(endpoint_parse(endpoint, &peer->endpoint));
}

static void test_coordinator_line(void **state)
{
	static const struct {
		bool reachable;
		int64_t since_ago; /* <0: not tried */
		const char *says;
		int line;
	} rows[] = {
		{ false, -1, "https://c:7443, not tried yet\n", __LINE__ },
		{ true, 5, "https://c:7443, reachable\n", __LINE__ },
		{ false, 180,
			"out of reach since 2027-01-15T07:57:00Z (3 minutes "
			"ago): refused\n",
			__LINE__ },
		{ false, 1, "(1 second ago): refused\n", __LINE__ },
		{ false, 90000, "(1 day ago): refused\n", __LINE__ },
		{ false, 0, "(now): refused\n", __LINE__ },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(buf_release) struct buf out = BUF_INIT(1 << 16);
		AUTO(msg_agent_status_release)
		struct msg_agent_status status = some_status();

		status.reachable = rows[i].reachable;
		if (rows[i].since_ago >= 0)
			status.reachable_since = at(rows[i].since_ago);
		(void)str_copy(status.problem, sizeof(status.problem),
			rows[i].reachable ? "" : "refused");
		status_print(&status, at(0), &out);
		ROW_TRUE(&rows[i], strstr(buf_str(&out), rows[i].says) != NULL);
	}
}

static void test_table(void **state)
{
	AUTO(buf_release) struct buf out = BUF_INIT(1 << 16);
	AUTO(msg_agent_status_release)
	struct msg_agent_status status = some_status();

	(void)state;
	status_print(&status, at(0), &out);
	assert_null(strstr(buf_str(&out), "PEER"));
	add_peer(&status, "long-name", NULL);
	add_peer(&status, "b", "[2001:db8::1]:51820");
	status.peers[1].last_handshake = at(61);
	status.peers[1].rx_bytes = 1023;
	status.peers[1].tx_bytes = 5 * 1024 * 1024 + 512 * 1024;
	buf_clear(&out);
	status_print(&status, at(0), &out);
	assert_non_null(strstr(buf_str(&out),
		"peers        2\n\n"
		"PEER       ADDRESSES   ENDPOINT             "
		"LAST HANDSHAKE    RECEIVED    SENT\n"
		"long-name  100.64.1.2  (none)               "
		"never             0 B         0 B\n"
		"b          100.64.1.2  [2001:db8::1]:51820  "
		"1 minute ago      1023 B      5.50 MiB\n"));
}

static void test_message_round_trip(void **state)
{
	AUTO(buf_release) struct buf one = BUF_INIT(1 << 16);
	AUTO(buf_release) struct buf two = BUF_INIT(1 << 16);
	AUTO(msg_agent_status_release)
	struct msg_agent_status status = some_status();
	AUTO(msg_agent_status_release) struct msg_agent_status read = { 0 };
	struct err err = { 0 };

	(void)state;
	add_peer(&status, "b", "10.0.0.1:1");
	add_peer(&status, "c", NULL);
	status.peers[0].last_handshake = at(9);
	status.reachable_since = at(3);
	assert_int_equal(msg_agent_status_encode(&status, &one), 0);
	assert_non_null(strstr(buf_str(&one), "\"last_handshake\":null"));
	if (msg_agent_status_decode(one.data, one.len, &read, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(read.peer_count, 2);
	assert_true(endpoint_known(&read.peers[0].endpoint));
	assert_false(endpoint_known(&read.peers[1].endpoint));
	assert_int_equal(read.peers[1].last_handshake.ns, 0);
	assert_int_equal(msg_agent_status_encode(&read, &two), 0);
	assert_string_equal(buf_str(&one), buf_str(&two));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_coordinator_line),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_message_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

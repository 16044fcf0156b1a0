/* message: what goes out comes in, and nothing else does. */
#include "config.h"
#include "meshproto/message.h"

#include "mesh_fixture.h"
#include "meshproto/message_agent.h"
#include "message_recode.h"

#include <errno.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/banned.h"

/* MSG's text is the same after it was decoded and encoded again, and within
 * LIMIT. That no field is forgotten both ways is test_texts' business. */
#define CHECK_ROUND_TRIP(name, msg, limit)                                     \
	check_round_trip(__LINE__, recode_##name,                              \
		msg_##name##_encode(msg, &text), &text, limit)
static void check_round_trip(int line, recode_fn *recode, int encoded,
	struct buf *text, size_t limit)
{
	AUTO(buf_release) struct buf again = BUF_INIT(MSG_NETMAP_MAX);
	struct err err = { 0 };
	int r;

	if (encoded != 0 || text->len > limit)
		fail_msg("line %d: encode: %d, %zu bytes", line, encoded,
			text->len);
	r = recode(text->data, text->len, &again, &err);
	if (r != 0)
		fail_msg("line %d: decode: %d %s\n%s", line, r, err.msg,
			text->len < 4096 ? text->data : "");
	if (strcmp(text->data, again.data))
		fail_msg("line %d:\n%s\n%s", line, text->data, again.data);
	buf_clear(text);
}

/* ---- the largest of everything ---- */

static struct envelope *envelope_max(void)
{
	struct envelope *env = malloc(sizeof(*env) + RECORD_PAYLOAD_MAX);

	assert_non_null(env);
	memset(env, 0xff, sizeof(*env) + RECORD_PAYLOAD_MAX);
	env->payload_len = RECORD_PAYLOAD_MAX;
	return env;
}

static void fill_name(char name[static NAME_MAX_LEN + 1], char c)
{
	memset(name, c, NAME_MAX_LEN);
	name[NAME_MAX_LEN] = '\0';
}

static void fill_tags(char (*tags)[NAME_MAX_LEN + 1], size_t *count)
{
	for (size_t i = 0; i < RECORD_TAGS_MAX; i++)
		fill_name(tags[i], (char)('a' + i));
	*count = RECORD_TAGS_MAX;
}

static void fill_addresses(struct ipnet *nets, size_t *count)
{
	for (size_t i = 0; i < RECORD_ADDRESSES_MAX; i++)
		nets[i] = fx_net("2001:db8:1111:2222:3333:4444:5555:6666");
	*count = RECORD_ADDRESSES_MAX;
}

static struct endpoint long_endpoint(void)
{
	struct endpoint ep;

	assert_true(endpoint_parse(
		"[fe80:1111:2222:3333:4444:5555:6666:7777%4294967295]:65535",
		&ep));
	return ep;
}

static void fill_endpoints(struct endpoint *eps, size_t *count)
{
	for (size_t i = 0; i < MSG_ENDPOINTS_MAX; i++)
		eps[i] = long_endpoint();
	*count = MSG_ENDPOINTS_MAX;
}

static struct msg_peer_report *peers_max(size_t *count)
{
	struct msg_peer_report *peers =
		calloc(MSG_REPORT_PEERS_MAX, sizeof(*peers));

	assert_non_null(peers);
	for (unsigned int i = 0; i < MSG_REPORT_PEERS_MAX; i++)
		peers[i] = (struct msg_peer_report){ .node = fx_node_id(i),
			.endpoint = long_endpoint(),
			.last_handshake = fx_wall(i),
			.rx_bytes = INT64_MAX,
			.tx_bytes = INT64_MAX - 1 };
	*count = MSG_REPORT_PEERS_MAX;
	return peers;
}

static void fill_bearer(char text[static BEARER_TEXT_SIZE], const char *kind)
{
	struct bearer bearer;

	bearer_generate(kind, &bearer);
	(void)bearer_format(&bearer, text);
}

/* ---- round trips ---- */

static void test_enroll(void **state)
{
	AUTO(buf_release) struct buf text = BUF_INIT(MSG_NETMAP_MAX);
	AUTO(msg_enroll_offer_release) struct msg_enroll_offer offer = { 0 };
	AUTO(msg_enroll_complete_release)
	struct msg_enroll_complete done = { 0 };
	struct msg_enroll_request request = { .identity = fx_public(FX_NODE),
		.name = "a" };

	CHECK_ROUND_TRIP(enroll_request, &request, MSG_REQUEST_MAX);
	fill_name(request.name, 'z');
	CHECK_ROUND_TRIP(enroll_request, &request, MSG_REQUEST_MAX);

	offer.mesh = envelope_max();
	offer.grant = envelope_max();
	CHECK_ROUND_TRIP(enroll_offer, &offer, MSG_REQUEST_MAX);
	offer.node = fx_node_id(1);
	fill_addresses(offer.addresses, &offer.address_count);
	CHECK_ROUND_TRIP(enroll_offer, &offer, MSG_REQUEST_MAX);

	done.membership = envelope_max();
	done.key = envelope_max();
	fill_bearer(done.credential, "agent");
	CHECK_ROUND_TRIP(enroll_complete, &done, MSG_REQUEST_MAX);
}

static void test_netmap(void **state)
{
	enum { COUNT = 300 };
	AUTO(buf_release) struct buf text = BUF_INIT(MSG_NETMAP_MAX);
	AUTO(msg_netmap_release)
	struct msg_netmap map = { .serial = 0, .full = true };

	CHECK_ROUND_TRIP(netmap, &map, 200);
	map.serial = INT64_MAX;
	map.records = calloc(COUNT, sizeof(struct envelope *));
	map.endpoints = calloc(COUNT, sizeof(*map.endpoints));
	map.withheld = calloc(COUNT, sizeof(*map.withheld));
	assert_non_null(map.records);
	assert_non_null(map.endpoints);
	assert_non_null(map.withheld);
	for (unsigned int i = 0; i < COUNT; i++) {
		map.records[i] = envelope_max();
		map.endpoints[i].node = fx_node_id(i);
		fill_endpoints(
			map.endpoints[i].endpoints, &map.endpoints[i].count);
		map.withheld[i] = fx_node_id(i);
	}
	map.record_count = map.endpoint_count = COUNT;
	CHECK_ROUND_TRIP(netmap, &map, MSG_NETMAP_MAX);
	map.full = false;
	map.since = INT64_MAX;
	map.withheld_count = COUNT;
	CHECK_ROUND_TRIP(netmap, &map, MSG_NETMAP_MAX);
	/* a delta may hold nothing: the wait was over */
	msg_netmap_release(&map);
	map.serial = map.since = 7;
	CHECK_ROUND_TRIP(netmap, &map, 200);
}

static void test_report(void **state)
{
	AUTO(buf_release) struct buf text = BUF_INIT(MSG_NETMAP_MAX);
	AUTO(msg_report_release) struct msg_report report = { 0 };
	struct msg_peer_report bare = { .node = fx_node_id(1) };
	struct msg_report lone = { .peers = &bare, .peer_count = 1 };

	CHECK_ROUND_TRIP(report, &report, MSG_REQUEST_MAX);
	/* no endpoint, no handshake yet */
	CHECK_ROUND_TRIP(report, &lone, MSG_REQUEST_MAX);
	report.applied = INT64_MAX;
	report.listen_port = UINT16_MAX;
	fill_endpoints(report.endpoints, &report.endpoint_count);
	report.peers = peers_max(&report.peer_count);
	CHECK_ROUND_TRIP(report, &report, MSG_REQUEST_MAX);
}

/* More peers than fit: the first ones go. */
static void test_report_of_many(void **state)
{
	AUTO(buf_release) struct buf text = BUF_INIT(MSG_NETMAP_MAX);
	AUTO(msg_report_release) struct msg_report back = { 0 };
	struct msg_report report = { .peer_count = MSG_REPORT_PEERS_MAX + 5 };
	struct err err = { 0 };

	report.peers = calloc(report.peer_count, sizeof(*report.peers));
	assert_non_null(report.peers);
	report.peers[MSG_REPORT_PEERS_MAX - 1].rx_bytes = 77;
	assert_int_equal(msg_report_encode(&report, &text), 0);
	free(report.peers);
	if (msg_report_decode(text.data, text.len, &back, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(back.peer_count, MSG_REPORT_PEERS_MAX);
	assert_int_equal(back.peers[MSG_REPORT_PEERS_MAX - 1].rx_bytes, 77);
}

static void test_mesh_view(void **state)
{
	AUTO(buf_release) struct buf text = BUF_INIT(MSG_NETMAP_MAX);
	AUTO(msg_mesh_view_release) struct msg_mesh_view view = { 0 };

	view.record = envelope_max();
	assert_true(str_copy(view.name, sizeof(view.name), "m"));
	CHECK_ROUND_TRIP(mesh_view, &view, MSG_REQUEST_MAX);
	memset(&view.mesh, 0xab, sizeof(view.mesh));
	fill_name(view.name, 'm');
	view.serial = INT64_MAX;
	view.node_count = UINT32_MAX;
	memset(view.url, 'u', TOKEN_URL_MAX);
	memset(view.pin, 0xcd, sizeof(view.pin));
	memset(view.version, 'v', sizeof(view.version) - 1);
	CHECK_ROUND_TRIP(mesh_view, &view, MSG_REQUEST_MAX);
}

static void fill_scopes(char (*scopes)[MSG_SCOPE_SIZE], size_t *count)
{
	for (size_t i = 0; i < MSG_SCOPES_MAX; i++) {
		memset(scopes[i], 's', MSG_SCOPE_SIZE - 1);
		scopes[i][0] = (char)('a' + i);
	}
	*count = MSG_SCOPES_MAX;
}

static void test_tokens(void **state)
{
	enum { COUNT = 100 };
	AUTO(buf_release) struct buf text = BUF_INIT(MSG_NETMAP_MAX);
	AUTO(msg_token_create_release)
	struct msg_token_create join = { .is_join = true };
	AUTO(msg_token_list_release) struct msg_token_list list = { 0 };
	struct msg_token_create api = { .scopes = { "nodes:read" },
		.scope_count = 1 };
	struct msg_token_view view = { .id = "0123456789abcdef" };

	join.grant = envelope_max();
	fill_bearer(join.bearer, "join");
	CHECK_ROUND_TRIP(token_create, &join, MSG_REQUEST_MAX);
	fill_name(join.note, 'n');
	CHECK_ROUND_TRIP(token_create, &join, MSG_REQUEST_MAX);
	CHECK_ROUND_TRIP(token_create, &api, MSG_REQUEST_MAX);
	fill_scopes(api.scopes, &api.scope_count);
	api.expires = fx_wall(0);
	CHECK_ROUND_TRIP(token_create, &api, MSG_REQUEST_MAX);

	CHECK_ROUND_TRIP(token_view, &view, MSG_REQUEST_MAX);
	assert_true(
		str_copy(view.note, sizeof(view.note), "caf\xc3\xa9 \"1\""));
	fill_scopes(view.scopes, &view.scope_count);
	view.created = fx_wall(1);
	view.expires = fx_wall(2);
	view.revoked = true;
	fill_bearer(view.bearer, "api");
	CHECK_ROUND_TRIP(token_view, &view, MSG_REQUEST_MAX);
	view.is_join = true;
	view.scope_count = 0;
	view.uses_max = UINT32_MAX;
	view.uses = UINT32_MAX - 1;
	fill_tags(view.tags, &view.tag_count);
	CHECK_ROUND_TRIP(token_view, &view, MSG_REQUEST_MAX);

	CHECK_ROUND_TRIP(token_list, &list, MSG_REQUEST_MAX);
	list.tokens = calloc(COUNT, sizeof(*list.tokens));
	assert_non_null(list.tokens);
	list.count = COUNT;
	for (size_t i = 0; i < COUNT; i++)
		list.tokens[i] = view;
	CHECK_ROUND_TRIP(token_list, &list, MSG_NETMAP_MAX);
}

static struct msg_node_view node_max(void)
{
	struct msg_node_view view = { .node = fx_node_id(1),
		.membership = envelope_max(),
		.grant = envelope_max(),
		.public_key.b = { 1 },
		.online = true,
		.last_seen = fx_wall(5),
		.applied = INT64_MAX };

	fill_name(view.name, 'n');
	fill_addresses(view.addresses, &view.address_count);
	fill_tags(view.tags, &view.tag_count);
	fill_endpoints(view.endpoints, &view.endpoint_count);
	view.peers = peers_max(&view.peer_count);
	return view;
}

static void test_nodes(void **state)
{
	enum { COUNT = 20 };
	AUTO(buf_release) struct buf text = BUF_INIT(MSG_NETMAP_MAX);
	AUTO(msg_node_view_release)
	struct msg_node_view view = { .membership = envelope_max(),
		.name = "a" };
	AUTO(msg_node_list_release) struct msg_node_list list = { 0 };
	AUTO(msg_record_release) struct msg_record record = { envelope_max() };
	struct msg_applied applied = { 0 };

	CHECK_ROUND_TRIP(node_view, &view, MSG_NETMAP_MAX);
	CHECK_ROUND_TRIP(node_list, &list, MSG_NETMAP_MAX);
	msg_node_view_release(&view);
	view = node_max();
	CHECK_ROUND_TRIP(node_view, &view, MSG_NETMAP_MAX);
	list.serial = INT64_MAX;
	list.nodes = calloc(COUNT, sizeof(*list.nodes));
	assert_non_null(list.nodes);
	list.count = COUNT;
	for (size_t i = 0; i < COUNT; i++)
		list.nodes[i] = node_max();
	CHECK_ROUND_TRIP(node_list, &list, MSG_NETMAP_MAX);

	CHECK_ROUND_TRIP(record, &record, MSG_REQUEST_MAX);
	CHECK_ROUND_TRIP(applied, &applied, MSG_REQUEST_MAX);
	applied.serial = INT64_MAX;
	applied.pending = UINT32_MAX;
	fill_name(applied.waiting_for, 'w');
	CHECK_ROUND_TRIP(applied, &applied, MSG_REQUEST_MAX);
}

static void test_problem(void **state)
{
	AUTO(buf_release) struct buf text = BUF_INIT(MSG_NETMAP_MAX);
	struct msg_problem problem = { .slug = "a", .status = 404 };

	CHECK_ROUND_TRIP(problem, &problem, MSG_REQUEST_MAX);
	memset(problem.slug, 's', sizeof(problem.slug) - 1);
	memset(problem.detail, 'd', sizeof(problem.detail) - 1);
	memset(problem.field, 'f', sizeof(problem.field) - 1);
	problem.status = UINT32_MAX;
	CHECK_ROUND_TRIP(problem, &problem, MSG_REQUEST_MAX);
	problem = (struct msg_problem){ .slug = "token-expired",
		.status = 403,
		.detail = "expired a minute ago",
		.field = "/grant" };
	assert_int_equal(msg_problem_encode(&problem, &text), 0);
	assert_string_equal(text.data,
		"{\"schema\":\"mesh/v1\",\"type\":"
		"\"https://wgmesh.invalid/problems/token-expired\","
		"\"title\":\"token expired\",\"status\":403,"
		"\"detail\":\"expired a minute ago\",\"field\":\"/grant\"}");
}

static void test_agent(void **state)
{
	AUTO(buf_release) struct buf text = BUF_INIT(MSG_NETMAP_MAX);
	AUTO(msg_agent_status_release)
	struct msg_agent_status status = { .name = "a" };
	struct msg_agent_request request = { .command = "status" };

	CHECK_ROUND_TRIP(agent_request, &request, MSG_REQUEST_MAX);
	CHECK_ROUND_TRIP(agent_status, &status, MSG_NETMAP_MAX);
	status.pid = UINT32_MAX;
	fill_name(status.mesh_name, 'm');
	status.listen_port = UINT16_MAX;
	status.mtu = 1420;
	fill_addresses(status.addresses, &status.address_count);
	status.reachable = true;
	status.reachable_since = fx_wall(1);
	status.serial = INT64_MAX;
	status.peers = calloc(1, sizeof(*status.peers));
	assert_non_null(status.peers);
	status.peer_count = 1;
	fill_name(status.peers[0].name, 'p');
	status.peers[0].endpoint = long_endpoint();
	status.peers[0].last_handshake = fx_wall(2);
	CHECK_ROUND_TRIP(agent_status, &status, MSG_NETMAP_MAX);
}

/* ---- encoders refuse what no decoder takes ---- */

static void test_encode_refuses(void **state)
{
	AUTO(buf_release) struct buf out = BUF_INIT(MSG_NETMAP_MAX);
	struct envelope *env = envelope_max();
	struct msg_enroll_offer offer = { .mesh = env };
	struct msg_enroll_complete done = { .key = env };
	struct msg_netmap map = { .full = true,
		.record_count = MSG_RECORDS_MAX + 1 };
	struct msg_report report = { .endpoint_count = MSG_ENDPOINTS_MAX + 1 };
	struct msg_mesh_view mesh = { .name = "a" };
	struct msg_token_create token = { .scope_count = MSG_SCOPES_MAX + 1 };
	struct msg_token_view view = { .tag_count = RECORD_TAGS_MAX + 1 };
	struct msg_node_view node = { .membership = env,
		.address_count = RECORD_ADDRESSES_MAX + 1 };
	struct msg_node_list nodes = { .nodes = &node, .count = 1 };
	struct msg_record record = { NULL };
	struct msg_problem problem = { .slug = "No Slug" };

	assert_int_equal(msg_enroll_offer_encode(&offer, &out), -EINVAL);
	assert_int_equal(msg_enroll_complete_encode(&done, &out), -EINVAL);
	assert_int_equal(msg_netmap_encode(&map, &out), -EINVAL);
	assert_int_equal(msg_report_encode(&report, &out), -EINVAL);
	assert_int_equal(msg_mesh_view_encode(&mesh, &out), -EINVAL);
	assert_int_equal(msg_token_create_encode(&token, &out), -EINVAL);
	assert_int_equal(msg_token_view_encode(&view, &out), -EINVAL);
	assert_int_equal(msg_node_view_encode(&node, &out), -EINVAL);
	assert_int_equal(msg_node_list_encode(&nodes, &out), -EINVAL);
	assert_int_equal(msg_record_encode(&record, &out), -EINVAL);
	assert_int_equal(msg_problem_encode(&problem, &out), -EINVAL);
	buf_release(&out);
	out = BUF_INIT(20);
	record.record = env;
	assert_int_equal(msg_record_encode(&record, &out), -ENOMEM);
	envelope_free(env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_enroll),
		cmocka_unit_test(test_netmap),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_report_of_many),
		cmocka_unit_test(test_mesh_view),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_problem),
		cmocka_unit_test(test_agent),
		cmocka_unit_test(test_encode_refuses),
	};

	if (sodium_init() < 0)
		return 99;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The mesh in use, by direct calls: netmaps, reports, views, changes, removal,
 * tokens; a restart; and a hand in the database. Long because it is one mesh's
 * life: every case stands on the same set-up and the same few helpers. */
#include "config.h"
#include "rows.h"
#include "tmpdir.h"
#include "base/auto.h"
#include "meshd/store.h"
#include "meshd_lab.h"

#include <errno.h>
#include <sodium.h>
#include <sqlite3.h>

static struct lab lab;

static int setup(void **state)
{
	if (tmpdir_setup(state) < 0)
		return -1;
	lab_up(&lab, tmpdir_path("s"));
	lab_found(&lab);
	lab_create_token(&lab, 0, 0);
	lab_join(&lab, 0, 0);
	lab_join(&lab, 1, 0);
	return 0;
}

static int teardown(void **state)
{
	lab_down(&lab);
	return tmpdir_teardown(state);
}

static uint64_t serial(void)
{
	return lab.meshd.mesh.serial;
}

/* ---- netmap ---- */

static unsigned int poll_netmap(unsigned int node, uint64_t since, int wait)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "GET /v1/netmap?since=%llu&wait=%d",
		(unsigned long long)since, wait);
	return lab_call(&lab, path, lab_agent(node), NULL);
}

static void read_netmap(struct msg_netmap *ret_map)
{
	const char *body = lab_body(&lab);
	struct err err = { 0 };

	if (msg_netmap_decode(body, strlen(body), ret_map, &err) < 0)
		fail_msg("netmap: %s", err.msg);
}

static void test_netmap(void **state)
{
	struct msg_netmap map;
	uint64_t before = serial();

	/* mesh, grant, two memberships, two keys */
	lab_must(&lab, 200, "GET /v1/netmap", lab_agent(0), NULL);
	read_netmap(&map);
	assert_true(map.full);
	assert_int_equal(map.record_count, 6);
	assert_true(map.serial == before);
	msg_netmap_release(&map);

	assert_int_equal(poll_netmap(0, before, 0), 200);
	read_netmap(&map);
	assert_false(map.full);
	assert_int_equal(map.record_count, 0);
	msg_netmap_release(&map);

	lab_join(&lab, 2, 0);
	assert_int_equal(poll_netmap(0, before, 30), 200);
	read_netmap(&map);
	assert_false(map.full);
	assert_true(map.since == before);
	assert_true(map.serial == before + 1);
	assert_int_equal(map.record_count, 2); /* the grant was told before */
	msg_netmap_release(&map);
}

static void test_netmap_since(void **state)
{
	struct {
		uint64_t since;
		bool full;
		int line;
	} rows[] = {
		{ 0, true, __LINE__ },
		{ 1, true, __LINE__ }, /* below what we ever said */
		{ serial() - 1, false, __LINE__ },
		{ serial(), false, __LINE__ },
		{ serial() + 1, true, __LINE__ }, /* of a lost future */
		{ INT64_MAX, true, __LINE__ },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct msg_netmap map;

		ROW_INT(&rows[i], poll_netmap(0, rows[i].since, 0), 200);
		read_netmap(&map);
		ROW_INT(&rows[i], map.full, rows[i].full);
		msg_netmap_release(&map);
	}
}

/* The far end waits as http.c lets it: the poll is open, then over. */
static void test_netmap_waits(void **state)
{
	const struct api_wait *wait = &lab.last.wait;

	assert_int_equal(poll_netmap(0, serial(), 30), 0);
	assert_int_equal(wait->kind, EVENT_NETMAP);
	assert_true(wait->ns == 30 * NSEC_PER_SEC);
	assert_true(wait->has_node);
	assert_true(wait->serial == serial());
	lab.out_of_time = true;
	assert_int_equal(poll_netmap(0, serial(), 30), 200);
	lab.out_of_time = false;
}

/* Everybody who waited is given the very same bytes. */
static void test_netmap_shared(void **state)
{
	uint64_t before = serial();
	const void *first;

	lab_join(&lab, 2, 0);
	assert_int_equal(poll_netmap(0, before, 0), 200);
	first = lab_body(&lab);
	assert_int_equal(poll_netmap(1, before, 0), 200);
	assert_ptr_equal(lab_body(&lab), first);
	/* but not for another beginning, or after another change */
	assert_int_equal(poll_netmap(1, before - 1, 0), 200);
	assert_ptr_not_equal(lab_body(&lab), first);
	lab_join(&lab, 3, 0);
	assert_int_equal(poll_netmap(0, before, 0), 200);
	assert_ptr_not_equal(lab_body(&lab), first);
}

/* ---- reports ---- */

static unsigned int report(unsigned int node, uint64_t applied, uint16_t port,
	const char *const *endpoints, size_t count)
{
	AUTO(buf_release) struct buf body = BUF_INIT(MSG_REQUEST_MAX);
	struct msg_report msg = {
		.applied = applied, .listen_port = port, .endpoint_count = count
	};
	struct msg_peer_report peer = { .node = fx_node_id(1), .rx_bytes = 17 };

	for (size_t i = 0; i < count; i++)
		assert_true(endpoint_parse(endpoints[i], &msg.endpoints[i]));
	msg.peers = &peer;
	msg.peer_count = 1;
	assert_int_equal(msg_report_encode(&msg, &body), 0);
	return lab_call(
		&lab, "POST /v1/report", lab_agent(node), buf_str(&body));
}

static void from(const char *text)
{
	lab.from = (struct ipaddr){ .family = IP_NONE };
	if (*text)
		assert_true(ipaddr_parse(text, &lab.from));
}

static void test_endpoints(void **state)
{
	static const struct {
		const char *from;
		uint16_t port;
		const char *reported[3];
		const char *want; /* a space between */
		bool changes;
		int line;
	} rows[] = {
		{ "", 0, { NULL }, "", false, __LINE__ },
		{ "192.0.2.1", 51820, { NULL }, "192.0.2.1:51820", true,
			__LINE__ },
		{ "192.0.2.1", 51820, { NULL }, "192.0.2.1:51820", false,
			__LINE__ },
		{ "192.0.2.1", 51820, { "10.0.0.1:51820", "192.0.2.1:51820" },
			"192.0.2.1:51820 10.0.0.1:51820", true, __LINE__ },
		{ "192.0.2.1", 51820, { "192.0.2.1:51820", "10.0.0.1:51820" },
			"192.0.2.1:51820 10.0.0.1:51820", false, __LINE__ },
		{ "2001:db8::1", 7, { "10.0.0.1:7" },
			"[2001:db8::1]:7 10.0.0.1:7", true, __LINE__ },
		/* what says nothing to other hosts */
		{ "127.0.0.1", 7, { "0.0.0.0:7", "224.0.0.1:7", "10.0.0.1:7" },
			"10.0.0.1:7", true, __LINE__ },
		{ "::1", 7, { "[fe80::1]:7", "[ff02::1]:7", "10.0.0.1:7" },
			"10.0.0.1:7", false, __LINE__ },
		{ "192.0.2.1", 0, { "10.0.0.1:7" }, "10.0.0.1:7", false,
			__LINE__ },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t before = serial();
		AUTO(buf_release) struct buf got = BUF_INIT(1024);
		struct msg_node_endpoints at;
		struct node_id id = fx_node_id(0);
		size_t count = 0;

		while (count < 3 && rows[i].reported[count])
			count++;
		from(rows[i].from);
		ROW_INT(&rows[i],
			report(0, serial(), rows[i].port, rows[i].reported,
				count),
			204);
		ROW_INT(&rows[i], serial() != before, rows[i].changes);
		ROW_INT(&rows[i],
			store_endpoint_find(lab.meshd.store, &id, &at, NULL),
			0);
		for (size_t j = 0; j < at.count; j++) {
			char text[ENDPOINT_TEXT_SIZE];

			buf_addf(&got, "%s%s", j ? " " : "",
				endpoint_format(&at.endpoints[j], text));
		}
		ROW_STR(&rows[i], buf_str(&got), rows[i].want);
	}
}

/* ---- views ---- */

static void get_node(const char *path, struct msg_node_view *ret_view)
{
	const char *body;
	struct err err = { 0 };

	lab_must(&lab, 200, path, LAB_LOCAL, NULL);
	body = lab_body(&lab);
	if (msg_node_view_decode(body, strlen(body), ret_view, &err) < 0)
		fail_msg("node: %s", err.msg);
}

static void test_views(void **state)
{
	struct msg_node_view view;
	struct msg_node_list list;
	struct msg_mesh_view mesh;
	const char *body;

	from("192.0.2.1");
	assert_int_equal(report(0, serial(), 9, NULL, 0), 204);
	get_node("GET /v1/nodes/node-0", &view);
	assert_string_equal(view.name, "node-0");
	assert_int_equal(view.address_count, 2);
	assert_int_equal(view.tag_count, 1);
	assert_string_equal(view.tags[0], "web");
	assert_int_equal(view.endpoint_count, 1);
	assert_non_null(view.membership);
	assert_non_null(view.grant);
	assert_int_equal(view.peer_count, 1);
	assert_int_equal(view.peers[0].rx_bytes, 17);
	assert_true(view.last_seen.ns == fx_wall(0).ns);
	msg_node_view_release(&view);
	get_node(lab_path("GET /v1/nodes/%s", 1), &view);
	assert_string_equal(view.name, "node-1");
	assert_false(view.online);
	msg_node_view_release(&view);
	lab_must(&lab, 404, "GET /v1/nodes/node-9", LAB_LOCAL, NULL);
	assert_string_equal(lab_slug(&lab), "node-unknown");
	lab_must(&lab, 404, lab_path("GET /v1/nodes/%s", 9), LAB_LOCAL, NULL);

	lab_must(&lab, 200, "GET /v1/nodes", LAB_LOCAL, NULL);
	body = lab_body(&lab);
	assert_int_equal(
		msg_node_list_decode(body, strlen(body), &list, NULL), 0);
	assert_int_equal(list.count, 2);
	assert_true(list.serial == serial());
	assert_string_equal(list.nodes[0].name, "node-0");
	assert_string_equal(list.nodes[1].name, "node-1");
	msg_node_list_release(&list);

	lab_must(&lab, 200, "GET /v1/mesh", LAB_LOCAL, NULL);
	body = lab_body(&lab);
	assert_int_equal(
		msg_mesh_view_decode(body, strlen(body), &mesh, NULL), 0);
	assert_string_equal(mesh.name, "home");
	assert_int_equal(mesh.node_count, 2);
	assert_string_equal(mesh.url, "https://coordinator:7443");
	msg_mesh_view_release(&mesh);
}

static bool is_online(void)
{
	struct msg_node_view view;
	bool online;

	get_node("GET /v1/nodes/node-0", &view);
	online = view.online;
	msg_node_view_release(&view);
	return online;
}

static void test_online(void **state)
{
	struct node_id id = fx_node_id(0);
	struct meshd *meshd = &lab.meshd;

	assert_false(is_online());
	meshd_on_poll_open(meshd, &id, serial(), 50 * NSEC_PER_SEC, &lab.now);
	lab_sleep(&lab, 1000);
	assert_true(is_online());
	/* answered: it will be back */
	meshd_on_poll_close(meshd, &id, false, &lab.now);
	lab_sleep(&lab, 99);
	assert_true(is_online());
	lab_sleep(&lab, 1);
	assert_false(is_online());
	/* it hung up: it will not */
	meshd_on_poll_open(meshd, &id, serial(), 50 * NSEC_PER_SEC, &lab.now);
	meshd_on_poll_close(meshd, &id, true, &lab.now);
	assert_false(is_online());
}

/* ---- applied ---- */

static unsigned int applied(uint64_t want, int wait, struct msg_applied *ret)
{
	char path[96];
	const char *body;

	(void)snprintf(path, sizeof(path),
		"GET /v1/applied?serial=%llu&wait=%d", (unsigned long long)want,
		wait);
	if (lab_call(&lab, path, LAB_LOCAL, NULL) == 200) {
		body = lab_body(&lab);
		assert_int_equal(
			msg_applied_decode(body, strlen(body), ret, NULL), 0);
	}
	return lab.last.status;
}

static void test_applied(void **state)
{
	struct node_id zero = fx_node_id(0), one = fx_node_id(1);
	struct msg_applied got;

	/* nobody is online: nobody is waited for */
	assert_int_equal(applied(serial(), 30, &got), 200);
	assert_int_equal(got.pending, 0);
	meshd_on_poll_open(&lab.meshd, &zero, serial() - 1, 1, &lab.now);
	meshd_on_poll_open(&lab.meshd, &one, serial() - 1, 1, &lab.now);
	assert_int_equal(applied(serial(), 30, &got), 0);
	assert_int_equal(lab.last.wait.kind, EVENT_APPLIED);
	assert_int_equal(lab.last.wait.pending, 2);
	assert_int_equal(applied(serial(), 0, &got), 200);
	assert_int_equal(got.pending, 2);
	assert_int_equal(applied(serial() - 1, 30, &got), 200);
	assert_int_equal(got.pending, 0);
	assert_int_equal(report(0, serial(), 0, NULL, 0), 204);
	assert_int_equal(applied(serial(), 0, &got), 200);
	assert_int_equal(got.pending, 1);
	assert_string_equal(got.waiting_for, "node-1");
	meshd_on_poll_close(&lab.meshd, &one, true, &lab.now);
	assert_int_equal(applied(serial(), 30, &got), 200);
	assert_int_equal(got.pending, 0);
}

/* ---- changes ---- */

static struct record restated(unsigned int node, uint64_t serial_of_it)
{
	struct record rec = fx_member(node);
	struct ipnet addresses[RECORD_ADDRESSES_MAX];
	struct node_id id = fx_node_id(node);
	size_t count;

	assert_int_equal(store_address_list(
				 lab.meshd.store, &id, addresses, &count, NULL),
		0);
	memcpy(rec.membership.addresses, addresses, sizeof(addresses));
	rec.membership.address_count = count;
	rec.serial = serial_of_it;
	return rec;
}

static unsigned int put_node(const struct record *rec, unsigned int who)
{
	return lab_call(&lab, lab_path("PUT /v1/nodes/%s", 0), LAB_LOCAL,
		lab_record_of(rec, who));
}

static void test_rename(void **state)
{
	struct record rec = restated(0, 2), other;
	uint64_t before = serial();

	(void)str_copy(rec.membership.name, NAME_MAX_LEN, "better");
	assert_int_equal(put_node(&rec, FX_OPERATOR), 200);
	assert_true(serial() == before + 1);
	lab_must(&lab, 404, "GET /v1/nodes/node-0", LAB_LOCAL, NULL);
	lab_must(&lab, 200, "GET /v1/nodes/better", LAB_LOCAL, NULL);
	/* the very same again changes nothing */
	assert_int_equal(put_node(&rec, FX_OPERATOR), 200);
	assert_true(serial() == before + 1);

	other = rec;
	(void)str_copy(other.membership.name, NAME_MAX_LEN, "worse");
	assert_int_equal(put_node(&other, FX_OPERATOR), 409);
	assert_string_equal(lab_slug(&lab), "record-stale");
	other.serial = 3;
	assert_int_equal(put_node(&other, lab_delegate(0)), 422);
	assert_string_equal(lab_slug(&lab), "record-refused");
	(void)str_copy(other.membership.name, NAME_MAX_LEN, "node-1");
	assert_int_equal(put_node(&other, FX_OPERATOR), 409);
	assert_string_equal(lab_slug(&lab), "name-taken");
	other = restated(1, 3);
	assert_int_equal(put_node(&other, FX_OPERATOR), 422);
	assert_string_equal(lab_slug(&lab), "record-refused");
	/* nothing of what was refused stayed behind */
	assert_true(serial() == before + 1);
	lab_must(&lab, 200, "GET /v1/nodes/better", LAB_LOCAL, NULL);
	lab_must(&lab, 404, "GET /v1/nodes/worse", LAB_LOCAL, NULL);
}

static void test_move_address(void **state)
{
	struct record rec = restated(0, 2);
	struct ipnet addresses[RECORD_ADDRESSES_MAX];
	struct node_id id = fx_node_id(0);
	size_t count;

	rec.membership.addresses[0] = fx_net("100.64.0.2"); /* node-1's */
	assert_int_equal(put_node(&rec, FX_OPERATOR), 409);
	assert_string_equal(lab_slug(&lab), "address-taken");
	rec.membership.addresses[0] = fx_net("10.0.0.1");
	assert_int_equal(put_node(&rec, FX_OPERATOR), 422);
	assert_int_equal(store_address_list(
				 lab.meshd.store, &id, addresses, &count, NULL),
		0);
	assert_true(ipaddr_equal(&addresses[0].addr,
		&(struct ipaddr){ IP_V4, { 100, 64, 0, 1 } }));
	rec.membership.addresses[0] = fx_net("100.64.77.7");
	assert_int_equal(put_node(&rec, FX_OPERATOR), 200);
	/* the next one does not collide with it, nor start behind it in vain */
	lab_join(&lab, 2, 0);
	lab_join(&lab, 3, 0);
}

static void test_remove(void **state)
{
	struct record removal = fx_removal(0);
	struct msg_netmap map;
	struct msg_applied got;
	const char *body;
	uint64_t before = serial(), gone;

	from("192.0.2.1");
	assert_int_equal(report(0, serial(), 9, NULL, 0), 204);
	before = serial();
	lab_must(&lab, 422, "POST /v1/nodes/node-0/removal", LAB_LOCAL,
		lab_record_of(&removal, FX_STRANGER));
	lab_must(&lab, 422, "POST /v1/nodes/node-1/removal", LAB_LOCAL,
		lab_record_of(&removal, FX_OPERATOR));
	lab_must(&lab, 200, "POST /v1/nodes/node-0/removal", LAB_LOCAL,
		lab_record_of(&removal, FX_OPERATOR));
	gone = serial();
	assert_true(gone == before + 1);
	body = lab_body(&lab);
	assert_int_equal(msg_applied_decode(body, strlen(body), &got, NULL), 0);
	assert_true(got.serial == gone);

	/* the others hear of it, and of nothing else */
	assert_int_equal(poll_netmap(1, before, 30), 200);
	read_netmap(&map);
	assert_int_equal(map.record_count, 1);
	assert_int_equal(map.endpoint_count, 0);
	msg_netmap_release(&map);
	/* all that is left of it in a full map is the tombstone */
	assert_int_equal(poll_netmap(1, 0, 0), 200);
	read_netmap(&map);
	assert_int_equal(map.record_count, 5);
	assert_int_equal(map.endpoint_count, 0);
	msg_netmap_release(&map);

	/* itself hears only that; and then waits like everybody */
	assert_int_equal(poll_netmap(0, before, 30), 200);
	read_netmap(&map);
	assert_int_equal(map.record_count, 1);
	msg_netmap_release(&map);
	assert_int_equal(poll_netmap(0, gone, 30), 0);
	assert_false(lab.last.wait.has_node);
	lab_join(&lab, 2, 0);
	assert_int_equal(poll_netmap(0, gone, 30), 0);
	assert_int_equal(report(0, gone, 9, NULL, 0), 410);
	assert_string_equal(lab_slug(&lab), "node-removed");
	assert_int_equal(
		lab_call(&lab, lab_path("POST /v1/nodes/%s/removal", 0),
			lab_agent(0), "{}"),
		410);

	/* once more is no error, and no change */
	before = serial();
	lab_must(&lab, 200, lab_path("POST /v1/nodes/%s/removal", 0), LAB_LOCAL,
		lab_record_of(&removal, FX_OPERATOR));
	assert_true(serial() == before);
	lab_must(&lab, 404, "POST /v1/nodes/node-0/removal", LAB_LOCAL,
		lab_record_of(&removal, FX_OPERATOR));
	lab_must(&lab, 404, lab_path("GET /v1/nodes/%s", 0), LAB_LOCAL, NULL);
}

static void test_leave(void **state)
{
	struct record removal = fx_removal(0);

	lab_must(&lab, 422, lab_path("POST /v1/nodes/%s/removal", 0),
		lab_agent(0), lab_record_of(&removal, FX_NODE + 1));
	lab_must(&lab, 200, lab_path("POST /v1/nodes/%s/removal", 0),
		lab_agent(0), lab_record_of(&removal, FX_NODE));
	lab_must(&lab, 404, "GET /v1/nodes/node-0", LAB_LOCAL, NULL);
}

/* What an agent has kept and this coordinator has lost: the record vouches for
 * itself, whoever of the members brings it. */
static void test_handed_back(void **state)
{
	static const struct {
		unsigned int signer, status;
		int line;
	} rows[] = {
		{ FX_STRANGER, 422, __LINE__ },
		{ FX_DELEGATE, 422, __LINE__ },
		{ FX_NODE + 1, 422, __LINE__ }, /* who brings it */
		{ FX_OPERATOR, 200, __LINE__ },
	};
	struct record removal = fx_removal(0);
	uint64_t before = serial();
	struct msg_netmap map;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ROW_INT(&rows[i],
			lab_call(&lab, lab_path("POST /v1/nodes/%s/removal", 0),
				lab_agent(1),
				lab_record_of(&removal, rows[i].signer)),
			rows[i].status);
		ROW_INT(&rows[i], serial() - before, rows[i].status == 200);
	}
	lab_must(&lab, 404, "GET /v1/nodes/node-0", LAB_LOCAL, NULL);
	assert_int_equal(poll_netmap(1, before, 30), 200);
	read_netmap(&map);
	assert_int_equal(map.record_count, 1);
	msg_netmap_release(&map);
	/* the next agent with the same news changes nothing */
	before = serial();
	lab_must(&lab, 200, lab_path("POST /v1/nodes/%s/removal", 0),
		lab_agent(1), lab_record_of(&removal, FX_NODE));
	assert_true(serial() == before);
	/* who is removed brings nothing any more */
	removal = fx_removal(1);
	lab_must(&lab, 410, lab_path("POST /v1/nodes/%s/removal", 1),
		lab_agent(0), lab_record_of(&removal, FX_OPERATOR));
}

/* Of a node that the books do not have: a tombstone without a membership. */
static void test_planted(void **state)
{
	static const struct {
		unsigned int node, signer, status, rises;
		int line;
	} rows[] = {
		{ 5, FX_STRANGER, 422, 0, __LINE__ },
		{ 5, FX_NODE + 1, 422, 0, __LINE__ },
		{ 5, FX_OPERATOR, 200, 1, __LINE__ },
		{ 5, FX_OPERATOR, 200, 0, __LINE__ },
		{ 5, FX_NODE + 5, 200, 0, __LINE__ },
		{ 6, FX_NODE + 6, 422, 0, __LINE__ },
		{ 6, FX_OPERATOR, 200, 1, __LINE__ },
	};
	struct msg_netmap map;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct record removal = fx_removal(rows[i].node);
		uint64_t before = serial();

		ROW_INT(&rows[i],
			lab_call(&lab,
				lab_path("POST /v1/nodes/%s/removal",
					rows[i].node),
				lab_agent(1),
				lab_record_of(&removal, rows[i].signer)),
			rows[i].status);
		ROW_INT(&rows[i], serial() - before, rows[i].rises);
	}
	/* everybody is told, after a restart as well; and it cannot join */
	lab_restart(&lab, tmpdir_path("s"));
	assert_int_equal(poll_netmap(1, 0, 0), 200);
	read_netmap(&map);
	assert_int_equal(map.record_count, 6 + 2);
	msg_netmap_release(&map);
	lab_must(&lab, 410, "POST /v1/enrollments", lab_bearer(0),
		lab_enroll_request(5, "node-5"));
	assert_string_equal(lab_slug(&lab), "node-removed");
}

/* Between the two steps of its enrolment: the reservation goes. */
static void test_planted_on_reservation(void **state)
{
	struct record removal = fx_removal(5);
	struct node_id id = fx_node_id(5);
	struct node_row row;

	lab_must(&lab, 200, "POST /v1/enrollments", lab_bearer(0),
		lab_enroll_request(5, "node-5"));
	assert_int_equal(store_node_find(lab.meshd.store, &id, &row, NULL), 0);
	lab_must(&lab, 200, lab_path("POST /v1/nodes/%s/removal", 5),
		lab_agent(1), lab_record_of(&removal, FX_OPERATOR));
	assert_int_equal(
		store_node_find(lab.meshd.store, &id, &row, NULL), -ENOENT);
}

/* ---- mesh and tokens ---- */

static void test_mesh_again(void **state)
{
	struct record mesh = fx_mesh(), other = fx_mesh();
	struct signpub stranger = fx_public(FX_STRANGER);
	uint64_t before = serial();

	lab_must(&lab, 200, "PUT /v1/mesh", LAB_LOCAL,
		lab_record_of(&mesh, FX_OPERATOR));
	/* init was run twice, and thought of another prefix */
	mesh.as_mesh.prefixes[1] = fx_net("fd77::/48");
	lab_must(&lab, 200, "PUT /v1/mesh", LAB_LOCAL,
		lab_record_of(&mesh, FX_OPERATOR));
	assert_true(serial() == before);
	assert_true(ipnet_equal(&trust_mesh(lab.meshd.trust)->prefixes[1],
		&(struct ipnet){ fx_net("fd00:1::").addr, 48 }));
	other.as_mesh.operator_key = stranger;
	other.mesh = mesh_id_of(&stranger);
	lab_must(&lab, 409, "PUT /v1/mesh", LAB_LOCAL,
		lab_record_of(&other, FX_STRANGER));
	assert_string_equal(lab_slug(&lab), "mesh-exists");
	other = fx_removal(0);
	lab_must(&lab, 422, "PUT /v1/mesh", LAB_LOCAL,
		lab_record_of(&other, FX_OPERATOR));
}

static void test_tokens(void **state)
{
	struct msg_token_list list;
	const char *body;

	lab_must(&lab, 200, "POST /v1/tokens", LAB_LOCAL,
		lab_create_token_body(0, 0)); /* the same: as it was */
	lab_create_token(&lab, 1, 5);
	(void)lab_api_token(&lab, "nodes:read");
	lab_must(&lab, 200, "GET /v1/tokens", LAB_LOCAL, NULL);
	body = lab_body(&lab);
	assert_int_equal(
		msg_token_list_decode(body, strlen(body), &list, NULL), 0);
	assert_int_equal(list.count, 3);
	assert_true(list.tokens[0].is_join);
	assert_int_equal(list.tokens[0].uses, 2);
	assert_int_equal(list.tokens[0].uses_max, 0);
	assert_string_equal(list.tokens[0].note, "a note");
	assert_string_equal(list.tokens[0].tags[0], "web");
	assert_int_equal(list.tokens[1].uses_max, 5);
	assert_false(list.tokens[2].is_join);
	assert_string_equal(list.tokens[2].scopes[0], "nodes:read");
	assert_true(list.tokens[2].expires.ns >
		fx_wall(24 * 3600).ns); /* the default */
	for (size_t i = 0; i < list.count; i++)
		assert_string_equal(list.tokens[i].bearer, "");
	msg_token_list_release(&list);
	lab_must(&lab, 404, "DELETE /v1/tokens/0123456789abcdef", LAB_LOCAL,
		NULL);
	assert_string_equal(lab_slug(&lab), "token-unknown");
}

/* Nobody gives what it has not; nor a scope that is not for tokens. */
static void test_token_escalation(void **state)
{
	static const struct {
		const char *holder, *wanted;
		unsigned int status;
		int line;
	} rows[] = {
		{ "tokens:write", "tokens:write", 201, __LINE__ },
		{ "tokens:write", "nodes:write", 403, __LINE__ },
		{ "tokens:write", "admin", 403, __LINE__ },
		{ "admin", "admin", 201, __LINE__ },
		{ "admin", "nodes:write", 201, __LINE__ },
		{ "admin", "local", 422, __LINE__ },
		{ "admin", "enroll", 422, __LINE__ },
		{ "admin", "nodes", 422, __LINE__ },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char body[256];

		(void)snprintf(body, sizeof(body),
			"{\"schema\":\"mesh/v1\",\"kind\":\"api\","
			"\"scopes\":[\"%s\"]}",
			rows[i].wanted);
		ROW_INT(&rows[i],
			lab_call(&lab, "POST /v1/tokens",
				lab_api_token(&lab, rows[i].holder), body),
			rows[i].status);
	}
}

static void test_token_refused(void **state)
{
	struct record grant = fx_grant();
	static const struct {
		unsigned int signer;
		int64_t expires_sec;
		const char *bearer; /* NULL: the right one */
		unsigned int status;
		const char *slug;
		int line;
	} rows[] = {
		{ FX_OPERATOR, 0, NULL, 422, "grant-expired", __LINE__ },
		{ FX_STRANGER, 60, NULL, 422, "record-refused", __LINE__ },
		{ FX_OPERATOR, 60, "agent", 422, "bearer-invalid", __LINE__ },
		{ FX_OPERATOR, 60, "other", 409, "token-exists", __LINE__ },
		{ FX_OPERATOR, 60, NULL, 201, "", __LINE__ },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(buf_release) struct buf body = BUF_INIT(MSG_REQUEST_MAX);
		struct msg_token_create msg = { .is_join = true };
		const char *bearer = lab_bearer(5);

		if (rows[i].bearer)
			bearer = strcmp(rows[i].bearer, "agent") == 0
				? lab_agent(5)
				: lab_bearer(0);
		grant.grant.delegate = fx_public(lab_delegate(5));
		grant.grant.issued_at = fx_wall(-60);
		grant.grant.expires = fx_wall(rows[i].expires_sec);
		msg.grant = fx_sign(&grant, rows[i].signer);
		(void)str_copy(msg.bearer, sizeof(msg.bearer), bearer);
		assert_int_equal(msg_token_create_encode(&msg, &body), 0);
		msg_token_create_release(&msg);
		ROW_INT(&rows[i],
			lab_call(&lab, "POST /v1/tokens", LAB_LOCAL,
				buf_str(&body)),
			rows[i].status);
		ROW_STR(&rows[i], lab_slug(&lab), rows[i].slug);
	}
}

/* ---- restart, and a hand in the database ---- */

static void by_hand(const char *sql)
{
	sqlite3 *db = NULL;
	char *said = NULL;

	assert_int_equal(
		sqlite3_open(tmpdir_path("s/" STORE_FILE), &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &said) != SQLITE_OK)
		fail_msg("%s", said);
	(void)sqlite3_close(db);
}

static void test_restart(void **state)
{
	struct record removal = fx_removal(1);
	uint64_t before = serial();
	struct msg_netmap map;

	lab_restart(&lab, tmpdir_path("s"));
	assert_true(serial() == before);
	/* an agent that was up to date is given a delta */
	assert_int_equal(poll_netmap(0, before, 30), 0);
	lab_sleep(&lab, 3600 - 1);
	lab_join(&lab, 2, 0);
	assert_int_equal(poll_netmap(0, before, 30), 200);
	read_netmap(&map);
	assert_false(map.full);
	assert_int_equal(map.record_count, 2);
	msg_netmap_release(&map);
	/* a backup's lost future is not ours */
	assert_int_equal(poll_netmap(0, before + 1, 30), 200);
	read_netmap(&map);
	assert_true(map.full);
	msg_netmap_release(&map);
	lab_must(&lab, 200, "POST /v1/nodes/node-1/removal", LAB_LOCAL,
		lab_record_of(&removal, FX_OPERATOR));
	/* at a clock that begins anew: nobody is of the future for that */
	lab_sleep(&lab, -FX_NOW_SEC);
	lab_restart(&lab, tmpdir_path("s"));
	assert_int_equal(trust_node_count(lab.meshd.trust), 3);
	assert_int_equal(lab_call(&lab, "POST /v1/enrollments", lab_bearer(0),
				 lab_enroll_request(1, "node-1")),
		410);
}

/* It is told as it stands, with what others sign beside it; it stops nobody
 * here from working. */
static void test_hand_in_database(void **state)
{
	struct msg_netmap map;

	by_hand("UPDATE record SET payload = replace(payload, "
		"'100.64.0.1', '100.64.0.9') WHERE type = 'membership'");
	by_hand("UPDATE record SET signature = zeroblob(64) "
		"WHERE type = 'grant'");
	lab_restart(&lab, tmpdir_path("s"));
	lab_must(&lab, 200, "GET /v1/netmap", lab_agent(0), NULL);
	read_netmap(&map);
	assert_int_equal(map.record_count, 6);
	msg_netmap_release(&map);
	lab_must(&lab, 200, "GET /v1/nodes", LAB_LOCAL, NULL);
	lab_must(&lab, 200, "GET /v1/tokens", LAB_LOCAL, NULL);
	/* what needs the spoiled record says so, and is no crash */
	lab_must(&lab, 500, "POST /v1/enrollments", lab_bearer(0),
		lab_enroll_request(3, "node-3"));
	by_hand("UPDATE record SET payload = 'x' WHERE type = 'mesh'");
	lab_restart(&lab, tmpdir_path("s"));
	assert_null(trust_mesh(lab.meshd.trust));
	lab_must(&lab, 500, "POST /v1/enrollments", lab_bearer(0),
		lab_enroll_request(3, "node-3"));
	lab_must(&lab, 200, "GET /v1/netmap", lab_agent(0), NULL);
	by_hand("UPDATE mesh SET operator_key = randomblob(32)");
	lab_restart(&lab, tmpdir_path("s"));
	lab_must(&lab, 200, "GET /v1/netmap", lab_agent(0), NULL);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_netmap),
		T(test_netmap_since),
		T(test_netmap_waits),
		T(test_netmap_shared),
		T(test_endpoints),
		T(test_views),
		T(test_online),
		T(test_applied),
		T(test_rename),
		T(test_move_address),
		T(test_remove),
		T(test_leave),
		T(test_handed_back),
		T(test_planted),
		T(test_planted_on_reservation),
		T(test_mesh_again),
		T(test_tokens),
		T(test_token_escalation),
		T(test_token_refused),
		T(test_restart),
		T(test_hand_in_database),
	};

	if (sodium_init() < 0)
		return 99;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

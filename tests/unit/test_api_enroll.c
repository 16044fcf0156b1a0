/* Enrolment by direct calls: what is refused, in which words; that a repetition
 * changes nothing; and that nothing half-done stays behind. */
#include "config.h"
#include "rows.h"
#include "tmpdir.h"
#include "base/auto.h"
#include "meshd/store.h"
#include "meshd_lab.h"

#include <sodium.h>

static struct lab lab;

static int setup(void **state)
{
	if (tmpdir_setup(state) < 0)
		return -1;
	lab_up(&lab, tmpdir_path("s"));
	lab_found(&lab);
	return 0;
}

static int teardown(void **state)
{
	lab_down(&lab);
	return tmpdir_teardown(state);
}

#define ENROLL "POST /v1/enrollments"
static unsigned int enroll(
	unsigned int node, const char *name, unsigned int token)
{
	return lab_call(&lab, ENROLL, lab_bearer(token),
		lab_enroll_request(node, name));
}

static unsigned int complete(
	unsigned int node, unsigned int token, const struct lab_join *join)
{
	return lab_call(&lab, lab_path("PUT /v1/enrollments/%s", node),
		lab_bearer(token), lab_join_body(join));
}

static uint32_t uses_of(unsigned int token)
{
	struct token_row row;
	struct bearer bearer;

	assert_true(bearer_parse(lab_bearer(token), &bearer));
	assert_int_equal(
		store_token_find(lab.meshd.store, bearer.id, &row, NULL), 0);
	return row.uses;
}

static void test_join(void **state)
{
	struct lab_join join;
	struct msg_netmap map;
	char first[1024];
	const char *body;
	uint64_t serial = lab.meshd.mesh.serial;

	lab_create_token(&lab, 0, 2);
	assert_int_equal(enroll(0, "node-0", 0), 200);
	assert_true(str_copy(first, sizeof(first), lab_body(&lab)) ||
		strlen(lab_body(&lab)) >= sizeof(first));
	lab_prepare(&lab, 0, 0, &join);
	assert_int_equal(join.membership.membership.address_count, 2);
	assert_true(ipnet_equal(&join.membership.membership.addresses[0],
		&(struct ipnet){ fx_net("100.64.0.1").addr, 32 }));
	assert_true(ipnet_equal(&join.membership.membership.addresses[1],
		&(struct ipnet){ fx_net("fd00:1::1").addr, 128 }));
	/* a reservation is no news for anybody */
	assert_true(lab.meshd.mesh.serial == serial);
	assert_int_equal(complete(0, 0, &join), 200);
	assert_true(lab.meshd.mesh.serial == serial + 1);
	body = lab_body(&lab);
	assert_int_equal(msg_netmap_decode(body, strlen(body), &map, NULL), 0);
	assert_true(map.full);
	assert_true(map.serial == serial + 1);
	assert_int_equal(map.record_count, 4); /* mesh, grant, member, key */
	msg_netmap_release(&map);
	assert_int_equal(uses_of(0), 1);
	lab_join(&lab, 1, 0);
	assert_int_equal(uses_of(0), 2);
}

static void test_offer_repeated(void **state)
{
	struct lab_join first, again;

	lab_create_token(&lab, 0, 1);
	assert_int_equal(enroll(0, "node-0", 0), 200);
	lab_prepare(&lab, 0, 0, &first);
	lab_sleep(&lab, MSG_ENROLL_RESERVED_SEC - 1);
	assert_int_equal(enroll(0, "node-0", 0), 200);
	lab_prepare(&lab, 0, 0, &again);
	assert_int_equal(uses_of(0), 1);
	assert_memory_equal(first.membership.membership.addresses,
		again.membership.membership.addresses,
		sizeof(first.membership.membership.addresses));
	/* asking again has begun the time anew */
	lab_sleep(&lab, MSG_ENROLL_RESERVED_SEC - 1);
	assert_int_equal(complete(0, 0, &again), 200);
}

static void test_offer_changed(void **state)
{
	struct lab_join join;

	lab_create_token(&lab, 0, 1);
	lab_create_token(&lab, 1, 1);
	assert_int_equal(enroll(0, "node-0", 0), 200);
	assert_int_equal(enroll(0, "node-x", 0), 200); /* another name */
	assert_int_equal(uses_of(0), 1);
	assert_int_equal(enroll(1, "node-0", 1), 200); /* the first is free */
	assert_int_equal(enroll(0, "node-x", 1), 403); /* another token: used */
	assert_string_equal(lab_slug(&lab), "token-used");
	/* and what was reserved before is not lost by the refusal */
	assert_int_equal(uses_of(0), 1);
	assert_int_equal(enroll(0, "node-x", 0), 200);
	lab_prepare(&lab, 0, 0, &join);
	assert_true(str_copy(
		join.membership.membership.name, NAME_MAX_LEN, "node-x"));
	assert_int_equal(complete(0, 0, &join), 200);
}

static void test_offer_refused(void **state)
{
	static const struct {
		unsigned int node, token;
		const char *name;
		unsigned int status;
		const char *slug;
		int line;
	} rows[] = {
		{ 2, 0, "node-0", 409, "name-taken", __LINE__ },
		{ 2, 0, "node-1", 409, "name-taken", __LINE__ }, /* reserved */
		{ 0, 0, "node-2", 409, "already-enrolled", __LINE__ },
		{ 0, 1, "node-0", 409, "already-enrolled", __LINE__ },
		{ 0, 0, "node-0", 200, "", __LINE__ },
		{ 2, 1, "node-2", 200, "", __LINE__ },
		{ 4, 1, "node-4", 403, "token-used", __LINE__ },
		{ 5, 0, "node-5", 410, "node-removed", __LINE__ },
		/* a removed node's name is free, its identity is not */
		{ 6, 0, "node-5", 200, "", __LINE__ },
	};
	struct record removal = fx_removal(5);

	lab_create_token(&lab, 0, 0);
	lab_create_token(&lab, 1, 1);
	lab_join(&lab, 0, 0);
	lab_join(&lab, 5, 0);
	lab_must(&lab, 200, "POST /v1/nodes/node-5/removal", LAB_LOCAL,
		lab_record_of(&removal, FX_OPERATOR));
	assert_int_equal(enroll(1, "node-1", 0), 200);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ROW_INT(&rows[i],
			enroll(rows[i].node, rows[i].name, rows[i].token),
			rows[i].status);
		ROW_STR(&rows[i], lab_slug(&lab), rows[i].slug);
	}
}

static void test_token_states(void **state)
{
	struct bearer bearer;
	char path[64];

	assert_int_equal(enroll(0, "node-0", 3), 401);
	assert_string_equal(lab_slug(&lab), "token-unknown");
	lab_create_token(&lab, 3, 0);
	assert_true(bearer_parse(lab_bearer(3), &bearer));
	(void)snprintf(path, sizeof(path), "DELETE /v1/tokens/%s", bearer.id);
	lab_must(&lab, 204, path, LAB_LOCAL, NULL);
	lab_must(&lab, 204, path, LAB_LOCAL, NULL);
	assert_int_equal(enroll(0, "node-0", 3), 403);
	assert_string_equal(lab_slug(&lab), "token-revoked");
	lab_create_token(&lab, 4, 0);
	lab_sleep(&lab, FX_GRANT_SEC);
	assert_int_equal(enroll(0, "node-0", 4), 403);
	assert_string_equal(lab_slug(&lab), "token-expired");
}

/* A reservation that ran out gives back its use, its name, its addresses. */
static void test_reservation_expires(void **state)
{
	struct lab_join join, other;

	lab_create_token(&lab, 0, 1);
	assert_int_equal(enroll(0, "node-0", 0), 200);
	lab_prepare(&lab, 0, 0, &join);
	lab_sleep(&lab, MSG_ENROLL_RESERVED_SEC);
	assert_int_equal(complete(0, 0, &join), 409);
	assert_string_equal(lab_slug(&lab), "reservation-expired");
	assert_int_equal(enroll(1, "node-0", 0), 200);
	lab_prepare(&lab, 1, 0, &other);
	assert_int_equal(uses_of(0), 1);
	assert_int_equal(complete(0, 0, &join), 404);
	assert_string_equal(lab_slug(&lab), "reservation-unknown");
	assert_true(str_copy(
		other.membership.membership.name, NAME_MAX_LEN, "node-0"));
	assert_int_equal(complete(1, 0, &other), 200);
}

/* A token without a limit of uses has one of joins that are only begun; what
 * those held is gone with them. */
static void test_reservations_are_few(void **state)
{
	struct msg_enroll_request ask = { 0 };
	unsigned int status = 200, count = 0;
	struct ipaddr first = { 0 };
	struct ipnet addrs[RECORD_ADDRESSES_MAX];
	struct node_id id;
	size_t addr_count = 0;

	lab_create_token(&lab, 0, 0);
	while (status == 200 && count < 100) {
		AUTO(buf_release) struct buf body = BUF_INIT(MSG_REQUEST_MAX);
		struct signseed seed = { .b = { 0xee, (uint8_t)count } };

		ask.identity = signseed_public(&seed);
		(void)snprintf(ask.name, sizeof(ask.name), "begun-%u", count++);
		assert_int_equal(msg_enroll_request_encode(&ask, &body), 0);
		status = lab_call(&lab, "POST /v1/enrollments", lab_bearer(0),
			buf_str(&body));
	}
	assert_int_equal(status, 429);
	assert_int_equal(count, 65);
	assert_string_equal(lab_slug(&lab), "token-busy");
	/* Another token is not concerned. */
	lab_create_token(&lab, 1, 1);
	assert_int_equal(enroll(1, "node-1", 1), 200);
	lab_sleep(&lab, MSG_ENROLL_RESERVED_SEC);
	assert_int_equal(enroll(0, "node-0", 0), 200);
	id = fx_node_id(0);
	assert_int_equal(store_address_list(lab.meshd.store, &id, addrs,
				 &addr_count, NULL),
		0);
	assert_int_equal(addr_count, 2);
	/* The first of the prefix: no row of the others is left. */
	assert_int_equal(addrs[1].addr.family, IP_V6);
	first = addrs[1].addr;
	assert_int_equal(first.b[15], 1);
}

#define CHANGE(name, statement)                                                \
	static void name(struct lab_join *join)                                \
	{                                                                      \
		struct record_membership *m = &join->membership.membership;    \
		(void)m;                                                       \
		statement;                                                     \
	}
CHANGE(by_operator, join->membership_signer = FX_OPERATOR)
CHANGE(by_stranger, join->membership_signer = FX_STRANGER)
CHANGE(by_other_token, join->membership_signer = lab_delegate(1))
CHANGE(key_by_stranger, join->key_signer = FX_STRANGER)
CHANGE(key_of_other, join->key = fx_key(7))
CHANGE(key_is_member, join->key = join->membership)
CHANGE(member_is_key, join->membership = join->key)
CHANGE(other_identity, {
	m->identity = fx_public(FX_NODE + 7);
	m->node = fx_node_id(7);
})
CHANGE(other_name, (void)str_copy(m->name, sizeof(m->name), "better"))
CHANGE(other_address, m->addresses[0].addr.b[3] = 77)
CHANGE(fewer_addresses, m->address_count = 1)
CHANGE(a_route, {
	m->routes[0] = fx_net("10.0.0.0/8");
	m->route_count = 1;
})
CHANGE(a_tag, {
	(void)str_copy(m->tags[1], sizeof(m->tags[1]), "admin");
	m->tag_count = 2;
})
CHANGE(of_the_future, m->issued_at.ns += 3600 * NSEC_PER_SEC)
CHANGE(other_mesh, join->membership.mesh.b[0] ^= 1)
CHANGE(serial_2, join->membership.serial = 2)
CHANGE(key_taken, join->key.key.public_key = fx_key(1).key.public_key)
CHANGE(credential_taken,
	(void)str_copy(join->credential, BEARER_TEXT_SIZE, lab_agent(1)))
CHANGE(credential_api, {
	struct bearer bearer;

	bearer_generate("api", &bearer);
	(void)bearer_format(&bearer, join->credential);
})

/* Each is refused, changes nothing, and does not spoil the right one. */
static void test_completion_refused(void **state)
{
	static const struct {
		void (*change)(struct lab_join *join);
		unsigned int status;
		const char *slug;
		int line;
	} rows[] = {
#define R(change, status, slug) { change, status, slug, __LINE__ }
		R(by_operator, 422, "record-refused"),
		R(by_stranger, 422, "record-refused"),
		R(by_other_token, 422, "record-refused"),
		R(key_by_stranger, 422, "record-refused"),
		R(key_of_other, 422, "record-refused"),
		R(key_is_member, 422, "record-refused"),
		R(member_is_key, 422, "record-refused"),
		R(other_identity, 422, "record-refused"),
		R(other_name, 422, "record-refused"),
		R(other_address, 422, "record-refused"),
		R(fewer_addresses, 422, "record-refused"),
		R(a_route, 422, "record-refused"),
		R(a_tag, 422, "record-refused"),
		R(of_the_future, 422, "record-refused"),
		R(other_mesh, 422, "record-refused"),
		R(serial_2, 422, "record-refused"),
		R(key_taken, 409, "key-taken"),
		R(credential_taken, 409, "credential-taken"),
		R(credential_api, 422, "credential-invalid"),
#undef R
	};
	struct lab_join right;
	uint64_t serial;

	lab_create_token(&lab, 0, 0);
	lab_create_token(&lab, 1, 0);
	lab_join(&lab, 1, 0);
	assert_int_equal(enroll(0, "node-0", 0), 200);
	lab_prepare(&lab, 0, 0, &right);
	serial = lab.meshd.mesh.serial;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct lab_join join = right;

		rows[i].change(&join);
		if (complete(0, 0, &join) != rows[i].status)
			fail_msg("line %d: %u: %s", rows[i].line,
				lab.last.status, lab_body(&lab));
		ROW_STR(&rows[i], lab_slug(&lab), rows[i].slug);
		ROW_TRUE(&rows[i], lab.meshd.mesh.serial == serial);
	}
	lab_must(&lab, 401, "GET /v1/netmap", lab_agent(0), NULL);
	assert_int_equal(complete(0, 0, &right), 200);
	lab_must(&lab, 200, "GET /v1/netmap", lab_agent(0), NULL);
}

/* The answer was lost: the host asks once more, signing anew. */
static void test_completion_repeated(void **state)
{
	struct lab_join join, other;
	uint64_t serial;

	lab_create_token(&lab, 0, 1);
	assert_int_equal(enroll(0, "node-0", 0), 200);
	lab_prepare(&lab, 0, 0, &join);
	assert_int_equal(complete(0, 0, &join), 200);
	serial = lab.meshd.mesh.serial;
	assert_int_equal(enroll(0, "node-0", 0), 200);
	lab_sleep(&lab, 5);
	lab_prepare(&lab, 0, 0, &join);
	assert_int_equal(complete(0, 0, &join), 200);
	assert_true(lab.meshd.mesh.serial == serial);
	assert_int_equal(uses_of(0), 1);
	/* whoever has the token, and copied the public records, gets nothing */
	other = join;
	assert_true(str_copy(
		other.credential, sizeof(other.credential), lab_agent(9)));
	assert_int_equal(complete(0, 0, &other), 409);
	assert_string_equal(lab_slug(&lab), "already-enrolled");
	other = join;
	other.key.key.public_key.b[0] ^= 1;
	assert_int_equal(complete(0, 0, &other), 409);
	lab_must(&lab, 401, "GET /v1/netmap", lab_agent(9), NULL);
}

static void test_other_token_completes(void **state)
{
	struct lab_join join;

	lab_create_token(&lab, 0, 0);
	lab_create_token(&lab, 1, 0);
	assert_int_equal(enroll(0, "node-0", 0), 200);
	lab_prepare(&lab, 0, 1, &join);
	assert_int_equal(complete(0, 1, &join), 404);
	assert_string_equal(lab_slug(&lab), "reservation-unknown");
}

/* A small mesh is full, and a removal makes room: the oldest comes back. */
static void test_exhausted(void **state)
{
	struct record mesh = fx_mesh(), removal = fx_removal(0);
	struct lab_join join;

	mesh.serial = 2;
	mesh.as_mesh.prefixes[0] = fx_net("100.64.0.0/30");
	lab_must(&lab, 200, "PUT /v1/mesh", LAB_LOCAL,
		lab_record_of(&mesh, FX_OPERATOR));
	/* the grant names a wider prefix than the mesh now has */
	lab_create_token(&lab, 0, 0);
	lab_join(&lab, 0, 0);
	lab_join(&lab, 1, 0);
	assert_int_equal(enroll(2, "node-2", 0), 409);
	assert_string_equal(lab_slug(&lab), "addresses-exhausted");
	assert_int_equal(uses_of(0), 2);
	lab_must(&lab, 200, "POST /v1/nodes/node-0/removal", LAB_LOCAL,
		lab_record_of(&removal, FX_OPERATOR));
	assert_int_equal(enroll(2, "node-2", 0), 200);
	lab_prepare(&lab, 2, 0, &join);
	assert_true(ipnet_equal(&join.membership.membership.addresses[0],
		&(struct ipnet){ fx_net("100.64.0.1").addr, 32 }));
	assert_int_equal(complete(2, 0, &join), 200);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_join),
		T(test_offer_repeated),
		T(test_offer_changed),
		T(test_offer_refused),
		T(test_token_states),
		T(test_reservation_expires),
		T(test_reservations_are_few),
		T(test_completion_refused),
		T(test_completion_repeated),
		T(test_other_token_completes),
		T(test_exhausted),
	};

	if (sodium_init() < 0)
		return 99;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * What meshctl agrees to sign: a coordinator that forges, swaps or stretches a
 * membership gets no signature of the operator.
 */
#include "config.h"

#include "meshd/ctl/subject.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sodium.h>

#include <errno.h>
#include <string.h>

#include "base/banned.h"

#define HOUR_NS (3600 * NSEC_PER_SEC)
static const struct now now = { .wall = {
					INT64_C(1800000000) * NSEC_PER_SEC } };

/* The mesh, and what a coordinator answers about node "a". */
static struct world {
	struct signseed op, other_op, delegate, identity;
	struct signpub op_public;
	struct msg_mesh_view mesh;
	struct msg_node_view node;
} world;

static struct ipnet net(const char *text)
{
	struct ipnet parsed = { 0 };

	assert_true(ipnet_parse(text, &parsed));
	return parsed;
}

static struct envelope *sign(
	const struct record *rec, const struct signseed *signer)
{
	struct envelope *env = NULL;
	struct err err = { 0 };

	if (record_sign(rec, signer, &env, &err) < 0)
		fail_msg("%s", err.msg);
	return env;
}

/* Good until the next one. */
static struct record *new_record(enum record_type type)
{
	static struct record rec;

	rec = (struct record){ .type = type, .serial = 1 };
	return &rec;
}

static struct record *mesh_record(const struct signseed *op)
{
	struct record *rec = new_record(RECORD_MESH);

	rec->as_mesh.operator_key = signseed_public(op);
	rec->mesh = mesh_id_of(&rec->as_mesh.operator_key);
	(void)str_copy(rec->as_mesh.name, sizeof(rec->as_mesh.name), "demo");
	rec->as_mesh.prefixes[0] = net("100.70.0.0/16");
	rec->as_mesh.prefixes[1] = net("fd00:1:2::/48");
	rec->as_mesh.prefix_count = 2;
	return rec;
}

static struct record *grant_record(void)
{
	struct record *rec = new_record(RECORD_GRANT);

	rec->mesh = world.mesh.mesh;
	rec->grant.delegate = signseed_public(&world.delegate);
	rec->grant.issued_at.ns = now.wall.ns - 10 * HOUR_NS;
	rec->grant.expires.ns = now.wall.ns - 2 * HOUR_NS; /* over by now */
	rec->grant.uses = 1;
	rec->grant.prefixes[0] = net("100.70.0.0/16");
	rec->grant.prefix_count = 1;
	return rec;
}

static struct record *member_record(void)
{
	struct record *rec = new_record(RECORD_MEMBERSHIP);
	struct record_membership *m = &rec->membership;

	rec->mesh = world.mesh.mesh;
	m->identity = signseed_public(&world.identity);
	m->node = node_id_of(&m->identity);
	(void)str_copy(m->name, sizeof(m->name), "a");
	m->addresses[0] = net("100.70.0.1/32");
	m->address_count = 1;
	m->issued_at.ns = now.wall.ns - 5 * HOUR_NS;
	return rec;
}

static void set_member(const struct record *rec, const struct signseed *signer)
{
	envelope_free(world.node.membership);
	world.node.membership = sign(rec, signer);
}

static void set_grant(const struct record *rec, const struct signseed *signer)
{
	envelope_free(world.node.grant);
	world.node.grant = rec ? sign(rec, signer) : NULL;
}

static int set_up(void **state)
{
	struct record *rec;

	memset(&world, 0, sizeof(world));
	signseed_generate(&world.op);
	signseed_generate(&world.other_op);
	signseed_generate(&world.delegate);
	signseed_generate(&world.identity);
	world.op_public = signseed_public(&world.op);
	world.mesh.mesh = mesh_id_of(&world.op_public);
	rec = mesh_record(&world.op);
	world.mesh.record = sign(rec, &world.op);
	rec = grant_record();
	set_grant(rec, &world.op);
	rec = member_record();
	set_member(rec, &world.delegate);
	world.node.node = rec->membership.node;
	return 0;
}

static int tear_down(void **state)
{
	msg_mesh_view_release(&world.mesh);
	msg_node_view_release(&world.node);
	return 0;
}

static int verify(const char *asked, struct err *err)
{
	AUTO(subject_free) struct record *rec = NULL;
	int r = subject_node(&world.op_public, &world.mesh, &world.node, asked,
		&now, &rec, err);

	if (r == 0)
		assert_true(
			node_id_equal(&rec->membership.node, &world.node.node));
	else
		assert_null(rec);
	return r;
}

static void refused(const char *asked)
{
	struct err err = { 0 };

	assert_int_equal(verify(asked, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "nothing was signed"));
}

static void test_good(void **state)
{
	char id[MESH_ID_TEXT_SIZE];
	struct record *rec = member_record();
	struct err err = { 0 };

	if (verify("a", &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(verify(node_id_format(&world.node.node, id), NULL), 0);
	/* and one that the operator signed needs no grant */
	set_grant(NULL, NULL);
	set_member(rec, &world.op);
	assert_int_equal(verify("a", NULL), 0);
}

/* The coordinator answers for a node that was not asked for. */
static void test_another_node(void **state)
{
	refused("b");
	refused("00112233445566778899aabbccddeeff");
}

static void test_no_membership(void **state)
{
	envelope_free(world.node.membership);
	world.node.membership = NULL;
	refused("a");
}

static void test_forged_signer(void **state)
{
	struct record *rec = member_record();

	set_member(rec, &world.other_op);
	refused("a");
	set_member(rec, &world.identity);
	refused("a");
}

static void test_no_grant(void **state)
{
	set_grant(NULL, NULL);
	refused("a");
}

static void test_forged_grant(void **state)
{
	struct record *rec = grant_record();

	set_grant(rec, &world.other_op);
	refused("a");
	set_grant(rec, &world.delegate);
	refused("a");
}

static void test_stretched_membership(void **state)
{
	struct record *rec = member_record();

	rec->membership.addresses[0] = net("100.71.0.1/32");
	set_member(rec, &world.delegate);
	refused("a"); /* outside the mesh */
	rec = member_record();
	rec->membership.addresses[0] = net("fd00:1:2::1/128");
	set_member(rec, &world.delegate);
	refused("a"); /* outside the grant */
	rec = member_record();
	rec->membership.routes[0] = net("192.168.1.0/24");
	rec->membership.route_count = 1;
	set_member(rec, &world.delegate);
	refused("a"); /* no grant gives routes */
	rec = member_record();
	(void)str_copy(rec->membership.tags[0], NAME_MAX_LEN + 1, "admin");
	rec->membership.tag_count = 1;
	set_member(rec, &world.delegate);
	refused("a");
	rec = member_record();
	rec->membership.issued_at.ns = now.wall.ns - HOUR_NS;
	set_member(rec, &world.delegate);
	refused("a"); /* the grant was over */
}

static void test_changed_bytes(void **state)
{
	world.node.membership->payload[10] ^= 1;
	refused("a");
}

static void test_record_of_another_kind(void **state)
{
	struct record *rec = grant_record();

	set_member(rec, &world.op);
	refused("a");
}

static void test_another_mesh(void **state)
{
	AUTO(subject_free) struct record *rec = NULL;
	struct signpub other = signseed_public(&world.other_op);
	struct err err = { 0 };

	assert_int_equal(
		subject_mesh(&other, &world.mesh, &rec, &err), -EEXIST);
	assert_non_null(strstr(err.msg, "another operator"));
	assert_int_equal(
		subject_mesh(&world.op_public, &world.mesh, &rec, NULL), 0);
	assert_string_equal(rec->as_mesh.name, "demo");
}

/* The id is ours, the record is not: widened by somebody else's hand. */
static void test_forged_mesh(void **state)
{
	AUTO(subject_free) struct record *got = NULL;
	struct record *rec = mesh_record(&world.op);

	envelope_free(world.mesh.record);
	world.mesh.record = sign(rec, &world.other_op);
	assert_int_equal(
		subject_mesh(&world.op_public, &world.mesh, &got, NULL),
		-EBADMSG);
	refused("a");
	rec = member_record();
	envelope_free(world.mesh.record);
	world.mesh.record = sign(rec, &world.op);
	assert_int_equal(
		subject_mesh(&world.op_public, &world.mesh, &got, NULL),
		-EBADMSG);
}

static int sodium_up(void **state)
{
	return sodium_init() < 0 ? -1 : 0;
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_good),
		TEST(test_another_node),
		TEST(test_no_membership),
		TEST(test_forged_signer),
		TEST(test_no_grant),
		TEST(test_forged_grant),
		TEST(test_stretched_membership),
		TEST(test_changed_bytes),
		TEST(test_record_of_another_kind),
		TEST(test_another_mesh),
		TEST(test_forged_mesh),
	};

	return cmocka_run_group_tests(tests, sodium_up, NULL);
}

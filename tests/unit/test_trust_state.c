/*
 * trust_set, trust: what is believed over time: uses, names and addresses held,
 * questions, limits.
 */
#include "config.h"
#include "meshproto/trust.h"

#include "mesh_fixture.h"
#include "meshproto/trust_set.h"

#include <errno.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/banned.h"

static void set_name(struct record *rec, const char *name)
{
	assert_true(str_copy(
		rec->membership.name, sizeof(rec->membership.name), name));
}

static void set_address(struct record *rec, const char *text)
{
	rec->membership.addresses[0] = fx_net(text);
}

static void test_before_the_mesh_record(void **state)
{
	struct signpub op = fx_public(FX_OPERATOR);
	AUTO(trust_free) struct trust *trust = trust_new(&op);
	struct record member = fx_member(0), removal = fx_removal(1);
	struct err err = { 0 };

	assert_null(trust_mesh(trust));
	assert_int_equal(
		fx_offer(trust, &member, FX_OPERATOR, &err), TRUST_REFUSED);
	assert_string_equal(err.msg,
		"membership of node-0: the mesh record is not known yet");
	assert_int_equal(
		fx_offer(trust, &removal, FX_OPERATOR, &err), TRUST_ACCEPTED);
	fx_must(trust, fx_mesh(), FX_OPERATOR);
	assert_string_equal(trust_mesh(trust)->name, "home");
	fx_must(trust, member, FX_OPERATOR);
}

/* A grant that expired long ago still bears the members it admitted, and bears
 * no others. */
static void test_expired_grant(void **state)
{
	struct signpub op = fx_public(FX_OPERATOR);
	AUTO(trust_free) struct trust *trust = trust_new(&op);
	struct now later = fx_now(100 * FX_GRANT_SEC);
	struct record recs[] = { fx_mesh(), fx_grant(), fx_member(0),
		fx_member(1) };
	static const enum trust_verdict want[] = { TRUST_ACCEPTED,
		TRUST_ACCEPTED, TRUST_ACCEPTED, TRUST_REFUSED };

	recs[3].membership.issued_at = later.wall;
	for (size_t i = 0; i < ARRAY_SIZE(recs); i++) {
		AUTO(envelope_free)
		struct envelope *env =
			fx_sign(&recs[i], i < 2 ? FX_OPERATOR : FX_DELEGATE);

		assert_int_equal(
			trust_offer(trust, env, &later, NULL), want[i]);
	}
}

/* ---- uses ---- */

static struct trust *world_of_uses(uint32_t uses)
{
	struct signpub op = fx_public(FX_OPERATOR);
	struct trust *trust = trust_new(&op);
	struct record grant = fx_grant();

	assert_non_null(trust);
	grant.grant.uses = uses;
	fx_must(trust, fx_mesh(), FX_OPERATOR);
	fx_must(trust, grant, FX_OPERATOR);
	return trust;
}

static void test_uses(void **state)
{
	AUTO(trust_free) struct trust *trust = world_of_uses(2);
	struct record first = fx_member(0), third = fx_member(2);
	struct err err = { 0 };

	fx_must(trust, first, FX_DELEGATE);
	/* the same node again is not another use */
	assert_int_equal(
		fx_offer(trust, &first, FX_DELEGATE, &err), TRUST_KNOWN);
	/* neither is one whom the operator admits */
	fx_must(trust, fx_member(7), FX_OPERATOR);
	fx_must(trust, fx_member(1), FX_DELEGATE);
	assert_int_equal(
		fx_offer(trust, &third, FX_DELEGATE, &err), TRUST_REFUSED);
	assert_string_equal(
		err.msg, "membership of node-2: its grant's 2 uses are spent");
	/* a removed node has used its use */
	fx_must(trust, fx_removal(0), FX_OPERATOR);
	assert_int_equal(
		fx_offer(trust, &third, FX_DELEGATE, &err), TRUST_REFUSED);
	/* so has one that the operator restated */
	fx_must(trust, fx_with_serial(fx_member(1), 2), FX_OPERATOR);
	assert_int_equal(
		fx_offer(trust, &third, FX_DELEGATE, &err), TRUST_REFUSED);
	fx_must(trust, third, FX_OPERATOR);
}

static void test_any_number_of_uses(void **state)
{
	AUTO(trust_free) struct trust *trust = world_of_uses(0);

	for (unsigned int i = 0; i < 40; i++)
		fx_must(trust, fx_member(i), FX_DELEGATE);
}

/* The operator's restatement came first; the admission it restates still takes
 * the use, so that the end is the same for either order. */
static void test_admission_after_restatement(void **state)
{
	AUTO(trust_free) struct trust *trust = world_of_uses(1);
	struct record admission = fx_member(0), other = fx_member(1);

	fx_must(trust, fx_with_serial(fx_member(0), 2), FX_OPERATOR);
	assert_int_equal(
		fx_offer(trust, &admission, FX_DELEGATE, NULL), TRUST_STALE);
	assert_int_equal(
		fx_offer(trust, &other, FX_DELEGATE, NULL), TRUST_REFUSED);
	assert_int_equal(
		fx_offer(trust, &admission, FX_DELEGATE, NULL), TRUST_KNOWN);
}

/* ---- what is held ---- */

static void test_tombstone_frees(void **state)
{
	AUTO(trust_free) struct trust *trust = fx_world();
	struct record heir = fx_member(FX_UNKNOWN), key = fx_key(FX_UNKNOWN);

	memcpy(key.key.public_key.b, fx_key(FX_STATED).key.public_key.b,
		KEY_SIZE);
	set_name(&heir, "node-1");
	memcpy(heir.membership.addresses,
		fx_member(FX_STATED).membership.addresses,
		sizeof(heir.membership.addresses));
	assert_int_equal(
		fx_offer(trust, &heir, FX_DELEGATE, NULL), TRUST_REFUSED);
	fx_must(trust, fx_removal(FX_STATED), FX_NODE + FX_STATED);
	fx_must(trust, heir, FX_DELEGATE);
	fx_must(trust, key, FX_NODE + FX_UNKNOWN);
}

static void test_restatement_frees(void **state)
{
	AUTO(trust_free) struct trust *trust = fx_world();
	struct record moved = fx_with_serial(fx_member(FX_STATED), 6);
	struct record heir = fx_member(FX_UNKNOWN);
	struct record rotated = fx_with_serial(fx_key(FX_STATED), 2);
	struct record key = fx_key(FX_UNKNOWN);

	set_name(&moved, "new-name");
	set_address(&moved, "100.64.9.9");
	fx_must(trust, moved, FX_OPERATOR);
	rotated.key.epoch = 2;
	rotated.key.public_key.b[0] ^= 1;
	fx_must(trust, rotated, FX_NODE + FX_STATED);
	set_name(&heir, "node-1");
	set_address(&heir, "100.64.1.1");
	fx_must(trust, heir, FX_DELEGATE);
	memcpy(key.key.public_key.b, fx_key(FX_STATED).key.public_key.b,
		KEY_SIZE);
	fx_must(trust, key, FX_NODE + FX_UNKNOWN);
}

/* ---- questions ---- */

static void test_usable(void **state)
{
	AUTO(trust_free) struct trust *trust = fx_world();
	struct record short_lived = fx_member(FX_UNKNOWN);
	static const struct {
		int line;
		unsigned int node;
		int64_t offset_sec;
		bool usable;
	} rows[] = {
		{ __LINE__, FX_ADMITTED, 0, true },
		{ __LINE__, FX_ADMITTED, 1000000, true },
		{ __LINE__, FX_STATED, 0, true },
		{ __LINE__, FX_RESTATED, 0, false }, /* no key */
		{ __LINE__, FX_REMOVED, 0, false },
		{ __LINE__, FX_NEVER_SEEN, 0, false },
		{ __LINE__, FX_UNKNOWN, 0, true },
		{ __LINE__, FX_UNKNOWN, 9, true },
		{ __LINE__, FX_UNKNOWN, 10, false },
		{ __LINE__, FX_UNKNOWN, 1000000, false },
	};
	int failed = 0;

	short_lived.membership.not_after = fx_wall(10);
	fx_must(trust, short_lived, FX_DELEGATE);
	fx_must(trust, fx_key(FX_UNKNOWN), FX_NODE + FX_UNKNOWN);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct node_id id = fx_node_id(rows[i].node);
		struct now now = fx_now(rows[i].offset_sec);
		struct verified_node node;

		assert_true(trust_find(trust, &id, &node));
		if (trust_node_usable(&node, &now) != rows[i].usable) {
			print_error("line %d\n", rows[i].line);
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

static void test_verified_node(void **state)
{
	AUTO(trust_free) struct trust *trust = fx_world();
	struct node_id id = fx_node_id(FX_STATED),
		       tomb = fx_node_id(FX_NEVER_SEEN);
	struct node_id unknown = fx_node_id(FX_UNKNOWN);
	struct signpub op = fx_public(FX_OPERATOR);
	struct mesh_id mesh = mesh_id_of(&op), got = trust_mesh_id(trust);
	struct verified_node node;

	assert_memory_equal(got.b, mesh.b, sizeof(mesh.b));
	assert_int_equal(trust_node_count(trust), 5);
	assert_true(trust_find(trust, &id, &node));
	assert_string_equal(node.membership->name, "node-1");
	assert_int_equal(node.membership_serial, 5);
	assert_int_equal(node.key->epoch, 1);
	assert_false(node.removed);
	assert_true(trust_find(trust, &tomb, &node));
	assert_true(node.removed);
	assert_null(node.membership);
	assert_null(node.key);
	assert_false(trust_find(trust, &unknown, &node));
}

/* ---- limits: put in without crypto, judged with it ---- */

static void fill_with_tombstones(
	struct trust *trust, size_t count, const struct envelope *env)
{
	struct record rec = fx_removal(0);

	for (size_t i = 0; i < count; i++) {
		memset(rec.removal.node.b, 0, sizeof(rec.removal.node.b));
		memcpy(rec.removal.node.b, &i, sizeof(i));
		assert_int_equal(trust_set_put_removal(trust, &rec, env), 0);
	}
}

static void test_node_limit(void **state)
{
	AUTO(trust_free) struct trust *trust = world_of_uses(0);
	struct record removal = fx_removal(0), member = fx_member(0);
	struct record known = fx_member(1);
	AUTO(envelope_free)
	struct envelope *env = fx_sign(&removal, FX_OPERATOR);
	struct err err = { 0 };

	fx_must(trust, known, FX_DELEGATE);
	trust_set_batch_begin(trust);
	fill_with_tombstones(trust, TRUST_NODES_MAX - 1, env);
	trust_set_batch_end(trust);
	assert_int_equal(
		fx_offer(trust, &member, FX_OPERATOR, &err), TRUST_REFUSED);
	assert_non_null(strstr(err.msg, "there are 65536 nodes already"));
	assert_int_equal(
		fx_offer(trust, &removal, FX_OPERATOR, &err), TRUST_REFUSED);
	/* those that are in stay changeable */
	fx_must(trust, fx_with_serial(known, 2), FX_OPERATOR);
	fx_must(trust, fx_removal(1), FX_OPERATOR);
	for (size_t i = 1; i < trust_node_count(trust); i++) {
		struct node_id a = trust_node_at(trust, i - 1).node;
		struct node_id b = trust_node_at(trust, i).node;

		assert_true(memcmp(a.b, b.b, sizeof(a.b)) < 0);
	}
}

static void test_stray_limit(void **state)
{
	AUTO(trust_free) struct trust *trust = world_of_uses(0);
	struct record removal = fx_removal(0), known = fx_removal(1);
	AUTO(envelope_free) struct envelope *env = fx_sign(&removal, FX_NODE);
	struct err err = { 0 };

	fx_must(trust, fx_member(1), FX_DELEGATE);
	trust_set_batch_begin(trust);
	fill_with_tombstones(trust, TRUST_STRAYS_MAX, env);
	trust_set_batch_end(trust);
	assert_int_equal(
		fx_offer(trust, &removal, FX_NODE, &err), TRUST_REFUSED);
	assert_non_null(strstr(err.msg, "16384 unknown nodes"));
	fx_must(trust, removal, FX_OPERATOR);
	fx_must(trust, known, FX_NODE + 1);
}

static void test_grant_limit(void **state)
{
	AUTO(trust_free) struct trust *trust = world_of_uses(0);
	struct record grant = fx_grant();
	AUTO(envelope_free) struct envelope *env = fx_sign(&grant, FX_OPERATOR);
	struct err err = { 0 };

	/* one is there */
	for (size_t i = 1; i < TRUST_GRANTS_MAX; i++) {
		memcpy(grant.grant.delegate.b, &i, sizeof(i));
		assert_int_equal(trust_set_put_grant(trust, &grant, env), 0);
	}
	grant.grant.delegate = fx_public(FX_STRANGER);
	assert_int_equal(
		fx_offer(trust, &grant, FX_OPERATOR, &err), TRUST_REFUSED);
	assert_non_null(strstr(err.msg, "there are 65536 grants already"));
	/* and the first one still bears */
	fx_must(trust, fx_member(0), FX_DELEGATE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_before_the_mesh_record),
		cmocka_unit_test(test_expired_grant),
		cmocka_unit_test(test_uses),
		cmocka_unit_test(test_any_number_of_uses),
		cmocka_unit_test(test_admission_after_restatement),
		cmocka_unit_test(test_tombstone_frees),
		cmocka_unit_test(test_restatement_frees),
		cmocka_unit_test(test_usable),
		cmocka_unit_test(test_verified_node),
		cmocka_unit_test(test_node_limit),
		cmocka_unit_test(test_stray_limit),
		cmocka_unit_test(test_grant_limit),
	};

	if (sodium_init() < 0)
		return 99;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

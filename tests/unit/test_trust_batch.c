/*
 * trust_batch: many records at once end the same in any order; what was saved
 * loads to the same; a bad record costs one line and no other record.
 */
#include "config.h"
#include "meshproto/trust.h"

#include "mesh_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/banned.h"

#define SET_MAX	 256
#define NODES	 12
#define SHUFFLES 40

struct set {
	struct envelope *envs[SET_MAX];
	size_t count;
};

static void set_release(struct set *set)
{
	for (size_t i = 0; i < set->count; i++)
		envelope_free(set->envs[i]);
	set->count = 0;
}
AUTO_DEFINE_VALUE(struct set, set_release)

static void set_add(struct set *set, struct envelope *env)
{
	assert_non_null(env);
	assert_true(set->count < SET_MAX);
	set->envs[set->count++] = env;
}

static void set_sign(struct set *set, struct record rec, unsigned int who)
{
	set_add(set, fx_sign(&rec, who));
}

static void set_copy(void *arg, const struct envelope *env)
{
	set_add(arg, envelope_dup(env));
}

/* ---- seeded chance: every run prints what it needs to be repeated ---- */

static uint64_t seed, chance_state;

static uint32_t chance(uint32_t below)
{
	/* splitmix64, Steele et al. 2014 */
	uint64_t z = chance_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ (z >> 31)) >> 32) % below;
}

static void shuffle(struct set *set)
{
	for (size_t i = set->count; i > 1; i--) {
		size_t k = chance((uint32_t)i);
		struct envelope *env = set->envs[i - 1];

		set->envs[i - 1] = set->envs[k];
		set->envs[k] = env;
	}
}

/* ---- what was said ---- */

struct heard {
	size_t refused, stale;
	char last[ERR_MSG_MAX];
};

static void on_refused(
	void *arg, enum trust_verdict verdict, const struct err *err)
{
	struct heard *heard = arg;

	assert_true(*err->msg);
	if (verdict == TRUST_REFUSED) {
		heard->refused++;
		assert_true(
			str_copy(heard->last, sizeof(heard->last), err->msg));
	} else {
		assert_int_equal(verdict, TRUST_STALE);
		heard->stale++;
	}
}

static size_t offer_all(
	struct trust *trust, const struct set *set, struct heard *heard)
{
	struct now now = fx_now(0);

	return trust_offer_all(trust, set->envs, set->count, &now,
		heard ? on_refused : NULL, heard);
}

static struct trust *new_trust(void)
{
	struct signpub op = fx_public(FX_OPERATOR);
	struct trust *trust = trust_new(&op);

	assert_non_null(trust);
	return trust;
}

/* ---- what came of it ---- */

/* The peers, in words; and that each is found by its id, as the array has it. */
static void describe(const struct trust *trust, struct buf *out)
{
	char id[MESH_ID_TEXT_SIZE], key[KEY_HEX_SIZE], net[IPNET_TEXT_SIZE];

	buf_addf(out, "mesh %s\n",
		trust_mesh(trust) ? trust_mesh(trust)->name : "none");
	for (size_t i = 0; i < trust_node_count(trust); i++) {
		struct verified_node node = trust_node_at(trust, i), found;
		const struct record_membership *m = node.membership;

		assert_true(trust_find(trust, &node.node, &found));
		assert_ptr_equal(found.membership, node.membership);
		assert_ptr_equal(found.key, node.key);
		buf_addf(out, "%s%s", node_id_format(&node.node, id),
			node.removed ? " removed" : "");
		if (m)
			buf_addf(out, " %s %ju", m->name,
				(uintmax_t)node.membership_serial);
		for (size_t k = 0; m && k < m->address_count; k++)
			buf_addf(out, " %s",
				ipnet_format(&m->addresses[k], net));
		if (node.key)
			buf_addf(out, " %ju %s", (uintmax_t)node.key->epoch,
				key_format_hex(node.key->public_key.b, key));
		buf_add_str(out, "\n");
	}
	assert_false(buf_failed(out));
}

static void assert_same(
	const struct trust *a, const struct trust *b, const char *what)
{
	AUTO(buf_release) struct buf x = BUF_INIT(65536);
	AUTO(buf_release) struct buf y = BUF_INIT(65536);

	describe(a, &x);
	describe(b, &y);
	if (strcmp(buf_str(&x), buf_str(&y)))
		fail_msg("seed %ju, %s:\n%s\n%s", (uintmax_t)seed, what,
			buf_str(&x), buf_str(&y));
}

/* ---- scenarios ---- */

static struct record named(struct record rec, uint64_t serial, const char *name)
{
	rec.serial = serial;
	assert_true(str_copy(
		rec.membership.name, sizeof(rec.membership.name), name));
	return rec;
}

static void add_base(struct set *set, uint32_t uses)
{
	struct record grant = fx_grant();

	grant.grant.uses = uses;
	set_sign(set, fx_mesh(), FX_OPERATOR);
	set_sign(set, grant, FX_OPERATOR);
}

/* What a mesh lives through: admitted by token or by hand, renamed, rotated,
 * removed, names and addresses taken over; and what a thief adds. */
static void add_life(struct set *set, unsigned int node)
{
	struct record member = fx_member(node), key = fx_key(node);
	bool by_operator = chance(3) == 0;
	unsigned int generations = chance(3);
	char name[NAME_MAX_LEN + 1];

	set_sign(set, member, by_operator ? FX_OPERATOR : FX_DELEGATE);
	for (unsigned int i = 2; i < 2 + chance(3); i++) {
		/* few names: some are taken over, some fought for */
		(void)snprintf(name, sizeof(name), "node-%u", chance(NODES));
		set_sign(set, named(member, i, name), FX_OPERATOR);
	}
	if (chance(4) == 0) {
		member.serial = 7;
		member.membership.addresses[0] =
			fx_member(chance(NODES)).membership.addresses[0];
		set_sign(set, member, FX_OPERATOR);
	}
	for (unsigned int i = 0; i < generations; i++) {
		key.serial = key.key.epoch = i + 1;
		key.key.public_key.b[31] = (uint8_t)i;
		set_sign(set, key, FX_NODE + node);
	}
	if (chance(5) == 0)
		set_sign(set, fx_removal(node),
			chance(2) ? FX_OPERATOR : FX_NODE + node);
	if (chance(5) == 0)
		set_sign(set, fx_key(node), FX_STRANGER);
	if (chance(5) == 0)
		set_sign(set, fx_member(node), FX_STRANGER);
	if (chance(8) == 0)
		set_add(set, fx_sign_text("{}", FX_NODE + node));
}

static void test_any_order(void **state)
{
	print_message("# seed %ju\n", (uintmax_t)seed);
	for (int i = 0; i < SHUFFLES; i++) {
		AUTO(set_release) struct set set = { .count = 0 };
		AUTO(trust_free) struct trust *reference = new_trust();
		struct heard heard = { 0 };
		size_t accepted;

		add_base(&set, 1 + chance(NODES));
		for (unsigned int node = 0; node < NODES; node++)
			add_life(&set, node);
		accepted = offer_all(reference, &set, &heard);
		for (int k = 0; k < 4; k++) {
			AUTO(trust_free) struct trust *trust = new_trust();
			struct heard again = { 0 };

			shuffle(&set);
			assert_int_equal(
				offer_all(trust, &set, &again), accepted);
			assert_same(reference, trust, "another order");
			assert_int_equal(again.refused, heard.refused);
			assert_int_equal(again.stale, heard.stale);
			/* and once more: nothing is new */
			assert_int_equal(offer_all(trust, &set, &again), 0);
			assert_same(reference, trust, "a second time");
		}
	}
}

/* Where nobody is in anybody's way, it does not matter in which pieces the
 * records come, if they come often enough. */
static void test_any_pieces(void **state)
{
	print_message("# seed %ju\n", (uintmax_t)seed);
	for (int i = 0; i < SHUFFLES; i++) {
		AUTO(set_release) struct set set = { .count = 0 };
		AUTO(trust_free) struct trust *whole = new_trust();
		AUTO(trust_free) struct trust *pieces = new_trust();
		struct now now = fx_now(0);
		struct heard heard = { 0 };
		bool changed = true;

		add_base(&set, 0);
		for (unsigned int node = 0; node < NODES; node++) {
			struct record member = fx_member(node);
			struct record key = fx_key(node);
			char name[NAME_MAX_LEN + 1];

			set_sign(&set, member, FX_DELEGATE);
			set_sign(&set, key, FX_NODE + node);
			(void)snprintf(name, sizeof(name), "renamed-%u", node);
			if (chance(2))
				set_sign(&set, named(member, 2, name),
					FX_OPERATOR);
		}
		(void)offer_all(whole, &set, &heard);
		assert_int_equal(heard.refused, 0);
		while (changed) {
			changed = false;
			shuffle(&set);
			for (size_t k = 0; k < set.count; k++)
				changed |=
					trust_offer(pieces, set.envs[k], &now,
						NULL) == TRUST_ACCEPTED;
		}
		assert_same(whole, pieces, "piece by piece");
	}
}

/* Saved and loaded: the same nodes, not a word of complaint, whether loaded as
 * a batch or one by one; and the uses of the grant are still spent. */
static void test_save_and_load(void **state)
{
	print_message("# seed %ju\n", (uintmax_t)seed);
	for (int i = 0; i < SHUFFLES; i++) {
		AUTO(set_release) struct set set = { .count = 0 };
		AUTO(set_release) struct set saved = { .count = 0 };
		AUTO(set_release) struct set extra = { .count = 0 };
		AUTO(trust_free) struct trust *trust = new_trust();
		AUTO(trust_free) struct trust *batch = new_trust();
		AUTO(trust_free) struct trust *single = new_trust();
		struct now now = fx_now(0);
		struct heard heard = { 0 };

		add_base(&set, 1 + chance(NODES));
		for (unsigned int node = 0; node < NODES; node++)
			add_life(&set, node);
		(void)offer_all(trust, &set, &heard);
		trust_each_envelope(trust, set_copy, &saved);
		heard = (struct heard){ 0 };
		for (size_t k = 0; k < saved.count; k++) {
			struct err err = { 0 };

			if (trust_offer(single, saved.envs[k], &now, &err) ==
				TRUST_REFUSED)
				fail_msg("seed %ju: %s", (uintmax_t)seed,
					err.msg);
		}
		assert_same(trust, single, "loaded one by one");
		shuffle(&saved);
		(void)offer_all(batch, &saved, &heard);
		if (heard.refused)
			fail_msg("seed %ju: %s", (uintmax_t)seed, heard.last);
		assert_same(trust, batch, "loaded as a batch");
		for (unsigned int node = 0; node < NODES; node++)
			set_sign(&extra, fx_member(100 + node), FX_DELEGATE);
		assert_int_equal(offer_all(trust, &extra, NULL),
			offer_all(batch, &extra, NULL));
		assert_same(trust, batch, "and what is left of the uses");
	}
}

/* ---- single stories ---- */

static void test_names_move_along(void **state)
{
	AUTO(trust_free) struct trust *trust = new_trust();
	AUTO(set_release) struct set first = { .count = 0 };
	AUTO(set_release) struct set next = { .count = 0 };
	struct heard heard = { 0 };
	char name[NAME_MAX_LEN + 1];

	add_base(&first, 0);
	for (unsigned int node = 0; node < 6; node++) {
		set_sign(&first, fx_member(node), FX_DELEGATE);
		/* each takes the name of the one after it */
		(void)snprintf(name, sizeof(name), "node-%u", node + 1);
		set_sign(&next, named(fx_member(node), 2, name), FX_OPERATOR);
	}
	assert_int_equal(offer_all(trust, &first, &heard), first.count);
	assert_int_equal(offer_all(trust, &next, &heard), next.count);
	assert_int_equal(heard.refused, 0);
}

/* A holder of a token can make identities until one sorts first: what the
 * operator stated is not taken from its node by that. */
static void test_operator_comes_first(void **state)
{
	for (unsigned int i = 0; i < NODES; i++) {
		AUTO(trust_free) struct trust *trust = new_trust();
		AUTO(set_release) struct set set = { .count = 0 };
		struct node_id stated = fx_node_id(0);
		struct heard heard = { 0 };
		struct verified_node vn;

		add_base(&set, 0);
		set_sign(&set, named(fx_member(0), 1, "wanted"), FX_OPERATOR);
		set_sign(&set, named(fx_member(i + 1), 1, "wanted"),
			FX_DELEGATE);
		set_sign(
			&set, fx_with_serial(fx_member(i + 1), 2), FX_STRANGER);
		(void)offer_all(trust, &set, &heard);
		assert_int_equal(heard.refused, 2);
		assert_true(trust_find(trust, &stated, &vn));
		assert_string_equal(vn.membership->name, "wanted");
	}
}

/* One node goes and another takes its place in the same delta. */
static void test_heir_in_one_batch(void **state)
{
	AUTO(trust_free) struct trust *trust = fx_world();
	AUTO(set_release) struct set set = { .count = 0 };
	struct record heir = named(fx_member(FX_UNKNOWN), 1, "node-1");
	struct heard heard = { 0 };

	heir.membership.addresses[0] =
		fx_member(FX_STATED).membership.addresses[0];
	set_sign(&set, heir, FX_DELEGATE);
	set_sign(&set, fx_removal(FX_STATED), FX_OPERATOR);
	assert_int_equal(offer_all(trust, &set, &heard), 2);
	assert_int_equal(heard.refused, 0);
}

/* What was removed in the same batch in which it came is known by name, and has
 * used its use. */
static void test_came_and_went(void **state)
{
	enum { WENT = 1, STAYED = 2 };
	AUTO(trust_free) struct trust *trust = new_trust();
	AUTO(set_release) struct set set = { .count = 0 };
	struct node_id id = fx_node_id(WENT);
	struct heard heard = { 0 };
	struct verified_node node;

	add_base(&set, 1);
	set_sign(&set, fx_removal(WENT), FX_OPERATOR);
	set_sign(&set, fx_key(WENT), FX_NODE + WENT);
	set_sign(&set, fx_with_serial(fx_member(WENT), 5), FX_OPERATOR);
	set_sign(&set, fx_member(WENT), FX_DELEGATE);
	set_sign(&set, fx_member(STAYED), FX_DELEGATE);
	assert_int_equal(offer_all(trust, &set, &heard), 6);
	assert_int_equal(heard.refused, 1);
	assert_string_equal(heard.last,
		"membership of node-2: its grant's 1 uses are spent");
	assert_true(trust_find(trust, &id, &node));
	assert_true(node.removed);
	assert_string_equal(node.membership->name, "node-1");
	assert_int_equal(node.membership_serial, 5);
}

/* Names and addresses of the removed are others' by now; both are loaded,
 * whichever id is the lower. */
static void test_load_with_heirs(void **state)
{
	enum { COUNT = 8 };
	AUTO(trust_free) struct trust *trust = new_trust();
	AUTO(trust_free) struct trust *loaded = new_trust();
	AUTO(set_release) struct set saved = { .count = 0 };
	struct heard heard = { 0 };
	char name[NAME_MAX_LEN + 1];

	fx_must(trust, fx_mesh(), FX_OPERATOR);
	fx_must(trust, fx_grant(), FX_OPERATOR);
	for (unsigned int i = 0; i < COUNT; i++) {
		struct record heir;

		(void)snprintf(name, sizeof(name), "node-%u", i);
		heir = named(fx_member(COUNT + i), 1, name);
		memcpy(heir.membership.addresses,
			fx_member(i).membership.addresses,
			sizeof(heir.membership.addresses));
		fx_must(trust, fx_member(i), FX_DELEGATE);
		fx_must(trust, fx_removal(i), FX_NODE + i);
		fx_must(trust, heir, FX_DELEGATE);
	}
	trust_each_envelope(trust, set_copy, &saved);
	assert_int_equal(offer_all(loaded, &saved, &heard), 2 + 3 * COUNT);
	assert_int_equal(heard.refused, 0);
	assert_same(trust, loaded, "loaded");
}

/* A coordinator restored from a backup of before the removal: refused and
 * named. One that still sends the old records beside the removal: nothing to
 * say. */
static void test_restored_backup(void **state)
{
	AUTO(trust_free) struct trust *trust = fx_world();
	AUTO(set_release) struct set set = { .count = 0 };
	struct heard heard = { 0 };

	set_sign(&set, fx_member(FX_REMOVED), FX_DELEGATE);
	assert_int_equal(offer_all(trust, &set, &heard), 0);
	assert_int_equal(heard.refused, 1);
	assert_string_equal(heard.last,
		"membership of node-3: the node was removed, for good");
	set_sign(&set, fx_key(FX_REMOVED), FX_NODE + FX_REMOVED);
	set_sign(&set, fx_removal(FX_REMOVED), FX_OPERATOR);
	heard = (struct heard){ 0 };
	assert_int_equal(offer_all(trust, &set, &heard), 0);
	assert_int_equal(heard.refused, 0);
}

static struct envelope *edited(
	struct record rec, unsigned int who, const char *from, const char *to)
{
	struct envelope *env = fx_sign(&rec, who);
	/* cast: the payload is text */
	char *at = memmem(env->payload, env->payload_len, from, strlen(from));

	assert_non_null(at);
	assert_int_equal(strlen(from), strlen(to));
	memcpy(at, to, strlen(to));
	return env;
}

/* A database edited by hand: each edit costs one line that names the record;
 * everything else goes on. */
static void test_edited_database(void **state)
{
	enum { VICTIM = FX_STATED, INTRUDER = 50, NEWCOMER = 60 };
	struct record foreign = fx_with_serial(fx_key(VICTIM), 9);
	struct record intruder = named(fx_member(INTRUDER), 1, "intruder");
	const struct {
		int line;
		struct envelope *env;
		const char *want;
	} rows[] = {
		/* a foreign WireGuard key, signed by the thief; and the right
		 * record with the key changed under the signature */
		{ __LINE__, fx_sign(&foreign, FX_STRANGER),
			"(node-1): is not signed by the node's identity" },
		{ __LINE__,
			edited(fx_with_serial(fx_key(VICTIM), 9),
				FX_NODE + VICTIM, "\"epoch\":1", "\"epoch\":2"),
			"(node-1): the signature does not verify" },
		/* a widened address range */
		{ __LINE__,
			edited(fx_with_serial(fx_member(VICTIM), 9),
				FX_OPERATOR, "100.64.1.1/32", "0.0.0.0/00000"),
			"membership of node-1: the signature does not verify" },
		{ __LINE__,
			edited(fx_with_serial(fx_member(VICTIM), 9),
				FX_OPERATOR, "100.64.1.1/32", "100.64.0.0/16"),
			"membership of node-1: the signature does not verify" },
		/* an extra node */
		{ __LINE__, fx_sign(&intruder, FX_STRANGER),
			"membership of intruder: is signed neither by" },
		{ __LINE__, fx_sign(&intruder, FX_NODE + INTRUDER),
			"membership of intruder: is signed neither by" },
		/* a removal that nobody ordered */
		{ __LINE__,
			edited(fx_removal(VICTIM), FX_OPERATOR, "\"serial\":1",
				"\"serial\":2"),
			"(node-1): the signature does not verify" },
	};
	int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(trust_free) struct trust *trust = fx_world();
		AUTO(trust_free) struct trust *before = fx_world();
		AUTO(set_release) struct set set = { .count = 0 };
		struct heard heard = { 0 };
		bool ok;

		fx_must(before, fx_member(NEWCOMER), FX_DELEGATE);
		set_add(&set, rows[i].env);
		set_sign(&set, fx_member(NEWCOMER), FX_DELEGATE);
		ok = offer_all(trust, &set, &heard) == 1 &&
			heard.refused == 1 && heard.stale == 0 &&
			strstr(heard.last, rows[i].want);
		assert_same(before, trust, rows[i].want);
		if (!ok) {
			print_error("line %d: %zu refused: %s\n", rows[i].line,
				heard.refused, heard.last);
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

static void test_nothing(void **state)
{
	AUTO(trust_free) struct trust *trust = new_trust();
	struct now now = fx_now(0);

	AUTO(set_release) struct set set = { .count = 0 };

	assert_int_equal(trust_offer_all(trust, NULL, 0, &now, NULL, NULL), 0);
	trust_each_envelope(trust, set_copy, &set);
	assert_int_equal(set.count, 0);
	trust_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_any_pieces),
		cmocka_unit_test(test_save_and_load),
		cmocka_unit_test(test_names_move_along),
		cmocka_unit_test(test_operator_comes_first),
		cmocka_unit_test(test_heir_in_one_batch),
		cmocka_unit_test(test_came_and_went),
		cmocka_unit_test(test_load_with_heirs),
		cmocka_unit_test(test_restored_backup),
		cmocka_unit_test(test_edited_database),
		cmocka_unit_test(test_nothing),
	};
	const char *given = getenv("TEST_SEED");

	if (sodium_init() < 0)
		return 99;
	randombytes_buf(&seed, sizeof(seed));
	if (given && !num_parse_u64(given, UINT64_MAX, &seed))
		return 99;
	chance_state = seed;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * What a netmap may do to the roster, and what it may not: withholding, stale
 * and forged maps, removals, hints, and the cache, which is read as warily as
 * the network.
 */
#include "config.h"
#include "agent_fixture.h"
#include "rows.h"

#include <errno.h>
#include <string.h>

#include "base/banned.h"

#define AUTO_ROSTER AUTO(roster_free) struct roster *

static void test_full_map(void **state)
{
	AUTO_ROSTER roster = fx_roster();
	struct fx_map fx;

	(void)state;
	assert_false(roster_has_self(roster));
	fx_map_full(&fx, 7);
	fx_map_roots(&fx);
	fx_map_node(&fx, 0);
	fx_map_node(&fx, 1);
	fx_map_hint(&fx, 1, "10.0.0.1:51820 127.0.0.1:51820 [fd99::1]:51820");
	assert_true(fx_merge(roster, &fx, 0));
	assert_int_equal(roster_serial(roster), 7);
	assert_true(roster_has_self(roster));
	assert_false(roster_is_removed(roster));
	assert_string_equal(roster_mesh(roster)->name, "home");
	assert_int_equal(fx_node(roster, 1).endpoint_count, 2);
	assert_true(fx_node(roster, 1).has_news);
	assert_false(fx_node(roster, 1).withheld);
	roster_settle(roster, fx_now(0).mono);
	assert_false(fx_node(roster, 1).has_news);
	/* the same again says nothing new */
	assert_false(fx_merge(roster, &fx, 0));
	assert_false(fx_node(roster, 1).has_news);
	fx_map_release(&fx);
}

static void test_absent_is_withheld(void **state)
{
	AUTO_ROSTER roster = fx_roster_of(3);
	struct fx_map fx;

	(void)state;
	fx_map_full(&fx, 2);
	fx_map_roots(&fx);
	fx_map_node(&fx, 0);
	fx_map_node(&fx, 1);
	assert_true(fx_merge(roster, &fx, 0));
	assert_false(fx_node(roster, 1).withheld);
	assert_true(fx_node(roster, 2).withheld);
	assert_non_null(fx_node(roster, 2).verified.membership);
	fx_map_release(&fx);
	/* named again: it is back */
	fx_map_delta(&fx, 2, 3);
	fx_map_node(&fx, 2);
	assert_true(fx_merge(roster, &fx, 0));
	assert_false(fx_node(roster, 2).withheld);
	fx_map_release(&fx);
}

static void test_delta(void **state)
{
	AUTO_ROSTER roster = fx_roster_of(3);
	struct fx_map fx;

	(void)state;
	fx_map_delta(&fx, 1, 2);
	fx_map_withhold(&fx, 1);
	fx_map_withhold(&fx, 99); /* nobody we know */
	assert_true(fx_merge(roster, &fx, 0));
	assert_int_equal(roster_serial(roster), 2);
	assert_true(fx_node(roster, 1).withheld);
	assert_false(fx_node(roster, 2).withheld);
	fx_map_release(&fx);
	fx_map_delta(&fx, 2, 2);
	assert_false(fx_merge(roster, &fx, 0));
	/* not ours to follow on */
	fx_map_delta(&fx, 3, 4);
	(void)fx_merge(roster, &fx, -ESTALE);
	fx_map_delta(&fx, 1, 4);
	(void)fx_merge(roster, &fx, -ESTALE);
	assert_int_equal(roster_serial(roster), 2);
}

/* A coordinator on yesterday's backup: it does not know node 2 yet. */
static void test_older_full_map_withholds_nobody(void **state)
{
	AUTO_ROSTER roster = fx_roster_of(2);
	struct fx_map fx;

	(void)state;
	fx_map_delta(&fx, 1, 9);
	fx_map_node(&fx, 2);
	assert_true(fx_merge(roster, &fx, 0));
	fx_map_release(&fx);
	fx_map_full(&fx, 4);
	fx_map_roots(&fx);
	fx_map_node(&fx, 0);
	fx_map_node(&fx, 1);
	assert_false(fx_merge(roster, &fx, 0));
	assert_false(fx_node(roster, 2).withheld);
	/* but it is that coordinator that is followed from here on */
	assert_int_equal(roster_serial(roster), 4);
	fx_map_release(&fx);
	fx_map_delta(&fx, 4, 5);
	fx_map_node(&fx, 3);
	assert_true(fx_merge(roster, &fx, 0));
	assert_non_null(fx_node(roster, 3).verified.key);
	fx_map_release(&fx);
}

/* An edit of the database must not drop a peer in good standing. */
static void test_forged_record_still_names(void **state)
{
	AUTO_ROSTER roster = fx_roster_of(2);
	struct fx_refusals refusals = { 0 };
	struct pubkey before = fx_node(roster, 1).verified.key->public_key;
	struct record member = fx_member(1), key = fx_key(1);
	struct now now = fx_now(0);
	struct err err = { 0 };
	struct fx_map fx;
	bool changed = true;

	(void)state;
	fx_map_full(&fx, 2);
	fx_map_roots(&fx);
	fx_map_node(&fx, 0);
	member.serial = 2;
	member.membership.addresses[0] = fx_net("100.64.0.0/16");
	member.membership.addresses[0].prefix_len = 32;
	fx_map_add(&fx, &member, FX_STRANGER);
	key.serial = 2;
	key.key.epoch = 2;
	memset(key.key.public_key.b, 0x42, KEY_SIZE);
	fx_map_add(&fx, &key, FX_NODE + 1);
	/* one bit of the signature, as an edited payload would have it */
	fx.records[fx.map.record_count - 1]->sig.b[0] ^= 1;
	assert_int_equal(roster_merge(roster, &fx.map, &now, fx_hear_refusal,
				 &refusals, &changed, &err),
		0);
	assert_false(changed);
	assert_int_equal(refusals.count, 2);
	assert_false(fx_node(roster, 1).withheld);
	assert_memory_equal(fx_node(roster, 1).verified.key->public_key.b,
		before.b, KEY_SIZE);
	/* said once, however often it comes */
	assert_int_equal(roster_merge(roster, &fx.map, &now, fx_hear_refusal,
				 &refusals, &changed, &err),
		0);
	assert_int_equal(refusals.count, 2);
	fx_map_release(&fx);
}

static void test_removal_is_final(void **state)
{
	AUTO_ROSTER roster = fx_roster_of(2);
	struct record removal = fx_removal(1);
	struct fx_map fx;

	(void)state;
	fx_map_delta(&fx, 1, 2);
	fx_map_add(&fx, &removal, FX_OPERATOR);
	assert_true(fx_merge(roster, &fx, 0));
	assert_true(fx_node(roster, 1).verified.removed);
	assert_false(roster_is_removed(roster));
	fx_map_release(&fx);
	fx_map_full(&fx, 3);
	fx_map_roots(&fx);
	fx_map_node(&fx, 0);
	fx_map_node(&fx, 1);
	(void)fx_merge(roster, &fx, 0);
	assert_true(fx_node(roster, 1).verified.removed);
	fx_map_release(&fx);
}

/* Another node's valid record in the place of its membership. */
static void test_swapped_record(void **state)
{
	AUTO_ROSTER roster = fx_roster_of(3);
	struct fx_refusals refusals = { 0 };
	struct record member = fx_member(2), key = fx_key(1);
	struct now now = fx_now(0);
	struct err err = { 0 };
	struct fx_map fx;
	bool changed = true;

	(void)state;
	fx_map_full(&fx, 2);
	fx_map_roots(&fx);
	fx_map_node(&fx, 0);
	fx_map_node(&fx, 2);
	fx_map_add(&fx, &member, FX_DELEGATE);
	fx_map_add(&fx, &key, FX_NODE + 1);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(
			roster_merge(roster, &fx.map, &now, fx_hear_refusal,
				&refusals, &changed, &err),
			0);
		assert_false(changed);
		assert_int_equal(refusals.count, 1);
	}
	assert_non_null(strstr(refusals.last, fx_member(1).membership.name));
	assert_non_null(strstr(refusals.last, "missing"));
	assert_false(fx_node(roster, 1).withheld);
	fx_map_release(&fx);
	/* a delta may bring a key alone: it rotates */
	fx_map_delta(&fx, 2, 3);
	fx_map_add(&fx, &key, FX_NODE + 1);
	assert_int_equal(roster_merge(roster, &fx.map, &now, fx_hear_refusal,
				 &refusals, &changed, &err),
		0);
	assert_int_equal(refusals.count, 1);
	fx_map_release(&fx);
}

/* A map that tells of a removed node as of a member was made by one who lost
 * its removal. */
static void test_owed(void **state)
{
	AUTO_ROSTER roster = fx_roster_of(4);
	AUTO(buf_release) struct buf text = BUF_INIT(1 << 20);
	AUTO_ROSTER other = fx_roster();
	struct record removals[] = { fx_removal(1), fx_removal(2) };
	struct record key = fx_key(2), member = fx_member(1), rec;
	struct fx_refusals refusals = { 0 };
	struct now now = fx_now(0);
	const struct envelope *env;
	struct msg_netmap cached;
	struct err err = { 0 };
	struct node_id id;
	struct fx_map fx;

	(void)state;
	fx_map_delta(&fx, 1, 2);
	fx_map_add(&fx, &removals[0], FX_OPERATOR);
	fx_map_add(&fx, &removals[1], FX_NODE + 2);
	assert_true(fx_merge(roster, &fx, 0));
	/* being told once more, by the operator or the node, is no reason */
	fx.map.since = 2;
	(void)fx_merge(roster, &fx, 0);
	assert_null(roster_owed(roster, &id));
	fx_map_release(&fx);
	/* our own cache has both, and lacks nothing */
	assert_int_equal(roster_encode(roster, &text), 0);
	assert_int_equal(
		msg_netmap_decode(text.data, text.len, &cached, &err), 0);
	assert_int_equal(roster_restore(other, &cached, &now, fx_hear_refusal,
				 &refusals, &err),
		0);
	msg_netmap_release(&cached);
	assert_null(roster_owed(other, &id));

	/* a membership alone, a key alone, a node in good standing */
	fx_map_delta(&fx, 2, 3);
	fx_map_add(&fx, &member, FX_DELEGATE);
	fx_map_add(&fx, &key, FX_NODE + 2);
	fx_map_node(&fx, 3);
	(void)fx_merge(roster, &fx, 0);
	for (unsigned int i = 0; i < 2; i++) {
		env = roster_owed(roster, &id);
		assert_non_null(env);
		assert_int_equal(record_open(env, &rec, &err), 0);
		assert_int_equal(rec.type, RECORD_REMOVAL);
		assert_true(node_id_equal(&rec.removal.node, &id));
		roster_settle_owed(roster, &id);
		assert_true(roster_owed(roster, &id) != env);
	}
	assert_null(roster_owed(roster, &id));
	/* it does not learn: once more for each map */
	fx.map.since = 3;
	(void)fx_merge(roster, &fx, 0);
	assert_non_null(roster_owed(roster, &id));
	fx_map_release(&fx);
}

/* What is reported is what was applied, not what was heard. */
static void test_applied(void **state)
{
	AUTO_ROSTER roster = fx_roster();
	struct fx_map fx;

	(void)state;
	fx_map_full(&fx, 7);
	fx_map_roots(&fx);
	fx_map_node(&fx, 0);
	fx_map_node(&fx, 1);
	assert_true(fx_merge(roster, &fx, 0));
	assert_int_equal(roster_applied(roster), 0);
	roster_set_applied(roster);
	assert_int_equal(roster_applied(roster), 7);
	fx_map_release(&fx);
	/* nothing to apply */
	fx_map_delta(&fx, 7, 8);
	assert_false(fx_merge(roster, &fx, 0));
	assert_int_equal(roster_applied(roster), 8);
	/* applying this one fails ... */
	fx_map_delta(&fx, 8, 9);
	fx_map_node(&fx, 2);
	assert_true(fx_merge(roster, &fx, 0));
	fx_map_release(&fx);
	assert_int_equal(roster_applied(roster), 8);
	/* ... and that nothing follows on it does not mend that */
	fx_map_delta(&fx, 9, 10);
	assert_false(fx_merge(roster, &fx, 0));
	assert_int_equal(roster_applied(roster), 8);
	/* a coordinator that went back is not told of its future */
	fx_map_full(&fx, 4);
	assert_false(fx_merge(roster, &fx, 0));
	assert_int_equal(roster_applied(roster), 0);
	roster_set_applied(roster);
	assert_int_equal(roster_applied(roster), 4);
}

static void test_own_removal(void **state)
{
	static const struct {
		unsigned int signer;
		bool removed;
		int line;
	} rows[] = {
		{ FX_OPERATOR, true, __LINE__ },
		{ FX_NODE + 0, true, __LINE__ },
		{ FX_DELEGATE, false, __LINE__ },
		{ FX_STRANGER, false, __LINE__ },
		{ FX_NODE + 1, false, __LINE__ },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_ROSTER roster = fx_roster_of(2);
		struct record removal = fx_removal(0);
		struct fx_map fx;

		/* all that a removed node is given */
		fx_map_full(&fx, 5);
		fx_map_add(&fx, &removal, rows[i].signer);
		(void)fx_merge(roster, &fx, 0);
		ROW_INT(&rows[i], roster_is_removed(roster), rows[i].removed);
		ROW_INT(&rows[i], roster_has_self(roster), !rows[i].removed);
		fx_map_release(&fx);
	}
}

static void test_hints(void **state)
{
	AUTO_ROSTER roster = fx_roster_of(2);
	struct node_id id = fx_node_id(1);
	struct endpoint a, b, c;
	struct fx_map fx;

	(void)state;
	assert_true(endpoint_parse("10.0.0.1:1", &a));
	assert_true(endpoint_parse("10.0.0.2:2", &b));
	assert_true(endpoint_parse("10.0.0.3:3", &c));
	fx_map_delta(&fx, 1, 2);
	fx_map_hint(&fx, 1, "10.0.0.1:1 10.0.0.2:2");
	fx_map_hint(&fx, 77, "10.0.0.9:9"); /* nobody we know */
	assert_true(fx_merge(roster, &fx, 0));
	assert_true(endpoint_equal(&fx_node(roster, 1).endpoints[0], &a));
	roster_settle(roster, fx_now(0).mono);
	/* nobody answered at the best: the other one's turn */
	roster_demote(roster, &id, &a);
	assert_true(fx_node(roster, 1).has_failed);
	assert_true(endpoint_equal(&fx_node(roster, 1).endpoints[0], &b));
	assert_true(endpoint_equal(&fx_node(roster, 1).endpoints[1], &a));
	roster_settle(roster, fx_now(0).mono);
	assert_false(fx_node(roster, 1).has_failed);
	roster_demote(roster, &id, &c);
	assert_true(endpoint_equal(&fx_node(roster, 1).endpoints[0], &b));
}

/* ---- the cache ---- */

static void restore(struct roster *roster, const struct buf *text,
	struct fx_refusals *refusals)
{
	struct now now = fx_now(0);
	struct err err = { 0 };
	struct msg_netmap map;

	if (msg_netmap_decode(text->data, text->len, &map, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(roster_restore(roster, &map, &now, fx_hear_refusal,
				 refusals, &err),
		0);
	msg_netmap_release(&map);
}

static void test_cache_round_trip(void **state)
{
	AUTO(buf_release) struct buf text = BUF_INIT(1 << 20);
	AUTO(buf_release) struct buf again = BUF_INIT(1 << 20);
	AUTO_ROSTER roster = fx_roster_of(4);
	AUTO_ROSTER other = fx_roster();
	struct record removal = fx_removal(3);
	struct fx_refusals refusals = { 0 };
	struct fx_map fx;

	(void)state;
	fx_map_delta(&fx, 1, 8);
	fx_map_withhold(&fx, 1);
	fx_map_hint(&fx, 2, "10.0.0.2:2 [fd99::2]:2");
	fx_map_add(&fx, &removal, FX_OPERATOR);
	assert_true(fx_merge(roster, &fx, 0));
	fx_map_release(&fx);
	assert_int_equal(roster_encode(roster, &text), 0);
	restore(other, &text, &refusals);
	assert_int_equal(refusals.count, 0);
	assert_int_equal(roster_serial(other), 8);
	assert_true(fx_node(other, 1).withheld);
	assert_non_null(fx_node(other, 1).verified.key);
	assert_false(fx_node(other, 2).withheld);
	assert_int_equal(fx_node(other, 2).endpoint_count, 2);
	assert_true(fx_node(other, 3).verified.removed);
	assert_int_equal(roster_encode(other, &again), 0);
	assert_string_equal(buf_str(&text), buf_str(&again));
}

/* Where the engine found a peer is the first to try after a boot; until then it
 * does not pass for something that the coordinator said. */
static void test_cache_prefers(void **state)
{
	AUTO(buf_release) struct buf text = BUF_INIT(1 << 20);
	AUTO_ROSTER roster = fx_roster_of(3);
	AUTO_ROSTER other = fx_roster();
	struct node_id one = fx_node_id(1), two = fx_node_id(2);
	struct fx_refusals refusals = { 0 };
	struct endpoint a, b, c;
	struct fx_map fx;

	(void)state;
	assert_true(endpoint_parse("10.0.0.1:1", &a));
	assert_true(endpoint_parse("10.0.0.2:2", &b));
	assert_true(endpoint_parse("10.0.0.3:3", &c));
	fx_map_delta(&fx, 1, 2);
	fx_map_hint(&fx, 1, "10.0.0.1:1 10.0.0.2:2");
	assert_true(fx_merge(roster, &fx, 0));
	roster_prefer(roster, &one, &b);
	roster_prefer(roster, &two, &c);
	assert_int_equal(fx_node(roster, 1).endpoint_count, 2);
	assert_true(endpoint_equal(&fx_node(roster, 1).endpoints[0], &a));
	assert_int_equal(fx_node(roster, 2).endpoint_count, 0);
	assert_int_equal(roster_encode(roster, &text), 0);
	restore(other, &text, &refusals);
	assert_int_equal(fx_node(other, 1).endpoint_count, 2);
	assert_true(endpoint_equal(&fx_node(other, 1).endpoints[0], &b));
	assert_true(endpoint_equal(&fx_node(other, 1).endpoints[1], &a));
	assert_int_equal(fx_node(other, 2).endpoint_count, 1);
	assert_true(endpoint_equal(&fx_node(other, 2).endpoints[0], &c));
}

/* Whoever edits the cache has the powers of a coordinator, and no more. */
static void test_cache_is_verified_again(void **state)
{
	AUTO(buf_release) struct buf text = BUF_INIT(1 << 20);
	AUTO_ROSTER roster = fx_roster();
	struct fx_refusals refusals = { 0 };
	struct record intruder = fx_member(9), key = fx_key(9);
	struct fx_map fx;

	(void)state;
	fx_map_delta(&fx, 5, 5);
	fx_map_roots(&fx);
	fx_map_node(&fx, 0);
	fx_map_node(&fx, 1);
	fx_map_add(&fx, &intruder, FX_STRANGER);
	fx_map_add(&fx, &key, FX_NODE + 9);
	fx.records[4]->payload[20] ^= 1;
	assert_int_equal(msg_netmap_encode(&fx.map, &text), 0);
	restore(roster, &text, &refusals);
	fx_map_release(&fx);
	assert_true(refusals.count >= 2);
	assert_true(roster_has_self(roster));
	for (size_t i = 0; i < trust_node_count(roster_trust(roster)); i++) {
		struct roster_node node = roster_at(roster, i);

		assert_true(node_id_equal(
				    &node.verified.node, roster_self(roster)) ||
			!node.verified.membership);
	}
}

/* A serial of 0 has no delta; the cache must still be one that can be read. */
static void test_cache_of_serial_zero(void **state)
{
	AUTO(buf_release) struct buf text = BUF_INIT(1 << 20);
	AUTO_ROSTER roster = fx_roster();
	AUTO_ROSTER other = fx_roster();
	struct fx_refusals refusals = { 0 };
	struct fx_map fx;

	(void)state;
	fx_map_full(&fx, 0);
	fx_map_roots(&fx);
	fx_map_node(&fx, 0);
	assert_true(fx_merge(roster, &fx, 0));
	fx_map_release(&fx);
	assert_int_equal(roster_encode(roster, &text), 0);
	restore(other, &text, &refusals);
	assert_true(roster_has_self(other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_map),
		cmocka_unit_test(test_absent_is_withheld),
		cmocka_unit_test(test_delta),
		cmocka_unit_test(test_older_full_map_withholds_nobody),
		cmocka_unit_test(test_forged_record_still_names),
		cmocka_unit_test(test_removal_is_final),
		cmocka_unit_test(test_swapped_record),
		cmocka_unit_test(test_owed),
		cmocka_unit_test(test_applied),
		cmocka_unit_test(test_own_removal),
		cmocka_unit_test(test_hints),
		cmocka_unit_test(test_cache_round_trip),
		cmocka_unit_test(test_cache_prefers),
		cmocka_unit_test(test_cache_is_verified_again),
		cmocka_unit_test(test_cache_of_serial_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

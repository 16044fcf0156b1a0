/* trust: every rule of trust.h, and what each refusal says. */
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

static void hash_envelope(void *arg, const struct envelope *env)
{
	crypto_generichash_state *hash = arg;

	crypto_generichash_update(hash, env->sig.b, sizeof(env->sig.b));
	crypto_generichash_update(hash, env->payload, env->payload_len);
}

struct digest {
	uint8_t b[32];
};

/* All that is believed. */
static struct digest digest_of(const struct trust *trust)
{
	crypto_generichash_state hash;
	struct digest digest;

	crypto_generichash_init(&hash, NULL, 0, sizeof(digest.b));
	trust_each_envelope(trust, hash_envelope, &hash);
	crypto_generichash_final(&hash, digest.b, sizeof(digest.b));
	return digest;
}

#define CHANGE(name, statement)                                                \
	static void name(struct record *rec)                                   \
	{                                                                      \
		statement;                                                     \
	}

static void set_name(struct record *rec, const char *name)
{
	assert_true(str_copy(
		rec->membership.name, sizeof(rec->membership.name), name));
}

static void set_address(struct record *rec, const char *text)
{
	rec->membership.addresses[0] = fx_net(text);
}

CHANGE(as_it_is, (void)rec)
CHANGE(serial_2, rec->serial = 2)
CHANGE(serial_3, rec->serial = 3)
CHANGE(serial_4, rec->serial = 4)
CHANGE(serial_5, rec->serial = 5)
CHANGE(serial_6, rec->serial = 6)
CHANGE(mesh_renamed, {
	rec->serial = 4;
	assert_true(
		str_copy(rec->as_mesh.name, sizeof(rec->as_mesh.name), "away"));
})
CHANGE(mesh_wider, {
	rec->serial = 4;
	rec->as_mesh.prefixes[0] = fx_net("100.64.0.0/10");
})
CHANGE(mesh_elsewhere, {
	rec->serial = 4;
	rec->as_mesh.prefixes[0] = fx_net("10.0.0.0/8");
})
CHANGE(mesh_v4_only, {
	rec->serial = 4;
	rec->as_mesh.prefix_count = 1;
})
CHANGE(grant_of_stranger, rec->grant.delegate = fx_public(FX_STRANGER))
CHANGE(grant_longer, {
	rec->serial = 4;
	rec->grant.expires = fx_wall(2 * FX_GRANT_SEC);
})
CHANGE(issued_early, rec->membership.issued_at = fx_wall(-TRUST_SKEW_SEC - 1))
CHANGE(issued_in_skew, rec->membership.issued_at = fx_wall(-TRUST_SKEW_SEC))
CHANGE(issued_late, rec->membership.issued_at = fx_wall(FX_GRANT_SEC))
CHANGE(issued_ahead, rec->membership.issued_at = fx_wall(TRUST_SKEW_SEC))
CHANGE(issued_in_future,
	rec->membership.issued_at = fx_wall(TRUST_SKEW_SEC + 1))
CHANGE(with_route, {
	rec->membership.routes[0] = fx_net("10.0.0.0/8");
	rec->membership.route_count = 1;
})
CHANGE(with_tag, {
	memcpy(rec->membership.tags[1], "db", 3);
	rec->membership.tag_count = 2;
})
CHANGE(without_tags, rec->membership.tag_count = 0)
CHANGE(outside, set_address(rec, "100.65.0.1"))
CHANGE(widened, {
	rec->serial = 6;
	set_address(rec, "10.0.0.1");
})
CHANGE(outside_6, rec->membership.addresses[1] = fx_net("fd00:2::1"))
CHANGE(network, set_address(rec, "100.64.0.0"))
CHANGE(network_6, rec->membership.addresses[1] = fx_net("fd00:1::"))
CHANGE(name_of_0, set_name(rec, "node-0"))
CHANGE(name_of_3, set_name(rec, "node-3"))
CHANGE(address_of_1, set_address(rec, "100.64.1.1"))
CHANGE(address_of_3, set_address(rec, "100.64.1.3"))
CHANGE(address6_of_1, rec->membership.addresses[1] = fx_net("fd00:1::1:1"))
CHANGE(renamed, {
	rec->serial = 6;
	set_name(rec, "new-name");
})
CHANGE(swapped_addresses, {
	struct ipnet first = rec->membership.addresses[0];

	rec->serial = 6;
	rec->membership.addresses[0] = rec->membership.addresses[1];
	rec->membership.addresses[1] = first;
})
CHANGE(renamed_to_other, {
	rec->serial = 6;
	set_name(rec, "node-1");
})
CHANGE(expired, {
	rec->membership.issued_at = fx_wall(-20);
	rec->membership.not_after = fx_wall(-10);
})
CHANGE(key_rotated, {
	rec->serial = 6;
	rec->key.epoch = 3;
	rec->key.public_key.b[0] ^= 1;
})
CHANGE(key_same_epoch, {
	rec->serial = 6;
	rec->key.epoch = 2;
	rec->key.public_key.b[0] ^= 1;
})
CHANGE(key_restated, {
	rec->serial = 6;
	rec->key.epoch = 2;
})
CHANGE(key_back, rec->serial = 6)
CHANGE(key_of_1, {
	rec->serial = 6;
	rec->key.epoch = 3;
	memcpy(rec->key.public_key.b, fx_key(FX_STATED).key.public_key.b,
		KEY_SIZE);
})
CHANGE(key_of_3, {
	rec->serial = 6;
	rec->key.epoch = 3;
	memcpy(rec->key.public_key.b, fx_key(FX_REMOVED).key.public_key.b,
		KEY_SIZE);
})

static struct record make_mesh(unsigned int node)
{
	return fx_mesh();
}

static struct record make_grant(unsigned int node)
{
	return fx_grant();
}

struct row {
	int line;
	struct record (*make)(unsigned int node);
	unsigned int node;
	void (*change)(struct record *rec);
	unsigned int who;
	enum trust_verdict verdict;
	const char *label, *reason; /* of the message */
};
#define ROW(make, node, change, who, verdict, label, reason)                   \
	{                                                                      \
		__LINE__, make, node, change, who, TRUST_##verdict, label,     \
			reason                                                 \
	}
#define OK(make, node, change, who)                                            \
	{                                                                      \
		__LINE__, make, node, change, who, TRUST_ACCEPTED, "", ""      \
	}

static const struct row mesh_rows[] = {
	ROW(make_mesh, 0, serial_3, FX_OPERATOR, KNOWN, "", ""),
	ROW(make_mesh, 0, serial_2, FX_OPERATOR, STALE,
		"mesh record of home: ", "serial 2 is not above 3"),
	ROW(make_mesh, 0, serial_4, FX_DELEGATE, REFUSED,
		"mesh record of home: ", "not signed by the operator"),
	ROW(make_mesh, 0, serial_4, FX_STRANGER, REFUSED,
		"mesh record of home: ", "not signed by the operator"),
	OK(make_mesh, 0, serial_4, FX_OPERATOR),
	OK(make_mesh, 0, mesh_renamed, FX_OPERATOR),
	OK(make_mesh, 0, mesh_wider, FX_OPERATOR),
	ROW(make_mesh, 0, mesh_elsewhere, FX_OPERATOR, REFUSED,
		"mesh record of home: ", "would leave node-"),
	ROW(make_mesh, 0, mesh_v4_only, FX_OPERATOR, REFUSED,
		"mesh record of home: ", "would leave node-"),
};

static const struct row grant_rows[] = {
	ROW(make_grant, 0, serial_3, FX_OPERATOR, KNOWN, "", ""),
	ROW(make_grant, 0, serial_2, FX_OPERATOR, STALE, "grant of ",
		"serial 2 is not above 3"),
	ROW(make_grant, 0, grant_of_stranger, FX_STRANGER, REFUSED, "grant of ",
		"not signed by the operator"),
	ROW(make_grant, 0, grant_of_stranger, FX_DELEGATE, REFUSED, "grant of ",
		"not signed by the operator"),
	ROW(make_grant, 0, grant_longer, FX_DELEGATE, REFUSED, "grant of ",
		"not signed by the operator"),
	ROW(make_grant, 0, grant_longer, FX_OPERATOR, REFUSED, "grant of ",
		"has its grant already"),
	OK(make_grant, 0, grant_of_stranger, FX_OPERATOR),
};

static const struct row membership_rows[] = {
	/* who may sign */
	OK(fx_member, FX_UNKNOWN, as_it_is, FX_DELEGATE),
	OK(fx_member, FX_UNKNOWN, as_it_is, FX_OPERATOR),
	OK(fx_member, FX_UNKNOWN, serial_6, FX_OPERATOR),
	ROW(fx_member, FX_UNKNOWN, as_it_is, FX_STRANGER, REFUSED,
		"membership of node-5: ", "signed neither by the operator nor"),
	ROW(fx_member, FX_UNKNOWN, as_it_is, FX_NODE + FX_UNKNOWN, REFUSED,
		"membership of node-5: ", "signed neither by the operator nor"),
	ROW(fx_member, FX_ADMITTED, serial_6, FX_NODE + FX_ADMITTED, REFUSED,
		"membership of node-0: ", "signed neither by the operator nor"),
	ROW(fx_member, FX_ADMITTED, serial_6, FX_DELEGATE, REFUSED,
		"membership of node-0: ", "only the operator restates"),
	ROW(fx_member, FX_STATED, serial_6, FX_DELEGATE, REFUSED,
		"membership of node-1: ", "only the operator restates"),
	/* the grant */
	OK(fx_member, FX_UNKNOWN, issued_in_skew, FX_DELEGATE),
	ROW(fx_member, FX_UNKNOWN, issued_early, FX_DELEGATE, REFUSED,
		"membership of node-5: ", "issued before its grant"),
	ROW(fx_member, FX_UNKNOWN, issued_late, FX_DELEGATE, REFUSED,
		"membership of node-5: ", "after its grant expired"),
	OK(fx_member, FX_UNKNOWN, issued_ahead, FX_DELEGATE),
	ROW(fx_member, FX_UNKNOWN, issued_in_future, FX_DELEGATE, REFUSED,
		"membership of node-5: ", "issued in the future"),
	OK(fx_member, FX_UNKNOWN, issued_in_future, FX_OPERATOR),
	ROW(fx_member, FX_UNKNOWN, with_route, FX_DELEGATE, REFUSED,
		"membership of node-5: ", "may not grant routes"),
	OK(fx_member, FX_UNKNOWN, with_route, FX_OPERATOR),
	ROW(fx_member, FX_UNKNOWN, with_tag, FX_DELEGATE, REFUSED,
		"membership of node-5: ", "does not have tag db"),
	OK(fx_member, FX_UNKNOWN, with_tag, FX_OPERATOR),
	OK(fx_member, FX_UNKNOWN, without_tags, FX_DELEGATE),
	ROW(fx_member, FX_UNKNOWN, outside, FX_DELEGATE, REFUSED,
		"membership of node-5: ",
		"100.65.0.1 is outside its grant's prefixes"),
	/* the mesh */
	ROW(fx_member, FX_UNKNOWN, outside, FX_OPERATOR, REFUSED,
		"membership of node-5: ",
		"100.65.0.1 is outside the mesh's prefixes"),
	ROW(fx_member, FX_UNKNOWN, outside_6, FX_OPERATOR, REFUSED,
		"membership of node-5: ",
		"fd00:2::1 is outside the mesh's prefixes"),
	ROW(fx_member, FX_UNKNOWN, network, FX_DELEGATE, REFUSED,
		"membership of node-5: ", "100.64.0.0 is the network's own"),
	ROW(fx_member, FX_UNKNOWN, network_6, FX_OPERATOR, REFUSED,
		"membership of node-5: ", "fd00:1:: is the network's own"),
	ROW(fx_member, FX_STATED, widened, FX_OPERATOR, REFUSED,
		"membership of node-1: ",
		"10.0.0.1 is outside the mesh's prefixes"),
	/* the others */
	ROW(fx_member, FX_UNKNOWN, name_of_0, FX_DELEGATE, REFUSED,
		"membership of node-0: ", "its name is that of node "),
	ROW(fx_member, FX_UNKNOWN, name_of_0, FX_OPERATOR, REFUSED,
		"membership of node-0: ", "its name is that of node "),
	ROW(fx_member, FX_UNKNOWN, address_of_1, FX_DELEGATE, REFUSED,
		"membership of node-5: ", "100.64.1.1 is that of node-1"),
	ROW(fx_member, FX_UNKNOWN, address6_of_1, FX_OPERATOR, REFUSED,
		"membership of node-5: ", "fd00:1::1:1 is that of node-1"),
	ROW(fx_member, FX_ADMITTED, renamed_to_other, FX_OPERATOR, REFUSED,
		"membership of node-1 (node-0): ", "its name is that of node "),
	OK(fx_member, FX_UNKNOWN, name_of_3, FX_DELEGATE),
	OK(fx_member, FX_UNKNOWN, address_of_3, FX_DELEGATE),
	/* serials */
	ROW(fx_member, FX_ADMITTED, as_it_is, FX_DELEGATE, KNOWN, "", ""),
	ROW(fx_member, FX_STATED, serial_5, FX_OPERATOR, KNOWN, "", ""),
	ROW(fx_member, FX_RESTATED, as_it_is, FX_DELEGATE, KNOWN, "", ""),
	ROW(fx_member, FX_STATED, serial_4, FX_OPERATOR, STALE,
		"membership of node-1: ", "serial 4 is not above 5"),
	ROW(fx_member, FX_ADMITTED, without_tags, FX_DELEGATE, STALE,
		"membership of node-0: ", "serial 1 is not above 1"),
	ROW(fx_member, FX_ADMITTED, as_it_is, FX_OPERATOR, STALE,
		"membership of node-0: ", "serial 1 is not above 1"),
	OK(fx_member, FX_ADMITTED, renamed, FX_OPERATOR),
	OK(fx_member, FX_STATED, renamed, FX_OPERATOR),
	OK(fx_member, FX_RESTATED, renamed, FX_OPERATOR),
	OK(fx_member, FX_ADMITTED, swapped_addresses, FX_OPERATOR),
	/* time and removal */
	OK(fx_member, FX_UNKNOWN, expired, FX_OPERATOR),
	ROW(fx_member, FX_REMOVED, as_it_is, FX_DELEGATE, REFUSED,
		"membership of node-3: ", "was removed, for good"),
	ROW(fx_member, FX_REMOVED, serial_6, FX_OPERATOR, REFUSED,
		"membership of node-3: ", "was removed, for good"),
	ROW(fx_member, FX_REMOVED, renamed, FX_OPERATOR, REFUSED,
		"membership of new-name (node-3): ", "was removed, for good"),
	ROW(fx_member, FX_NEVER_SEEN, serial_6, FX_OPERATOR, REFUSED,
		"membership of node-4: ", "was removed, for good"),
};

static const struct row key_rows[] = {
	OK(fx_key, FX_RESTATED, as_it_is, FX_NODE + FX_RESTATED),
	OK(fx_key, FX_ADMITTED, key_rotated, FX_NODE + FX_ADMITTED),
	OK(fx_key, FX_ADMITTED, key_restated, FX_NODE + FX_ADMITTED),
	OK(fx_key, FX_ADMITTED, key_of_3, FX_NODE + FX_ADMITTED),
	ROW(fx_key, FX_STATED, as_it_is, FX_NODE + FX_STATED, KNOWN, "", ""),
	ROW(fx_key, FX_ADMITTED, key_rotated, FX_STRANGER, REFUSED, "key of ",
		"(node-0): is not signed by the node's identity"),
	ROW(fx_key, FX_ADMITTED, key_rotated, FX_OPERATOR, REFUSED, "key of ",
		"(node-0): is not signed by the node's identity"),
	ROW(fx_key, FX_ADMITTED, key_rotated, FX_NODE + FX_STATED, REFUSED,
		"key of ", "(node-0): is not signed by the node's identity"),
	ROW(fx_key, FX_ADMITTED, serial_4, FX_STRANGER, REFUSED, "key of ",
		"is not signed by the node's identity"),
	ROW(fx_key, FX_ADMITTED, serial_4, FX_NODE + FX_ADMITTED, STALE,
		"key of ", "serial 4 is not above 5"),
	ROW(fx_key, FX_ADMITTED, serial_5, FX_NODE + FX_ADMITTED, STALE,
		"key of ", "serial 5 is not above 5"),
	ROW(fx_key, FX_ADMITTED, key_back, FX_NODE + FX_ADMITTED, REFUSED,
		"key of ", "epoch 1 is below 2"),
	ROW(fx_key, FX_ADMITTED, key_same_epoch, FX_NODE + FX_ADMITTED, REFUSED,
		"key of ", "epoch 2 has another key already"),
	ROW(fx_key, FX_ADMITTED, key_of_1, FX_NODE + FX_ADMITTED, REFUSED,
		"key of ", "its WireGuard key is that of node-1"),
	ROW(fx_key, FX_UNKNOWN, as_it_is, FX_NODE + FX_UNKNOWN, REFUSED,
		"key of ", "no membership of this node"),
	ROW(fx_key, FX_REMOVED, as_it_is, FX_NODE + FX_REMOVED, REFUSED,
		"key of ", "(node-3): the node was removed, for good"),
	ROW(fx_key, FX_NEVER_SEEN, as_it_is, FX_NODE + FX_NEVER_SEEN, REFUSED,
		"key of ", "was removed, for good"),
};

static const struct row removal_rows[] = {
	OK(fx_removal, FX_ADMITTED, as_it_is, FX_OPERATOR),
	OK(fx_removal, FX_ADMITTED, as_it_is, FX_NODE + FX_ADMITTED),
	OK(fx_removal, FX_UNKNOWN, as_it_is, FX_OPERATOR),
	OK(fx_removal, FX_UNKNOWN, as_it_is, FX_NODE + FX_UNKNOWN),
	ROW(fx_removal, FX_ADMITTED, as_it_is, FX_DELEGATE, REFUSED,
		"removal of ",
		"(node-0): is signed neither by the operator nor"),
	ROW(fx_removal, FX_ADMITTED, as_it_is, FX_NODE + FX_STATED, REFUSED,
		"removal of ", "signed neither by the operator nor"),
	ROW(fx_removal, FX_UNKNOWN, as_it_is, FX_STRANGER, REFUSED,
		"removal of ", "signed neither by the operator nor"),
	ROW(fx_removal, FX_REMOVED, as_it_is, FX_OPERATOR, KNOWN, "", ""),
	ROW(fx_removal, FX_REMOVED, serial_2, FX_OPERATOR, STALE, "removal of ",
		"is removed already"),
	ROW(fx_removal, FX_REMOVED, as_it_is, FX_NODE + FX_REMOVED, STALE,
		"removal of ", "is removed already"),
	ROW(fx_removal, FX_REMOVED, serial_2, FX_STRANGER, REFUSED,
		"removal of ", "signed neither by the operator nor"),
};

static bool row_holds(const struct row *row)
{
	AUTO(trust_free) struct trust *trust = fx_world();
	struct record rec = row->make(row->node);
	struct digest before = digest_of(trust), after;
	enum trust_verdict verdict;
	struct err err = { 0 };
	bool changed, ok;

	row->change(&rec);
	verdict = fx_offer(trust, &rec, row->who, &err);
	after = digest_of(trust);
	changed = memcmp(&before, &after, sizeof(before)) != 0;
	ok = verdict == row->verdict &&
		!strncmp(err.msg, row->label, strlen(row->label)) &&
		strstr(err.msg, row->reason) &&
		changed == (verdict == TRUST_ACCEPTED);
	/* a second time changes nothing */
	if (verdict == TRUST_ACCEPTED)
		ok = ok && fx_offer(trust, &rec, row->who, &err) == TRUST_KNOWN;
	if (!ok)
		print_error("line %d: verdict %d%s \"%s\"\n", row->line,
			verdict, changed ? ", changed" : "", err.msg);
	return ok;
}

static void judge(const struct row *rows, size_t count)
{
	int failed = 0;

	for (size_t i = 0; i < count; i++)
		failed += !row_holds(&rows[i]);
	assert_int_equal(failed, 0);
}

static void test_mesh(void **state)
{
	judge(mesh_rows, ARRAY_SIZE(mesh_rows));
}

static void test_grant(void **state)
{
	judge(grant_rows, ARRAY_SIZE(grant_rows));
}

static void test_membership(void **state)
{
	judge(membership_rows, ARRAY_SIZE(membership_rows));
}

static void test_key(void **state)
{
	judge(key_rows, ARRAY_SIZE(key_rows));
}

static void test_removal(void **state)
{
	judge(removal_rows, ARRAY_SIZE(removal_rows));
}

/* Every type of record of another mesh, well signed by that mesh's operator,
 * and by ours: neither goes. */
static void test_other_mesh(void **state)
{
	AUTO(trust_free) struct trust *trust = fx_world();
	struct signpub other = fx_public(FX_STRANGER);
	struct record recs[] = { fx_grant(), fx_member(FX_UNKNOWN),
		fx_key(FX_ADMITTED), fx_removal(FX_ADMITTED) };
	struct record mesh = fx_mesh();
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(recs); i++) {
		recs[i].mesh = mesh_id_of(&other);
		recs[i].serial = 9;
		assert_int_equal(fx_offer(trust, &recs[i], FX_STRANGER, &err),
			TRUST_REFUSED);
		assert_non_null(strstr(err.msg, "belongs to another mesh"));
		assert_int_equal(fx_offer(trust, &recs[i], FX_OPERATOR, &err),
			TRUST_REFUSED);
		assert_non_null(strstr(err.msg, "belongs to another mesh"));
	}
	mesh.as_mesh.operator_key = other;
	mesh.mesh = mesh_id_of(&other);
	assert_int_equal(
		fx_offer(trust, &mesh, FX_STRANGER, &err), TRUST_REFUSED);
	assert_string_equal(
		err.msg, "mesh record of home: belongs to another mesh");
}

/* A record whose signature does not verify is refused and named, with every
 * bit of it flipped in turn; nothing is believed by it. */
static void test_forged_bits(void **state)
{
	AUTO(trust_free) struct trust *trust = fx_world();
	struct record rec = fx_removal(FX_ADMITTED);
	AUTO(envelope_free) struct envelope *env = fx_sign(&rec, FX_OPERATOR);
	uint8_t *const parts[] = { env->key.b, env->sig.b, env->payload };
	const size_t sizes[] = { KEY_SIZE, SIG_SIZE, env->payload_len };
	struct digest before = digest_of(trust), after;
	struct now now = fx_now(0);
	int failed = 0;

	for (size_t p = 0; p < ARRAY_SIZE(parts); p++) {
		for (size_t bit = 0; bit < sizes[p] * 8; bit++) {
			struct err err = { 0 };
			enum trust_verdict verdict;

			parts[p][bit / 8] ^= (uint8_t)(1 << bit % 8);
			verdict = trust_offer(trust, env, &now, &err);
			if (verdict != TRUST_REFUSED ||
				!strstr(err.msg,
					": the signature does not verify")) {
				print_error("part %zu bit %zu: %s\n", p, bit,
					err.msg);
				failed++;
			}
			parts[p][bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
	after = digest_of(trust);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(failed, 0);
	assert_int_equal(trust_offer(trust, env, &now, NULL), TRUST_ACCEPTED);
}

/* What a record says of itself may be no record at all. */
static void test_unreadable(void **state)
{
	static const struct {
		int line;
		unsigned int who;
		const char *text, *want;
	} rows[] = {
		{ __LINE__, FX_OPERATOR, "", "(the operator): is not JSON" },
		{ __LINE__, FX_DELEGATE, "{}", "(a delegate): /schema: " },
		{ __LINE__, FX_NODE + FX_STATED, "[]",
			"(node-1): is not an obj" },
		{ __LINE__, FX_STRANGER, "{\"\x1b[2J\":1}",
			"(nobody known): is not JSON" },
	};
	AUTO(trust_free) struct trust *trust = fx_world();
	struct now now = fx_now(0);
	int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(envelope_free)
		struct envelope *env = fx_sign_text(rows[i].text, rows[i].who);
		struct err err = { 0 };
		bool ok;

		ok = trust_offer(trust, env, &now, &err) == TRUST_REFUSED &&
			!strncmp(err.msg, "record signed with ", 19) &&
			strstr(err.msg, rows[i].want) &&
			!strchr(err.msg, '\x1b');
		env->sig.b[0] ^= 1;
		ok = ok && trust_offer(trust, env, &now, NULL) == TRUST_REFUSED;
		if (!ok) {
			print_error("line %d: %s\n", rows[i].line, err.msg);
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

/* The limits of form hold under a good signature, and the record is named. */
static void test_bad_form(void **state)
{
	AUTO(trust_free) struct trust *trust = fx_world();
	struct record rec = fx_member(FX_STATED);
	AUTO(envelope_free) struct envelope *env = fx_sign(&rec, FX_OPERATOR);
	AUTO(envelope_free) struct envelope *forged = NULL;
	struct now now = fx_now(0);
	struct err err = { 0 };
	char text[2048];
	char *at;

	memcpy(text, env->payload, env->payload_len);
	text[env->payload_len] = '\0';
	at = strstr(text, "100.64.1.1/32");
	assert_non_null(at);
	memcpy(at, "100.64.0.0/16", 13);
	forged = fx_sign_text(text, FX_OPERATOR);
	assert_int_equal(trust_offer(trust, forged, &now, &err), TRUST_REFUSED);
	assert_string_equal(err.msg,
		"membership of node-1: /addresses/0: is not a single address");
	/* unsigned, it is named all the same */
	forged->sig.b[5] ^= 1;
	assert_int_equal(trust_offer(trust, forged, &now, &err), TRUST_REFUSED);
	assert_string_equal(
		err.msg, "membership of node-1: the signature does not verify");
}

/* A host that was off, and whose clock does not know it yet: what it refuses
 * now, nobody will tell it again. */
static void test_clock_behind(void **state)
{
	AUTO(trust_free) struct trust *trust = fx_world();
	struct record after_grant = fx_member(FX_UNKNOWN);
	AUTO(envelope_free) struct envelope *too_late = NULL;
	AUTO(envelope_free) struct envelope *env = NULL;
	struct now now = fx_now(-7 * 24 * 3600);
	struct err err = { 0 };

	(void)state;
	after_grant.membership.issued_at = fx_wall(TRUST_SKEW_SEC + 1);
	too_late = fx_sign(&after_grant, FX_DELEGATE);
	assert_int_equal(
		trust_offer(trust, too_late, &now, &err), TRUST_REFUSED);
	after_grant.membership.issued_at = fx_wall(TRUST_SKEW_SEC);
	env = fx_sign(&after_grant, FX_DELEGATE);
	if (trust_offer(trust, env, &now, &err) != TRUST_ACCEPTED)
		fail_msg("%s", err.msg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mesh),
		cmocka_unit_test(test_grant),
		cmocka_unit_test(test_membership),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_removal),
		cmocka_unit_test(test_other_mesh),
		cmocka_unit_test(test_forged_bits),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_bad_form),
		cmocka_unit_test(test_clock_behind),
	};

	if (sodium_init() < 0)
		return 99;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

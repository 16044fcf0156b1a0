/* record, record_form, record_check, envelope: form and signature. */
#include "config.h"
#include "meshproto/record.h"

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

typedef struct record make_record(unsigned int node);

static struct record make_mesh(unsigned int node)
{
	return fx_mesh();
}

static struct record make_grant(unsigned int node)
{
	return fx_grant();
}

/* ---- ids ---- */

/* BLAKE2b-256 over 32 bytes, by coreutils' `b2sum -l 256`. */
static void test_ids(void **state)
{
	struct signpub zero = { { 0 } };
	struct node_id id = node_id_of(&zero), back;
	struct mesh_id mesh = mesh_id_of(&zero);
	char text[MESH_ID_TEXT_SIZE], upper[MESH_ID_TEXT_SIZE];

	assert_string_equal(
		node_id_format(&id, text), "89eb0d6a8a691dae2cd15ed0369931ce");
	assert_memory_equal(mesh.b, id.b, sizeof(id.b));
	assert_true(node_id_parse(text, &back));
	assert_true(node_id_equal(&id, &back));
	back.b[15] ^= 1;
	assert_false(node_id_equal(&id, &back));
	for (size_t i = 0; i < sizeof(upper); i++)
		upper[i] = text[i] == 'b' ? 'B' : text[i];
	assert_false(node_id_parse(upper, &back));
	assert_false(node_id_parse("89eb0d6a8a691dae2cd15ed0369931c", &back));
	assert_false(node_id_parse("89eb0d6a8a691dae2cd15ed0369931cee", &back));
	assert_false(mesh_id_parse("89eb0d6a8a691dae2cd15ed0369931c ", &mesh));
	assert_false(mesh_id_parse("", &mesh));
}

/* ---- round trips ---- */

/* The largest of each kind that there is. */
static struct record max_mesh(unsigned int node)
{
	struct record rec = fx_mesh();

	memset(rec.as_mesh.name, 'n', NAME_MAX_LEN);
	rec.serial = INT64_MAX;
	return rec;
}

static void fill_tags(char (*tags)[NAME_MAX_LEN + 1], size_t *count)
{
	for (size_t i = 0; i < RECORD_TAGS_MAX; i++) {
		memset(tags[i], 't', NAME_MAX_LEN);
		tags[i][0] = (char)('a' + i);
	}
	*count = RECORD_TAGS_MAX;
}

static struct record max_grant(unsigned int node)
{
	struct record rec = fx_grant();

	rec.serial = INT64_MAX;
	rec.grant.uses = UINT32_MAX;
	rec.grant.expires.ns = INT64_C(9214646399) * NSEC_PER_SEC;
	fill_tags(rec.grant.tags, &rec.grant.tag_count);
	return rec;
}

static struct record max_member(unsigned int node)
{
	struct record rec = fx_member(node);
	struct record_membership *m = &rec.membership;
	char text[IPNET_TEXT_SIZE];

	rec.serial = INT64_MAX;
	memset(m->name, 'n', NAME_MAX_LEN);
	fill_tags(m->tags, &m->tag_count);
	for (unsigned int i = 0; i < RECORD_ROUTES_MAX; i++) {
		(void)snprintf(text, sizeof(text),
			"2001:db8:1234:5678:9abc:def0:1234:%x/128", 0x8000 + i);
		m->routes[i] = fx_net(text);
	}
	m->route_count = RECORD_ROUTES_MAX;
	for (unsigned int i = 0; i < RECORD_ADDRESSES_MAX; i++) {
		(void)snprintf(text, sizeof(text),
			"fd00:1:2345:5678:9abc:def0:1234:%x", 0x8000 + i);
		m->addresses[i] = fx_net(text);
	}
	m->address_count = RECORD_ADDRESSES_MAX;
	m->not_after = fx_wall(86400);
	return rec;
}

static struct record bare_member(unsigned int node)
{
	struct record rec = fx_member(node);

	rec.membership.address_count = 1;
	rec.membership.addresses[1] = (struct ipnet){ 0 };
	rec.membership.tag_count = 0;
	memset(rec.membership.tags, 0, sizeof(rec.membership.tags));
	return rec;
}

static struct record max_key(unsigned int node)
{
	struct record rec = fx_key(node);

	rec.serial = INT64_MAX;
	rec.key.epoch = INT64_MAX;
	return rec;
}

/* No padding is compared: every field stands for itself. */
static bool member_equal(
	const struct record_membership *a, const struct record_membership *b)
{
	bool same = node_id_equal(&a->node, &b->node) &&
		key_equal(a->identity.b, b->identity.b) &&
		!strcmp(a->name, b->name) &&
		a->address_count == b->address_count &&
		a->route_count == b->route_count &&
		a->tag_count == b->tag_count &&
		a->issued_at.ns == b->issued_at.ns &&
		a->not_after.ns == b->not_after.ns;

	for (size_t i = 0; same && i < a->address_count; i++)
		same = ipnet_equal(&a->addresses[i], &b->addresses[i]);
	for (size_t i = 0; same && i < a->route_count; i++)
		same = ipnet_equal(&a->routes[i], &b->routes[i]);
	for (size_t i = 0; same && i < a->tag_count; i++)
		same = !strcmp(a->tags[i], b->tags[i]);
	return same;
}

static bool grant_equal(
	const struct record_grant *a, const struct record_grant *b)
{
	bool same = key_equal(a->delegate.b, b->delegate.b) &&
		a->issued_at.ns == b->issued_at.ns &&
		a->expires.ns == b->expires.ns && a->uses == b->uses &&
		a->tag_count == b->tag_count &&
		a->prefix_count == b->prefix_count;

	for (size_t i = 0; same && i < a->tag_count; i++)
		same = !strcmp(a->tags[i], b->tags[i]);
	for (size_t i = 0; same && i < a->prefix_count; i++)
		same = ipnet_equal(&a->prefixes[i], &b->prefixes[i]);
	return same;
}

static bool mesh_equal(const struct record_mesh *a, const struct record_mesh *b)
{
	return key_equal(a->operator_key.b, b->operator_key.b) &&
		!strcmp(a->name, b->name) &&
		a->prefix_count == b->prefix_count &&
		ipnet_equal(&a->prefixes[0], &b->prefixes[0]) &&
		ipnet_equal(&a->prefixes[1], &b->prefixes[1]);
}

static bool record_equal(const struct record *a, const struct record *b)
{
	if (a->type != b->type || a->serial != b->serial ||
		memcmp(a->mesh.b, b->mesh.b, sizeof(a->mesh.b)))
		return false;
	switch (a->type) {
	case RECORD_MESH:
		return mesh_equal(&a->as_mesh, &b->as_mesh);
	case RECORD_GRANT:
		return grant_equal(&a->grant, &b->grant);
	case RECORD_MEMBERSHIP:
		return member_equal(&a->membership, &b->membership);
	case RECORD_KEY:
		return node_id_equal(&a->key.node, &b->key.node) &&
			a->key.epoch == b->key.epoch &&
			key_equal(a->key.public_key.b, b->key.public_key.b);
	case RECORD_REMOVAL:
		return node_id_equal(&a->removal.node, &b->removal.node);
	}
	return false;
}

static void test_round_trip(void **state)
{
	static const struct {
		int line;
		make_record *make;
		const char *label;
	} rows[] = {
		{ __LINE__, make_mesh, "mesh record of home" },
		{ __LINE__, make_grant, NULL },
		{ __LINE__, fx_member, "membership of node-7" },
		{ __LINE__, fx_key, NULL },
		{ __LINE__, fx_removal, NULL },
		{ __LINE__, max_mesh, NULL },
		{ __LINE__, max_grant, NULL },
		{ __LINE__, max_member, NULL },
		{ __LINE__, bare_member, NULL },
		{ __LINE__, max_key, NULL },
	};
	int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct record rec = rows[i].make(7), back = { 0 };
		AUTO(buf_release) struct buf text = BUF_INIT(16384);
		AUTO(envelope_free) struct envelope *env = NULL;
		AUTO(envelope_free) struct envelope *again = NULL;
		char label[RECORD_LABEL_SIZE];
		struct err err = { 0 };
		bool ok;

		env = fx_sign(&rec, FX_OPERATOR);
		ok = envelope_encode(env, &text) == 0 &&
			envelope_decode(text.data, text.len, &again, &err) ==
				0 &&
			envelope_equal(env, again) &&
			record_open(again, &back, &err) == 0 &&
			record_equal(&rec, &back);
		(void)record_label(&back, label);
		if (rows[i].label)
			ok = ok && !strcmp(label, rows[i].label);
		if (!ok) {
			print_error("line %d: %s %s\n", rows[i].line, label,
				err.msg);
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

/* What is signed stays readable to whoever comes later. Changing this text
 * makes every record in the field unreadable: it takes a new schema. */
static void test_payload_is_stable(void **state)
{
	struct record rec = fx_member(7);
	AUTO(envelope_free) struct envelope *env = NULL;
	struct record back;
	struct err err = { 0 };
	static const char want[] =
		"{\"schema\":\"mesh/v1\",\"type\":\"membership\","
		"\"mesh\":\"%s\",\"serial\":1,\"node\":\"%s\","
		"\"identity\":\"%s\",\"name\":\"node-7\","
		"\"addresses\":[\"100.64.1.7/32\",\"fd00:1::1:7/128\"],"
		"\"routes\":[],\"tags\":[\"web\"],"
		"\"issued_at\":\"2027-01-15T08:00:00Z\"}";
	char text[1024], mesh[MESH_ID_TEXT_SIZE], node[MESH_ID_TEXT_SIZE],
		key[KEY_BASE64_SIZE];

	/* the rest is fixed text; no attacker's format */
	(void)snprintf(text, sizeof(text), want,
		mesh_id_format(&rec.mesh, mesh),
		node_id_format(&rec.membership.node, node),
		key_format_base64(rec.membership.identity.b, key));
	env = fx_sign(&rec, FX_OPERATOR);
	assert_int_equal(env->payload_len, strlen(text));
	assert_memory_equal(env->payload, text, strlen(text));
	/* a record signed as another program would write it is as good */
	envelope_free(env);
	env = fx_sign_text(
		"{ \"node\" : \"89eb0d6a8a691dae2cd15ed0369931ce\",\n"
		"  \"type\":\"removal\", \"serial\":5, "
		"\"schema\":\"mesh\\/v1\","
		" \"mesh\":\"00000000000000000000000000000000\" } ",
		FX_OPERATOR);
	assert_int_equal(record_open(env, &back, &err), 0);
	assert_int_equal(back.serial, 5);
}

/* ---- signatures ---- */

static void test_every_flipped_bit(void **state)
{
	struct record rec = fx_key(1), back;
	AUTO(envelope_free) struct envelope *env = fx_sign(&rec, FX_NODE + 1);
	uint8_t *const parts[] = { env->key.b, env->sig.b, env->payload };
	const size_t sizes[] = { KEY_SIZE, SIG_SIZE, env->payload_len };
	int failed = 0;

	for (size_t p = 0; p < ARRAY_SIZE(parts); p++) {
		for (size_t bit = 0; bit < sizes[p] * 8; bit++) {
			struct err err = { 0 };

			parts[p][bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (record_open(env, &back, &err) != -EBADMSG ||
				strcmp(err.msg,
					"the signature does not verify")) {
				print_error("part %zu bit %zu: %s\n", p, bit,
					err.msg);
				failed++;
			}
			parts[p][bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
	assert_int_equal(failed, 0);
	assert_int_equal(record_open(env, &back, NULL), 0);
}

static void test_cut_payload(void **state)
{
	struct record rec = fx_removal(1), back;
	AUTO(envelope_free) struct envelope *env = fx_sign(&rec, FX_OPERATOR);

	while (env->payload_len > 0) {
		env->payload_len--;
		assert_int_equal(record_open(env, &back, NULL), -EBADMSG);
	}
}

/* ---- refusals of form: the same going out and coming in ---- */

#define CHANGE(name, statement)                                                \
	static void name(struct record *rec)                                   \
	{                                                                      \
		statement;                                                     \
	}
CHANGE(no_serial, rec->serial = 0)
CHANGE(huge_serial, rec->serial = (uint64_t)INT64_MAX + 1)
CHANGE(other_mesh, rec->mesh.b[0] ^= 1)
CHANGE(mesh_no_name, rec->as_mesh.name[0] = '\0')
CHANGE(mesh_upper_name, rec->as_mesh.name[0] = 'A')
CHANGE(mesh_no_prefix, rec->as_mesh.prefix_count = 0)
CHANGE(mesh_prefixes, rec->as_mesh.prefix_count = RECORD_PREFIXES_MAX + 1)
CHANGE(mesh_host_bits, rec->as_mesh.prefixes[0] = fx_net("100.64.0.1/16"))
CHANGE(mesh_all, rec->as_mesh.prefixes[0] = fx_net("0.0.0.0/0"))
CHANGE(mesh_single, rec->as_mesh.prefixes[1] = fx_net("fd00::1"))
CHANGE(mesh_family, rec->as_mesh.prefixes[1] = fx_net("10.0.0.0/8"))
CHANGE(mesh_no_family, rec->as_mesh.prefixes[1].addr.family = IP_NONE)
CHANGE(grant_no_key, memset(rec->grant.delegate.b, 0, KEY_SIZE))
CHANGE(grant_no_time, rec->grant.issued_at.ns = 0)
CHANGE(grant_first_second, rec->grant.issued_at.ns = NSEC_PER_SEC - 1)
CHANGE(grant_never, rec->grant.expires = rec->grant.issued_at)
CHANGE(grant_part_second, rec->grant.expires.ns = rec->grant.issued_at.ns + 1)
CHANGE(grant_far, rec->grant.expires.ns = INT64_MAX)
CHANGE(grant_tag, rec->grant.tags[0][0] = '-')
CHANGE(grant_tags, rec->grant.tag_count = RECORD_TAGS_MAX + 1)
CHANGE(grant_no_prefix, rec->grant.prefix_count = 0)
CHANGE(member_node, rec->membership.node.b[3] ^= 4)
CHANGE(member_name, rec->membership.name[4] = ' ')
CHANGE(member_no_name, rec->membership.name[0] = '\0')
CHANGE(member_no_address, rec->membership.address_count = 0)
CHANGE(member_addresses, rec->membership.address_count = 5)
CHANGE(member_net, rec->membership.addresses[0] = fx_net("100.64.0.0/24"))
CHANGE(member_net6, rec->membership.addresses[1] = fx_net("fd00:1::/64"))
CHANGE(member_twice,
	rec->membership.addresses[1] = rec->membership.addresses[0])
CHANGE(member_no_time, rec->membership.issued_at.ns = -NSEC_PER_SEC)
CHANGE(member_ended, rec->membership.not_after = rec->membership.issued_at)
CHANGE(member_routes, rec->membership.route_count = RECORD_ROUTES_MAX + 1)
CHANGE(member_route_host, {
	rec->membership.routes[0] = fx_net("10.0.0.1/8");
	rec->membership.route_count = 1;
})
CHANGE(member_route_twice, {
	rec->membership.routes[0] = fx_net("10.0.0.0/8");
	rec->membership.routes[1] = fx_net("10.0.0.0/8");
	rec->membership.route_count = 2;
})
CHANGE(member_tag_twice, {
	memcpy(rec->membership.tags[1], "web", 4);
	rec->membership.tag_count = 2;
})
CHANGE(key_no_epoch, rec->key.epoch = 0)
CHANGE(key_huge_epoch, rec->key.epoch = UINT64_MAX)
CHANGE(key_zero, memset(rec->key.public_key.b, 0, KEY_SIZE))
CHANGE(bad_type, memcpy(&rec->type, &(int){ 77 }, sizeof(rec->type)))

static void test_sign_refuses(void **state)
{
	static const struct {
		int line;
		make_record *make;
		void (*change)(struct record *rec);
		const char *want; /* how the message begins */
	} rows[] = {
		{ __LINE__, make_mesh, no_serial, "/serial: " },
		{ __LINE__, fx_member, no_serial, "/serial: " },
		{ __LINE__, fx_removal, huge_serial, "/serial: " },
		{ __LINE__, make_mesh, other_mesh, "/mesh: " },
		{ __LINE__, make_mesh, mesh_no_name, "/name: " },
		{ __LINE__, make_mesh, mesh_upper_name, "/name: " },
		{ __LINE__, make_mesh, mesh_no_prefix, "/prefixes: " },
		{ __LINE__, make_mesh, mesh_prefixes, "/prefixes: " },
		{ __LINE__, make_mesh, mesh_host_bits,
			"/prefixes/0: has host bits" },
		{ __LINE__, make_mesh, mesh_all, "/prefixes/0: is everything" },
		{ __LINE__, make_mesh, mesh_single, "/prefixes/1: is every" },
		{ __LINE__, make_mesh, mesh_family,
			"/prefixes/1: is the second" },
		{ __LINE__, make_mesh, mesh_no_family, "/prefixes/1: has no" },
		{ __LINE__, make_grant, grant_no_key, "/delegate: " },
		{ __LINE__, make_grant, grant_no_time, "/issued_at: " },
		{ __LINE__, make_grant, grant_first_second, "/issued_at: " },
		{ __LINE__, make_grant, grant_never, "/expires: " },
		{ __LINE__, make_grant, grant_part_second, "/expires: " },
		{ __LINE__, make_grant, grant_far, "/expires: " },
		{ __LINE__, make_grant, grant_tag, "/tags/0: is not a name" },
		{ __LINE__, make_grant, grant_tags, "/tags: are too many" },
		{ __LINE__, make_grant, grant_no_prefix, "/prefixes: " },
		{ __LINE__, fx_member, member_node, "/node: " },
		{ __LINE__, fx_member, member_name, "/name: " },
		{ __LINE__, fx_member, member_no_name, "/name: " },
		{ __LINE__, fx_member, member_no_address, "/addresses: " },
		{ __LINE__, fx_member, member_addresses, "/addresses: " },
		{ __LINE__, fx_member, member_net, "/addresses/0: is not a s" },
		{ __LINE__, fx_member, member_net6, "/addresses/1: is not a " },
		{ __LINE__, fx_member, member_twice, "/addresses/1: is there" },
		{ __LINE__, fx_member, member_no_time, "/issued_at: " },
		{ __LINE__, fx_member, member_ended, "/not_after: " },
		{ __LINE__, fx_member, member_routes, "/routes: are too many" },
		{ __LINE__, fx_member, member_route_host, "/routes/0: is no " },
		{ __LINE__, fx_member, member_route_twice,
			"/routes/1: is there twice" },
		{ __LINE__, fx_member, member_tag_twice,
			"/tags/1: is there twice" },
		{ __LINE__, fx_key, key_no_epoch, "/epoch: " },
		{ __LINE__, fx_key, key_huge_epoch, "/epoch: " },
		{ __LINE__, fx_key, key_zero, "/public_key: " },
		{ __LINE__, fx_key, bad_type, "/type: " },
	};
	struct signseed seed = fx_seed(FX_OPERATOR);
	int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct record rec = rows[i].make(7);
		struct envelope *env = NULL;
		struct err err = { 0 };
		int r;

		rows[i].change(&rec);
		r = record_sign(&rec, &seed, &env, &err);
		if (r != -EINVAL || env ||
			strncmp(err.msg, rows[i].want, strlen(rows[i].want))) {
			print_error("line %d: %d \"%s\"\n", rows[i].line, r,
				err.msg);
			failed++;
		}
		envelope_free(env);
	}
	assert_int_equal(failed, 0);
}

#define ID "89eb0d6a8a691dae2cd15ed0369931ce"
#define HEAD(type, serial)                                                     \
	"{\"schema\":\"mesh/v1\",\"type\":\"" type "\",\"mesh\":\"" ID         \
	"\",\"serial\":" serial
#define KEY	"\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\""
#define REMOVAL HEAD("removal", "1") ",\"node\":\"" ID "\"}"

/* The signature is good; what it is under is not. */
static void test_open_refuses(void **state)
{
	static const struct {
		int line;
		const char *payload, *want;
	} rows[] = {
		{ __LINE__, "", "is not JSON: " },
		{ __LINE__, "\"text\"", "is not an object" },
		{ __LINE__, "[]", "is not an object" },
		{ __LINE__, "{}", "/schema: is missing" },
		{ __LINE__, "{\"schema\":\"mesh/v2\",\"type\":\"key\"}",
			"/schema: is not mesh/v1" },
		{ __LINE__, "{\"schema\":1}", "/schema: is missing" },
		{ __LINE__, "{\"schema\":\"mesh/v1\"}",
			"is not a record of a known type" },
		{ __LINE__, HEAD("alias", "1") "}",
			"is not a record of a known type" },
		{ __LINE__, REMOVAL " x", "is not JSON: end of file expected" },
		{ __LINE__, REMOVAL REMOVAL, "is not JSON: end of file" },
		{ __LINE__, HEAD("removal", "1") "}", "/node: is missing" },
		{ __LINE__,
			HEAD("removal", "1") ",\"node\":\"" ID
					     "\",\"extra\":1}",
			"/extra: is not a known field" },
		{ __LINE__,
			HEAD("removal", "1") ",\"serial\":2,\"node\":\"" ID
					     "\"}",
			"is not JSON: duplicate object key" },
		{ __LINE__,
			HEAD("removal", "1") ",\"node\":\"" ID
					     "\",\"type\":\"key\"}",
			"is not JSON: duplicate object key" },
		{ __LINE__, HEAD("removal", "0") ",\"node\":\"" ID "\"}",
			"/serial: does not count from 1" },
		{ __LINE__, HEAD("removal", "-1") ",\"node\":\"" ID "\"}",
			"/serial: is not between" },
		{ __LINE__, HEAD("removal", "1.0") ",\"node\":\"" ID "\"}",
			"/serial: is not a whole number" },
		{ __LINE__, HEAD("removal", "1e3") ",\"node\":\"" ID "\"}",
			"/serial: is not a whole number" },
		{ __LINE__, HEAD("removal", "\"1\"") ",\"node\":\"" ID "\"}",
			"/serial: is not a whole number" },
		{ __LINE__,
			HEAD("removal", "9223372036854775808") ",\"node\":\"" ID
							       "\"}",
			"is not JSON: too big integer" },
		{ __LINE__, HEAD("removal", "1") ",\"node\":null}",
			"/node: is not a string" },
		{ __LINE__,
			HEAD("removal", "1") ",\"node\":\"89EB0D6A8A691DAE2"
					     "CD15ED0369931CE\"}",
			"/node: is not an id" },
		{ __LINE__, HEAD("removal", "1") ",\"node\":\"\\u0000\"}",
			"is not JSON: " },
		{ __LINE__, HEAD("removal", "1") ",\"node\":\"\\n\"}",
			"/node: holds a control character" },
		{ __LINE__, HEAD("removal", "1") ",\"no\\u001bde\":1}",
			"/no?de: is not a known field" },
		{ __LINE__, HEAD("removal", "1") ",\"node\":\"\xff\"}",
			"is not JSON: " },
		{ __LINE__,
			HEAD("key", "1") ",\"node\":\"" ID
					 "\",\"epoch\":1,\"public_key\":"
					 "\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
					 "AAAAAAAAAAAB=\"}",
			"/public_key: is not a key" },
		{ __LINE__,
			HEAD("key", "1") ",\"node\":\"" ID
					 "\",\"epoch\":0,\"public_key\":" KEY
					 "}",
			"/epoch: does not count" },
		{ __LINE__,
			HEAD("mesh", "1") ",\"operator\":" KEY
					  ",\"name\":\"a\",\"prefixes\":"
					  "[\"10.0.0.0/8\"]}",
			"/mesh: is not the id of this operator key" },
		{ __LINE__,
			HEAD("mesh", "1") ",\"operator\":" KEY
					  ",\"name\":\"a\",\"prefixes\":"
					  "[\"10.0.0.0/8\",\"fd00::/8\","
					  "\"fe00::/8\"]}",
			"/prefixes: has 3 items, the maximum is 2" },
		{ __LINE__,
			HEAD("mesh", "1") ",\"operator\":" KEY
					  ",\"name\":\"a\",\"prefixes\":"
					  "[\"10.0.0.0/33\"]}",
			"/prefixes/0: is not an IP" },
		{ __LINE__,
			HEAD("mesh", "1") ",\"operator\":" KEY
					  ",\"name\":\"a\",\"prefixes\":"
					  "{}}",
			"/prefixes: is not a list" },
		{ __LINE__, "[[[[[[[[[]]]]]]]]]", "is nested deeper than 8" },
	};
	int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(envelope_free)
		struct envelope *env =
			fx_sign_text(rows[i].payload, FX_STRANGER);
		struct record rec = { .serial = 4711 };
		struct err err = { 0 };
		int r = record_open(env, &rec, &err);

		if (r != -EBADMSG || rec.serial != 4711 ||
			strncmp(err.msg, rows[i].want, strlen(rows[i].want))) {
			print_error("line %d: %d \"%s\"\n", rows[i].line, r,
				err.msg);
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

static void test_payload_limits(void **state)
{
	char text[RECORD_PAYLOAD_MAX + 2];
	AUTO(envelope_free) struct envelope *env = NULL;
	struct record rec;
	struct err err = { 0 };

	/* blanks count */
	memset(text, ' ', sizeof(text));
	memcpy(text, REMOVAL, strlen(REMOVAL));
	text[RECORD_PAYLOAD_MAX] = '\0';
	env = fx_sign_text(text, FX_OPERATOR);
	assert_int_equal(record_open(env, &rec, &err), 0);
	envelope_free(env);
	text[RECORD_PAYLOAD_MAX] = ' ';
	text[RECORD_PAYLOAD_MAX + 1] = '\0';
	env = fx_sign_text(text, FX_OPERATOR);
	assert_int_equal(record_open(env, &rec, &err), -EBADMSG);
	envelope_free(env);
	/* and so do values */
	memset(text, '\0', sizeof(text));
	memset(text, '[', 2);
	for (size_t i = 0; i < 400; i++)
		memcpy(text + 2 + 2 * i, "1,", 2);
	env = fx_sign_text(text, FX_OPERATOR);
	assert_int_equal(record_open(env, &rec, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "values"));
}

static void test_envelope_refuses(void **state)
{
	static const char sig[] =
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==";
	static const struct {
		int line;
		const char *payload, *key, *sig_change, *want;
	} rows[] = {
		{ __LINE__, "e30=", KEY, "", "" },
		{ __LINE__, "", KEY, "", "" },
		{ __LINE__, "e30", KEY, "", "/payload: " },
		{ __LINE__, "e31=", KEY, "", "/payload: " },
		{ __LINE__, "e30==", KEY, "", "/payload: " },
		{ __LINE__, "e3 0=", KEY, "", "/payload: " },
		{ __LINE__, "_-==", KEY, "", "/payload: " },
		{ __LINE__, "e3\xc3\xa9=", KEY, "", "/payload: " },
		{ __LINE__, "\xc2\xa1\xc2\xa1", KEY, "", "/payload: " },
		{ __LINE__, "e30=", KEY, "\xc2\xa1", "/sig: " },
		{ __LINE__, "e30=", "\"e30=\"", "", "/key: " },
		{ __LINE__, "e30=", "null", "", "/key: " },
		{ __LINE__, "e30=", KEY, "A", "/sig: " },
		{ __LINE__, "e30=", KEY, "AAAA", "/sig: " },
		{ __LINE__, "e30=", KEY ",\"x\":1", "", "/x: " },
		{ __LINE__, "e30=", KEY ",\"key\":" KEY, "", "is not JSON: " },
	};
	int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(envelope_free) struct envelope *env = NULL;
		struct err err = { 0 };
		char text[1024];
		int r;

		(void)snprintf(text, sizeof(text),
			"{\"payload\":\"%s\",\"key\":%s,\"sig\":\"%s%s\"}",
			rows[i].payload, rows[i].key, rows[i].sig_change, sig);
		r = envelope_decode(text, strlen(text), &env, &err);
		if (r != (*rows[i].want ? -EBADMSG : 0) ||
			strncmp(err.msg, rows[i].want, strlen(rows[i].want))) {
			print_error("line %d: %d \"%s\"\n", rows[i].line, r,
				err.msg);
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

/* An envelope may be longer than any record is; opening it is what fails, so
 * that a netmap with one such is a netmap. */
static void test_envelope_payload_limit(void **state)
{
	enum { TOO_LONG = RECORD_PAYLOAD_MAX + 1000 };
	char payload[TOO_LONG + 1];
	AUTO(envelope_free) struct envelope *env = NULL;
	AUTO(envelope_free) struct envelope *back = NULL;
	AUTO(buf_release) struct buf text = BUF_INIT(16384);
	struct record rec;
	struct err err = { 0 };

	memset(payload, ' ', TOO_LONG);
	payload[TOO_LONG] = '\0';
	env = fx_sign_text(payload, FX_OPERATOR);
	assert_int_equal(envelope_encode(env, &text), 0);
	assert_int_equal(envelope_decode(text.data, text.len, &back, &err), 0);
	assert_true(envelope_equal(env, back));
	env->payload_len--;
	assert_false(envelope_equal(env, back));
	assert_int_equal(record_open(back, &rec, &err), -EBADMSG);
	assert_string_equal(err.msg, "is 5096 bytes long, the maximum is 4096");
	/* but no longer than its text */
	buf_clear(&text);
	buf_addf(&text, "{\"payload\":\"%8192s", "");
	assert_int_equal(
		envelope_decode(text.data, text.len, &back, &err), -EBADMSG);
	/* a buffer that is too small says so */
	text.max = 100;
	buf_clear(&text);
	assert_int_equal(envelope_encode(env, &text), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_payload_is_stable),
		cmocka_unit_test(test_every_flipped_bit),
		cmocka_unit_test(test_cut_payload),
		cmocka_unit_test(test_sign_refuses),
		cmocka_unit_test(test_open_refuses),
		cmocka_unit_test(test_payload_limits),
		cmocka_unit_test(test_envelope_refuses),
		cmocka_unit_test(test_envelope_payload_limit),
	};

	if (sodium_init() < 0)
		return 99;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

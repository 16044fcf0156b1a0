/* auth and scope: whose bearer is taken, and what it may do. */
#include "config.h"
#include "rows.h"
#include "tmpdir.h"
#include "base/auto.h"
#include "mesh_fixture.h"
#include "meshd/auth.h"
#include "meshd/store.h"

#include <errno.h>
#include <sodium.h>

static struct store *store;
static struct auth_key key;
static struct bearer join, api, admin, expired, revoked, agent;

static void add_token(
	const struct bearer *bearer, unsigned int scopes, int64_t expires_sec)
{
	bool is_join = bearer == &join;
	struct token_row row = { .kind = is_join ? TOKEN_JOIN : TOKEN_API,
		.hash = auth_hash(&key, bearer),
		.scopes = scopes,
		.created = fx_wall(-10),
		.expires = fx_wall(expires_sec) };

	assert_true(str_copy(row.id, sizeof(row.id), bearer->id));
	if (is_join)
		row.delegate = fx_public(FX_DELEGATE);
	assert_int_equal(store_token_insert(store, &row, NULL), 0);
}

static void add_node(void)
{
	struct node_row row = { .id = fx_node_id(0),
		.identity = fx_public(FX_NODE),
		.name = "node-0",
		.reserved_until = fx_wall(10),
		.joined = fx_wall(0),
		.public_key.b = { 1 },
		.credential_hash = auth_hash(&key, &agent) };

	assert_true(str_copy(
		row.credential_id, sizeof(row.credential_id), agent.id));
	assert_int_equal(store_node_reserve(store, &row, NULL), 0);
	assert_int_equal(store_node_admit(store, &row, NULL), 0);
}

static int setup(void **state)
{
	struct err err = { 0 };

	if (tmpdir_setup(state) < 0)
		return -1;
	if (store_open(tmpdir_path("s"), &store, &err) < 0 ||
		auth_key_load(tmpdir_path("s"), store, &key, &err) < 0) {
		print_error("%s\n", err.msg);
		return -1;
	}
	bearer_generate("join", &join);
	bearer_generate("api", &api);
	bearer_generate("api", &admin);
	bearer_generate("api", &expired);
	bearer_generate("api", &revoked);
	bearer_generate("agent", &agent);
	add_token(&join, 0, 100);
	add_token(&api, SCOPE_NODES_READ, 100);
	add_token(&admin, SCOPE_ADMIN, 100);
	add_token(&expired, SCOPE_NODES_READ, 0);
	add_token(&revoked, SCOPE_NODES_READ, 100);
	assert_int_equal(
		store_token_revoke(store, revoked.id, fx_wall(-1), NULL), 0);
	add_node();
	return 0;
}

static int teardown(void **state)
{
	store_free(store);
	return tmpdir_teardown(state);
}

static enum auth_verdict check(
	const struct bearer *bearer, struct caller *ret_caller)
{
	struct now now = fx_now(0);
	char text[BEARER_TEXT_SIZE];

	return auth_check(store, &key, bearer_format(bearer, text), &now,
		ret_caller, NULL);
}

static void test_verdicts(void **state)
{
	const struct {
		const struct bearer *bearer;
		enum auth_verdict want;
		unsigned int scopes;
		int line;
	} rows[] = {
		{ &join, AUTH_OK, SCOPE_PUBLIC | SCOPE_ENROLL, __LINE__ },
		{ &api, AUTH_OK, SCOPE_PUBLIC | SCOPE_NODES_READ, __LINE__ },
		{ &admin, AUTH_OK, SCOPE_PUBLIC | SCOPES_GRANTABLE, __LINE__ },
		{ &expired, AUTH_EXPIRED, 0, __LINE__ },
		{ &revoked, AUTH_REVOKED, 0, __LINE__ },
		{ &agent, AUTH_OK, SCOPE_PUBLIC | SCOPE_AGENT, __LINE__ },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bearer wrong = *rows[i].bearer;
		struct caller caller = { 0 };

		ROW_INT(&rows[i], check(rows[i].bearer, &caller), rows[i].want);
		ROW_INT(&rows[i], caller.scopes, rows[i].scopes);
		/* every part of it counts, also of one that has expired */
		wrong.secret[31] ^= 1;
		ROW_INT(&rows[i], check(&wrong, &caller), AUTH_UNKNOWN);
		wrong = *rows[i].bearer;
		wrong.id[0] = wrong.id[0] == '0' ? '1' : '0';
		ROW_INT(&rows[i], check(&wrong, &caller), AUTH_UNKNOWN);
		wrong = *rows[i].bearer;
		(void)str_copy(wrong.kind, sizeof(wrong.kind),
			rows[i].bearer == &agent ? "api" : "agent");
		ROW_INT(&rows[i], check(&wrong, &caller), AUTH_UNKNOWN);
	}
}

static void test_malformed(void **state)
{
	static const struct {
		const char *text;
		int line;
	} rows[] = {
		{ "", __LINE__ },
		{ "x", __LINE__ },
		{ "mesh_api_", __LINE__ },
		{ "mesh_api_0123456789abcdef_", __LINE__ },
		{ "mesh_root_0123456789abcdef_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		  "AAAAAAAAAAA",
			__LINE__ },
	};
	struct now now = fx_now(0);
	struct caller caller;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		ROW_INT(&rows[i],
			auth_check(
				store, &key, rows[i].text, &now, &caller, NULL),
			AUTH_UNKNOWN);
}

/* The database alone opens nothing: another key, another hash. */
static void test_keyed(void **state)
{
	struct auth_key other = key;
	struct secret_hash a, b;

	other.b[0] ^= 1;
	a = auth_hash(&key, &api);
	b = auth_hash(&other, &api);
	assert_false(auth_hash_equal(&a, &b));
	b = auth_hash(&key, &api);
	assert_true(auth_hash_equal(&a, &b));
}

static void test_key_file(void **state)
{
	struct auth_key again;
	struct err err = { 0 };

	assert_int_equal(tmpdir_mode("s/" AUTH_KEY_FILE), 0600);
	assert_int_equal(
		auth_key_load(tmpdir_path("s"), store, &again, NULL), 0);
	assert_memory_equal(again.b, key.b, sizeof(key.b));
	assert_int_equal(truncate(tmpdir_path("s/" AUTH_KEY_FILE), 31), 0);
	assert_int_equal(
		auth_key_load(tmpdir_path("s"), store, &again, NULL), -EBADMSG);
	/* A new one would lock out every token and node that there is. */
	assert_int_equal(unlink(tmpdir_path("s/" AUTH_KEY_FILE)), 0);
	assert_int_equal(
		auth_key_load(tmpdir_path("s"), store, &again, &err), -ENOKEY);
	assert_non_null(strstr(err.msg, AUTH_KEY_FILE));
	assert_non_null(strstr(err.msg, "backup"));
	assert_int_equal(access(tmpdir_path("s/" AUTH_KEY_FILE), F_OK), -1);
}

static void test_scopes_text(void **state)
{
	static const struct {
		const char *text;
		unsigned int scopes;
		bool valid;
		int line;
	} rows[] = {
		{ "", 0, true, __LINE__ },
		{ "admin", SCOPE_ADMIN, true, __LINE__ },
		{ "nodes:read tokens:write",
			SCOPE_NODES_READ | SCOPE_TOKENS_WRITE, true, __LINE__ },
		{ "nodes", 0, false, __LINE__ },
		{ "nodes:read ", 0, false, __LINE__ },
		{ " nodes:read", 0, false, __LINE__ },
		{ "nodes:read  nodes:write", 0, false, __LINE__ },
		{ "nodes:readx", 0, false, __LINE__ },
	};
	char buf[SCOPES_TEXT_SIZE];
	unsigned int scopes;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		scopes = 0;
		ROW_INT(&rows[i], scopes_parse(rows[i].text, &scopes),
			rows[i].valid);
		ROW_INT(&rows[i], scopes, rows[i].scopes);
		if (rows[i].valid)
			ROW_STR(&rows[i], scopes_format(scopes, buf),
				rows[i].text);
	}
	/* all of them fit, and come back */
	assert_true(scopes_parse(scopes_format(SCOPES_KNOWN, buf), &scopes));
	assert_int_equal(scopes, SCOPES_KNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_keyed),
		cmocka_unit_test(test_key_file),
		cmocka_unit_test(test_scopes_text),
	};

	if (sodium_init() < 0)
		return 99;
	return cmocka_run_group_tests(tests, setup, teardown);
}

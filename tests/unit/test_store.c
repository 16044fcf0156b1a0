/* store and migrate: a file that is right from its first byte, one writer,
 * constraints that hold, and rows that come back as they went. */
#include "config.h"
#include "rows.h"
#include "tmpdir.h"
#include "base/auto.h"
#include "mesh_fixture.h"
#include "meshd/embedded.h"
#include "meshd/migrate.h"
#include "meshd/scope.h"
#include "meshd/store.h"

#include <errno.h>
#include <sodium.h>
#include <sqlite3.h>

#define STATE "state"

static struct store *open_store(void)
{
	struct store *store = NULL;
	struct err err = { 0 };

	if (store_open(tmpdir_path(STATE), &store, &err) < 0)
		fail_msg("store_open: %s", err.msg);
	return store;
}

/* A hand in the database. */
static int by_hand(const char *sql)
{
	sqlite3 *db = NULL;
	int code;

	assert_int_equal(sqlite3_open(tmpdir_path(STATE "/" STORE_FILE), &db),
		SQLITE_OK);
	(void)sqlite3_exec(db, "PRAGMA foreign_keys = ON", NULL, NULL, NULL);
	code = sqlite3_exec(db, sql, NULL, NULL, NULL);
	(void)sqlite3_close(db);
	return code;
}

static struct token_row token_for(const char *id, uint32_t uses_max)
{
	struct token_row row = { .kind = TOKEN_JOIN,
		.hash.b = { 1, 2, 3 },
		.note = "for tests",
		.uses_max = uses_max,
		.created = fx_wall(0),
		.expires = fx_wall(3600) };

	assert_true(str_copy(row.id, sizeof(row.id), id));
	memcpy(row.delegate.b, id, 16);
	return row;
}

static struct node_row node_for(unsigned int node, const char *token)
{
	struct node_row row = { .id = fx_node_id(node),
		.identity = fx_public(FX_NODE + node),
		.reserved_until = fx_wall(600),
		.joined = fx_wall(1),
		.public_key = fx_key(node).key.public_key,
		.credential_hash.b = { 9 } };

	(void)snprintf(row.name, sizeof(row.name), "node-%u", node);
	(void)snprintf(
		row.credential_id, sizeof(row.credential_id), "%016x", node);
	assert_true(str_copy(row.token, sizeof(row.token), token));
	return row;
}

#define TOKEN_A "00000000000000aa"
#define TOKEN_B "00000000000000bb"

/* A mesh, two tokens: one use, any number; node 0 a member by the second. */
static struct store *open_world(void)
{
	struct store *store = open_store();
	struct signpub op = fx_public(FX_OPERATOR);
	struct mesh_row mesh = { .id = mesh_id_of(&op),
		.operator_key = op,
		.serial = 0,
		.created = fx_wall(0) };
	struct token_row a = token_for(TOKEN_A, 1), b = token_for(TOKEN_B, 0);
	struct node_row node = node_for(0, TOKEN_B);
	struct ipnet net = fx_net("100.64.0.1");

	assert_int_equal(store_mesh_insert(store, &mesh, NULL), 0);
	assert_int_equal(store_token_insert(store, &a, NULL), 0);
	assert_int_equal(store_token_insert(store, &b, NULL), 0);
	assert_int_equal(store_node_reserve(store, &node, NULL), 0);
	assert_int_equal(
		store_address_hold(store, &net.addr, &node.id, NULL), 0);
	assert_int_equal(store_node_admit(store, &node, NULL), 0);
	return store;
}

static void test_files(void **state)
{
	static const struct {
		const char *name;
		mode_t mode;
		int line;
	} rows[] = {
		{ STATE, 0700, __LINE__ },
		{ STATE "/" STORE_FILE, 0600, __LINE__ },
		{ STATE "/" STORE_FILE "-wal", 0600, __LINE__ },
		{ STATE "/" STORE_FILE "-shm", 0600, __LINE__ },
		{ STATE "/" STORE_LOCK_FILE, 0600, __LINE__ },
	};
	mode_t before = umask(0);
	struct store *store = open_world();

	(void)umask(before);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		ROW_INT(&rows[i], tmpdir_mode(rows[i].name), rows[i].mode);
	store_free(store);
}

static void test_one_writer(void **state)
{
	struct store *store = open_store(), *second = NULL;
	struct err err = { 0 };

	assert_int_equal(store_open(tmpdir_path(STATE), &second, &err), -EBUSY);
	assert_non_null(strstr(err.msg, "another meshd"));
	assert_null(second);
	store_free(store);
	store_free(open_store());
}

static void test_unsafe_dir(void **state)
{
	struct store *store = NULL;
	struct err err = { 0 };

	assert_int_equal(mkdir(tmpdir_path(STATE), 0700), 0);
	assert_int_equal(chmod(tmpdir_path(STATE), 0722), 0);
	assert_int_equal(store_open(tmpdir_path(STATE), &store, &err), -EPERM);
	assert_non_null(strstr(err.msg, "chmod"));
}

static void test_reopen(void **state)
{
	struct store *store = open_world();
	struct mesh_row mesh;
	struct node_row node;
	uint32_t count;

	store_free(store);
	store = open_store();
	assert_int_equal(store_mesh_load(store, &mesh, NULL), 0);
	assert_memory_equal(mesh.operator_key.b, fx_public(FX_OPERATOR).b, 32);
	assert_int_equal(store_node_find_name(store, "node-0", &node, NULL), 0);
	assert_int_equal(node.state, NODE_MEMBER);
	assert_true(node.joined.ns == fx_wall(1).ns);
	assert_string_equal(node.token, TOKEN_B);
	assert_memory_equal(node.public_key.b, fx_key(0).key.public_key.b, 32);
	assert_int_equal(store_node_count(store, &count, NULL), 0);
	assert_int_equal(count, 1);
	store_free(store);
}

static void test_newer(void **state)
{
	struct store *store = open_world();
	struct err err = { 0 };
	char sql[64], ours[32];

	store_free(store);
	(void)snprintf(sql, sizeof(sql), "PRAGMA user_version = 4711");
	assert_int_equal(by_hand(sql), SQLITE_OK);
	store = NULL;
	assert_int_equal(
		store_open(tmpdir_path(STATE), &store, &err), -EPROTONOSUPPORT);
	(void)snprintf(ours, sizeof(ours), "version %u", migrate_version());
	assert_non_null(strstr(err.msg, "4711"));
	assert_non_null(strstr(err.msg, ours));
	assert_non_null(strstr(err.msg, STORE_FILE));
	(void)snprintf(sql, sizeof(sql), "PRAGMA user_version = %u",
		migrate_version());
	assert_int_equal(by_hand(sql), SQLITE_OK);
	store_free(open_store());
}

/* Steps run one by one, each whole: the second of two fails, the first stays.
 * And every file of schema/ is numbered as it is applied. */
static void test_migrations(void **state)
{
	struct store *store = open_store();
	char prefix[16];

	store_free(store);
	for (unsigned int i = 0; i < migrate_version(); i++) {
		(void)snprintf(prefix, sizeof(prefix), "%04u_", i + 1);
		assert_int_equal(
			strncmp(embedded_migrations[i].name, prefix, 5), 0);
	}
	/* a database that has the tables, but says that it is older */
	assert_int_equal(by_hand("PRAGMA user_version = 0"), SQLITE_OK);
	store = NULL;
	assert_int_equal(store_open(tmpdir_path(STATE), &store, NULL), -EIO);
	assert_int_equal(by_hand("PRAGMA user_version = 1"), SQLITE_OK);
	store_free(open_store());
}

static void test_no_database(void **state)
{
	struct store *store = NULL;
	FILE *file;
	struct err err = { 0 };

	assert_int_equal(mkdir(tmpdir_path(STATE), 0700), 0);
	file = fopen(tmpdir_path(STATE "/" STORE_FILE), "w");
	assert_non_null(file);
	for (int i = 0; i < 200; i++)
		fputs("this is no database\n", file);
	fclose(file);
	assert_true(store_open(tmpdir_path(STATE), &store, &err) < 0);
	assert_non_null(strstr(err.msg, "not a database"));
}

static void test_constraints(void **state)
{
	static const struct {
		const char *sql;
		int line;
	} rows[] = {
#define R(sql) { sql, __LINE__ }
		R("INSERT INTO mesh VALUES (2, zeroblob(16), zeroblob(32), 1, "
		  "1)"),
		R("INSERT INTO mesh VALUES (1, zeroblob(16), zeroblob(32), 1, "
		  "1)"),
		R("UPDATE mesh SET id = zeroblob(15)"),
		R("UPDATE token SET uses = 2 WHERE uses_max = 1"),
		R("UPDATE token SET uses = -1"),
		R("UPDATE token SET id = '" TOKEN_A "'"),
		R("UPDATE token SET delegate = NULL"),
		R("UPDATE token SET kind = 'root'"),
		R("UPDATE token SET kind = 'api'"),
		R("UPDATE token SET delegate = zeroblob(32)"),
		R("DELETE FROM token"),
		R("DELETE FROM node"),
		R("UPDATE node SET token = 'no such token'"),
		R("UPDATE node SET state = 'gone'"),
		R("UPDATE node SET state = 'removed'"),
		R("UPDATE node SET state = 'reserved'"),
		R("UPDATE node SET public_key = zeroblob(31)"),
		R("UPDATE node SET credential_hash = NULL"),
		R("INSERT INTO node (id, state, identity, name, "
		  "reserved_until) VALUES (zeroblob(16), 'reserved', "
		  "zeroblob(32), 'node-0', 1)"),
		R("INSERT INTO node (id, state, identity, name, "
		  "reserved_until) SELECT zeroblob(16), 'reserved', identity, "
		  "'other', 1 FROM node"),
		R("INSERT INTO node (id, state, identity, name, joined_at, "
		  "public_key, credential_id, credential_hash) SELECT "
		  "zeroblob(16), 'member', zeroblob(32), 'other', 1, "
		  "public_key, '0123456789abcdef', zeroblob(32) FROM node"),
		R("INSERT INTO address VALUES (4, x'64400001', NULL, 1)"),
		R("INSERT INTO address VALUES (4, zeroblob(16), NULL, 1)"),
		R("INSERT INTO address VALUES (6, zeroblob(4), NULL, 1)"),
		R("INSERT INTO address VALUES (4, zeroblob(4), zeroblob(16), "
		  "NULL)"),
		R("UPDATE address SET node = NULL"),
		R("INSERT INTO endpoint VALUES (zeroblob(16), 0, '1.2.3.4:5')"),
		R("INSERT INTO record VALUES ('other', zeroblob(16), 1, "
		  "zeroblob(32), zeroblob(64), '')"),
		R("INSERT INTO record VALUES ('mesh', zeroblob(16), 0, "
		  "zeroblob(32), zeroblob(64), '')"),
		R("INSERT INTO record VALUES ('mesh', zeroblob(16), 1, "
		  "zeroblob(31), zeroblob(64), '')"),
		R("INSERT INTO record VALUES ('mesh', zeroblob(16), 1, "
		  "zeroblob(32), zeroblob(63), '')"),
		R("INSERT INTO record VALUES ('mesh', zeroblob(15), 1, "
		  "zeroblob(32), zeroblob(64), '')"),
#undef R
	};
	struct store *store = open_world();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		ROW_INT(&rows[i], by_hand(rows[i].sql), SQLITE_CONSTRAINT);
	store_free(store);
}

/* What must be unique is refused by its own error. */
static void test_unique(void **state)
{
	struct store *store = open_world();
	struct node_row node = node_for(1, TOKEN_B), other;
	struct ipnet net = fx_net("100.64.0.1");

	assert_true(str_copy(node.name, sizeof(node.name), "node-0"));
	assert_int_equal(store_node_reserve(store, &node, NULL), -EEXIST);
	node = node_for(1, TOKEN_B);
	assert_int_equal(store_node_reserve(store, &node, NULL), 0);
	node.public_key = node_for(0, TOKEN_B).public_key;
	assert_int_equal(store_node_admit(store, &node, NULL), -EEXIST);
	assert_int_equal(
		store_address_hold(store, &net.addr, &node.id, NULL), -EEXIST);
	/* what a removed node had is free again, but for its identity */
	assert_int_equal(store_node_remove(store, &(struct node_id){ 0 },
				 fx_wall(5), NULL),
		-ENOENT);
	other = node_for(0, TOKEN_B);
	assert_int_equal(
		store_node_remove(store, &other.id, fx_wall(5), NULL), 0);
	assert_int_equal(store_node_admit(store, &node, NULL), 0);
	assert_int_equal(store_node_rename(store, &node.id, "node-0", NULL), 0);
	assert_int_equal(
		store_address_hold(store, &net.addr, &node.id, NULL), 0);
	assert_int_equal(store_node_reserve(store, &other, NULL), -EEXIST);
	store_free(store);
}

static void test_rollback(void **state)
{
	struct store *store = open_world();
	struct now now = fx_now(0);
	uint64_t serial = 0;

	{
		AUTO(store_rollback) struct store *tx = NULL;

		assert_int_equal(store_begin(store, &tx, NULL), 0);
		assert_int_equal(
			store_serial_next(store, &now, &serial, NULL), 0);
		assert_int_equal(
			store_token_consume(store, TOKEN_A, now.wall, NULL), 0);
	}
	{
		AUTO(store_rollback) struct store *tx = NULL;
		struct token_row token;

		assert_int_equal(
			store_token_find(store, TOKEN_A, &token, NULL), 0);
		assert_int_equal(token.uses, 0);
		assert_int_equal(store_begin(store, &tx, NULL), 0);
		assert_int_equal(store_commit(&tx, NULL), 0);
		assert_null(tx);
	}
	store_free(store);
}

/* Two processes, one use: the lock file is taken away so that there can be
 * two. While one is between check and act, the other cannot begin. */
static void test_use_race(void **state)
{
	struct store *one = open_world(), *two;
	struct store *tx = NULL, *other_tx = NULL;

	assert_int_equal(unlink(tmpdir_path(STATE "/" STORE_LOCK_FILE)), 0);
	two = open_store();
	assert_int_equal(store_begin(one, &tx, NULL), 0);
	assert_int_equal(store_begin(two, &other_tx, NULL), -EBUSY);
	assert_int_equal(
		store_token_consume(one, TOKEN_A, fx_wall(0), NULL), 0);
	assert_int_equal(store_commit(&tx, NULL), 0);
	assert_int_equal(store_begin(two, &other_tx, NULL), 0);
	assert_int_equal(
		store_token_consume(two, TOKEN_A, fx_wall(0), NULL), -EDQUOT);
	store_rollback(other_tx);
	store_free(two);
	store_free(one);
}

static void test_consume(void **state)
{
	static const struct {
		const char *token;
		int64_t at_sec;
		int want;
		int line;
	} rows[] = {
		{ TOKEN_A, 3600, -EDQUOT, __LINE__ }, /* expired */
		{ TOKEN_A, 3599, 0, __LINE__ },
		{ TOKEN_A, 0, -EDQUOT, __LINE__ },
		{ TOKEN_B, 0, 0, __LINE__ },
		{ TOKEN_B, 0, 0, __LINE__ },
		{ "0123456789abcdef", 0, -EDQUOT, __LINE__ },
	};
	struct store *store = open_world();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		ROW_INT(&rows[i],
			store_token_consume(store, rows[i].token,
				fx_wall(rows[i].at_sec), NULL),
			rows[i].want);
	assert_int_equal(
		store_token_revoke(store, TOKEN_B, fx_wall(0), NULL), 0);
	assert_int_equal(
		store_token_revoke(store, TOKEN_B, fx_wall(9), NULL), 0);
	assert_int_equal(
		store_token_consume(store, TOKEN_B, fx_wall(0), NULL), -EDQUOT);
	assert_int_equal(
		store_token_revoke(store, "0123456789abcdef", fx_wall(9), NULL),
		-ENOENT);
	store_free(store);
}

static int sum_uses(void *arg, const struct token_row *row)
{
	*(uint32_t *)arg += row->uses;
	return 0;
}

static uint32_t uses_at(struct store *store, int64_t sec)
{
	uint32_t sum = 0;

	assert_int_equal(
		store_token_each(store, fx_wall(sec), sum_uses, &sum, NULL), 0);
	return sum;
}

static void test_expiry_gives_back(void **state)
{
	struct store *store = open_world();
	struct node_row node = node_for(1, TOKEN_A), there;
	struct ipnet net = fx_net("100.64.0.2");
	struct ipam_book book = store_address_book(store);
	struct ipnet prefix = fx_net("100.64.0.0/30");
	struct ipaddr got;

	assert_int_equal(
		store_token_consume(store, TOKEN_A, fx_wall(0), NULL), 0);
	assert_int_equal(store_node_reserve(store, &node, NULL), 0);
	assert_int_equal(
		store_address_hold(store, &net.addr, &node.id, NULL), 0);
	assert_int_equal(ipam_pick(&book, &prefix, &got, NULL), -ENOSPC);

	assert_int_equal(uses_at(store, 599), 1);
	assert_int_equal(store_node_expire(store, fx_wall(599), NULL), 0);
	assert_int_equal(store_node_find(store, &node.id, &there, NULL), 0);
	assert_int_equal(uses_at(store, 600), 0); /* before anybody looked */
	assert_int_equal(store_node_expire(store, fx_wall(600), NULL), 0);
	assert_int_equal(
		store_node_find(store, &node.id, &there, NULL), -ENOENT);
	assert_int_equal(uses_at(store, 600), 0);
	assert_int_equal(
		store_token_consume(store, TOKEN_A, fx_wall(600), NULL), 0);
	assert_int_equal(ipam_pick(&book, &prefix, &got, NULL), 0);
	assert_true(ipaddr_equal(&got, &net.addr));
	store_free(store);
}

static void test_records(void **state)
{
	struct store *store = open_world();
	struct record rec = fx_grant(), member = fx_member(3);
	AUTO(envelope_free) struct envelope *grant = fx_sign(&rec, 0);
	AUTO(envelope_free) struct envelope *env = fx_sign(&member, 1);
	AUTO(record_rows_release) struct record_rows all = { 0 }, told = { 0 };
	struct subject subject = subject_of_record(&rec);
	struct subject node = subject_of_record(&member);
	struct record_row row;

	assert_int_equal(store_record_put(store, &rec, grant, 0, NULL), 0);
	assert_int_equal(store_record_put(store, &member, env, 7, NULL), 0);
	assert_int_equal(
		store_record_list(store, STORE_RECORDS_ALL, 0, &all, NULL), 0);
	assert_int_equal(all.count, 2);
	assert_int_equal(
		store_record_list(store, STORE_RECORDS_TOLD, 0, &told, NULL),
		0);
	assert_int_equal(told.count, 1);
	assert_true(envelope_equal(told.rows[0].envelope, env));
	assert_int_equal(told.rows[0].serial, 7);
	record_rows_release(&told);
	assert_int_equal(
		store_record_tell(store, RECORD_GRANT, &subject, 9, NULL), 0);
	assert_int_equal(
		store_record_tell(store, RECORD_GRANT, &subject, 11, NULL), 0);
	assert_int_equal(
		store_record_list(store, STORE_RECORDS_TOLD, 7, &told, NULL),
		0);
	assert_int_equal(told.count, 1);
	assert_int_equal(told.rows[0].serial, 9);
	assert_true(envelope_equal(told.rows[0].envelope, grant));
	assert_int_equal(
		store_record_untell(store, RECORD_GRANT, &subject, NULL), 0);
	assert_int_equal(
		store_record_find(store, RECORD_GRANT, &subject, &row, NULL),
		0);
	assert_int_equal(row.serial, 0);
	envelope_free(row.envelope);
	assert_int_equal(
		store_record_delete(store, RECORD_MEMBERSHIP, &node, NULL), 0);
	assert_int_equal(
		store_record_find(store, RECORD_MEMBERSHIP, &node, &row, NULL),
		-ENOENT);
	store_free(store);
}

static struct endpoint endpoint_of(const char *text)
{
	struct endpoint ep;

	assert_true(endpoint_parse(text, &ep));
	return ep;
}

static void test_endpoints(void **state)
{
	struct store *store = open_world();
	AUTO(endpoint_rows_release) struct endpoint_rows rows = { 0 };
	struct msg_node_endpoints at = { .node = fx_node_id(0), .count = 2 };
	struct msg_node_endpoints got;

	at.endpoints[0] = endpoint_of("192.0.2.1:51820");
	at.endpoints[1] = endpoint_of("[2001:db8::1]:51820");
	assert_int_equal(store_endpoint_put(store, &at, 5, NULL), 0);
	assert_int_equal(store_endpoint_find(store, &at.node, &got, NULL), 0);
	assert_int_equal(got.count, 2);
	assert_true(endpoint_equal(&got.endpoints[0], &at.endpoints[0]));
	assert_true(endpoint_equal(&got.endpoints[1], &at.endpoints[1]));
	assert_int_equal(store_endpoint_list(store, 5, &rows, NULL), 0);
	assert_int_equal(rows.count, 0);
	assert_int_equal(store_endpoint_list(store, 4, &rows, NULL), 0);
	assert_int_equal(rows.count, 1);
	assert_int_equal(rows.rows[0].at.count, 2);
	/* none any more is news, too */
	at.count = 0;
	assert_int_equal(store_endpoint_put(store, &at, 6, NULL), 0);
	endpoint_rows_release(&rows);
	assert_int_equal(store_endpoint_list(store, 5, &rows, NULL), 0);
	assert_int_equal(rows.count, 1);
	assert_int_equal(rows.rows[0].at.count, 0);
	store_free(store);
}

/* A serial is never said twice, also by a database from a backup. */
static void test_serials(void **state)
{
	struct store *store = open_world();
	struct now now = fx_now(0);
	uint64_t floor_ms = (uint64_t)(now.wall.ns / NSEC_PER_MSEC);
	uint64_t first, second, later;

	assert_false(store_serial_is_ours(store, 0));
	assert_int_equal(store_serial_next(store, &now, &first, NULL), 0);
	assert_true(first == floor_ms);
	assert_int_equal(store_serial_next(store, &now, &second, NULL), 0);
	assert_true(second == first + 1);
	assert_true(store_serial_is_ours(store, first));
	store_free(store);

	store = open_store();
	assert_true(store_serial_is_ours(store, second));
	assert_false(store_serial_is_ours(store, first)); /* was it ours? */
	now = fx_now(10);
	assert_int_equal(store_serial_next(store, &now, &later, NULL), 0);
	assert_true(later == floor_ms + 10000);
	/* the lost future of a backup lies between */
	assert_false(store_serial_is_ours(store, second + 1));
	assert_false(store_serial_is_ours(store, later - 1));
	assert_true(store_serial_is_ours(store, second));
	assert_true(store_serial_is_ours(store, later));
	store_free(store);

	/* a clock that went back does not take the serial with it */
	store = open_store();
	now = fx_now(-100000);
	assert_int_equal(store_serial_next(store, &now, &first, NULL), 0);
	assert_true(first == later + 1);
	store_free(store);
}

int main(void)
{
#define T(name)                                                                \
	cmocka_unit_test_setup_teardown(name, tmpdir_setup, tmpdir_teardown)
	const struct CMUnitTest tests[] = {
		T(test_files),
		T(test_one_writer),
		T(test_unsafe_dir),
		T(test_reopen),
		T(test_newer),
		T(test_migrations),
		T(test_no_database),
		T(test_constraints),
		T(test_unique),
		T(test_rollback),
		T(test_use_race),
		T(test_consume),
		T(test_expiry_gives_back),
		T(test_records),
		T(test_endpoints),
		T(test_serials),
	};

	if (sodium_init() < 0)
		return 99;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

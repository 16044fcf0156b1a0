/*
 * store_record: envelopes, as they travel (store.h). Nothing here verifies:
 * what stands in the database is told as it stands, and agents judge it.
 */
#include "config.h"

#include "meshd/store_db.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static const struct {
	enum record_type type;
	const char *name;
} types[] = {
	{ RECORD_MESH, "mesh" },
	{ RECORD_GRANT, "grant" },
	{ RECORD_MEMBERSHIP, "membership" },
	{ RECORD_KEY, "key" },
	{ RECORD_REMOVAL, "removal" },
};

static const char *type_name(enum record_type type)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type == type)
			return types[i].name;
	BUG_ON(true);
}

static void bind_id(struct store *store, sqlite3_stmt *query, int index,
	enum record_type type, const struct subject *subject)
{
	store_bind_str(store, query, index, type_name(type));
	store_bind_blob(store, query, index + 1, subject->b, subject->len);
}

int store_record_put(struct store *store, const struct record *rec,
	const struct envelope *env, uint64_t serial, struct err *err)
{
	static const char sql[] =
		"INSERT OR REPLACE INTO record (type, subject, serial, signer, "
		"signature, payload) VALUES (?, ?, ?, ?, ?, ?)";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);
	struct subject subject = subject_of_record(rec);

	bind_id(store, query, 1, rec->type, &subject);
	if (serial != 0)
		store_bind_u64(store, query, 3, serial);
	store_bind_blob(store, query, 4, env->key.b, sizeof(env->key.b));
	store_bind_blob(store, query, 5, env->sig.b, sizeof(env->sig.b));
	store_bind_text(
		store, query, 6, (const char *)env->payload, env->payload_len);
	return store_done(store, query, NULL, err);
}

int store_record_tell(struct store *store, enum record_type type,
	const struct subject *subject, uint64_t serial, struct err *err)
{
	static const char sql[] =
		"UPDATE record SET serial = ?3 WHERE "
		"type = ?1 AND subject = ?2 AND serial IS NULL";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);

	bind_id(store, query, 1, type, subject);
	store_bind_u64(store, query, 3, serial);
	return store_done(store, query, NULL, err);
}

int store_record_untell(struct store *store, enum record_type type,
	const struct subject *subject, struct err *err)
{
	static const char sql[] = "UPDATE record SET serial = NULL "
				  "WHERE type = ? AND subject = ?";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);

	bind_id(store, query, 1, type, subject);
	return store_done(store, query, NULL, err);
}

int store_record_delete(struct store *store, enum record_type type,
	const struct subject *subject, struct err *err)
{
	static const char sql[] =
		"DELETE FROM record WHERE type = ? AND subject = ?";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);

	bind_id(store, query, 1, type, subject);
	return store_done(store, query, NULL, err);
}

#define COLUMNS "type, subject, serial, signer, signature, payload"

static int read_row(
	sqlite3_stmt *query, struct record_row *ret_row, struct err *err)
{
	const char *name = (const char *)sqlite3_column_text(query, 0);
	const void *subject = sqlite3_column_blob(query, 1);
	size_t subject_len = (size_t)sqlite3_column_bytes(query, 1);
	const void *payload = sqlite3_column_text(query, 5);
	size_t len = (size_t)sqlite3_column_bytes(query, 5);
	AUTO(envelope_free) struct envelope *env = NULL;
	struct record_row row = { 0 };
	size_t i = 0;

	while (i < ARRAY_SIZE(types) && name &&
		strcmp(types[i].name, name) != 0)
		i++;
	if (!name || i == ARRAY_SIZE(types) || !payload || !subject ||
		subject_len > sizeof(row.subject.b))
		return store_malformed("record", err);
	env = malloc(sizeof(*env) + len);
	if (!env)
		return err_set(err, -ENOMEM, "out of memory");
	if (!store_read_blob(query, 3, env->key.b, sizeof(env->key.b)) ||
		!store_read_blob(query, 4, env->sig.b, sizeof(env->sig.b)))
		return store_malformed("record", err);
	env->payload_len = len;
	memcpy(env->payload, payload, len);
	row.type = types[i].type;
	row.subject.len = subject_len;
	memcpy(row.subject.b, subject, subject_len);
	row.serial = store_read_u64(query, 2);
	row.envelope = TAKE(env);
	*ret_row = row;
	return 0;
}

int store_record_find(struct store *store, enum record_type type,
	const struct subject *subject, struct record_row *ret_row,
	struct err *err)
{
	static const char sql[] = "SELECT " COLUMNS " FROM record "
				  "WHERE type = ? AND subject = ?";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);
	int r;

	bind_id(store, query, 1, type, subject);
	r = store_row(store, query, err);
	if (r < 0)
		return r;
	if (r == 0)
		return err_set(
			err, -ENOENT, "no such %s record", type_name(type));
	return read_row(query, ret_row, err);
}

int store_record_list(struct store *store, enum store_records which,
	uint64_t since, struct record_rows *rows, struct err *err)
{
	static const char told[] = "SELECT " COLUMNS " FROM record "
				   "WHERE serial > ? ORDER BY serial";
	static const char all[] = "SELECT " COLUMNS " FROM record "
				  "WHERE serial > ? OR serial IS NULL "
				  "ORDER BY serial";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(
		store, which == STORE_RECORDS_ALL ? all : told, err);
	int r;

	store_bind_u64(store, query, 1, since);
	while ((r = store_row(store, query, err)) > 0) {
		struct record_row row;

		r = read_row(query, &row, err);
		if (r < 0)
			return r;
		r = record_rows_add(
			rows, row.type, &row.subject, row.serial, row.envelope);
		if (r < 0)
			return err_set(err, r, "out of memory");
	}
	return r;
}

/* store_token: join and API tokens; their secrets only as hashes (store.h). */
#include "config.h"

#include "meshd/scope.h"
#include "meshd/store_db.h"

#include <errno.h>
#include <string.h>

#include "base/banned.h"

int store_token_insert(
	struct store *store, const struct token_row *row, struct err *err)
{
	static const char sql[] =
		"INSERT INTO token (id, kind, secret_hash, note, scopes, "
		"delegate, uses_max, created_at, expires_at) "
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);
	bool join = row->kind == TOKEN_JOIN;
	char scopes[SCOPES_TEXT_SIZE];

	store_bind_str(store, query, 1, row->id);
	store_bind_str(store, query, 2, join ? "join" : "api");
	store_bind_blob(store, query, 3, row->hash.b, sizeof(row->hash.b));
	store_bind_str(store, query, 4, row->note);
	store_bind_str(store, query, 5, scopes_format(row->scopes, scopes));
	if (join)
		store_bind_blob(store, query, 6, row->delegate.b,
			sizeof(row->delegate.b));
	store_bind_u64(store, query, 7, row->uses_max);
	store_bind_wall(store, query, 8, row->created);
	store_bind_wall(store, query, 9, row->expires);
	return store_done(store, query, NULL, err);
}

#define COLUMNS                                                                \
	"id, kind, secret_hash, note, scopes, delegate, uses_max, "            \
	"created_at, expires_at, revoked_at, uses"

static int read_row(
	sqlite3_stmt *query, struct token_row *ret_row, struct err *err)
{
	const char *kind = (const char *)sqlite3_column_text(query, 1);
	struct token_row row = { 0 };
	char scopes[SCOPES_TEXT_SIZE];

	if (!store_read_str(query, 0, row.id, sizeof(row.id)) || !kind ||
		!store_read_blob(query, 2, row.hash.b, sizeof(row.hash.b)) ||
		!store_read_str(query, 3, row.note, sizeof(row.note)) ||
		!store_read_str(query, 4, scopes, sizeof(scopes)) ||
		!scopes_parse(scopes, &row.scopes) ||
		!store_read_blob(
			query, 5, row.delegate.b, sizeof(row.delegate.b)))
		return store_malformed("token", err);
	row.kind = strcmp(kind, "join") == 0 ? TOKEN_JOIN : TOKEN_API;
	row.uses_max = (uint32_t)store_read_u64(query, 6);
	row.created = store_read_wall(query, 7);
	row.expires = store_read_wall(query, 8);
	row.revoked = store_read_wall(query, 9);
	row.uses = (uint32_t)store_read_u64(query, 10);
	*ret_row = row;
	return 0;
}

int store_token_find(struct store *store, const char *id,
	struct token_row *ret_row, struct err *err)
{
	static const char sql[] = "SELECT " COLUMNS " FROM token WHERE id = ?";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);
	int r;

	store_bind_str(store, query, 1, id);
	r = store_row(store, query, err);
	if (r < 0)
		return r;
	if (r == 0)
		return err_set(err, -ENOENT, "there is no token %s", id);
	return read_row(query, ret_row, err);
}

int store_token_each(struct store *store, struct wall now,
	int (*fn)(void *arg, const struct token_row *row), void *arg,
	struct err *err)
{
	static const char sql[] =
		"SELECT id, kind, secret_hash, note, scopes, delegate, "
		"uses_max, created_at, expires_at, revoked_at, uses - "
		"(SELECT count(*) FROM node WHERE node.token = token.id "
		"AND state = 'reserved' AND reserved_until <= ?) "
		"FROM token ORDER BY rowid";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);
	int r;

	store_bind_wall(store, query, 1, now);
	while ((r = store_row(store, query, err)) > 0) {
		struct token_row row;

		r = read_row(query, &row, err);
		if (r == 0)
			r = fn(arg, &row);
		if (r < 0)
			return r;
	}
	return r;
}

int store_token_any(struct store *store, bool *ret_any, struct err *err)
{
	static const char sql[] = "SELECT 1 FROM token UNION ALL "
				  "SELECT 1 FROM node LIMIT 1";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);
	int r = store_row(store, query, err);

	if (r < 0)
		return r;
	*ret_any = r > 0;
	return 0;
}

int store_token_reserved(struct store *store, const char *id,
	uint64_t *ret_count, struct err *err)
{
	static const char sql[] = "SELECT count(*) FROM node "
				  "WHERE state = 'reserved' AND token = ?";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);
	int r;

	store_bind_str(store, query, 1, id);
	r = store_row(store, query, err);
	if (r < 0)
		return r;
	*ret_count = store_read_u64(query, 0);
	return 0;
}

int store_token_consume(
	struct store *store, const char *id, struct wall now, struct err *err)
{
	static const char sql[] =
		"UPDATE token SET uses = uses + 1 WHERE id = ? "
		"AND kind = 'join' AND revoked_at IS NULL AND expires_at > ? "
		"AND (uses_max = 0 OR uses < uses_max)";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);
	int changes, r;

	store_bind_str(store, query, 1, id);
	store_bind_wall(store, query, 2, now);
	r = store_done(store, query, &changes, err);
	if (r < 0)
		return r;
	return changes == 1 ? 0 : err_set(err, -EDQUOT, "the token is used up");
}

int store_token_revoke(
	struct store *store, const char *id, struct wall now, struct err *err)
{
	static const char sql[] =
		"UPDATE token SET revoked_at = coalesce(revoked_at, ?) "
		"WHERE id = ?";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);
	int changes, r;

	store_bind_wall(store, query, 1, now);
	store_bind_str(store, query, 2, id);
	r = store_done(store, query, &changes, err);
	if (r < 0)
		return r;
	return changes == 1 ? 0
			    : err_set(err, -ENOENT, "there is no token %s", id);
}

/* store_db: see store_db.h. */
#include "config.h"

#include "meshd/store_db.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/banned.h"

int store_failed(struct store *store, struct err *err)
{
	int code = sqlite3_errcode(store->db), r = -EIO;

	if (code == SQLITE_NOMEM)
		r = -ENOMEM;
	else if (code == SQLITE_FULL)
		r = -ENOSPC;
	else if (code == SQLITE_BUSY)
		r = -EBUSY;
	else if (code == SQLITE_CONSTRAINT)
		r = -EEXIST;
	else if (code == SQLITE_READONLY)
		r = -EROFS;
	return err_set(err, r, "database: %s", sqlite3_errmsg(store->db));
}

sqlite3_stmt *store_query(struct store *store, const char *sql, struct err *err)
{
	struct store_statement *slot = store->statements;
	struct store_statement *end = slot + store->statement_count;

	while (slot != end && slot->sql != sql)
		slot++;
	if (slot == end) {
		BUG_ON(store->statement_count == STORE_STATEMENTS_MAX);
		if (sqlite3_prepare_v3(store->db, sql, -1,
			    SQLITE_PREPARE_PERSISTENT, &slot->stmt,
			    NULL) != SQLITE_OK) {
			(void)store_failed(store, err);
			return NULL;
		}
		slot->sql = sql;
		store->statement_count++;
	}
	(void)sqlite3_reset(slot->stmt);
	(void)sqlite3_clear_bindings(slot->stmt);
	store->bind_failed = false;
	return slot->stmt;
}

int store_row(struct store *store, sqlite3_stmt *query, struct err *err)
{
	if (!query)
		return -EIO;
	if (store->bind_failed)
		return err_set(err, -ENOMEM, "database: out of memory");
	switch (sqlite3_step(query)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	default:
		return store_failed(store, err);
	}
}

int store_done(struct store *store, sqlite3_stmt *query, int *ret_changes,
	struct err *err)
{
	int r = store_row(store, query, err);

	if (r < 0)
		return r;
	if (ret_changes)
		*ret_changes = sqlite3_changes(store->db);
	return 0;
}

int store_done_one(struct store *store, sqlite3_stmt *query, struct err *err)
{
	int changes, r = store_done(store, query, &changes, err);

	if (r < 0)
		return r;
	return changes == 1 ? 0 : err_set(err, -ENOENT, "no such row");
}

static void bound(struct store *store, int code)
{
	if (code != SQLITE_OK)
		store->bind_failed = true;
}

void store_bind_blob(struct store *store, sqlite3_stmt *query, int index,
	const void *bytes, size_t len)
{
	if (query)
		bound(store,
			sqlite3_bind_blob64(
				query, index, bytes, len, SQLITE_TRANSIENT));
}

void store_bind_text(struct store *store, sqlite3_stmt *query, int index,
	const char *text, size_t len)
{
	if (query)
		bound(store,
			sqlite3_bind_text64(query, index, text, len,
				SQLITE_TRANSIENT, SQLITE_UTF8));
}

void store_bind_str(
	struct store *store, sqlite3_stmt *query, int index, const char *str)
{
	if (str)
		store_bind_text(store, query, index, str, strlen(str));
}

void store_bind_u64(
	struct store *store, sqlite3_stmt *query, int index, uint64_t value)
{
	int64_t capped = value > INT64_MAX ? INT64_MAX : (int64_t)value;

	if (query)
		bound(store, sqlite3_bind_int64(query, index, capped));
}

void store_bind_wall(
	struct store *store, sqlite3_stmt *query, int index, struct wall t)
{
	if (query)
		bound(store,
			sqlite3_bind_int64(query, index, t.ns / NSEC_PER_SEC));
}

bool store_read_blob(sqlite3_stmt *query, int column, void *dst, size_t len)
{
	const void *bytes = sqlite3_column_blob(query, column);

	if (sqlite3_column_type(query, column) == SQLITE_NULL) {
		memset(dst, 0, len);
		return true;
	}
	if (!bytes || (size_t)sqlite3_column_bytes(query, column) != len)
		return false;
	memcpy(dst, bytes, len);
	return true;
}

bool store_read_str(sqlite3_stmt *query, int column, char *dst, size_t size)
{
	const void *text = sqlite3_column_text(query, column);

	return str_copy(dst, size, text ? text : "");
}

uint64_t store_read_u64(sqlite3_stmt *query, int column)
{
	int64_t value = sqlite3_column_int64(query, column);

	return value < 0 ? 0 : (uint64_t)value;
}

struct wall store_read_wall(sqlite3_stmt *query, int column)
{
	int64_t sec = sqlite3_column_int64(query, column);

	if (sec > INT64_MAX / NSEC_PER_SEC)
		return (struct wall){ INT64_MAX };
	if (sec < 0)
		sec = 0;
	return (struct wall){ sec * NSEC_PER_SEC };
}

int store_malformed(const char *table, struct err *err)
{
	return err_set(
		err, -EBADMSG, "database: a row of %s is malformed", table);
}

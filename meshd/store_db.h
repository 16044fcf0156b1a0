/*
 * store_db: SQLite for the files of store, and for nobody else. Statements are
 * prepared once and kept, found again by the address of their text. A failed
 * bind is remembered and comes out of the next store_row().
 */
#ifndef MESHD_STORE_DB_H
#define MESHD_STORE_DB_H

#include "meshd/store.h"

#include <sqlite3.h>

#define STORE_STATEMENTS_MAX 64 /* one a text in store_*.c */

struct store {
	sqlite3 *db;
	int lock_fd;
	bool bind_failed;
	uint64_t serial_at_open; /* 0: no mesh then */
	uint64_t serial_first;	 /* handed out since; 0: none */
	struct store_statement {
		const char *sql;
		sqlite3_stmt *stmt;
	} statements[STORE_STATEMENTS_MAX];
	size_t statement_count;
};

/* AUTO(store_query_reset) sqlite3_stmt *query = store_query(store, SQL, err);
 * SQL must be a static text. NULL: see ERR. */
sqlite3_stmt *store_query(
	struct store *store, const char *sql, struct err *err);
static inline void store_query_reset(sqlite3_stmt *query)
{
	(void)sqlite3_reset(query); /* says again what store_row() said */
}
AUTO_DEFINE(sqlite3_stmt, store_query_reset)
/* 1: a row is there; 0: no more; -errno. QUERY NULL: -EIO, ERR is kept. */
WARN_UNUSED int store_row(
	struct store *store, sqlite3_stmt *query, struct err *err);
/* For a statement without rows. RET_CHANGES (may be NULL) counts rows. */
WARN_UNUSED int store_done(struct store *store, sqlite3_stmt *query,
	int *ret_changes, struct err *err);
/* -ENOENT unless exactly one row was changed. */
WARN_UNUSED int store_done_one(
	struct store *store, sqlite3_stmt *query, struct err *err);
/* What SQLite last said, as -errno with ERR. */
int store_failed(struct store *store, struct err *err);

void store_bind_blob(struct store *store, sqlite3_stmt *query, int index,
	const void *bytes, size_t len);
void store_bind_text(struct store *store, sqlite3_stmt *query, int index,
	const char *text, size_t len);
void store_bind_str(struct store *store, sqlite3_stmt *query, int index,
	const char *str); /* NULL binds NULL */
void store_bind_u64(
	struct store *store, sqlite3_stmt *query, int index, uint64_t value);
void store_bind_wall(struct store *store, sqlite3_stmt *query, int index,
	struct wall t); /* seconds */

/* Readers of a row. NULL reads as zeros; false when the value does not fit,
 * which only a hand in the database can bring about. */
WARN_UNUSED bool store_read_blob(
	sqlite3_stmt *query, int column, void *dst, size_t len);
WARN_UNUSED bool store_read_str(
	sqlite3_stmt *query, int column, char *dst, size_t size);
uint64_t store_read_u64(sqlite3_stmt *query, int column);
struct wall store_read_wall(sqlite3_stmt *query, int column);
/* -EBADMSG: "a row of TABLE is malformed". */
int store_malformed(const char *table, struct err *err);

#endif

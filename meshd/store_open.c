/*
 * store_open: a store's beginning and end, and its transactions (store.h).
 * The database file is made 0600 before SQLite sees it; SQLite gives its -wal
 * and -shm the same mode.
 */
#include "config.h"

#include "meshd/migrate.h"
#include "meshd/store_db.h"
#include "os/atomicfile.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/banned.h"

#define PATH_BUF_MAX	  4096
#define BUSY_TIMEOUT_MSEC 1000 /* somebody's shell has it open */
#define CACHE_KIB	  512

static int make_file(const char *path, struct err *err)
{
	AUTO(fd_close)
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat st;

	if (fd < 0)
		return err_errno(err, "%s", path);
	if (fstat(fd, &st) < 0)
		return err_errno(err, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "%s is no regular file", path);
	if ((st.st_mode & 077) != 0 && fchmod(fd, 0600) < 0)
		return err_errno(err, "%s", path);
	return 0;
}

/* A stranger who may write here could put other files in place of ours. */
static int check_dir(const char *dir, struct err *err)
{
	struct stat st;

	if (stat(dir, &st) < 0)
		return err_errno(err, "%s", dir);
	if ((st.st_mode & 022) != 0)
		return err_set(err, -EPERM,
			"%s may be written by others: chmod 0700 %s", dir, dir);
	return 0;
}

static int set_up(struct store *store, struct err *err)
{
	static const char *const pragmas[] = {
		"PRAGMA journal_mode = WAL",
		"PRAGMA synchronous = FULL",
		"PRAGMA foreign_keys = ON",
		"PRAGMA trusted_schema = OFF",
		"PRAGMA cell_size_check = ON",
		"PRAGMA mmap_size = 0",
		"PRAGMA temp_store = MEMORY",
	};
	char cache[48];

	(void)sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MSEC);
	(void)sqlite3_extended_result_codes(store->db, 0);
	(void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	(void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	(void)sqlite3_limit(store->db, SQLITE_LIMIT_ATTACHED, 0);
	for (size_t i = 0; i < ARRAY_SIZE(pragmas); i++)
		if (sqlite3_exec(store->db, pragmas[i], NULL, NULL, NULL) !=
			SQLITE_OK)
			return store_failed(store, err);
	(void)snprintf(
		cache, sizeof(cache), "PRAGMA cache_size = -%d", CACHE_KIB);
	if (sqlite3_exec(store->db, cache, NULL, NULL, NULL) != SQLITE_OK)
		return store_failed(store, err);
	return 0;
}

static int open_database(struct store *store, const char *path, struct err *err)
{
	struct mesh_row mesh;
	int r = make_file(path, err);

	if (r < 0)
		return r;
	if (sqlite3_open_v2(path, &store->db,
		    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
			    SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_PRIVATECACHE,
		    NULL) != SQLITE_OK)
		return store->db ? store_failed(store, err)
				 : err_set(err, -ENOMEM, "out of memory");
	r = set_up(store, err);
	if (r == 0)
		r = migrate_run(store->db, err);
	if (r < 0)
		return r;
	r = store_mesh_load(store, &mesh, err);
	if (r == 0)
		store->serial_at_open = mesh.serial;
	return r == -ENOENT ? 0 : r;
}

int store_open(const char *dir, struct store **ret_store, struct err *err)
{
	AUTO(store_free) struct store *store = calloc(1, sizeof(*store));
	AUTO(buf_release) struct buf path = BUF_INIT(PATH_BUF_MAX);
	int r;

	if (!store)
		return err_set(err, -ENOMEM, "out of memory");
	store->lock_fd = -1;
	r = dir_ensure(dir, 0700, err);
	if (r == 0)
		r = check_dir(dir, err);
	if (r < 0)
		return r;
	buf_addf(&path, "%s/%s", dir, STORE_LOCK_FILE);
	if (buf_failed(&path))
		return err_set(err, -ENAMETOOLONG, "%s: name too long", dir);
	r = lockfile_acquire(buf_str(&path), &store->lock_fd, err);
	if (r == -EBUSY)
		return err_set(err, r, "another meshd is running on %s", dir);
	if (r < 0)
		return r;
	buf_clear(&path);
	buf_addf(&path, "%s/%s", dir, STORE_FILE);
	if (buf_failed(&path))
		return err_set(err, -ENAMETOOLONG, "%s: name too long", dir);
	r = open_database(store, buf_str(&path), err);
	if (r < 0) {
		err_prefix(err, "%s", buf_str(&path));
		return r;
	}
	*ret_store = TAKE(store);
	return 0;
}

void store_free(struct store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < store->statement_count; i++)
		(void)sqlite3_finalize(store->statements[i].stmt);
	(void)sqlite3_close(store->db);
	fd_close(&store->lock_fd);
	free(store);
}

int store_begin(struct store *store, struct store **ret_tx, struct err *err)
{
	static const char sql[] = "BEGIN IMMEDIATE";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);
	int r = store_done(store, query, NULL, err);

	if (r == 0)
		*ret_tx = store;
	return r;
}

int store_commit(struct store **tx, struct err *err)
{
	static const char sql[] = "COMMIT";
	AUTO(store_rollback) struct store *store = TAKE(*tx);
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);
	int r = store_done(store, query, NULL, err);

	if (r == 0)
		store = NULL;
	return r;
}

void store_rollback(struct store *tx)
{
	if (tx && !sqlite3_get_autocommit(tx->db))
		(void)sqlite3_exec(tx->db, "ROLLBACK", NULL, NULL, NULL);
}

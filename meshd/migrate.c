/* migrate: see migrate.h. */
#include "config.h"

#include "meshd/migrate.h"

#include "meshd/embedded.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>

#include "base/banned.h"

unsigned int migrate_version(void)
{
	unsigned int count = 0;

	while (embedded_migrations[count].name)
		count++;
	return count;
}

static int exec(sqlite3 *db, const char *sql, const char *what, struct err *err)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	return err_set(err, -EIO, "%s: %s", what, sqlite3_errmsg(db));
}

static int version_of(sqlite3 *db, unsigned int *ret_version, struct err *err)
{
	sqlite3_stmt *query = NULL;
	int version = -1;

	if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &query, NULL) ==
			SQLITE_OK &&
		sqlite3_step(query) == SQLITE_ROW)
		version = sqlite3_column_int(query, 0);
	(void)sqlite3_finalize(query);
	if (version < 0)
		return err_set(err, -EIO, "reading its version: %s",
			sqlite3_errmsg(db));
	*ret_version = (unsigned int)version;
	return 0;
}

static int step(sqlite3 *db, unsigned int version, struct err *err)
{
	const struct embedded_file *file = &embedded_migrations[version - 1];
	char pragma[48];
	int r;

	(void)snprintf(
		pragma, sizeof(pragma), "PRAGMA user_version = %u", version);
	r = exec(db, "BEGIN IMMEDIATE", file->name, err);
	if (r < 0)
		return r;
	r = exec(db, file->text, file->name, err);
	if (r == 0)
		r = exec(db, pragma, file->name, err);
	if (r == 0)
		r = exec(db, "COMMIT", file->name, err);
	if (r < 0)
		(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

int migrate_run(struct sqlite3 *db, struct err *err)
{
	unsigned int known = migrate_version(), version = 0;
	int r = version_of(db, &version, err);

	if (r < 0)
		return r;
	if (version > known)
		return err_set(err, -EPROTONOSUPPORT,
			"the database has version %u, newer than version %u "
			"of this program: run the meshd that wrote it, or a "
			"later one",
			version, known);
	while (r == 0 && version < known)
		r = step(db, ++version, err);
	return r;
}

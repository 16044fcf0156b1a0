/*
 * migrate: brings a database to the schema this program was built with. The
 * steps are schema/NNNN_*.sql, embedded at build time, in order; PRAGMA
 * user_version counts those that were applied. Each step is one transaction: a
 * crash leaves the database before or after it. There is no way back: a newer
 * database is refused, and named.
 */
#ifndef MESHD_MIGRATE_H
#define MESHD_MIGRATE_H

#include "base/auto.h"
#include "base/err.h"

struct sqlite3;

unsigned int migrate_version(void); /* what this program knows */
/* -EPROTONOSUPPORT when the database is newer; -EIO and the like otherwise. */
WARN_UNUSED int migrate_run(struct sqlite3 *db, struct err *err);

#endif

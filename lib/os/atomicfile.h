/*
 * atomicfile: a file is there whole, old or new, with its mode from the first
 * byte: write to a temporary beside it, fsync, rename, fsync the directory.
 */
#ifndef OS_ATOMICFILE_H
#define OS_ATOMICFILE_H

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"

#include <stddef.h>
#include <sys/types.h>

WARN_UNUSED int atomicfile_write(const char *path, const void *bytes,
	size_t len, mode_t mode, struct err *err);
/* -ENOENT when there is none (ERR set as well). */
WARN_UNUSED int atomicfile_read(
	const char *path, struct buf *buf, struct err *err);
/* Makes DIR and missing parents with MODE; a DIR that is there is left as it
 * is, but must be a directory. */
WARN_UNUSED int dir_ensure(const char *dir, mode_t mode, struct err *err);
/* Exclusive lock on PATH (made 0600), held until the fd closes (process end).
 * -EBUSY when another process holds it. */
WARN_UNUSED int lockfile_acquire(
	const char *path, int *ret_fd, struct err *err);

#endif

/*
 * unixsock: Unix stream sockets whose mode is right from the first byte: the
 * socket is bound under umask(077) before it listens. A path left behind by a
 * dead process is taken over; one that answers is -EADDRINUSE.
 */
#ifndef OS_UNIXSOCK_H
#define OS_UNIXSOCK_H

#include "base/auto.h"
#include "base/err.h"

#include <sys/types.h>

/* Non-blocking, CLOEXEC. Makes the parent directory DIR_MODE if missing. */
WARN_UNUSED int unixsock_listen(const char *path, mode_t mode, mode_t dir_mode,
	int *ret_fd, struct err *err);
/* Blocking, CLOEXEC. */
WARN_UNUSED int unixsock_connect(
	const char *path, int *ret_fd, struct err *err);
/* Whoever is at the other end: SO_PEERCRED. */
WARN_UNUSED int unixsock_peer_uid(int fd, uid_t *ret_uid, gid_t *ret_gid);

#endif

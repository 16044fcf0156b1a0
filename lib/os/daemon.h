/*
 * daemon: going to the background without lying about it. The parent of
 * daemon_fork() waits until the child calls daemon_ready() and exits 0; if the
 * child ends first, the parent exits with its status (0 too), and what the child wrote
 * to stderr was seen. In the foreground the service manager is told instead
 * (sd_notify protocol, NOTIFY_SOCKET). The working directory is kept, so that
 * paths given stay true. State is one socket of the process: call from main's
 * thread, before there are others.
 */
#ifndef OS_DAEMON_H
#define OS_DAEMON_H

#include "base/auto.h"
#include "base/err.h"

/* Returns 0 in the child, or -errno in the only process there is. The parent
 * does not return. Locks and the loop are made after it. */
WARN_UNUSED int daemon_fork(struct err *err);
/* Ready to serve. After a daemon_fork(): own session, stdio to /dev/null (but
 * a stderr that is a file stays: somebody wants the log), parent exits 0.
 * Otherwise: READY=1 to NOTIFY_SOCKET. Second calls do nothing. */
void daemon_ready(void);
/* "PID\n", 0644, replaced whole. */
WARN_UNUSED int pidfile_write(const char *path, struct err *err);
/* Unlinks PATH if it names this process; NULL is fine. */
void pidfile_remove(const char *path);

#endif

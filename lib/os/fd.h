/* fd: file descriptors that close themselves. */
#ifndef OS_FD_H
#define OS_FD_H

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"

/* Closes *FD unless it is -1, sets it to -1, keeps errno. */
void fd_close(int *fd);
static inline void fd_close_auto(int *fd)
{
	fd_close(fd);
}
/* AUTO(fd_close) int fd = open(...); */
static inline int fd_take(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}
int fd_set_nonblock(int fd); /* 0 or -errno */
/* Whole file into BUF (which has a maximum); 0 or -errno, -EFBIG over it. */
int fd_read_all(int fd, struct buf *buf, struct err *err);
int fd_write_all(int fd, const void *bytes, size_t len, struct err *err);

#endif

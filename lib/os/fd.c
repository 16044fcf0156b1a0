#include "config.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/banned.h"

#define READ_STEP 4096

void fd_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}

int fd_set_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_errno(NULL, "fcntl");
	return 0;
}

static ssize_t read_some(int fd, void *bytes, size_t len)
{
	ssize_t n;

	do
		n = read(fd, bytes, len);
	while (n < 0 && errno == EINTR);
	return n;
}

int fd_read_all(int fd, struct buf *buf, struct err *err)
{
	for (;;) {
		size_t room = buf->max - buf->len;
		char more, *at = &more;
		ssize_t n;

		if (room > READ_STEP)
			room = READ_STEP;
		if (room) {
			at = buf_reserve(buf, room);
			if (!at)
				return err_set(err, -ENOMEM, "out of memory");
		}
		n = read_some(fd, at, room ? room : sizeof(more));
		if (n < 0)
			return err_errno(err, "read");
		if (n == 0)
			return 0;
		if (!room)
			return err_set(
				err, -EFBIG, "more than %zu bytes", buf->max);
		buf->len += (size_t)n;
	}
}

int fd_write_all(int fd, const void *bytes, size_t len, struct err *err)
{
	const char *p = bytes;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "write");
		if (n == 0)
			return err_set(err, -EIO, "write: nothing was taken");
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

#include "config.h"
#include "os/unixsock.h"
#include "os/atomicfile.h"
#include "os/fd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/banned.h"

#define BACKLOG 64

static int fill_addr(
	const char *path, struct sockaddr_un *ret_addr, struct err *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len = strlen(path);

	if (!len || len >= sizeof(addr.sun_path))
		return err_set(err, -ENAMETOOLONG,
			"socket path \"%s\": must have 1 to %zu bytes", path,
			sizeof(addr.sun_path) - 1);
	memcpy(addr.sun_path, path, len + 1);
	*ret_addr = addr;
	return 0;
}

static int try_connect(int fd, const struct sockaddr_un *addr)
{
	int r;

	do /* cast: the socket API's own kind of inheritance */
		r = connect(fd, (const struct sockaddr *)addr, sizeof(*addr));
	while (r != 0 && errno == EINTR);
	return r == 0 ? 0 : err_errno(NULL, "connect");
}

/* Takes away what a dead process left; what lives, or is no socket, stays. */
static int clear_path(const struct sockaddr_un *addr, struct err *err)
{
	const char *path = addr->sun_path;
	AUTO(fd_close) int fd = -1;
	struct stat st;
	int r;

	if (lstat(path, &st) != 0) {
		if (errno == ENOENT)
			return 0;
		return err_errno(err, "cannot look at \"%s\"", path);
	}
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, -EEXIST,
			"\"%s\" is in the way and no socket", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_errno(err, "socket");
	r = try_connect(fd, addr);
	/* -EAGAIN: its backlog is full, so it lives */
	if (r == 0 || r == -EAGAIN)
		return err_set(err, -EADDRINUSE,
			"another process serves \"%s\"", path);
	if (r != -ECONNREFUSED && r != -ENOENT) {
		errno = -r;
		return err_errno(err, "cannot ask who serves \"%s\"", path);
	}
	if (unlink(path) != 0 && errno != ENOENT)
		return err_errno(err, "cannot remove stale \"%s\"", path);
	return 0;
}

static int ensure_parent(const char *path, mode_t mode, struct err *err)
{
	const char *slash = strrchr(path, '/');
	AUTO(free_ptr) char *dir = NULL;

	if (!slash || slash == path)
		return 0;
	dir = strndup(path, (size_t)(slash - path));
	if (!dir)
		return err_set(err, -ENOMEM, "out of memory");
	return dir_ensure(dir, mode, err);
}

/* Nobody can connect before listen(2), so the mode is right in time. */
static int bind_and_listen(
	int fd, const struct sockaddr_un *addr, mode_t mode, struct err *err)
{
	const char *path = addr->sun_path;
	mode_t saved = umask(077);
	int r = bind(fd, (const struct sockaddr *)addr, sizeof(*addr));

	(void)umask(saved);
	if (r != 0)
		return err_errno(err, "cannot bind \"%s\"", path);
	if (chmod(path, mode) != 0)
		r = err_errno(err, "cannot set the mode of \"%s\"", path);
	else if (listen(fd, BACKLOG) != 0)
		r = err_errno(err, "cannot listen on \"%s\"", path);
	if (r < 0)
		(void)unlink(path);
	return r;
}

int unixsock_listen(const char *path, mode_t mode, mode_t dir_mode, int *ret_fd,
	struct err *err)
{
	AUTO(fd_close) int fd = -1;
	struct sockaddr_un addr;
	int r = fill_addr(path, &addr, err);

	if (r < 0)
		return r;
	r = ensure_parent(path, dir_mode, err);
	if (r < 0)
		return r;
	r = clear_path(&addr, err);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_errno(err, "socket");
	r = bind_and_listen(fd, &addr, mode, err);
	if (r < 0)
		return r;
	*ret_fd = fd_take(&fd);
	return 0;
}

int unixsock_connect(const char *path, int *ret_fd, struct err *err)
{
	AUTO(fd_close) int fd = -1;
	struct sockaddr_un addr;
	int r = fill_addr(path, &addr, err);

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_errno(err, "socket");
	r = try_connect(fd, &addr);
	if (r < 0) {
		errno = -r;
		return err_errno(err, "cannot connect to \"%s\"", path);
	}
	*ret_fd = fd_take(&fd);
	return 0;
}

int unixsock_peer_uid(int fd, uid_t *ret_uid, gid_t *ret_gid)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		return err_errno(NULL, "SO_PEERCRED");
	*ret_uid = cred.uid;
	*ret_gid = cred.gid;
	return 0;
}

#include "config.h"
#include "os/atomicfile.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

/* "." NAME "." and 16 hex digits */
#define TEMP_NAME_SIZE 512

static const char *name_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int open_parent(const char *path, int *ret_fd)
{
	AUTO(free_ptr) char *dir = NULL;
	size_t len = (size_t)(name_part(path) - path);
	int fd;

	dir = len ? strndup(path, len) : strdup(".");
	if (!dir)
		return -ENOMEM;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(NULL, "open");
	*ret_fd = fd;
	return 0;
}

/* A name that nobody can have put there before, in the same directory. */
static int create_temp(int dir_fd, const char *name,
	char temp[static TEMP_NAME_SIZE], int *ret_fd)
{
	uint64_t nonce;
	int len, fd;

	if (getrandom(&nonce, sizeof(nonce), 0) != sizeof(nonce))
		return err_errno(NULL, "getrandom");
	len = snprintf(temp, TEMP_NAME_SIZE, ".%s.%016" PRIx64, name, nonce);
	if (len < 0 || len >= TEMP_NAME_SIZE)
		return -ENAMETOOLONG;
	fd = openat(dir_fd, temp,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(NULL, "openat");
	*ret_fd = fd;
	return 0;
}

static int fill(int fd, const void *bytes, size_t len, mode_t mode)
{
	int r;

	/* before the first byte, and whatever the umask took away */
	if (fchmod(fd, mode) != 0)
		return err_errno(NULL, "fchmod");
	r = fd_write_all(fd, bytes, len, NULL);
	if (r < 0)
		return r;
	return fsync(fd) == 0 ? 0 : err_errno(NULL, "fsync");
}

static int replace(int dir_fd, const char *name, const void *bytes, size_t len,
	mode_t mode)
{
	char temp[TEMP_NAME_SIZE];
	AUTO(fd_close) int fd = -1;
	int r = create_temp(dir_fd, name, temp, &fd);

	if (r < 0)
		return r;
	r = fill(fd, bytes, len, mode);
	if (r == 0 && renameat(dir_fd, temp, dir_fd, name) != 0)
		r = err_errno(NULL, "renameat");
	if (r < 0) {
		(void)unlinkat(dir_fd, temp, 0);
		return r;
	}
	return fsync(dir_fd) == 0 ? 0 : err_errno(NULL, "fsync");
}

int atomicfile_write(const char *path, const void *bytes, size_t len,
	mode_t mode, struct err *err)
{
	AUTO(fd_close) int dir_fd = -1;
	int r = open_parent(path, &dir_fd);

	if (r == 0)
		r = replace(dir_fd, name_part(path), bytes, len, mode);
	if (r < 0) {
		errno = -r;
		return err_errno(err, "cannot write \"%s\"", path);
	}
	return 0;
}

int atomicfile_read(const char *path, struct buf *buf, struct err *err)
{
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return err_errno(err, "cannot open \"%s\"", path);
	r = fd_read_all(fd, buf, err);
	if (r < 0)
		err_prefix(err, "\"%s\"", path);
	return r;
}

static int ensure_one(const char *dir, mode_t mode, struct err *err)
{
	struct stat st;

	if (mkdir(dir, mode & 0700) == 0) {
		if (chmod(dir, mode) == 0)
			return 0;
		return err_errno(err, "cannot set the mode of \"%s\"", dir);
	}
	if (errno != EEXIST)
		return err_errno(err, "cannot make directory \"%s\"", dir);
	if (stat(dir, &st) != 0)
		return err_errno(err, "cannot look at \"%s\"", dir);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, -ENOTDIR, "\"%s\" is not a directory", dir);
	return 0;
}

int dir_ensure(const char *dir, mode_t mode, struct err *err)
{
	AUTO(free_ptr) char *path = strdup(dir);
	struct stat st;
	int r;

	if (!path)
		return err_set(err, -ENOMEM, "out of memory");
	/* a parent may be there and not ours to look at: ask for it first */
	if (stat(path, &st) == 0)
		return ensure_one(path, mode, err);
	for (char *p = path + 1; *path && *p; p++) {
		if (*p != '/')
			continue;
		*p = 0;
		r = ensure_one(path, mode, err);
		if (r < 0)
			return r;
		*p = '/';
	}
	return ensure_one(path, mode, err);
}

int lockfile_acquire(const char *path, int *ret_fd, struct err *err)
{
	AUTO(fd_close)
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_errno(err, "cannot open \"%s\"", path);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EWOULDBLOCK)
			return err_set(err, -EBUSY,
				"\"%s\" is locked: another process uses it",
				path);
		return err_errno(err, "cannot lock \"%s\"", path);
	}
	*ret_fd = fd_take(&fd);
	return 0;
}

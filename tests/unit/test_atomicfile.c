/* atomicfile, lockfile, fd: modes under every umask, and what a failure leaves
 * behind: the old file, and nothing else. */
#include "config.h"
#include "rows.h"
#include "tmpdir.h"
#include "os/atomicfile.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static void expect_content(const char *name, const char *want)
{
	AUTO(buf_release) struct buf buf = BUF_INIT(100000);
	struct err err = { 0 };

	assert_int_equal(atomicfile_read(tmpdir_path(name), &buf, &err), 0);
	assert_string_equal(buf_str(&buf), want);
}

static void test_mode_is_exact(void **state)
{
	static const struct {
		mode_t umask, mode;
		int line;
	} rows[] = {
		{ 0000, 0600, __LINE__ },
		{ 0077, 0644, __LINE__ },
		{ 0022, 0660, __LINE__ },
		{ 0777, 0640, __LINE__ },
		{ 0000, 0400, __LINE__ },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		mode_t saved = umask(rows[i].umask);
		int r = atomicfile_write(
			tmpdir_path("f"), "new", 3, rows[i].mode, NULL);

		umask(saved);
		ROW_INT(&rows[i], r, 0);
		ROW_INT(&rows[i], tmpdir_mode("f"), rows[i].mode);
		ROW_INT(&rows[i], tmpdir_count(""), 1);
	}
	expect_content("f", "new");
}

static void test_replaces_whole(void **state)
{
	struct stat before, after;

	assert_int_equal(atomicfile_write(tmpdir_path("f"), "a longer one", 12,
				 0666, NULL),
		0);
	assert_int_equal(stat(tmpdir_path("f"), &before), 0);
	assert_int_equal(
		atomicfile_write(tmpdir_path("f"), "", 0, 0600, NULL), 0);
	assert_int_equal(stat(tmpdir_path("f"), &after), 0);
	assert_true(before.st_ino != after.st_ino);
	assert_int_equal(tmpdir_mode("f"), 0600);
	expect_content("f", "");
	/* a link is replaced, not followed */
	assert_int_equal(symlink("f", tmpdir_path("l")), 0);
	assert_int_equal(
		atomicfile_write(tmpdir_path("l"), "other", 5, 0600, NULL), 0);
	expect_content("f", "");
	expect_content("l", "other");
}

static void test_failure_keeps_the_old(void **state)
{
	struct rlimit saved, small = { 10, RLIM_INFINITY };
	struct err err = { 0 };
	int r;

	assert_int_equal(
		atomicfile_write(tmpdir_path("f"), "old", 3, 0600, NULL), 0);
	/* the disk is full after ten bytes */
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &saved), 0);
	small.rlim_max = saved.rlim_max;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	r = atomicfile_write(
		tmpdir_path("f"), "much more than that", 19, 0644, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &saved), 0);
	assert_int_equal(r, -EFBIG);
	assert_non_null(strstr(err.msg, tmpdir_path("f")));
	expect_content("f", "old");
	assert_int_equal(tmpdir_mode("f"), 0600);
	assert_int_equal(tmpdir_count(""), 1);
	/* the rename itself fails */
	assert_int_equal(mkdir(tmpdir_path("d"), 0700), 0);
	assert_int_equal(atomicfile_write(tmpdir_path("d"), "x", 1, 0600, &err),
		-EISDIR);
	assert_int_equal(tmpdir_count(""), 2);
	assert_int_equal(
		atomicfile_write(tmpdir_path("none/f"), "x", 1, 0600, &err),
		-ENOENT);
	assert_non_null(strstr(err.msg, "none/f"));
	assert_true(atomicfile_write("", "x", 1, 0600, &err) < 0);
}

static void test_relative_path(void **state)
{
	AUTO(fd_close) int cwd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(chdir(tmpdir_root), 0);
	assert_int_equal(atomicfile_write("here", "x", 1, 0600, NULL), 0);
	assert_int_equal(fchdir(cwd), 0);
	expect_content("here", "x");
}

static void test_read_limits(void **state)
{
	static char bytes[10000];
	static const struct {
		size_t size, max;
		int want, line;
	} rows[] = {
		{ 0, 0, 0, __LINE__ },
		{ 1, 0, -EFBIG, __LINE__ },
		{ 10000, 10000, 0, __LINE__ },
		{ 10000, 9999, -EFBIG, __LINE__ },
		{ 4096, 4096, 0, __LINE__ },
		{ 4097, 4096, -EFBIG, __LINE__ },
		{ 8192, 100000, 0, __LINE__ },
	};
	struct err err = { 0 };

	memset(bytes, 'x', sizeof(bytes));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(buf_release) struct buf buf = BUF_INIT(rows[i].max);

		ROW_INT(&rows[i],
			atomicfile_write(tmpdir_path("f"), bytes, rows[i].size,
				0600, NULL),
			0);
		ROW_INT(&rows[i], atomicfile_read(tmpdir_path("f"), &buf, &err),
			rows[i].want);
		if (rows[i].want < 0)
			continue;
		ROW_INT(&rows[i], buf.len, rows[i].size);
		ROW_MEM(&rows[i], buf_str(&buf), bytes, rows[i].size);
	}
	assert_non_null(strstr(err.msg, "more than"));
}

static void test_read_missing(void **state)
{
	AUTO(buf_release) struct buf buf = BUF_INIT(10);
	struct err err = { 0 };

	assert_int_equal(
		atomicfile_read(tmpdir_path("none"), &buf, &err), -ENOENT);
	assert_non_null(strstr(err.msg, tmpdir_path("none")));
	assert_non_null(strstr(err.msg, "No such file"));
	assert_int_equal(atomicfile_read(tmpdir_root, &buf, &err), -EISDIR);
}

static void test_dir_ensure(void **state)
{
	struct err err = { 0 };
	mode_t saved = umask(077);

	assert_int_equal(dir_ensure(tmpdir_path("a/b/c"), 0755, &err), 0);
	umask(0);
	assert_int_equal(dir_ensure(tmpdir_path("s/e/"), 0700, &err), 0);
	umask(saved);
	assert_int_equal(tmpdir_mode("a"), 0755);
	assert_int_equal(tmpdir_mode("a/b"), 0755);
	assert_int_equal(tmpdir_mode("a/b/c"), 0755);
	assert_int_equal(tmpdir_mode("s"), 0700);
	assert_int_equal(tmpdir_mode("s/e"), 0700);
	/* one that is there keeps its mode */
	assert_int_equal(dir_ensure(tmpdir_path("s/e"), 0755, &err), 0);
	assert_int_equal(tmpdir_mode("s/e"), 0700);
	assert_int_equal(dir_ensure("/", 0755, &err), 0);
	assert_int_equal(
		atomicfile_write(tmpdir_path("f"), "", 0, 0600, NULL), 0);
	assert_int_equal(dir_ensure(tmpdir_path("f"), 0755, &err), -ENOTDIR);
	assert_non_null(strstr(err.msg, "is not a directory"));
	assert_int_equal(dir_ensure(tmpdir_path("f/d"), 0755, &err), -ENOTDIR);
}

static void test_lockfile(void **state)
{
	struct err err = { 0 };
	int fd = -1, other = -2;
	mode_t saved = umask(0);

	assert_int_equal(lockfile_acquire(tmpdir_path("lock"), &fd, &err), 0);
	umask(saved);
	assert_int_equal(tmpdir_mode("lock"), 0600);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(
		lockfile_acquire(tmpdir_path("lock"), &other, &err), -EBUSY);
	assert_int_equal(other, -2);
	assert_non_null(strstr(err.msg, "another process"));
	fd_close(&fd);
	assert_int_equal(fd, -1);
	assert_int_equal(lockfile_acquire(tmpdir_path("lock"), &fd, &err), 0);
	fd_close(&fd);
	assert_int_equal(symlink("/etc/passwd", tmpdir_path("link")), 0);
	assert_int_equal(
		lockfile_acquire(tmpdir_path("link"), &fd, &err), -ELOOP);
}

static void test_lock_goes_with_its_process(void **state)
{
	int ready[2], fd = -1, status;
	char byte;
	pid_t child;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		int r = lockfile_acquire(tmpdir_path("lock"), &fd, NULL);

		(void)!write(ready[1], r == 0 ? "y" : "n", 1);
		(void)pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	assert_int_equal(
		lockfile_acquire(tmpdir_path("lock"), &fd, NULL), -EBUSY);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(lockfile_acquire(tmpdir_path("lock"), &fd, NULL), 0);
	fd_close(&fd);
	(void)close(ready[0]);
	(void)close(ready[1]);
}

static void test_fd_helpers(void **state)
{
	static char bytes[200000];
	struct err err = { 0 };
	int fds[2], fd;

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(fd_set_nonblock(fds[1]), 0);
	/* more than a pipe holds, and nobody reads */
	assert_int_equal(
		fd_write_all(fds[1], bytes, sizeof(bytes), &err), -EAGAIN);
	fd = fds[0];
	assert_int_equal(fd_take(&fds[0]), fd);
	assert_int_equal(fds[0], -1);
	errno = 99;
	fd_close(&fd);
	fd_close(&fd); /* -1: nothing happens */
	assert_int_equal(errno, 99);
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(fd_write_all(fds[1], bytes, 1, &err), -EPIPE);
	fd_close(&fds[1]);
	assert_int_equal(fd_set_nonblock(-1), -EBADF);
}

#define TEST(fn)                                                               \
	cmocka_unit_test_setup_teardown(fn, tmpdir_setup, tmpdir_teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_mode_is_exact),
		TEST(test_replaces_whole),
		TEST(test_failure_keeps_the_old),
		TEST(test_relative_path),
		TEST(test_read_limits),
		TEST(test_read_missing),
		TEST(test_dir_ensure),
		TEST(test_lockfile),
		TEST(test_lock_goes_with_its_process),
		TEST(test_fd_helpers),
	};

	return cmocka_run_group_tests_name("atomicfile", tests, NULL, NULL);
}

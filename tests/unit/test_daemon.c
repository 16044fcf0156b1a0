/*
 * daemon, log: every case runs in a process of its own, as the state is the
 * process's. What the background one has to say comes through a pipe; its end
 * of file says that the process is gone.
 */
#include "config.h"
#include "rows.h"
#include "tmpdir.h"
#include "os/daemon.h"
#include "os/fd.h"
#include "os/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

struct outcome {
	int status;	 /* of what the shell would wait for */
	char said[2000]; /* stderr of both */
	char report[200];
};

typedef void (*body_fn)(int report_fd);

static void read_to_end(int fd, char *ret, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size - 1 && (n = read(fd, ret + len, size - 1 - len)) > 0)
		len += (size_t)n;
	ret[len] = 0;
	(void)close(fd);
}

static void run_body(body_fn body, struct outcome *ret)
{
	int report[2], said[2];
	pid_t child;

	assert_int_equal(pipe2(report, O_CLOEXEC), 0);
	assert_int_equal(pipe2(said, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		const struct rlimit none = { 0, 0 };

		(void)setrlimit(RLIMIT_CORE, &none);
		(void)dup2(said[1], STDERR_FILENO);
		log_init("t", LOG_LEVEL_INFO);
		body(report[1]);
		_exit(99);
	}
	(void)close(report[1]);
	(void)close(said[1]);
	assert_int_equal(waitpid(child, &ret->status, 0), child);
	read_to_end(said[0], ret->said, sizeof(ret->said));
	read_to_end(report[0], ret->report, sizeof(ret->report));
}

static void body_ready(int fd)
{
	struct stat null, std;
	bool detached = true;

	if (daemon_fork(NULL) < 0)
		_exit(98);
	(void)fprintf(stderr, "seen");
	daemon_ready();
	daemon_ready();
	(void)fprintf(stderr, "unseen");
	(void)stat("/dev/null", &null);
	for (int i = 0; i < 3; i++)
		detached &= fstat(i, &std) == 0 && std.st_rdev == null.st_rdev;
	(void)dprintf(fd, "sid=%d null=%d", getsid(0) == getpid(), detached);
	_exit(5); /* after it was ready: nobody's business */
}

static void test_ready(void **state)
{
	struct outcome got;

	run_body(body_ready, &got);
	assert_true(WIFEXITED(got.status));
	assert_int_equal(WEXITSTATUS(got.status), 0);
	assert_string_equal(got.said, "seen");
	assert_string_equal(got.report, "sid=1 null=1");
}

static void body_logs_to_file(int fd)
{
	int file =
		open(tmpdir_path("log"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	(void)dup2(file, STDERR_FILENO);
	if (daemon_fork(NULL) < 0)
		_exit(98);
	daemon_ready();
	log_info("after");
	_exit(0);
}

static void test_stderr_that_is_a_file_stays(void **state)
{
	char log[100];
	struct outcome got;

	run_body(body_logs_to_file, &got);
	assert_int_equal(WEXITSTATUS(got.status), 0);
	read_to_end(open(tmpdir_path("log"), O_RDONLY | O_CLOEXEC), log,
		sizeof(log));
	assert_string_equal(log, "t: after\n");
}

static void body_fails(int fd)
{
	if (daemon_fork(NULL) < 0)
		_exit(98);
	log_error("no such luck");
	_exit(7);
}

static void test_failure_is_passed_on(void **state)
{
	struct outcome got;

	run_body(body_fails, &got);
	assert_int_equal(WEXITSTATUS(got.status), 7);
	assert_string_equal(got.said, "t: no such luck\n");
}

static void body_returns_without_ready(int fd)
{
	if (daemon_fork(NULL) < 0)
		_exit(98);
	_exit(0);
}

static void test_end_without_ready(void **state)
{
	struct outcome got;

	run_body(body_returns_without_ready, &got);
	assert_int_equal(WEXITSTATUS(got.status), 0);
}

static void body_killed(int fd)
{
	if (daemon_fork(NULL) < 0)
		_exit(98);
	(void)raise(SIGKILL);
}

static void test_killed_before_ready(void **state)
{
	struct outcome got;

	run_body(body_killed, &got);
	assert_true(WIFEXITED(got.status));
	assert_int_equal(WEXITSTATUS(got.status), 1);
	assert_non_null(strstr(got.said, "signal 9"));
}

static void body_parent_gone(int fd)
{
	pid_t parent = getpid();

	if (daemon_fork(NULL) < 0)
		_exit(98);
	(void)kill(parent, SIGKILL);
	while (getppid() == parent)
		(void)sched_yield();
	daemon_ready(); /* must not die of SIGPIPE */
	(void)dprintf(fd, "alive");
	_exit(0);
}

static void test_parent_gone(void **state)
{
	struct outcome got;

	run_body(body_parent_gone, &got);
	assert_true(WIFSIGNALED(got.status));
	assert_string_equal(got.report, "alive");
}

static void body_foreground(int fd)
{
	daemon_ready();
	(void)fprintf(stderr, "attached");
	_exit(0);
}

static void notify_case(
	const struct sockaddr_un *addr, socklen_t len, const char *name)
{
	AUTO(fd_close)
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char got[64] = "";
	struct outcome outcome;

	assert_int_equal(bind(fd, (const struct sockaddr *)addr, len), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
	run_body(body_foreground, &outcome);
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	assert_int_equal(WEXITSTATUS(outcome.status), 0);
	assert_string_equal(outcome.said, "attached");
	assert_int_equal(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT), 8);
	assert_string_equal(got, "READY=1\n");
}

static void test_notify_path(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s",
		tmpdir_path("notify"));
	notify_case(&addr, sizeof(addr), tmpdir_path("notify"));
}

static void test_notify_abstract(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char name[64];

	(void)snprintf(name, sizeof(name), "@wgmesh-test-%d", (int)getpid());
	memcpy(addr.sun_path + 1, name + 1, strlen(name) - 1);
	notify_case(&addr,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) +
			strlen(name)),
		name);
}

static void test_notify_nobody(void **state)
{
	struct outcome got;

	assert_int_equal(setenv("NOTIFY_SOCKET", tmpdir_path("none"), 1), 0);
	run_body(body_foreground, &got);
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	assert_int_equal(WEXITSTATUS(got.status), 0); /* said, not fatal */
	assert_non_null(strstr(got.said, "NOTIFY_SOCKET"));
	assert_non_null(strstr(got.said, "No such file"));
}

static void test_pidfile(void **state)
{
	struct err err = { 0 };
	char want[24], got[24] = "";
	int fd;

	assert_int_equal(pidfile_write(tmpdir_path("pid"), &err), 0);
	assert_int_equal(tmpdir_mode("pid"), 0644);
	fd = open(tmpdir_path("pid"), O_RDONLY | O_CLOEXEC);
	read_to_end(fd, got, sizeof(got));
	(void)snprintf(want, sizeof(want), "%d\n", (int)getpid());
	assert_string_equal(got, want);
	pidfile_remove(tmpdir_path("pid"));
	assert_int_equal(tmpdir_count(""), 0);
	/* another's stays */
	fd = open(tmpdir_path("pid"), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	assert_int_equal(write(fd, "1\n", 2), 2);
	(void)close(fd);
	pidfile_remove(tmpdir_path("pid"));
	assert_int_equal(tmpdir_count(""), 1);
	pidfile_remove(NULL);
	assert_int_equal(pidfile_write(tmpdir_path("none/pid"), &err), -ENOENT);
	assert_int_equal(strncmp(err.msg, "pid file: ", 10), 0);
}

static void body_log(int fd)
{
	char long_line[3000];

	log_error("e %d", 1);
	log_warn("w");
	log_info("i\x1b[31m\n<0>forged");
	log_debug("hidden");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("shown");
	log_set_level(LOG_LEVEL_ERROR);
	log_warn("hidden");
	memset(long_line, 'x', sizeof(long_line));
	long_line[sizeof(long_line) - 1] = 0;
	errno = ENOENT;
	log_error("%s", long_line);
	_exit(errno == ENOENT ? 0 : 1);
}

static void test_log_lines(void **state)
{
	static const char head[] = "t: e 1\nt: w\nt: i?[31m?<0>forged\n"
				   "t: shown\nt: xxx";
	struct outcome got;

	run_body(body_log, &got);
	assert_int_equal(WEXITSTATUS(got.status), 0); /* errno is kept */
	assert_int_equal(strncmp(got.said, head, strlen(head)), 0);
	assert_string_equal(got.said + strlen(got.said) - 4, "xxx\n");
}

static void body_journal(int fd)
{
	struct stat st;
	char stream[64];

	(void)fstat(STDERR_FILENO, &st);
	(void)snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
		(uintmax_t)st.st_ino);
	(void)setenv("JOURNAL_STREAM", stream, 1);
	log_init("t", LOG_LEVEL_DEBUG);
	log_error("e");
	log_warn("w");
	log_info("i");
	log_debug("d");
	(void)setenv("JOURNAL_STREAM", "1:1", 1); /* of another stderr */
	log_init("t", LOG_LEVEL_DEBUG);
	log_error("e");
	_exit(0);
}

static void test_log_to_journal(void **state)
{
	struct outcome got;

	run_body(body_journal, &got);
	assert_string_equal(got.said, "<3>e\n<4>w\n<6>i\n<7>d\nt: e\n");
}

static void test_log_levels(void **state)
{
	enum log_level level = LOG_LEVEL_ERROR;

	assert_true(log_level_parse("debug", &level));
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	assert_true(log_level_parse("warn", &level));
	assert_int_equal(level, LOG_LEVEL_WARN);
	assert_false(log_level_parse("DEBUG", &level));
	assert_false(log_level_parse("", &level));
	assert_int_equal(level, LOG_LEVEL_WARN);
}

#define TEST(fn)                                                               \
	cmocka_unit_test_setup_teardown(fn, tmpdir_setup, tmpdir_teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ready),
		TEST(test_stderr_that_is_a_file_stays),
		TEST(test_failure_is_passed_on),
		TEST(test_end_without_ready),
		TEST(test_killed_before_ready),
		TEST(test_parent_gone),
		TEST(test_notify_path),
		TEST(test_notify_abstract),
		TEST(test_notify_nobody),
		TEST(test_pidfile),
		TEST(test_log_lines),
		TEST(test_log_to_journal),
		TEST(test_log_levels),
	};

	return cmocka_run_group_tests_name("daemon", tests, NULL, NULL);
}

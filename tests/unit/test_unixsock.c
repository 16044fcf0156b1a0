/* unixsock: modes, whose path it is, who is at the other end. */
#include "config.h"
#include "rows.h"
#include "tmpdir.h"
#include "os/fd.h"
#include "os/unixsock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

static void test_modes(void **state)
{
	static const struct {
		mode_t umask, mode;
		int line;
	} rows[] = {
		{ 0000, 0600, __LINE__ },
		{ 0000, 0660, __LINE__ },
		{ 0077, 0660, __LINE__ },
		{ 0022, 0600, __LINE__ },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		mode_t saved = umask(rows[i].umask);
		AUTO(fd_close) int fd = -1;
		int r = unixsock_listen(
			tmpdir_path("s"), rows[i].mode, 0755, &fd, NULL);
		mode_t now = umask(saved);

		ROW_INT(&rows[i], r, 0);
		ROW_INT(&rows[i], now, rows[i].umask); /* put back */
		ROW_INT(&rows[i], tmpdir_mode("s"), rows[i].mode);
		ROW_TRUE(&rows[i], fcntl(fd, F_GETFD) & FD_CLOEXEC);
		ROW_TRUE(&rows[i], fcntl(fd, F_GETFL) & O_NONBLOCK);
		/* the next row finds the path left behind */
	}
}

static void test_parent_directory(void **state)
{
	AUTO(fd_close) int fd = -1;
	mode_t saved = umask(0);
	int r = unixsock_listen(tmpdir_path("run/x/s"), 0600, 0750, &fd, NULL);

	umask(saved);
	assert_int_equal(r, 0);
	assert_int_equal(tmpdir_mode("run/x"), 0750);
}

static void test_in_use(void **state)
{
	AUTO(fd_close) int fd = -1;
	struct err err = { 0 };
	int other = -2;

	assert_int_equal(
		unixsock_listen(tmpdir_path("s"), 0600, 0755, &fd, NULL), 0);
	assert_int_equal(
		unixsock_listen(tmpdir_path("s"), 0600, 0755, &other, &err),
		-EADDRINUSE);
	assert_int_equal(other, -2);
	assert_non_null(strstr(err.msg, tmpdir_path("s")));
	fd_close(&fd); /* died, and left its path */
	assert_int_equal(
		unixsock_listen(tmpdir_path("s"), 0600, 0755, &fd, NULL), 0);
}

static void test_full_backlog_is_in_use(void **state)
{
	enum { MANY = 8 };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int server = -1, other = -2, clients[MANY], count = 0, r = 0;
	struct err err = { 0 };

	(void)snprintf(
		addr.sun_path, sizeof(addr.sun_path), "%s", tmpdir_path("s"));
	assert_int_equal(
		unixsock_listen(addr.sun_path, 0600, 0755, &server, NULL), 0);
	assert_int_equal(listen(server, 1), 0);
	while (r == 0 && count < MANY) {
		clients[count] = socket(
			AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		r = connect(clients[count++], (const struct sockaddr *)&addr,
			sizeof(addr));
	}
	assert_true(r != 0 && errno == EAGAIN);
	assert_int_equal(
		unixsock_listen(addr.sun_path, 0600, 0755, &other, &err),
		-EADDRINUSE);
	assert_int_equal(other, -2);
	while (count > 0)
		fd_close(&clients[--count]);
	fd_close(&server);
}

static void test_what_is_no_socket_stays(void **state)
{
	struct err err = { 0 };
	int fd = -2, file;

	file = open(tmpdir_path("f"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(file >= 0);
	(void)close(file);
	assert_int_equal(symlink("f", tmpdir_path("l")), 0);
	assert_int_equal(
		unixsock_listen(tmpdir_path("f"), 0600, 0755, &fd, &err),
		-EEXIST);
	assert_int_equal(
		unixsock_listen(tmpdir_path("l"), 0600, 0755, &fd, &err),
		-EEXIST);
	assert_int_equal(
		unixsock_listen(tmpdir_path("f/s"), 0600, 0755, &fd, &err),
		-ENOTDIR);
	assert_int_equal(tmpdir_count(""), 2);
	assert_int_equal(fd, -2);
}

static void test_path_length(void **state)
{
	char path[200];
	struct err err = { 0 };
	int fd = -2;

	memset(path, 'x', sizeof(path));
	path[108] = 0;
	assert_int_equal(
		unixsock_listen(path, 0600, 0755, &fd, &err), -ENAMETOOLONG);
	assert_int_equal(unixsock_connect(path, &fd, &err), -ENAMETOOLONG);
	assert_int_equal(
		unixsock_listen("", 0600, 0755, &fd, &err), -ENAMETOOLONG);
	assert_int_equal(fd, -2);
}

static void test_connect(void **state)
{
	AUTO(fd_close) int server = -1;
	AUTO(fd_close) int client = -1;
	AUTO(fd_close) int peer = -1;
	struct err err = { 0 };
	uid_t uid = 4711;
	gid_t gid = 4711;

	assert_int_equal(
		unixsock_connect(tmpdir_path("s"), &client, &err), -ENOENT);
	assert_non_null(strstr(err.msg, tmpdir_path("s")));
	assert_int_equal(
		unixsock_listen(tmpdir_path("s"), 0600, 0755, &server, NULL),
		0);
	assert_int_equal(unixsock_connect(tmpdir_path("s"), &client, &err), 0);
	assert_true(fcntl(client, F_GETFD) & FD_CLOEXEC);
	assert_false(fcntl(client, F_GETFL) & O_NONBLOCK);
	peer = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	assert_true(peer >= 0);
	assert_int_equal(unixsock_peer_uid(peer, &uid, &gid), 0);
	assert_int_equal(uid, getuid());
	assert_int_equal(gid, getgid());
	fd_close(&server);
	assert_int_equal(
		unixsock_connect(tmpdir_path("s"), &peer, &err), -ECONNREFUSED);
	assert_int_equal(unixsock_peer_uid(-1, &uid, &gid), -EBADF);
}

#define TEST(fn)                                                               \
	cmocka_unit_test_setup_teardown(fn, tmpdir_setup, tmpdir_teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_modes),
		TEST(test_parent_directory),
		TEST(test_in_use),
		TEST(test_full_backlog_is_in_use),
		TEST(test_what_is_no_socket_stays),
		TEST(test_path_length),
		TEST(test_connect),
	};

	return cmocka_run_group_tests_name("unixsock", tests, NULL, NULL);
}

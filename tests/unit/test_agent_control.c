/*
 * The control socket, both sides: a server in a child process, asked by this
 * one. Modes, answers, nonsense, many clients, and a stop that is over when it
 * returns.
 */
#include "config.h"
#include "agent/control.h"
#include "os/fd.h"
#include "os/unixsock.h"
#include "rows.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

static char root[] = "/tmp/test_control.XXXXXX";
static char path[64];

struct server {
	struct loop *loop;
	pid_t pid;
};

static int get_status(
	void *arg, struct msg_agent_status *ret_status, const struct now *now)
{
	(void)arg;
	(void)now;
	*ret_status = (struct msg_agent_status){
		.pid = (uint32_t)getpid(),
		.version = "1",
		.name = "a",
		.interface = "mesh0",
	};
	return 0;
}

static void on_stop(void *arg)
{
	struct server *server = arg;

	loop_quit(server->loop, 42);
}

static void serve(int ready)
{
	struct server server = { 0 };
	struct control_options options = {
		.path = path,
		.get_status = get_status,
		.on_stop = on_stop,
		.arg = &server,
	};
	struct control *control = NULL;
	struct err err = { 0 };
	int status = 99;

	server.loop = loop_new(&err);
	options.loop = server.loop;
	if (server.loop && control_new(&options, &control, &err) == 0) {
		(void)!write(ready, "", 1);
		status = loop_run(server.loop);
	}
	control_free(control);
	loop_free(server.loop);
	_exit(status);
}

static int start_server(void **state)
{
	static struct server server;
	int ready[2];
	char byte;

	(void)signal(SIGPIPE, SIG_IGN);
	if (pipe(ready) < 0)
		return -1;
	server.pid = fork();
	if (server.pid == 0)
		serve(ready[1]);
	(void)close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		return -1;
	(void)close(ready[0]);
	*state = &server;
	return 0;
}

static int end_server(void **state)
{
	struct server *server = *state;

	if (server->pid > 0) {
		(void)kill(server->pid, SIGKILL);
		(void)waitpid(server->pid, NULL, 0);
	}
	return 0;
}

static void test_status(void **state)
{
	const struct server *server = *state;
	AUTO(buf_release) struct buf line = BUF_INIT(CONTROL_ANSWER_MAX);
	AUTO(msg_agent_status_release) struct msg_agent_status status = { 0 };
	struct stat st;
	struct err err = { 0 };

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	if (control_ask(path, "status", &line, &status, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(status.pid, server->pid);
	assert_string_equal(status.interface, "mesh0");
	assert_non_null(strstr(buf_str(&line), "\"schema\":\"mesh/v1\""));
	assert_null(strchr(buf_str(&line), '\n'));
}

static void test_unknown_command(void **state)
{
	AUTO(buf_release) struct buf line = BUF_INIT(CONTROL_ANSWER_MAX);
	struct msg_agent_status status;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(
		control_ask(path, "explode", &line, &status, &err), -EPROTO);
	assert_non_null(strstr(err.msg, "unknown command"));
}

static void connect_to(int *ret_fd)
{
	struct err err = { 0 };

	if (unixsock_connect(path, ret_fd, &err) < 0)
		fail_msg("%s", err.msg);
}

/* Nonsense is answered with a problem, endless lines not at all. */
static void test_nonsense(void **state)
{
	static const struct {
		const char *text;
		bool answered;
		int line;
	} rows[] = {
		{ "\n", true, __LINE__ },
		{ "status\n", true, __LINE__ },
		{ "{}\n", true, __LINE__ },
		{ "{\"schema\":\"mesh/v1\"}\n", true, __LINE__ },
		{ "{\"schema\":\"mesh/v1\",\"command\":\"status\",\"x\":1}\n",
			true, __LINE__ },
		{ "[[[[[[[[[[[[[[[[\n", true, __LINE__ },
	};
	char big[CONTROL_LINE_MAX + 2], answer[600];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(fd_close) int fd = -1;
		ssize_t n;

		connect_to(&fd);
		ROW_INT(&rows[i],
			fd_write_all(
				fd, rows[i].text, strlen(rows[i].text), NULL),
			0);
		n = read(fd, answer, sizeof(answer) - 1);
		ROW_TRUE(&rows[i], n > 0);
		answer[n] = 0;
		ROW_TRUE(&rows[i], strstr(answer, "problems/") != NULL);
	}
	memset(big, 'x', sizeof(big));
	AUTO(fd_close) int fd = -1;
	connect_to(&fd);
	(void)!write(fd, big, sizeof(big));
	assert_true(read(fd, answer, sizeof(answer)) <= 0);
	test_status(state);
}

/* Silent clients do not keep others out: the oldest goes. */
static void test_many_clients(void **state)
{
	int fds[3 * CONTROL_CLIENTS_MAX];
	char byte;

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		connect_to(&fds[i]);
	test_status(state);
	assert_int_equal(read(fds[0], &byte, 1), 0);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fd_close(&fds[i]);
	test_status(state);
}

static void test_second_server(void **state)
{
	struct control_options options = { .path = path };
	struct control *control = NULL;
	AUTO(loop_free) struct loop *loop = NULL;
	struct err err = { 0 };

	loop = loop_new(&err);
	assert_non_null(loop);
	options.loop = loop;
	assert_int_equal(control_new(&options, &control, &err), -EADDRINUSE);
	/* and the first one's socket is still there */
	test_status(state);
}

static void test_stop(void **state)
{
	struct server *server = *state;
	AUTO(fd_close) int process = -1;
	struct err err = { 0 };
	struct stat st;
	int status, gone;

	if (control_find(path, &process, &err) < 0 ||
		control_stop(path, process, &err) < 0)
		fail_msg("%s", err.msg);
	assert_true(process >= 0);
	/* it is over: no waiting here */
	assert_int_equal(waitpid(server->pid, &status, WNOHANG), server->pid);
	server->pid = 0;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
	assert_int_equal(stat(path, &st), -1);
	assert_int_equal(control_find(path, &gone, &err), -ESRCH);
	/* one that has ended already needs no asking */
	assert_int_equal(control_stop(path, process, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_unknown_command),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_many_clients),
		cmocka_unit_test(test_second_server),
		cmocka_unit_test(test_stop),
	};
	int failed;

	if (!mkdtemp(root))
		return 99;
	(void)snprintf(path, sizeof(path), "%s/run/x.sock", root);
	failed = cmocka_run_group_tests(tests, start_server, end_server);
	(void)snprintf(path, sizeof(path), "%s/run", root);
	(void)rmdir(path);
	(void)rmdir(root);
	return failed;
}

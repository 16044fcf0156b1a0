/* control, the asking side: see control.h. */
#include "config.h"

#include "agent/control.h"

#include "os/fd.h"
#include "os/unixsock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/banned.h"

#define ANSWER_TIMEOUT_SEC 5
#define STOP_TIMEOUT_MS	   10000

static int send_request(int fd, const char *command, struct err *err)
{
	AUTO(buf_release) struct buf line = BUF_INIT(CONTROL_LINE_MAX);
	struct msg_agent_request request = { 0 };

	if (!str_copy(request.command, sizeof(request.command), command) ||
		msg_agent_request_encode(&request, &line) < 0)
		return err_set(err, -EINVAL, "bad command `%s'", command);
	buf_add_str(&line, "\n");
	return fd_write_all(fd, line.data, line.len, err);
}

static int read_line(int fd, struct buf *line, struct err *err)
{
	for (;;) {
		char *room = buf_reserve(line, 16384);
		ssize_t n;

		if (!room)
			return err_set(err, -ENOMEM, "out of memory");
		n = read(fd, room, 16384);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "no answer from the agent");
		if (n == 0)
			return err_set(err, -EPROTO,
				"the agent hung up without an answer");
		line->len += (size_t)n;
		if (line->data[line->len - 1] == '\n') {
			line->data[--line->len] = 0;
			return 0;
		}
	}
}

static int decode(const struct buf *line, struct msg_agent_status *ret_status,
	struct err *err)
{
	struct msg_problem problem;
	int r = msg_agent_status_decode(line->data, line->len, ret_status, err);

	if (r == 0 ||
		msg_problem_decode(line->data, line->len, &problem, NULL) < 0)
		return r;
	r = err_set(err, -EPROTO, "%s", problem.detail);
	msg_problem_release(&problem);
	return r;
}

/* The connection stays open in *RET_FD. */
static int ask(const char *path, const char *command, struct buf *line,
	struct msg_agent_status *ret_status, int *ret_fd, struct err *err)
{
	const struct timeval timeout = { .tv_sec = ANSWER_TIMEOUT_SEC };
	AUTO(fd_close) int fd = -1;
	int r = unixsock_connect(path, &fd, err);

	if (r == -ENOENT || r == -ECONNREFUSED)
		return err_set(err, -ESRCH, "no agent answers at %s", path);
	if (r < 0)
		return r;
	(void)setsockopt(
		fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	r = send_request(fd, command, err);
	if (r == 0)
		r = read_line(fd, line, err);
	if (r == 0)
		r = decode(line, ret_status, err);
	if (r == 0)
		*ret_fd = fd_take(&fd);
	return r;
}

int control_ask(const char *path, const char *command, struct buf *ret_line,
	struct msg_agent_status *ret_status, struct err *err)
{
	AUTO(fd_close) int fd = -1;

	return ask(path, command, ret_line, ret_status, &fd, err);
}

int control_stop(const char *path, struct err *err)
{
	AUTO(buf_release) struct buf line = BUF_INIT(CONTROL_ANSWER_MAX);
	AUTO(fd_close) int fd = -1;
	AUTO(fd_close) int process = -1;
	struct msg_agent_status status = { 0 };
	struct pollfd wait = { .events = POLLIN };
	pid_t pid;
	int r = ask(path, "stop", &line, &status, &fd, err);

	if (r < 0)
		return r;
	pid = (pid_t)status.pid;
	msg_agent_status_release(&status);
	/* The process is waited for, not its socket: what it locks is free
	 * only when it is gone. One in another pid namespace is waited for by
	 * its end of the connection. */
	process = pidfd_open(pid, 0);
	wait.fd = process >= 0 ? process : fd;
	r = poll(&wait, 1, STOP_TIMEOUT_MS);
	if (r < 0)
		return err_errno(err, "waiting for the agent");
	if (r == 0)
		return err_set(err, -ETIMEDOUT,
			"the agent (process %d) does not stop", (int)pid);
	return 0;
}

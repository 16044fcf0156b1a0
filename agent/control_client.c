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

static int connect_agent(const char *path, int *ret_fd, struct err *err)
{
	const struct timeval timeout = { .tv_sec = ANSWER_TIMEOUT_SEC };
	int r = unixsock_connect(path, ret_fd, err);

	if (r == -ENOENT || r == -ECONNREFUSED)
		return err_set(err, -ESRCH, "no agent answers at %s", path);
	if (r == 0)
		(void)setsockopt(*ret_fd, SOL_SOCKET, SO_RCVTIMEO, &timeout,
			sizeof(timeout));
	return r;
}

static int ask(int fd, const char *command, struct buf *line,
	struct msg_agent_status *ret_status, struct err *err)
{
	int r = send_request(fd, command, err);

	if (r == 0)
		r = read_line(fd, line, err);
	if (r == 0)
		r = decode(line, ret_status, err);
	return r;
}

int control_ask(const char *path, const char *command, struct buf *ret_line,
	struct msg_agent_status *ret_status, struct err *err)
{
	AUTO(fd_close) int fd = -1;
	int r = connect_agent(path, &fd, err);

	return r < 0 ? r : ask(fd, command, ret_line, ret_status, err);
}

int control_find(const char *path, int *ret_process, struct err *err)
{
	AUTO(fd_close) int fd = -1;
	struct ucred creds = { 0 };
	socklen_t len = sizeof(creds);
	int r = connect_agent(path, &fd, err);

	if (r < 0)
		return r;
	*ret_process = -1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &creds, &len) == 0 &&
		creds.pid > 0)
		*ret_process = pidfd_open(creds.pid, 0);
	return 0;
}

static int wait_end(int fd, struct err *err)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	int r = poll(&wait, 1, STOP_TIMEOUT_MS);

	if (r < 0)
		return err_errno(err, "waiting for the agent");
	if (r == 0)
		return err_set(err, -ETIMEDOUT, "the agent does not stop");
	return 0;
}

int control_stop(const char *path, int process, struct err *err)
{
	AUTO(buf_release) struct buf line = BUF_INIT(CONTROL_ANSWER_MAX);
	AUTO(msg_agent_status_release) struct msg_agent_status status = { 0 };
	AUTO(fd_close) int fd = -1;
	int r = connect_agent(path, &fd, err);

	if (r == 0)
		r = ask(fd, "stop", &line, &status, err);
	/* One that is ending already may hang up on us; it is waited for all
	 * the same. */
	if (process >= 0)
		return wait_end(process, err);
	return r < 0 ? r : wait_end(fd, err);
}

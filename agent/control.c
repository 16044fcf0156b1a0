/* control: see control.h. */
#include "config.h"

#include "agent/control.h"

#include "base/list.h"
#include "os/fd.h"
#include "os/unixsock.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/banned.h"

struct client {
	struct list node;
	struct control *control;
	int fd;
	struct loop_source *source;
	struct buf in, out;
	size_t sent;
	bool stays; /* until the process ends */
};

struct control {
	struct control_options opt;
	char path[CONTROL_PATH_MAX + 1];
	int fd;
	struct loop_source *source;
	struct list clients; /* oldest first */
	size_t client_count;
};

static void client_free(struct client *client)
{
	if (!client)
		return;
	loop_source_remove(client->source);
	list_del(&client->node);
	client->control->client_count--;
	fd_close(&client->fd);
	buf_release(&client->in);
	buf_release(&client->out);
	free(client);
}
AUTO_DEFINE(struct client, client_free)

static void client_flush(struct client *client)
{
	while (client->sent < client->out.len) {
		ssize_t n = send(client->fd, client->out.data + client->sent,
			client->out.len - client->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			loop_source_set_events(client->source, EPOLLOUT);
			return;
		}
		if (n < 0) {
			client_free(client);
			return;
		}
		client->sent += (size_t)n;
	}
	if (client->stays)
		loop_source_set_events(client->source, 0);
	else
		client_free(client);
}

static void answer_problem(
	struct client *client, const char *slug, const char *detail)
{
	struct msg_problem problem = { .status = 400 };

	(void)str_copy(problem.slug, sizeof(problem.slug), slug);
	(void)str_copy(problem.detail, sizeof(problem.detail), detail);
	if (msg_problem_encode(&problem, &client->out) < 0)
		buf_clear(&client->out);
}

static void answer(struct client *client, const struct now *now)
{
	const struct control_options *opt = &client->control->opt;
	struct msg_agent_request request = { 0 };
	struct msg_agent_status status = { 0 };
	struct err err = { 0 };
	bool is_stop;

	if (msg_agent_request_decode(
		    client->in.data, client->in.len, &request, &err) < 0) {
		answer_problem(client, "bad-request", err.msg);
		return;
	}
	is_stop = strcmp(request.command, "stop") == 0;
	if (!is_stop && strcmp(request.command, "status") != 0) {
		answer_problem(client, "unknown-command", "unknown command");
		return;
	}
	if (opt->get_status(opt->arg, &status, now) < 0 ||
		msg_agent_status_encode(&status, &client->out) < 0)
		answer_problem(client, "out-of-memory", "out of memory");
	msg_agent_status_release(&status);
	client->stays = is_stop;
	if (is_stop)
		opt->on_stop(opt->arg);
}

static void on_client(void *arg, uint32_t events, const struct now *now)
{
	struct client *client = arg;
	char bytes[CONTROL_LINE_MAX];
	ssize_t n;
	char *end;

	if (client->out.len > 0) {
		if (events & (EPOLLERR | EPOLLHUP))
			client_free(client);
		else
			client_flush(client);
		return;
	}
	n = read(client->fd, bytes, sizeof(bytes));
	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0)
		buf_add(&client->in, bytes, (size_t)n);
	if (n <= 0 || buf_failed(&client->in)) {
		client_free(client);
		return;
	}
	end = memchr(client->in.data, '\n', client->in.len);
	if (!end)
		return;
	client->in.len = (size_t)(end - client->in.data);
	answer(client, now);
	buf_add_str(&client->out, "\n");
	if (buf_failed(&client->out))
		client_free(client);
	else
		client_flush(client);
}

static void on_connection(void *arg, uint32_t events, const struct now *now)
{
	struct control *control = arg;
	AUTO(client_free) struct client *client = NULL;
	AUTO(fd_close)
	int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	(void)now;
	if (fd < 0)
		return;
	if (control->client_count == CONTROL_CLIENTS_MAX)
		client_free(
			LIST_ENTRY(control->clients.next, struct client, node));
	client = calloc(1, sizeof(*client));
	if (!client)
		return;
	client->control = control;
	client->fd = fd_take(&fd);
	client->in = BUF_INIT(CONTROL_LINE_MAX);
	client->out = BUF_INIT(CONTROL_ANSWER_MAX);
	list_add_tail(&control->clients, &client->node);
	control->client_count++;
	client->source = loop_add_fd(control->opt.loop, client->fd, EPOLLIN,
		on_client, client, NULL);
	if (client->source)
		(void)TAKE(client);
}

int control_new(const struct control_options *options,
	struct control **ret_control, struct err *err)
{
	AUTO(control_free)
	struct control *control = calloc(1, sizeof(*control));
	int r;

	if (!control)
		return err_set(err, -ENOMEM, "out of memory");
	control->fd = -1;
	control->opt = *options;
	list_init(&control->clients);
	if (!str_copy(control->path, sizeof(control->path), options->path))
		return err_set(err, -ENAMETOOLONG,
			"socket path longer than %d bytes", CONTROL_PATH_MAX);
	r = unixsock_listen(control->path, 0600, 0755, &control->fd, err);
	if (r < 0)
		return r;
	control->source = loop_add_fd(options->loop, control->fd, EPOLLIN,
		on_connection, control, err);
	if (!control->source)
		return -ENOMEM;
	*ret_control = TAKE(control);
	return 0;
}

void control_free(struct control *control)
{
	if (!control)
		return;
	while (!list_empty(&control->clients)) {
		struct client *client =
			LIST_ENTRY(control->clients.next, struct client, node);

		/* Whoever waits for our end sees the process close it. */
		if (client->stays)
			client->fd = -1;
		client_free(client);
	}
	loop_source_remove(control->source);
	if (control->fd >= 0)
		(void)unlink(control->path);
	fd_close(&control->fd);
	free(control);
}

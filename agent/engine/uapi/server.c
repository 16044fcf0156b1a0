/*
 * server: the listening socket and its clients on the loop. See server.h.
 *
 * A client is read while nothing is left to be sent to it, so what one client
 * can make us hold is one request and its answer.
 */
#include "config.h"

#include "engine/uapi/server.h"

#include "base/list.h"
#include "engine/linux/udp.h"
#include "engine/uapi/enginecfg.h"
#include "engine/uapi/session.h"
#include "os/fd.h"
#include "os/log.h"
#include "os/unixsock.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

#define CLIENTS_MAX 64
#define READ_SIZE   8192
_Static_assert(READ_SIZE <= UAPI_INPUT_MAX / 2, "one read fits the session");

struct client {
	struct list node; /* in uapi_server.clients */
	struct uapi_server *server;
	struct uapi_session session;
	struct loop_source *source;
	int fd;
	bool ending; /* nothing more is read; closes when all is sent */
};

struct uapi_server {
	struct loop *loop;
	struct engine *engine;
	struct uapi_handler handler;
	struct list clients;
	size_t client_count;
	struct loop_source *source;
	int fd;
	char input[READ_SIZE]; /* scratch of one read */

	char path[sizeof(UAPI_DIR) + IFNAME_MAX_LEN + sizeof("/.sock")];
	bool owns_path;
	dev_t path_dev;
	ino_t path_ino;
	int watch_fd;
	struct loop_source *watch_source;
	void (*on_removed)(void *arg);
	void *arg;
};

/* --- one client --- */

static void client_free(struct client *client)
{
	struct uapi_server *server = client->server;

	list_del(&client->node);
	server->client_count--;
	loop_source_remove(client->source);
	fd_close(&client->fd);
	uapi_session_release(&client->session);
	free(client);
	if (server->source) /* there is room again */
		loop_source_set_events(server->source, EPOLLIN);
}

/* False: the client is gone. */
static bool client_send(struct client *client)
{
	struct buf *out = &client->session.out;
	size_t sent = 0;

	while (sent < out->len) {
		ssize_t n = send(client->fd, out->data + sent, out->len - sent,
			MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			return false;
		sent += (size_t)n;
	}
	if (sent == out->len)
		buf_release(out); /* answers are rare and may be large */
	else
		buf_consume(out, sent);
	return true;
}

/* False: the client is gone. */
static bool client_receive(struct client *client)
{
	char *input = client->server->input;
	ssize_t n = recv(client->fd, input, READ_SIZE, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN;
	if (n == 0 || !uapi_session_feed(&client->session, input, (size_t)n))
		client->ending = true;
	sodium_memzero(input, (size_t)n); /* private keys come this way */
	return !buf_failed(&client->session.out);
}

/* Sends, and answers what was read before, as long as the client takes it.
 * False: the client is gone. */
static bool client_answer(struct client *client)
{
	struct uapi_session *session = &client->session;

	while (client_send(client)) {
		size_t waiting = session->in.len;

		if (session->out.len > 0 || waiting == 0 || client->ending)
			return true;
		if (!uapi_session_feed(session, "", 0))
			client->ending = true;
		if (session->in.len == waiting)
			return true; /* a piece of a line */
	}
	return false;
}

static void on_client(void *arg, uint32_t events, const struct now *now)
{
	struct client *client = arg;
	const struct buf *out = &client->session.out;
	bool alive = client_answer(client);

	if (alive && out->len == 0 && !client->ending)
		alive = client_receive(client) && client_answer(client);
	if (!alive || (client->ending && out->len == 0))
		client_free(client);
	else
		loop_source_set_events(
			client->source, out->len > 0 ? EPOLLOUT : EPOLLIN);
}

static void client_new(struct uapi_server *server, int fd)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client) {
		fd_close(&fd);
		return;
	}
	client->server = server;
	client->fd = fd;
	uapi_session_init(&client->session, &server->handler);
	list_add_tail(&server->clients, &client->node);
	server->client_count++;
	client->source =
		loop_add_fd(server->loop, fd, EPOLLIN, on_client, client, NULL);
	if (!client->source)
		client_free(client);
}

static void on_listener(void *arg, uint32_t events, const struct now *now)
{
	struct uapi_server *server = arg;
	int fd = accept4(server->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0)
		client_new(server, fd);
	/* EMFILE and its like would wake us for ever. The next client that
	 * leaves makes room for both. */
	if (server->client_count >= CLIENTS_MAX ||
		(fd < 0 && server->client_count > 0 && errno != EAGAIN))
		loop_source_set_events(server->source, 0);
}

/* --- requests --- */

static int handle_set(
	void *arg, const struct wgconf_device *change, struct err *err)
{
	struct uapi_server *server = arg;

	return enginecfg_apply(
		server->engine, change, loop_now(server->loop), err);
}

static int handle_get(void *arg, struct wgconf_device **ret_dev)
{
	struct uapi_server *server = arg;

	return enginecfg_get(server->engine, loop_now(server->loop), ret_dev);
}

static void handle_refused(void *arg, const struct err *err)
{
	char text[ERR_MSG_MAX + 64];

	log_debug("UAPI: %s", err_text(err, text, sizeof(text)));
}

/* --- the socket's file --- */

static bool path_is_ours(const struct uapi_server *server)
{
	struct stat st;

	return lstat(server->path, &st) == 0 && st.st_dev == server->path_dev &&
		st.st_ino == server->path_ino;
}

static void on_watch(void *arg, uint32_t events, const struct now *now)
{
	struct uapi_server *server = arg;
	_Alignas(struct inotify_event) char news[1024];

	while (read(server->watch_fd, news, sizeof(news)) > 0)
		; /* what it says, we look up */
	if (path_is_ours(server))
		return;
	server->owns_path = false;
	loop_source_remove(TAKE(server->watch_source));
	server->on_removed(server->arg);
}

int uapi_server_watch(struct uapi_server *server, void (*on_removed)(void *arg),
	void *arg, struct err *err)
{
	if (!server->owns_path)
		return 0;
	server->on_removed = on_removed;
	server->arg = arg;
	server->watch_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	/* Unlinking is an IN_ATTRIB: the link count. */
	if (server->watch_fd < 0 ||
		inotify_add_watch(server->watch_fd, server->path,
			IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF) < 0)
		return err_errno(err, "cannot watch %s", server->path);
	server->watch_source = loop_add_fd(
		server->loop, server->watch_fd, EPOLLIN, on_watch, server, err);
	return server->watch_source ? 0 : -ENOMEM;
}

/* --- life --- */

static int make_socket(struct uapi_server *server, struct err *err)
{
	struct stat st;
	int r;

	(void)snprintf(server->path, sizeof(server->path), "%s/%s.sock",
		UAPI_DIR, engine_ifname(server->engine));
	r = unixsock_listen(server->path, 0600, 0700, &server->fd, err);
	if (r < 0)
		return r;
	if (lstat(server->path, &st) < 0)
		return err_errno(err, "cannot find %s", server->path);
	server->owns_path = true;
	server->path_dev = st.st_dev;
	server->path_ino = st.st_ino;
	return 0;
}

static int adopt_socket(struct uapi_server *server, int fd, struct err *err)
{
	int listening = 0;
	socklen_t len = sizeof(listening);

	server->fd = fd;
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) < 0 ||
		!listening || fd_set_nonblock(fd) < 0)
		return err_set(err, -EINVAL,
			"file descriptor %d is no listening socket", fd);
	return 0;
}

int uapi_server_new(struct loop *loop, struct engine *engine, int listen_fd,
	struct uapi_server **ret_server, struct err *err)
{
	AUTO(uapi_server_free)
	struct uapi_server *server = calloc(1, sizeof(*server));
	int r;

	if (!server) {
		fd_close(&listen_fd);
		return err_set(err, -ENOMEM, "out of memory");
	}
	server->loop = loop;
	server->engine = engine;
	server->fd = server->watch_fd = -1;
	server->handler = (struct uapi_handler){
		.set = handle_set,
		.get = handle_get,
		.on_refused = handle_refused,
		.scope_index = udp_scope_index,
		.arg = server,
	};
	list_init(&server->clients);
	r = listen_fd >= 0 ? adopt_socket(server, listen_fd, err)
			   : make_socket(server, err);
	if (r < 0)
		return r;
	server->source = loop_add_fd(
		loop, server->fd, EPOLLIN, on_listener, server, err);
	if (!server->source)
		return -ENOMEM;
	*ret_server = TAKE(server);
	return 0;
}

void uapi_server_free(struct uapi_server *server)
{
	if (!server)
		return;
	loop_source_remove(TAKE(server->source));
	loop_source_remove(TAKE(server->watch_source));
	list_for_each_safe(node, &server->clients)
		client_free(LIST_ENTRY(node, struct client, node));
	fd_close(&server->watch_fd);
	fd_close(&server->fd);
	if (server->owns_path && path_is_ours(server))
		(void)unlink(server->path);
	free(server);
}

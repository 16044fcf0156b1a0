/*
 * http: see http.h.
 *
 * An exchange, one request and its answer:
 *   READING    on_request     the body comes in pieces
 *   WAITING    suspend        the handler had nothing to say; connection and
 *                             waiter sleep
 *     -> READY on_wake        what it waited for came, or its deadline
 *     -> GONE  on_hangup      the far end went away
 *   READY, GONE: resumed; libmicrohttpd calls on_request again, which asks the
 *   handler once more, or drops the connection
 */
#include "config.h"

#include "meshd/http.h"

#include "base/list.h"
#include "meshd/api.h"
#include "meshd/body.h"
#include "meshd/event.h"
#include "meshd/listener.h"
#include "meshd/meshd.h"
#include "meshd/tlskey.h"
#include "os/fd.h"
#include "os/log.h"
#include "os/loop.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/banned.h"

#define HTTP_MEMORY	    (8 * 1024) /* request line, headers, answer's head */
#define HTTP_MEMORY_STEP    1024
#define TIMEOUT_UNKNOWN_SEC 10 /* until the caller has shown who it is */
#define TIMEOUT_KNOWN_SEC   (API_WAIT_MAX_SEC + 30)
#define CONNECTIONS_MAX	    65536
#define CONNECTIONS_IP_MAX  1024 /* a NAT may hide a large site */
#define FDS_SPARE	    64	 /* database, listeners, loop */
/* What comes of a body that is too large anyway, before we hang up on it. */
#define SWALLOW_MAX    ((size_t)4 * MSG_REQUEST_MAX)
#define LOG_LINE_MAX   256
#define BEARER_SCHEME  "Bearer "
#define TLS_PRIORITIES "SECURE128:-VERS-ALL:+VERS-TLS1.3"

struct server {
	struct http *http;
	struct MHD_Daemon *daemon;
	struct loop_source *source;
	struct loop_timer *timer;
	bool local;
	bool resumed; /* a connection of it was, since it last ran */
};

struct http {
	struct meshd *meshd;
	struct loop *loop;
	struct server tls, local;
	struct loop_timer *waits; /* the first deadline of a waiter */
	struct list waiting;	  /* of struct exchange */
	bool stopping;		  /* nothing may wait any more */
};

enum exchange_state {
	EXCHANGE_READING,
	EXCHANGE_WAITING,
	EXCHANGE_READY,
	EXCHANGE_GONE,
};

struct exchange {
	struct server *server;
	struct MHD_Connection *connection;
	enum exchange_state state;
	struct buf body;
	size_t swallowed; /* of a body that is too large */
	/* while it waits, and after */
	struct list link;
	struct waiter waiter;
	struct loop_source *hangup;
	struct mono deadline; /* 0: it never waited */
	bool polls;	      /* for a node, which counts as present */
	struct node_id node;
};

static const union MHD_ConnectionInfo *info_of(
	struct MHD_Connection *connection, enum MHD_ConnectionInfoType type)
{
	return MHD_get_connection_info(connection, type);
}

static int fd_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		info_of(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? info->connect_fd : -1;
}

/* ---- waiting ---- */

static void resume(struct exchange *x, enum exchange_state state)
{
	struct http *http = x->server->http;

	list_del(&x->link);
	loop_source_remove(x->hangup);
	x->hangup = NULL;
	x->state = state;
	if (x->polls)
		meshd_on_poll_close(http->meshd, &x->node,
			state == EXCHANGE_GONE, loop_now(http->loop));
	x->server->resumed = true;
	MHD_resume_connection(x->connection);
}

static void on_wake(struct waiter *waiter)
{
	resume(CONTAINER_OF(waiter, struct exchange, waiter), EXCHANGE_READY);
}

static void hang_up(struct exchange *x)
{
	event_cancel(&x->server->http->meshd->events, &x->waiter);
	resume(x, EXCHANGE_GONE);
}

static void on_hangup(void *arg, uint32_t events, const struct now *now)
{
	hang_up(arg);
}

static enum MHD_Result suspend(struct exchange *x, const struct api_wait *wait)
{
	struct http *http = x->server->http;
	const struct now *now = loop_now(http->loop);
	struct err err = { 0 };

	if (http->stopping)
		return MHD_NO;
	if (x->deadline.ns == 0)
		x->deadline = mono_add(now->mono, wait->ns);
	x->waiter = (struct waiter){ .kind = wait->kind,
		.serial = wait->serial,
		.pending = wait->pending,
		.wake = on_wake };
	if (event_wait(&http->meshd->events, &x->waiter, x->deadline) < 0)
		return MHD_NO;
	x->hangup = loop_add_fd(http->loop, fd_of(x->connection), EPOLLRDHUP,
		on_hangup, x, &err);
	if (!x->hangup)
		log_debug("watching a connection: %s", err.msg);
	x->state = EXCHANGE_WAITING;
	x->polls = wait->has_node;
	x->node = wait->node;
	list_add_tail(&http->waiting, &x->link);
	if (x->polls)
		meshd_on_poll_open(
			http->meshd, &x->node, wait->serial, wait->ns, now);
	MHD_suspend_connection(x->connection);
	return MHD_YES;
}

/* ---- answers ---- */

static void unref(void *arg)
{
	body_unref(arg);
}

static struct MHD_Response *response_of(const struct api_response *from)
{
	static char empty[1];
	struct body *body = from->body;
	struct MHD_Response *response;

	if (!body)
		return MHD_create_response_from_buffer(
			0, empty, MHD_RESPMEM_PERSISTENT);
	response = MHD_create_response_from_buffer_with_free_callback_cls(
		body->buf.len, body->buf.data, unref, body);
	if (response)
		(void)body_ref(body);
	return response;
}

static void add_header(
	struct MHD_Response *response, const char *name, const char *value)
{
	(void)MHD_add_response_header(response, name, value);
}

static enum MHD_Result queue(
	struct exchange *x, const struct api_response *from)
{
	struct MHD_Response *response = response_of(from);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	if (from->body)
		add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
			from->body->type);
	add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (from->allow[0])
		add_header(response, MHD_HTTP_HEADER_ALLOW, from->allow);
	if (from->status == MHD_HTTP_UNAUTHORIZED)
		add_header(
			response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
	if (from->status == MHD_HTTP_SERVICE_UNAVAILABLE)
		add_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
	result = MHD_queue_response(x->connection, from->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result refuse(struct exchange *x, unsigned int status,
	const char *slug, const char *detail)
{
	AUTO(api_response_release) struct api_response response = { 0 };

	api_refuse(&response, status, slug, detail);
	return queue(x, &response);
}

/* ---- requests ---- */

static enum api_method method_of(const char *text)
{
	static const struct {
		const char *name;
		enum api_method method;
	} methods[] = {
		{ MHD_HTTP_METHOD_GET, API_GET },
		{ MHD_HTTP_METHOD_PUT, API_PUT },
		{ MHD_HTTP_METHOD_POST, API_POST },
		{ MHD_HTTP_METHOD_DELETE, API_DELETE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (strcmp(text, methods[i].name) == 0)
			return methods[i].method;
	return API_OTHER;
}

/* Where the connection comes from; IPv4 is IPv4, also on an IPv6 socket. */
static struct ipaddr from_of(struct MHD_Connection *connection)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const union MHD_ConnectionInfo *info =
		info_of(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct ipaddr addr = { .family = IP_NONE };
	union {
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} from;

	if (!info || !info->client_addr)
		return addr;
	if (info->client_addr->sa_family == AF_INET) {
		memcpy(&from.v4, info->client_addr, sizeof(from.v4));
		addr.family = IP_V4;
		memcpy(addr.b, &from.v4.sin_addr, 4);
	} else if (info->client_addr->sa_family == AF_INET6) {
		memcpy(&from.v6, info->client_addr, sizeof(from.v6));
		memcpy(addr.b, &from.v6.sin6_addr, 16);
		addr.family = IP_V6;
		if (memcmp(addr.b, mapped, sizeof(mapped)) == 0) {
			addr.family = IP_V4;
			memmove(addr.b, addr.b + sizeof(mapped), 4);
			memset(addr.b + 4, 0, 12);
		}
	}
	return addr;
}

struct reading {
	struct api_request *request;
	bool too_many;
};

static enum MHD_Result on_query(
	void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct reading *reading = arg;
	struct api_request *request = reading->request;

	if (request->query_count == API_QUERY_MAX) {
		reading->too_many = true;
		return MHD_NO;
	}
	request->query[request->query_count].name = name;
	request->query[request->query_count++].value = value ? value : "";
	return MHD_YES;
}

/* "" for an Authorization of another kind: known to nobody. */
static const char *bearer_of(struct MHD_Connection *connection)
{
	const char *text = MHD_lookup_connection_value(
		connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
	size_t len = strlen(BEARER_SCHEME);

	if (!text)
		return NULL;
	return strncasecmp(text, BEARER_SCHEME, len) == 0 ? text + len : "";
}

static enum MHD_Result answer(
	struct exchange *x, const char *path, const char *method)
{
	struct http *http = x->server->http;
	const struct now *now = loop_now(http->loop);
	AUTO(api_response_release) struct api_response response = { 0 };
	struct api_request request = { .method = method_of(method),
		.path = path,
		.bearer = bearer_of(x->connection),
		.local = x->server->local,
		.from = from_of(x->connection),
		.body = buf_str(&x->body),
		.body_len = x->body.len,
		.out_of_time = x->deadline.ns != 0 &&
			mono_reached(x->deadline, now->mono) };
	struct reading reading = { .request = &request };

	(void)MHD_get_connection_values(
		x->connection, MHD_GET_ARGUMENT_KIND, on_query, &reading);
	if (strlen(path) >= API_PATH_MAX)
		return refuse(x, MHD_HTTP_URI_TOO_LONG, "path-too-long",
			"the path is too long");
	if (reading.too_many)
		return refuse(x, MHD_HTTP_BAD_REQUEST, "bad-query",
			"there are too many parameters");
	api_dispatch(http->meshd, &request, now, &response);
	if (response.known)
		(void)MHD_set_connection_option(x->connection,
			MHD_CONNECTION_OPTION_TIMEOUT,
			(unsigned int)TIMEOUT_KNOWN_SEC);
	if (response.status == 0)
		return suspend(x, &response.wait);
	return queue(x, &response);
}

/* The head has been read. Here alone may an answer come before the body. */
static enum MHD_Result begin(struct exchange *x)
{
	const char *length = MHD_lookup_connection_value(
		x->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	uint64_t bytes;

	if (x->server->local && !listener_peer_allowed(fd_of(x->connection)))
		return refuse(x, MHD_HTTP_FORBIDDEN, "not-allowed",
			"this socket is for root and the "
			"group " LISTENER_GROUP);
	if (length && !num_parse_u64(length, MSG_REQUEST_MAX, &bytes))
		return refuse(x, MHD_HTTP_CONTENT_TOO_LARGE, "body-too-large",
			"the body is too large");
	return MHD_YES;
}

static enum MHD_Result take(struct exchange *x, const char *data, size_t len)
{
	if (x->swallowed == 0)
		buf_add(&x->body, data, len);
	if (!buf_failed(&x->body))
		return MHD_YES;
	x->swallowed += len;
	return x->swallowed > SWALLOW_MAX ? MHD_NO : MHD_YES;
}

static struct exchange *exchange_new(
	struct server *server, struct MHD_Connection *connection)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->server = server;
	x->connection = connection;
	x->body = BUF_INIT_SECRET(MSG_REQUEST_MAX + 1);
	list_init(&x->link);
	return x;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection,
	const char *path, const char *method, const char *version,
	const char *data, size_t *data_len, void **exchange)
{
	struct exchange *x = *exchange;
	enum MHD_Result result;

	if (!x) {
		x = exchange_new(arg, connection);
		*exchange = x;
		return x ? begin(x) : MHD_NO;
	}
	if (*data_len > 0) {
		result = take(x, data, *data_len);
		*data_len = 0;
		return result;
	}
	if (x->state == EXCHANGE_GONE)
		return MHD_NO;
	if (buf_failed(&x->body) || x->body.len > MSG_REQUEST_MAX)
		return refuse(x, MHD_HTTP_CONTENT_TOO_LARGE, "body-too-large",
			"the body is too large");
	return answer(x, path, method);
}

static void on_completed(void *arg, struct MHD_Connection *connection,
	void **exchange, enum MHD_RequestTerminationCode code)
{
	struct exchange *x = *exchange;

	if (!x)
		return;
	/* A suspended connection is never completed: hang_up() comes first. */
	BUG_ON(x->state == EXCHANGE_WAITING);
	buf_release(&x->body);
	free(x);
	*exchange = NULL;
}

/* ---- the loop ---- */

static void run(struct server *server)
{
	MHD_UNSIGNED_LONG_LONG msec;
	struct mono deadline = MONO_NEVER;

	server->resumed = false;
	(void)MHD_run(server->daemon);
	if (MHD_get_timeout(server->daemon, &msec) == MHD_YES) {
		int64_t capped = msec > INT32_MAX ? INT32_MAX : (int64_t)msec;

		deadline = mono_add(loop_now(server->http->loop)->mono,
			capped * NSEC_PER_MSEC);
	}
	loop_timer_set(server->timer, deadline);
}

static void on_readable(void *arg, uint32_t events, const struct now *now)
{
	run(arg);
}

static void on_timer(void *arg, const struct now *now)
{
	run(arg);
}

static void on_waits(void *arg, const struct now *now)
{
	struct http *http = arg;

	event_on_time(&http->meshd->events, now);
}

/* What was resumed answers in the same wake-up. */
static void on_turn_end(void *arg, const struct now *now)
{
	struct http *http = arg;

	while (http->tls.resumed || http->local.resumed) {
		if (http->tls.resumed)
			run(&http->tls);
		if (http->local.resumed)
			run(&http->local);
	}
	loop_timer_set(http->waits, event_deadline(&http->meshd->events));
}

/* ---- start and stop ---- */

PRINTF_LIKE(2, 0)
static void on_log(void *arg, const char *fmt, va_list args)
{
	char text[LOG_LINE_MAX];

	(void)vsnprintf(text, sizeof(text), fmt, args);
	text[strcspn(text, "\n")] = 0;
	log_debug("http: %s", text);
}

/* As many connections as file descriptors can be had for. */
static unsigned int connections_max(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 512;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur > CONNECTIONS_MAX + FDS_SPARE)
		return CONNECTIONS_MAX;
	return limit.rlim_cur > 2 * FDS_SPARE
		? (unsigned int)limit.rlim_cur - FDS_SPARE
		: FDS_SPARE;
}

static int server_start(struct server *server, int fd, const struct tlskey *tls,
	struct err *err)
{
	struct MHD_OptionItem secure[] = {
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, NULL },
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, NULL },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, NULL },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_OptionItem plain[] = { { MHD_OPTION_END, 0, NULL } };
	static char priorities[] = TLS_PRIORITIES;
	unsigned int flags =
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	const union MHD_DaemonInfo *info;

	if (tls) {
		flags |= MHD_USE_TLS;
		secure[0].ptr_value = tls->key.data;
		secure[1].ptr_value = tls->certificate.data;
		secure[2].ptr_value = priorities;
	}
	server->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request,
		server, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, NULL, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)HTTP_MEMORY, MHD_OPTION_CONNECTION_MEMORY_INCREMENT,
		(size_t)HTTP_MEMORY_STEP, MHD_OPTION_CONNECTION_LIMIT,
		connections_max(), MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		(unsigned int)CONNECTIONS_IP_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned int)TIMEOUT_UNKNOWN_SEC, MHD_OPTION_ARRAY,
		tls ? secure : plain, MHD_OPTION_END);
	if (!server->daemon)
		return err_set(err, -EIO, "cannot start the %s server",
			tls ? "HTTPS" : "local HTTP");
	info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	server->timer = loop_add_timer(server->http->loop, on_timer, server);
	if (!info || !server->timer)
		return err_set(err, -ENOMEM, "out of memory");
	server->source = loop_add_fd(server->http->loop, info->epoll_fd,
		EPOLLIN, on_readable, server, err);
	return server->source ? 0 : -EIO;
}

int http_new(struct meshd *meshd, struct loop *loop, int tcp_fd, int unix_fd,
	const struct tlskey *tls, struct http **ret_http, struct err *err)
{
	AUTO(http_free) struct http *http = calloc(1, sizeof(*http));
	AUTO(fd_close) int tcp = tcp_fd;
	AUTO(fd_close) int local = unix_fd;
	int r;

	if (!http)
		return err_set(err, -ENOMEM, "out of memory");
	http->meshd = meshd;
	http->loop = loop;
	http->tls.http = http;
	http->local.http = http;
	http->local.local = true;
	list_init(&http->waiting);
	http->waits = loop_add_timer(loop, on_waits, http);
	if (!http->waits)
		return err_set(err, -ENOMEM, "out of memory");
	r = server_start(&http->tls, tcp, tls, err);
	if (http->tls.daemon)
		(void)fd_take(&tcp);
	if (r == 0)
		r = server_start(&http->local, local, NULL, err);
	if (http->local.daemon)
		(void)fd_take(&local);
	if (r == 0)
		r = loop_add_hook(loop, on_turn_end, http);
	if (r < 0)
		return r;
	*ret_http = TAKE(http);
	return 0;
}

static void server_stop(struct server *server)
{
	loop_source_remove(server->source);
	loop_timer_remove(server->timer);
	if (!server->daemon)
		return;
	(void)MHD_run(server->daemon); /* those just hung up on */
	MHD_stop_daemon(server->daemon);
}

void http_free(struct http *http)
{
	if (!http)
		return;
	http->stopping = true;
	/* One that is hung up on may wake others, which leave the list too. */
	while (!list_empty(&http->waiting))
		hang_up(LIST_ENTRY(http->waiting.next, struct exchange, link));
	server_stop(&http->tls);
	server_stop(&http->local);
	loop_timer_remove(http->waits);
	free(http);
}

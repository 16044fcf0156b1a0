/* coord: see coord.h. */
#include "config.h"

#include "agent/coord.h"

#include "base/buf.h"
#include "base/key.h"
#include "base/list.h"
#include "base/num.h"
#include "os/clock.h"

#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/banned.h"

#define PIN_TEXT_SIZE  (sizeof("sha256//") + KEY_BASE64_SIZE)
#define KEEPALIVE_IDLE 10L /* seconds; a dead path is found some 10 s after */
#define KEEPALIVE_GAP  3L
#define READ_BUFFER    16384L
#define IDLE_CONNS_MAX 2L

struct coord {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer *timer;
	bool timer_armed;
	struct list calls; /* struct coord_call */
	size_t call_count;
	char url[TOKEN_URL_MAX + 1];
	char pin[PIN_TEXT_SIZE];
};

struct coord_call {
	struct list node;
	struct coord *coord;
	CURL *easy;
	struct curl_slist *headers;
	char *url;
	struct buf out, in;
	char why[CURL_ERROR_SIZE];
	coord_fn fn;
	void *arg;
};

/* A socket that curl wants watched. */
struct coord_socket {
	struct coord *coord;
	curl_socket_t fd;
	struct loop_source *source;
};

/* ---- answers ---- */

static void wipe_headers(struct curl_slist *headers)
{
	for (struct curl_slist *h = headers; h; h = h->next)
		sodium_memzero(h->data, strlen(h->data));
	curl_slist_free_all(headers);
}

static void call_free(struct coord_call *call)
{
	if (!call)
		return;
	if (call->coord->multi && call->easy)
		(void)curl_multi_remove_handle(call->coord->multi, call->easy);
	list_del(&call->node);
	call->coord->call_count--;
	curl_easy_cleanup(call->easy);
	wipe_headers(call->headers);
	free(call->url);
	buf_release(&call->out);
	buf_release(&call->in);
	free(call);
}
AUTO_DEFINE(struct coord_call, call_free)

static void fill_failure(
	const struct coord_call *call, CURLcode code, struct coord_reply *reply)
{
	const char *url = call->coord->url;
	const char *why = call->why[0] ? call->why : curl_easy_strerror(code);

	if (code == CURLE_SSL_PINNEDPUBKEYNOTMATCH)
		reply->result = err_set(&reply->err, -EKEYREJECTED,
			"%s shows another TLS key than the one pinned: this is "
			"not our coordinator",
			url);
	else if (code == CURLE_WRITE_ERROR)
		reply->result = err_set(&reply->err, -EMSGSIZE,
			"%s: the answer is larger than %zu bytes", url,
			call->in.max);
	else if (code == CURLE_OPERATION_TIMEDOUT)
		reply->result = err_set(&reply->err, -ETIMEDOUT,
			"cannot reach the coordinator %s: %s", url, why);
	else if (code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR ||
		code == CURLE_GOT_NOTHING)
		reply->result = err_set(&reply->err, -EHOSTUNREACH,
			"the coordinator %s closed the connection", url);
	else
		reply->result = err_set(&reply->err, -EHOSTUNREACH,
			"cannot reach the coordinator %s: %s", url, why);
}

static void finish(
	struct coord_call *call, CURLcode code, const struct now *now)
{
	struct coord_reply reply = { 0 };
	curl_off_t retry_after = 0;
	long status = 0;

	if (code != CURLE_OK) {
		fill_failure(call, code, &reply);
	} else {
		(void)curl_easy_getinfo(
			call->easy, CURLINFO_RESPONSE_CODE, &status);
		(void)curl_easy_getinfo(
			call->easy, CURLINFO_RETRY_AFTER, &retry_after);
		reply.status = (unsigned int)status;
		reply.body = buf_str(&call->in);
		reply.body_len = call->in.len;
		if (retry_after > 0 && retry_after < 3600)
			reply.retry_after_sec = (unsigned int)retry_after;
	}
	call->fn(call->arg, &reply, now);
	call_free(call);
}

/* Callbacks may send and cancel: nothing is kept across them. */
static void reap(struct coord *coord, const struct now *now)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(coord->multi, &left))) {
		struct coord_call *call = NULL;

		if (msg->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(
			msg->easy_handle, CURLINFO_PRIVATE, (char **)&call);
		finish(call, msg->data.result, now);
	}
}

/* ---- curl's sockets and timer on the loop ---- */

static void on_socket(void *arg, uint32_t events, const struct now *now)
{
	struct coord_socket *sock = arg;
	struct coord *coord = sock->coord;
	int mask = 0, running;

	if (events & (EPOLLIN | EPOLLHUP))
		mask |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		mask |= CURL_CSELECT_OUT;
	if (events & EPOLLERR)
		mask |= CURL_CSELECT_ERR;
	(void)curl_multi_socket_action(coord->multi, sock->fd, mask, &running);
	reap(coord, now);
}

static void arm(struct coord *coord, long timeout_ms)
{
	/* Not the loop's time, which is that of the last wake-up; and one
	 * more, because curl rounds down. */
	struct now now = clock_now();

	coord->timer_armed = true;
	loop_timer_set(coord->timer,
		mono_add(now.mono, (timeout_ms + 1) * NSEC_PER_MSEC));
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct coord *coord = arg;

	(void)multi;
	if (timeout_ms < 0)
		loop_timer_set(coord->timer, MONO_NEVER);
	else
		arm(coord, timeout_ms);
	return 0;
}

static void on_timer(void *arg, const struct now *now)
{
	struct coord *coord = arg;
	long timeout_ms = -1;
	int running;

	coord->timer_armed = false;
	(void)curl_multi_socket_action(
		coord->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	/* Our clock runs on while suspended and curl's does not: when it finds
	 * nothing due it does not ask again by itself. */
	if (!coord->timer_armed &&
		curl_multi_timeout(coord->multi, &timeout_ms) == CURLM_OK &&
		timeout_ms >= 0)
		arm(coord, timeout_ms);
	reap(coord, now);
}

static void socket_forget(struct coord_socket *sock)
{
	if (!sock)
		return;
	loop_source_remove(sock->source);
	free(sock);
}

static int on_curl_socket(
	CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct coord *coord = arg;
	struct coord_socket *sock = socket_arg;
	uint32_t events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		(void)curl_multi_assign(coord->multi, fd, NULL);
		socket_forget(sock);
		return 0;
	}
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		events |= EPOLLIN;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		events |= EPOLLOUT;
	if (sock) {
		loop_source_set_events(sock->source, events);
		return 0;
	}
	sock = calloc(1, sizeof(*sock));
	if (!sock)
		return -1;
	sock->coord = coord;
	sock->fd = fd;
	sock->source =
		loop_add_fd(coord->loop, fd, events, on_socket, sock, NULL);
	if (!sock->source) {
		free(sock);
		return -1;
	}
	(void)curl_multi_assign(coord->multi, fd, sock);
	return 0;
}

static int on_new_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	const unsigned int timeout_ms = COORD_USER_TIMEOUT_MS;

	(void)arg;
	(void)purpose;
	/* Not there on some kernels: then keepalives have to do. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms,
		sizeof(timeout_ms));
	return CURL_SOCKOPT_OK;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct coord_call *call = arg;

	buf_add(&call->in, bytes, size * count);
	return buf_failed(&call->in) ? 0 : size * count;
}

/* ---- making ---- */

static CURLM *multi_new(struct coord *coord)
{
	CURLM *multi = curl_multi_init();

	if (!multi)
		return NULL;
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, coord);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	curl_multi_setopt(multi, CURLMOPT_TIMERDATA, coord);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, IDLE_CONNS_MAX);
	return multi;
}

static void multi_close(struct coord *coord)
{
	CURLM *multi = coord->multi;

	coord->multi = NULL;
	if (multi)
		(void)curl_multi_cleanup(multi);
	if (coord->timer)
		loop_timer_set(coord->timer, MONO_NEVER);
}

struct coord *coord_new(struct loop *loop, const char *url,
	const uint8_t pin[static TOKEN_PIN_SIZE], struct err *err)
{
	AUTO(coord_free) struct coord *coord = calloc(1, sizeof(*coord));
	char text[KEY_BASE64_SIZE];
	size_t len;

	if (!coord) {
		(void)err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	coord->loop = loop;
	list_init(&coord->calls);
	if (!str_copy(coord->url, sizeof(coord->url), url)) {
		(void)err_set(err, -EINVAL, "URL longer than %d bytes",
			TOKEN_URL_MAX);
		return NULL;
	}
	len = strlen(coord->url);
	if (len > 0 && coord->url[len - 1] == '/')
		coord->url[len - 1] = 0;
	(void)snprintf(coord->pin, sizeof(coord->pin), "sha256//%s",
		key_format_base64(pin, text));
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		(void)err_set(err, -ENOMEM, "libcurl does not start");
		return NULL;
	}
	coord->timer = loop_add_timer(loop, on_timer, coord);
	if (!coord->timer) {
		(void)err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	coord->multi = multi_new(coord);
	if (!coord->multi) {
		(void)err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	return TAKE(coord);
}

void coord_free(struct coord *coord)
{
	if (!coord)
		return;
	while (!list_empty(&coord->calls))
		call_free(
			LIST_ENTRY(coord->calls.next, struct coord_call, node));
	multi_close(coord);
	loop_timer_remove(coord->timer);
	free(coord);
}

static bool add_header(struct coord_call *call, const char *header)
{
	struct curl_slist *grown = curl_slist_append(call->headers, header);

	if (grown)
		call->headers = grown;
	return grown;
}

static int set_headers(
	struct coord_call *call, const struct coord_request *request)
{
	char auth[BEARER_TEXT_SIZE + 32];
	bool ok;

	(void)snprintf(auth, sizeof(auth), "Authorization: Bearer %s",
		request->bearer);
	ok = add_header(call, auth) && add_header(call, "Expect:") &&
		add_header(call, "Accept: application/json");
	sodium_memzero(auth, sizeof(auth));
	if (ok && request->body)
		ok = add_header(call, "Content-Type: application/json");
	return ok ? 0 : -ENOMEM;
}

static void set_transport(
	struct coord_call *call, const struct coord_request *request)
{
	CURL *easy = call->easy;
	long total_sec = (long)request->wait_sec + COORD_CALL_SEC;

	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(
		easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)COORD_CONNECT_SEC);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT, total_sec);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_GAP);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_new_socket);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, READ_BUFFER);
	curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, READ_BUFFER);
}

static void set_trust(struct coord_call *call)
{
	CURL *easy = call->easy;

	/* The pin is the identity; see the head of coord.h. */
	curl_easy_setopt(easy, CURLOPT_PINNEDPUBLICKEY, call->coord->pin);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(
		easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}

static int set_request(
	struct coord_call *call, const struct coord_request *request)
{
	CURL *easy = call->easy;

	if (asprintf(&call->url, "%s%s", call->coord->url, request->path) < 0) {
		call->url = NULL;
		return -ENOMEM;
	}
	if (set_headers(call, request) < 0)
		return -ENOMEM;
	curl_easy_setopt(easy, CURLOPT_URL, call->url);
	curl_easy_setopt(easy, CURLOPT_USERAGENT,
		PACKAGE_NAME "-agent/" PACKAGE_VERSION);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->why);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
	if (request->body) {
		buf_add(&call->out, request->body, request->body_len);
		if (buf_failed(&call->out))
			return -ENOMEM;
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
			(curl_off_t)call->out.len);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->out.data);
	}
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
	return 0;
}

struct coord_call *coord_send(struct coord *coord,
	const struct coord_request *request, coord_fn fn, void *arg,
	struct err *err)
{
	AUTO(call_free) struct coord_call *call = NULL;

	if (coord->call_count == COORD_CALLS_MAX) {
		(void)err_set(err, -EBUSY, "too many calls under way");
		return NULL;
	}
	call = calloc(1, sizeof(*call));
	if (!call) {
		(void)err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	call->coord = coord;
	call->fn = fn;
	call->arg = arg;
	call->in = BUF_INIT(request->reply_max);
	call->out = BUF_INIT_SECRET(request->body_len + 1);
	list_init(&call->node);
	coord->call_count++;
	call->easy = curl_easy_init();
	if (!call->easy || set_request(call, request) < 0) {
		(void)err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	set_transport(call, request);
	set_trust(call);
	if (curl_multi_add_handle(coord->multi, call->easy) != CURLM_OK) {
		(void)err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	list_add_tail(&coord->calls, &call->node);
	return TAKE(call);
}

void coord_cancel(struct coord_call *call)
{
	call_free(call);
}

void coord_reopen(struct coord *coord)
{
	/* Idle connections go only with the handle that keeps them. */
	CURLM *fresh = multi_new(coord);

	if (!fresh)
		return; /* the old ones run into their time-outs */
	list_for_each(pos, &coord->calls) {
		struct coord_call *call =
			LIST_ENTRY(pos, struct coord_call, node);

		(void)curl_multi_remove_handle(coord->multi, call->easy);
		buf_clear(&call->in);
		call->why[0] = 0;
	}
	multi_close(coord);
	coord->multi = fresh;
	list_for_each(pos, &coord->calls)
		(void)curl_multi_add_handle(coord->multi,
			LIST_ENTRY(pos, struct coord_call, node)->easy);
}

/*
 * session: lines to requests, requests to answers. See session.h.
 */
#include "config.h"

#include "engine/uapi/session.h"

#include <errno.h>
#include <string.h>

#include "base/banned.h"

void uapi_session_init(
	struct uapi_session *session, const struct uapi_handler *handler)
{
	*session = (struct uapi_session){
		.handler = handler,
		.state = EXPECT_REQUEST,
		.in = BUF_INIT_SECRET(UAPI_INPUT_MAX),
		.out = BUF_INIT_SECRET(UAPI_ANSWER_MAX),
	};
}

void uapi_session_release(struct uapi_session *session)
{
	wgconf_device_free(TAKE(session->change));
	buf_release(&session->in);
	buf_release(&session->out);
}

static void tell_refused(struct uapi_session *session, const struct err *err)
{
	if (session->handler->on_refused)
		session->handler->on_refused(session->handler->arg, err);
}

static void answer(struct uapi_session *session, int status)
{
	buf_addf(&session->out, "errno=%d\n\n", status);
	wgconf_device_free(TAKE(session->change));
	session->state = EXPECT_REQUEST;
	session->request_len = 0;
}

static void answer_set(struct uapi_session *session)
{
	const struct uapi_handler *h = session->handler;
	struct err err = { .msg = "" };
	int r = h->set(h->arg, session->change, &err);

	if (r < 0)
		tell_refused(session, &err);
	answer(session, r);
}

static void answer_get(struct uapi_session *session)
{
	const struct uapi_handler *h = session->handler;
	AUTO(wgconf_device_free) struct wgconf_device *dev = NULL;
	int r = h->get(h->arg, &dev);

	if (r == 0)
		uapi_format_get(dev, &session->out);
	answer(session, r);
}

static void refuse(struct uapi_session *session, int status)
{
	wgconf_device_free(TAKE(session->change));
	session->status = status;
	session->state = SKIP;
}

static void begin_change(struct uapi_session *session)
{
	session->change = wgconf_device_new();
	if (!session->change) {
		refuse(session, -ENOMEM);
		return;
	}
	uapi_parser_init(&session->parser, UAPI_SET, session->change);
	session->parser.scope_index = session->handler->scope_index;
	session->state = EXPECT_CHANGE;
}

static bool is_line(const char *line, size_t len, const char *want)
{
	return len == strlen(want) && memcmp(line, want, len) == 0;
}

static void on_request(
	struct uapi_session *session, const char *line, size_t len)
{
	struct err err = { .msg = "" };

	if (is_line(line, len, "get=1")) {
		session->state = EXPECT_END;
	} else if (is_line(line, len, "set=1")) {
		begin_change(session);
	} else {
		refuse(session,
			err_set(&err, -EINVAL, "neither get=1 nor set=1"));
		tell_refused(session, &err);
		if (len == 0)
			answer(session, session->status);
	}
}

static void on_change(
	struct uapi_session *session, const char *line, size_t len)
{
	struct err err = { .msg = "" };
	int r;

	if (len == 0) {
		answer_set(session);
		return;
	}
	r = session->request_len > UAPI_REQUEST_MAX
		? err_set(&err, -EFBIG, "the request is too long")
		: uapi_parse_line(&session->parser, line, len, &err);
	if (r < 0) {
		tell_refused(session, &err);
		refuse(session, r);
	}
}

static void on_line(struct uapi_session *session, const char *line, size_t len)
{
	switch (session->state) {
	case EXPECT_REQUEST:
		on_request(session, line, len);
		break;
	case EXPECT_CHANGE:
		on_change(session, line, len);
		break;
	case EXPECT_END:
		if (len == 0)
			answer_get(session);
		else
			refuse(session, -EINVAL);
		break;
	case SKIP:
		if (len == 0)
			answer(session, session->status);
		break;
	}
}

/* Without its end there is no saying where the next request begins. */
static bool give_up(struct uapi_session *session)
{
	tell_refused(session, &(struct err){ .msg = "a line is too long" });
	answer(session, -EINVAL);
	return false;
}

bool uapi_session_feed(
	struct uapi_session *session, const char *bytes, size_t len)
{
	struct buf *in = &session->in;
	size_t used = 0;

	buf_add(in, bytes, len);
	while (!buf_failed(in) && used < in->len &&
		session->out.len < UAPI_ANSWERS_WAITING) {
		const char *line = in->data + used;
		const char *end = memchr(line, '\n', in->len - used);
		size_t line_len = end ? (size_t)(end - line) : in->len - used;

		if (line_len > UAPI_LINE_MAX)
			return give_up(session);
		if (!end)
			break;
		session->request_len += line_len + 1;
		on_line(session, line, line_len);
		used += line_len + 1;
	}
	if (!buf_failed(in))
		buf_consume(in, used);
	return !buf_failed(in) && !buf_failed(&session->out);
}

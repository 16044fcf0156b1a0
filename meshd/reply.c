/* reply: see reply.h. */
#include "config.h"

#include "meshd/reply.h"

#include "meshd/body.h"
#include "os/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

#define TYPE_JSON    "application/json"
#define TYPE_PROBLEM "application/problem+json"
#define PROBLEM_MAX  2048

static void answer(
	struct api_response *response, unsigned int status, struct body *body)
{
	body_unref(response->body);
	response->status = status;
	response->body = body;
}

/* An answer without a body is what is left when memory is short. */
static void answer_buf(struct api_response *response, unsigned int status,
	const char *type, struct buf *buf)
{
	struct body *body = buf_failed(buf) ? NULL : body_new(buf, type);

	answer(response, body ? status : 500, body);
}

void reply_json(struct api_call *call, unsigned int status, struct buf *buf)
{
	answer_buf(call->response, status, TYPE_JSON, buf);
}

void reply_text(struct api_call *call, unsigned int status, const char *type,
	const char *text, size_t len)
{
	AUTO(buf_release) struct buf buf = BUF_INIT(len + 1);

	buf_add(&buf, text, len);
	answer_buf(call->response, status, type, &buf);
}

void reply_body(struct api_call *call, unsigned int status, struct body *body)
{
	answer(call->response, status, body);
}

void reply_empty(struct api_call *call)
{
	answer(call->response, 204, NULL);
}

void reply_wait(struct api_call *call, const struct api_wait *wait)
{
	answer(call->response, 0, NULL);
	call->response->wait = *wait;
}

static void problem(
	struct api_response *response, const struct msg_problem *problem)
{
	AUTO(buf_release) struct buf buf = BUF_INIT(PROBLEM_MAX);

	if (msg_problem_encode(problem, &buf) < 0)
		buf.failed = true;
	answer_buf(response, problem->status, TYPE_PROBLEM, &buf);
}

PRINTF_LIKE(5, 0)
static void vproblem(struct api_call *call, unsigned int status,
	const char *slug, const char *field, const char *fmt, va_list args)
{
	struct msg_problem msg = { .status = status };

	(void)str_copy(msg.slug, sizeof(msg.slug), slug);
	(void)str_copy(msg.field, sizeof(msg.field), field);
	(void)vsnprintf(msg.detail, sizeof(msg.detail), fmt, args);
	problem(call->response, &msg);
}

void reply_problem(struct api_call *call, unsigned int status, const char *slug,
	const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vproblem(call, status, slug, "", fmt, args);
	va_end(args);
}

void reply_problem_at(struct api_call *call, unsigned int status,
	const char *slug, const char *field, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vproblem(call, status, slug, field, fmt, args);
	va_end(args);
}

void api_refuse(struct api_response *ret_response, unsigned int status,
	const char *slug, const char *detail)
{
	struct msg_problem msg = { .status = status };

	(void)str_copy(msg.slug, sizeof(msg.slug), slug);
	(void)str_copy(msg.detail, sizeof(msg.detail), detail);
	problem(ret_response, &msg);
}

void reply_malformed(struct api_call *call, const struct err *err)
{
	struct msg_problem msg = { .status = 400, .slug = "malformed" };
	size_t len = strcspn(err->msg, ":");

	/* "/peers/3/node: is no ..." */
	if (err->msg[0] == '/' && err->msg[len] == ':' &&
		len < sizeof(msg.field))
		memcpy(msg.field, err->msg, len);
	(void)str_copy(msg.detail, sizeof(msg.detail), err->msg);
	problem(call->response, &msg);
}

void reply_broken(struct api_call *call, const char *what)
{
	log_error("%s failed", what);
	reply_problem(call, 500, "broken", "%s failed", what);
}

void reply_failed(struct api_call *call, int r, const struct err *err)
{
	bool passing = r == -EBUSY || r == -ENOMEM || r == -ENOSPC;

	log_error("%s", err->msg);
	reply_problem(call, passing ? 503 : 500, "store",
		"the coordinator could not do it: %s", err->msg);
}

void reply_untrusted(struct api_call *call, enum trust_verdict verdict,
	const struct err *err)
{
	switch (verdict) {
	case TRUST_STALE:
		reply_problem(call, 409, "record-stale", "%s", err->msg);
		return;
	case TRUST_REFUSED:
		reply_problem(call, 422, "record-refused", "%s", err->msg);
		return;
	case TRUST_ACCEPTED:
	case TRUST_KNOWN:
		break;
	}
	BUG_ON(true);
}

void reply_no_node(struct api_call *call)
{
	reply_problem(
		call, 404, "node-unknown", "there is no node %s", call->param);
}

/*
 * problem: an error as RFC 9457 has it. "type" is a URI that is only a name;
 * its last part is the slug that programs compare.
 */
#include "config.h"
#include "meshproto/message.h"

#include "meshproto/message_form.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

#define TYPE_PREFIX	"https://wgmesh.invalid/problems/"
#define SLUG_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789-"

static bool slug_valid(const char *slug)
{
	return *slug && !slug[strspn(slug, SLUG_CHARACTERS)];
}

static bool read_type(
	struct jsonr *r, const struct json_t *value, void *target, size_t size)
{
	const char *text = jsonr_text(r, value);
	size_t prefix = strlen(TYPE_PREFIX);

	if (!text)
		return false;
	if (strncmp(text, TYPE_PREFIX, prefix) || !slug_valid(text + prefix))
		return jsonr_fail(r, "is not a problem of ours");
	return str_copy(target, size, text + prefix) ||
		jsonr_fail(r, "is too long");
}

/* For people without our messages; the slug says the same. */
static bool skip_title(
	struct jsonr *r, const struct json_t *value, void *target, size_t size)
{
	return jsonr_text(r, value);
}

static const struct jsonr_field problem_fields[] = {
	JSONR_VALUE(
		"type", struct msg_problem, slug, read_type, JSONR_REQUIRED),
	JSONR_VALUE(
		"title", struct msg_problem, slug, skip_title, JSONR_OPTIONAL),
	JSONR_VALUE("status", struct msg_problem, status, jsonr_uint,
		JSONR_REQUIRED),
	JSONR_VALUE("detail", struct msg_problem, detail, jsonr_str,
		JSONR_REQUIRED),
	JSONR_VALUE(
		"field", struct msg_problem, field, jsonr_str, JSONR_OPTIONAL),
};
MESSAGE_READER(problem)
MESSAGE_DECODE(problem, message_request_limits)

void msg_problem_release(struct msg_problem *msg)
{
	*msg = (struct msg_problem){ 0 };
}

int msg_problem_encode(const struct msg_problem *msg, struct buf *out)
{
	char type[sizeof(TYPE_PREFIX) + MSG_PROBLEM_SLUG_SIZE];
	char title[MSG_PROBLEM_SLUG_SIZE];
	struct jsonw w;

	if (!slug_valid(msg->slug) ||
		!str_copy(title, sizeof(title), msg->slug))
		return -EINVAL;
	(void)snprintf(type, sizeof(type), TYPE_PREFIX "%s", msg->slug);
	for (char *p = title; *p; p++) {
		if (*p == '-')
			*p = ' ';
	}
	message_begin(&w, out);
	jsonw_kv_str(&w, "type", type);
	jsonw_kv_str(&w, "title", title);
	jsonw_kv_uint(&w, "status", msg->status);
	jsonw_kv_str(&w, "detail", msg->detail);
	if (*msg->field)
		jsonw_kv_str(&w, "field", msg->field);
	return message_end(&w);
}

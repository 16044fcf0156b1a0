/* Tokens as operators make and see them: see message.h. */
#include "config.h"
#include "meshproto/message.h"

#include "meshproto/message_form.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static bool read_kind(
	struct jsonr *r, const struct json_t *value, void *target, size_t size)
{
	const char *text = jsonr_text(r, value);
	bool is_join;

	BUG_ON(size != sizeof(is_join));
	if (!text)
		return false;
	is_join = !strcmp(text, "join");
	if (!is_join && strcmp(text, "api"))
		return jsonr_fail(r, "is neither join nor api");
	memcpy(target, &is_join, size);
	return true;
}

static const char *kind_name(bool is_join)
{
	return is_join ? "join" : "api";
}

/* "nodes:read": letters and one kind of punctuation; which ones exist is the
 * coordinator's to say. */
static bool read_scope(
	struct jsonr *r, const struct json_t *value, void *target, size_t size)
{
	const char *text = jsonr_text(r, value);

	if (!text)
		return false;
	if (!*text || text[strspn(text, "abcdefghijklmnopqrstuvwxyz:-")])
		return jsonr_fail(r, "is not a scope");
	return jsonr_str(r, value, target, size);
}

static bool read_token_id(
	struct jsonr *r, const struct json_t *value, void *target, size_t size)
{
	const char *text = jsonr_text(r, value);

	if (!text)
		return false;
	if (strlen(text) != size - 1 || text[strspn(text, "0123456789abcdef")])
		return jsonr_fail(
			r, "is not a token's id of %zu hex digits", size - 1);
	return jsonr_str(r, value, target, size);
}

static void write_scopes(
	struct jsonw *w, const char (*scopes)[MSG_SCOPE_SIZE], size_t count)
{
	jsonw_key(w, "scopes");
	jsonw_array_begin(w);
	for (size_t i = 0; i < count; i++)
		jsonw_str(w, scopes[i]);
	jsonw_array_end(w);
}

static const struct jsonr_field token_create_fields[] = {
	JSONR_VALUE("kind", struct msg_token_create, is_join, read_kind,
		JSONR_REQUIRED),
	JSONR_VALUE("grant", struct msg_token_create, grant, form_read_envelope,
		JSONR_OPTIONAL),
	JSONR_VALUE("bearer", struct msg_token_create, bearer,
		message_read_bearer, JSONR_OPTIONAL),
	JSONR_FIXED("scopes", struct msg_token_create, scopes, scope_count,
		read_scope, JSONR_OPTIONAL),
	JSONR_VALUE("expires", struct msg_token_create, expires, form_read_time,
		JSONR_OPTIONAL),
	JSONR_VALUE("note", struct msg_token_create, note, jsonr_str,
		JSONR_OPTIONAL),
};

/* The grant says when a join token expires; the coordinator makes the bearer
 * of an API token. */
static bool read_token_create(
	struct jsonr *r, const struct json_t *value, void *target, size_t size)
{
	struct msg_token_create *msg = target;
	bool has_join, has_api;

	BUG_ON(size != sizeof(*msg));
	if (!jsonr_object(r, value, token_create_fields,
		    ARRAY_SIZE(token_create_fields), msg))
		return false;
	has_join = msg->grant && *msg->bearer;
	has_api = msg->scope_count;
	if (msg->is_join && (!has_join || has_api || msg->expires.ns))
		return jsonr_fail(r,
			"is a join token: wants grant and bearer, nothing of "
			"an API token");
	if (!msg->is_join && (!has_api || msg->grant || *msg->bearer))
		return jsonr_fail(r,
			"is an API token: wants scopes, nothing of a join "
			"token");
	return true;
}
MESSAGE_DECODE(token_create, message_request_limits)

void msg_token_create_release(struct msg_token_create *msg)
{
	envelope_free(msg->grant);
	sodium_memzero(msg, sizeof(*msg)); /* the bearer is a secret */
}

int msg_token_create_encode(const struct msg_token_create *msg, struct buf *out)
{
	struct jsonw w;

	if (msg->scope_count > MSG_SCOPES_MAX)
		return -EINVAL;
	message_begin(&w, out);
	jsonw_kv_str(&w, "kind", kind_name(msg->is_join));
	if (msg->is_join) {
		message_write_envelope(&w, "grant", msg->grant);
		jsonw_kv_str(&w, "bearer", msg->bearer);
	} else {
		write_scopes(&w, msg->scopes, msg->scope_count);
		form_write_time(&w, "expires", msg->expires);
	}
	jsonw_kv_str(&w, "note", msg->note);
	return message_end(&w);
}

static const struct jsonr_field token_view_fields[] = {
	JSONR_VALUE(
		"id", struct msg_token_view, id, read_token_id, JSONR_REQUIRED),
	JSONR_VALUE("kind", struct msg_token_view, is_join, read_kind,
		JSONR_REQUIRED),
	JSONR_VALUE(
		"note", struct msg_token_view, note, jsonr_str, JSONR_REQUIRED),
	JSONR_FIXED("scopes", struct msg_token_view, scopes, scope_count,
		read_scope, JSONR_OPTIONAL),
	JSONR_VALUE("uses_max", struct msg_token_view, uses_max, jsonr_uint,
		JSONR_OPTIONAL),
	JSONR_VALUE("uses", struct msg_token_view, uses, jsonr_uint,
		JSONR_OPTIONAL),
	JSONR_FIXED("tags", struct msg_token_view, tags, tag_count,
		form_read_name, JSONR_OPTIONAL),
	JSONR_VALUE("created", struct msg_token_view, created, form_read_time,
		JSONR_OPTIONAL),
	JSONR_VALUE("expires", struct msg_token_view, expires, form_read_time,
		JSONR_OPTIONAL),
	JSONR_VALUE("revoked", struct msg_token_view, revoked, jsonr_bool,
		JSONR_REQUIRED),
	JSONR_VALUE("bearer", struct msg_token_view, bearer,
		message_read_bearer, JSONR_OPTIONAL),
};
MESSAGE_READER(token_view)
MESSAGE_DECODE(token_view, message_answer_limits)

void msg_token_view_release(struct msg_token_view *msg)
{
	sodium_memzero(msg, sizeof(*msg)); /* the bearer is a secret */
}

static int write_token(struct jsonw *w, const struct msg_token_view *msg)
{
	if (msg->scope_count > MSG_SCOPES_MAX ||
		msg->tag_count > RECORD_TAGS_MAX)
		return -EINVAL;
	jsonw_kv_str(w, "id", msg->id);
	jsonw_kv_str(w, "kind", kind_name(msg->is_join));
	jsonw_kv_str(w, "note", msg->note);
	if (msg->is_join) {
		jsonw_kv_uint(w, "uses_max", msg->uses_max);
		jsonw_kv_uint(w, "uses", msg->uses);
		form_write_names(w, "tags", msg->tags, msg->tag_count);
	} else {
		write_scopes(w, msg->scopes, msg->scope_count);
	}
	form_write_time(w, "created", msg->created);
	form_write_time(w, "expires", msg->expires);
	jsonw_kv_bool(w, "revoked", msg->revoked);
	if (*msg->bearer)
		jsonw_kv_str(w, "bearer", msg->bearer);
	return 0;
}

int msg_token_view_encode(const struct msg_token_view *msg, struct buf *out)
{
	struct jsonw w;

	message_begin(&w, out);
	if (write_token(&w, msg) < 0)
		return -EINVAL;
	return message_end(&w);
}

static const struct jsonr_field token_list_fields[] = {
	JSONR_GROWN("tokens", struct msg_token_list, tokens, count,
		MSG_TOKENS_MAX, read_token_view, JSONR_REQUIRED),
};
MESSAGE_READER(token_list)
MESSAGE_DECODE(token_list, message_answer_limits)

void msg_token_list_release(struct msg_token_list *msg)
{
	for (size_t i = 0; i < msg->count; i++)
		msg_token_view_release(&msg->tokens[i]);
	free(msg->tokens);
	*msg = (struct msg_token_list){ 0 };
}

int msg_token_list_encode(const struct msg_token_list *msg, struct buf *out)
{
	struct jsonw w;

	if (msg->count > MSG_TOKENS_MAX)
		return -EINVAL;
	message_begin(&w, out);
	jsonw_key(&w, "tokens");
	jsonw_array_begin(&w);
	for (size_t i = 0; i < msg->count; i++) {
		jsonw_object_begin(&w);
		if (write_token(&w, &msg->tokens[i]) < 0)
			return -EINVAL;
		jsonw_object_end(&w);
	}
	jsonw_array_end(&w);
	return message_end(&w);
}

/* api_token: join tokens and API tokens, made, listed, revoked (api.h). */
#include "config.h"

#include "meshd/api.h"

#include "meshd/reply.h"
#include "meshd/store.h"
#include "os/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* No API token is for ever. */
#define API_TOKEN_TTL_NS (INT64_C(90) * 24 * 3600 * NSEC_PER_SEC)

/* What the grant of a join token lets its nodes be tagged. */
static int add_tags(struct meshd *meshd, const struct signpub *delegate,
	struct msg_token_view *view, struct err *err)
{
	struct subject subject = subject_of_delegate(delegate);
	AUTO(envelope_free) struct envelope *env = NULL;
	struct record_row row;
	struct record grant;
	int r = store_record_find(
		meshd->store, RECORD_GRANT, &subject, &row, err);

	if (r < 0)
		return r;
	env = row.envelope;
	/* A grant that a hand in the database spoiled has no tags to show. */
	if (record_open(env, &grant, NULL) < 0 || grant.type != RECORD_GRANT)
		return 0;
	view->tag_count = grant.grant.tag_count;
	memcpy(view->tags, grant.grant.tags, sizeof(view->tags));
	return 0;
}

static int make_view(struct meshd *meshd, const struct token_row *row,
	struct msg_token_view *ret_view, struct err *err)
{
	struct msg_token_view view = { .is_join = row->kind == TOKEN_JOIN,
		.uses_max = row->uses_max,
		.uses = row->uses,
		.created = row->created,
		.expires = row->expires,
		.revoked = row->revoked.ns != 0 };
	int r = 0;

	(void)str_copy(view.id, sizeof(view.id), row->id);
	(void)str_copy(view.note, sizeof(view.note), row->note);
	for (unsigned int bit = 1; bit <= SCOPES_KNOWN; bit <<= 1)
		if ((row->scopes & bit) && view.scope_count < MSG_SCOPES_MAX)
			(void)str_copy(view.scopes[view.scope_count++],
				MSG_SCOPE_SIZE, scope_name(bit));
	if (view.is_join)
		r = add_tags(meshd, &row->delegate, &view, err);
	if (r == 0)
		*ret_view = view;
	return r;
}

static void reply_token(struct api_call *call, unsigned int status,
	const struct token_row *row, const char *bearer)
{
	AUTO(msg_token_view_release) struct msg_token_view view = { 0 };
	struct err err = { 0 };
	int r = make_view(call->meshd, row, &view, &err);

	if (r < 0) {
		reply_failed(call, r, &err);
		return;
	}
	(void)str_copy(view.bearer, sizeof(view.bearer), bearer);
	REPLY(call, status, token_view, &view);
}

/* ---- join tokens ---- */

static int store_join(struct meshd *meshd, const struct token_row *row,
	const struct record *grant, const struct envelope *env, struct err *err)
{
	AUTO(store_rollback) struct store *tx = NULL;
	int r = store_begin(meshd->store, &tx, err);

	if (r == 0)
		r = store_token_insert(meshd->store, row, err);
	if (r == 0)
		r = store_record_put(meshd->store, grant, env, 0, err);
	return r < 0 ? r : store_commit(&tx, err);
}

/* The same token once more is no second one. False: replied. */
static bool is_new(struct api_call *call, const struct token_row *row)
{
	struct token_row there;
	struct err err = { 0 };
	int r = store_token_find(call->meshd->store, row->id, &there, &err);

	if (r == -ENOENT)
		return true;
	if (r < 0)
		reply_failed(call, r, &err);
	else if (auth_hash_equal(&there.hash, &row->hash) &&
		key_equal(there.delegate.b, row->delegate.b))
		reply_token(call, 200, &there, "");
	else
		reply_problem(call, 409, "token-exists",
			"there is another token %s", row->id);
	return false;
}

/* A frame of its own: a grant is large. */
__attribute__((noinline)) static void create_join(
	struct api_call *call, const struct msg_token_create *msg)
{
	struct meshd *meshd = call->meshd;
	struct token_row row = { .kind = TOKEN_JOIN,
		.created = call->now->wall };
	AUTO(bearer_wipe) struct bearer bearer;
	enum trust_verdict verdict;
	struct record rec;
	struct err err = { 0 };
	int r;

	if (!bearer_parse(msg->bearer, &bearer) ||
		strcmp(bearer.kind, "join") != 0) {
		reply_problem_at(call, 422, "bearer-invalid", "/bearer",
			"this is no bearer of a join token");
		return;
	}
	if (record_open(msg->grant, &rec, &err) < 0 ||
		rec.type != RECORD_GRANT) {
		reply_problem_at(call, 422, "record-refused", "/grant", "%s",
			err.msg[0] ? err.msg : "this is no grant");
		return;
	}
	if (rec.grant.expires.ns <= call->now->wall.ns) {
		reply_problem_at(call, 422, "grant-expired", "/grant",
			"the grant has expired");
		return;
	}
	row.hash = auth_hash(&meshd->auth, &bearer);
	row.delegate = rec.grant.delegate;
	row.uses_max = rec.grant.uses;
	row.expires = rec.grant.expires;
	(void)str_copy(row.id, sizeof(row.id), bearer.id);
	(void)str_copy(row.note, sizeof(row.note), msg->note);
	if (!is_new(call, &row))
		return;
	verdict = trust_offer(meshd->trust, msg->grant, call->now, &err);
	if (verdict != TRUST_ACCEPTED && verdict != TRUST_KNOWN) {
		reply_untrusted(call, verdict, &err);
		return;
	}
	r = store_join(meshd, &row, &rec, msg->grant, &err);
	if (r == -EEXIST)
		reply_problem(call, 409, "token-exists",
			"another token has this delegate key");
	else if (r < 0)
		reply_failed(call, r, &err);
	else
		reply_token(call, 201, &row, "");
}

/* ---- API tokens ---- */

/* False: replied. Nobody gives what it has not. */
static bool parse_scopes(struct api_call *call,
	const struct msg_token_create *msg, unsigned int *ret_scopes)
{
	unsigned int scopes = 0, one;

	for (size_t i = 0; i < msg->scope_count; i++) {
		if (!scope_parse(msg->scopes[i], &one) ||
			!(one & SCOPES_GRANTABLE)) {
			reply_problem_at(call, 422, "scope-unknown", "/scopes",
				"there is no scope `%s' to give",
				msg->scopes[i]);
			return false;
		}
		if (!(one & call->caller.scopes)) {
			reply_problem_at(call, 403, "scope-missing", "/scopes",
				"you do not have the scope %s yourself",
				msg->scopes[i]);
			return false;
		}
		scopes |= one;
	}
	*ret_scopes = scopes;
	return true;
}

static void create_api(
	struct api_call *call, const struct msg_token_create *msg)
{
	struct meshd *meshd = call->meshd;
	struct token_row row = { .kind = TOKEN_API,
		.created = call->now->wall,
		.expires = msg->expires };
	AUTO(bearer_wipe) struct bearer bearer;
	char text[BEARER_TEXT_SIZE];
	struct err err = { 0 };
	int r;

	if (!parse_scopes(call, msg, &row.scopes))
		return;
	if (row.expires.ns == 0)
		row.expires.ns = call->now->wall.ns + API_TOKEN_TTL_NS;
	if (row.expires.ns <= call->now->wall.ns) {
		reply_problem_at(call, 422, "token-expired", "/expires",
			"the token would have expired already");
		return;
	}
	bearer_generate("api", &bearer);
	row.hash = auth_hash(&meshd->auth, &bearer);
	(void)str_copy(row.id, sizeof(row.id), bearer.id);
	(void)str_copy(row.note, sizeof(row.note), msg->note);
	r = store_token_insert(meshd->store, &row, &err);
	if (r < 0)
		reply_failed(call, r, &err);
	else
		reply_token(call, 201, &row, bearer_format(&bearer, text));
	explicit_bzero(text, sizeof(text));
}

void api_token_create(struct api_call *call)
{
	const struct api_request *request = call->request;
	AUTO(msg_token_create_release) struct msg_token_create msg = { 0 };
	struct err err = { 0 };

	if (msg_token_create_decode(
		    request->body, request->body_len, &msg, &err) < 0)
		reply_malformed(call, &err);
	else if (msg.is_join)
		create_join(call, &msg);
	else
		create_api(call, &msg);
}

/* ---- list, revoke ---- */

struct listing {
	struct meshd *meshd;
	struct msg_token_list list;
	size_t cap;
	struct err *err;
};

static int add_view(void *arg, const struct token_row *row)
{
	struct listing *listing = arg;
	struct msg_token_list *list = &listing->list;

	if (list->count == MSG_TOKENS_MAX)
		return 0;
	if (list->count == listing->cap) {
		size_t cap = listing->cap ? 2 * listing->cap : 16;
		struct msg_token_view *moved =
			reallocarray(list->tokens, cap, sizeof(*list->tokens));

		if (!moved)
			return err_set(listing->err, -ENOMEM, "out of memory");
		list->tokens = moved;
		listing->cap = cap;
	}
	return make_view(listing->meshd, row, &list->tokens[list->count++],
		listing->err);
}

void api_token_list(struct api_call *call)
{
	struct err err = { 0 };
	struct listing listing = { .meshd = call->meshd, .err = &err };
	int r = store_token_each(
		call->meshd->store, call->now->wall, add_view, &listing, &err);

	if (r < 0)
		reply_failed(call, r, &err);
	else
		REPLY(call, 200, token_list, &listing.list);
	msg_token_list_release(&listing.list);
}

void api_token_revoke(struct api_call *call)
{
	struct err err = { 0 };
	int r = store_token_revoke(
		call->meshd->store, call->param, call->now->wall, &err);

	if (r == -ENOENT) {
		reply_problem(call, 404, "token-unknown", "%s", err.msg);
	} else if (r < 0) {
		reply_failed(call, r, &err);
	} else {
		log_info("token %s is revoked", call->param);
		reply_empty(call);
	}
}

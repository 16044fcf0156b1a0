/*
 * cmd_token: tokens. A join token's delegate key is made here and stays in the
 * token: the coordinator gets the grant that the operator signs for it, and a
 * bearer secret derived from it one way.
 */
#include "config.h"

#include "meshd/ctl/api.h"
#include "meshd/ctl/ctl.h"
#include "meshd/ctl/opkey.h"
#include "meshd/ctl/show.h"
#include "meshd/ctl/subject.h"
#include "meshproto/token.h"

#include <sodium.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

#define JOIN_TTL_SEC (24 * 3600)
#define API_TTL_SEC  (30 * 24 * 3600)

struct wish {
	uint32_t uses;
	struct wall expires;
	const char *url; /* NULL: what the coordinator says */
	struct args_list tags;
};

/* ---- what was typed ---- */

static int parse_expiry(
	const struct ctl *ctl, struct wall *ret_expires, struct err *err)
{
	const struct options *options = ctl->options;
	const char *ttl = options->ttl;
	int64_t ns = NSEC_PER_SEC * (options->api ? API_TTL_SEC : JOIN_TTL_SEC);

	if (ttl && !duration_parse(ttl, &ns))
		return err_set(err, -EINVAL,
			"--ttl is not a time like 90s, 10m, 24h or 7d: \"%s\"",
			ttl);
	ret_expires->ns = ctl->now.wall.ns + ns;
	return 0;
}

static int check_note(const char *note, struct err *err)
{
	if (!note)
		return 0;
	for (const char *c = note; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return err_set(err, -EINVAL,
				"--note holds a control character");
	}
	if (strlen(note) > NAME_MAX_LEN)
		return err_set(err, -EINVAL, "--note is longer than %d bytes",
			NAME_MAX_LEN);
	return 0;
}

static int check_tags(const struct args_list *tags, struct err *err)
{
	for (size_t i = 0; i < tags->count; i++) {
		const char *tag = tags->items[i];

		if (!name_valid(tag))
			return err_set(err, -EINVAL,
				"not a tag (1-63 of a-z 0-9 -): \"%s\"", tag);
		for (size_t k = 0; k < i; k++) {
			if (strcmp(tag, tags->items[k]) == 0)
				return err_set(err, -EINVAL,
					"--tag is there twice: \"%s\"", tag);
		}
	}
	return 0;
}

static int parse_join(
	const struct ctl *ctl, struct wish *ret_wish, struct err *err)
{
	const struct options *options = ctl->options;
	const char *uses = options->uses, *url = options->join_url;
	struct wish wish = { .url = url, .tags = options->tags };
	uint64_t count = 1;
	int r;

	if (uses && !num_parse_u64(uses, UINT32_MAX, &count))
		return err_set(
			err, -EINVAL, "--uses is not a number: \"%s\"", uses);
	if (url && strncmp(url, "https://", 8) != 0)
		return err_set(err, -EINVAL,
			"--join-url is not an https:// address: \"%s\"", url);
	if (url && strlen(url) > TOKEN_URL_MAX)
		return err_set(err, -EINVAL,
			"--join-url is longer than %d bytes", TOKEN_URL_MAX);
	r = parse_expiry(ctl, &wish.expires, err);
	if (r == 0)
		r = check_tags(&wish.tags, err);
	if (r < 0)
		return r;
	wish.uses = (uint32_t)count;
	*ret_wish = wish;
	return 0;
}

static bool is_scope(const char *text, size_t len)
{
	static const char *const scopes[] = { "admin", "nodes:read",
		"nodes:write", "tokens:write" };

	for (size_t i = 0; i < ARRAY_SIZE(scopes); i++) {
		_Static_assert(sizeof("tokens:write") <= MSG_SCOPE_SIZE,
			"the longest one fits");
		if (strlen(scopes[i]) == len &&
			memcmp(scopes[i], text, len) == 0)
			return true;
	}
	return false;
}

static int parse_scopes(
	const char *text, struct msg_token_create *create, struct err *err)
{
	while (true) {
		size_t len = strcspn(text, ",");

		if (!is_scope(text, len))
			return err_set(err, -EINVAL,
				"not a scope (admin, nodes:read, nodes:write, "
				"tokens:write): \"%.*s\"",
				(int)len, text);
		if (create->scope_count == MSG_SCOPES_MAX)
			return err_set(err, -EINVAL, "more than %d scopes",
				MSG_SCOPES_MAX);
		memcpy(create->scopes[create->scope_count++], text, len);
		if (!text[len])
			return 0;
		text += len + 1;
	}
}

/* Options that mean nothing for the kind of token that was asked for. */
static int check_kind(const struct options *options, struct err *err)
{
	const char *of_join = options->uses ? "--uses"
		: options->tags.count	    ? "--tag"
		: options->join_url	    ? "--join-url"
					    : NULL;

	if (!options->api && options->scope)
		return err_set(err, -EINVAL, "--scope needs --api");
	if (options->api && !options->scope)
		return err_set(err, -EINVAL, "--api needs --scope");
	if (options->api && of_join)
		return err_set(err, -EINVAL,
			"%s is for tokens of nodes, not for --api", of_join);
	return 0;
}

/* ---- create ---- */

static void set_note(
	const struct options *options, struct msg_token_create *create)
{
	(void)str_copy(create->note, sizeof(create->note),
		options->note ? options->note : "");
}

/* The token on stdout, alone, or with what is known of it. */
static void show_created(
	struct ctl *ctl, const char *token, const struct msg_token_view *view)
{
	struct jsonw w;

	if (!ctl->options->json) {
		buf_addf(&ctl->out, "%s\n", token);
		return;
	}
	show_json_begin(&w, &ctl->out);
	jsonw_kv_str(&w, "id", view->id);
	jsonw_kv_str(&w, "token", token);
	show_json_time(&w, "expires", view->expires);
	show_json_end(&w);
}

static int create_api(struct ctl *ctl, struct err *err)
{
	struct msg_token_create create = { .is_join = false };
	struct msg_token_view view;
	int r = parse_expiry(ctl, &create.expires, err);

	if (r == 0)
		r = parse_scopes(ctl->options->scope, &create, err);
	set_note(ctl->options, &create);
	if (r == 0)
		r = api_token_create(ctl->client, &create, &view, err);
	if (r < 0)
		return r;
	if (view.bearer[0])
		show_created(ctl, view.bearer, &view);
	else
		r = err_set(err, -EBADMSG,
			"the coordinator's answer holds no token");
	sodium_memzero(view.bearer, sizeof(view.bearer));
	msg_token_view_release(&view);
	return r;
}

static int sign_grant(const struct ctl *ctl, const struct opkey *key,
	const struct record *mesh, const struct join_token *token,
	const struct wish *wish, struct envelope **ret_env, struct err *err)
{
	AUTO(subject_free) struct record *rec = calloc(1, sizeof(*rec));
	struct record_grant *grant;

	if (!rec)
		return err_set(err, -ENOMEM, "out of memory");
	rec->type = RECORD_GRANT;
	rec->mesh = mesh->mesh;
	rec->serial = 1;
	grant = &rec->grant;
	grant->delegate = signseed_public(&token->delegate);
	grant->issued_at = ctl->now.wall;
	grant->expires = wish->expires;
	grant->uses = wish->uses;
	memcpy(grant->prefixes, mesh->as_mesh.prefixes,
		sizeof(grant->prefixes));
	grant->prefix_count = mesh->as_mesh.prefix_count;
	grant->tag_count = wish->tags.count;
	for (size_t i = 0; i < grant->tag_count; i++)
		(void)str_copy(grant->tags[i], sizeof(grant->tags[i]),
			wish->tags.items[i]);
	return opkey_sign(key, rec, ret_env, err);
}

/* Everything that a host needs to join, but for the coordinator's consent. */
static int make_token(const struct signpub *op,
	const struct msg_mesh_view *view, const struct wish *wish,
	struct join_token *token, char text[static TOKEN_TEXT_MAX],
	struct err *err)
{
	token->operator_key = *op;
	memcpy(token->pin, view->pin, sizeof(token->pin));
	signseed_generate(&token->delegate);
	if (!str_copy(token->url, sizeof(token->url),
		    wish->url ? wish->url : view->url))
		return err_set(
			err, -EINVAL, "the coordinator's url is too long");
	return join_token_format(token, text, err);
}

static int submit(struct ctl *ctl, const struct join_token *token,
	struct envelope *grant, const struct wish *wish,
	struct msg_token_view *ret_view, struct err *err)
{
	struct msg_token_create create = {
		.is_join = true, .grant = grant, .expires = wish->expires
	};
	struct bearer bearer;
	int r;

	set_note(ctl->options, &create);
	bearer_of_delegate(&token->delegate, &bearer);
	(void)bearer_format(&bearer, create.bearer);
	bearer_wipe(&bearer);
	r = api_token_create(ctl->client, &create, ret_view, err);
	sodium_memzero(create.bearer, sizeof(create.bearer));
	return r;
}

static int create_join(
	struct ctl *ctl, const struct wish *wish, struct err *err)
{
	AUTO(msg_mesh_view_release) struct msg_mesh_view view = { 0 };
	AUTO(msg_token_view_release) struct msg_token_view made = { 0 };
	AUTO(opkey_free) struct opkey *key = NULL;
	AUTO(envelope_free) struct envelope *grant = NULL;
	AUTO(join_token_wipe) struct join_token token = { 0 };
	struct {
		char text[TOKEN_TEXT_MAX];
	} secret;
	AUTO(subject_free) struct record *mesh = NULL;
	struct signpub op;
	int r = opkey_load(ctl->dir, &key, err);

	if (r < 0)
		return r;
	r = api_mesh_get(ctl->client, &view, err);
	if (r < 0)
		return r;
	op = opkey_public(key);
	r = subject_mesh(&op, &view, &mesh, err);
	if (r < 0)
		return r;
	r = make_token(&op, &view, wish, &token, secret.text, err);
	if (r == 0)
		r = sign_grant(ctl, key, mesh, &token, wish, &grant, err);
	if (r == 0)
		r = submit(ctl, &token, grant, wish, &made, err);
	if (r == 0)
		show_created(ctl, secret.text, &made);
	sodium_memzero(&secret, sizeof(secret));
	return r;
}

int cmd_token_create(struct ctl *ctl, struct err *err)
{
	struct wish wish = { 0 };
	int r = check_kind(ctl->options, err);

	if (r == 0)
		r = check_note(ctl->options->note, err);
	if (r < 0)
		return r;
	if (ctl->options->api)
		return create_api(ctl, err);
	r = parse_join(ctl, &wish, err);
	if (r < 0)
		return r;
	return create_join(ctl, &wish, err);
}

/* ---- list, revoke ---- */

static const char *token_state(const struct msg_token_view *token,
	const struct now *now, enum table_style *ret_style)
{
	*ret_style = TABLE_DIM;
	if (token->revoked)
		return "revoked";
	if (token->expires.ns <= now->wall.ns)
		return "expired";
	if (token->is_join && token->uses_max && token->uses >= token->uses_max)
		return "used up";
	*ret_style = TABLE_GOOD;
	return "good";
}

static void json_token(struct jsonw *w, const struct msg_token_view *token,
	const struct now *now)
{
	enum table_style style;

	jsonw_object_begin(w);
	jsonw_kv_str(w, "id", token->id);
	jsonw_kv_str(w, "kind", token->is_join ? "join" : "api");
	jsonw_kv_str(w, "state", token_state(token, now, &style));
	jsonw_kv_str(w, "note", token->note);
	if (token->is_join) {
		jsonw_kv_uint(w, "uses", token->uses);
		jsonw_kv_uint(w, "uses_max", token->uses_max);
		show_json_strings(w, "tags", token->tags[0],
			sizeof(token->tags[0]), token->tag_count);
	} else {
		show_json_strings(w, "scopes", token->scopes[0],
			sizeof(token->scopes[0]), token->scope_count);
	}
	show_json_time(w, "created", token->created);
	show_json_time(w, "expires", token->expires);
	jsonw_object_end(w);
}

static void row_token(struct table *table, const struct msg_token_view *token,
	const struct now *now)
{
	char text[SHOW_LIST_SIZE], age[SHOW_AGE_SIZE];
	enum table_style style;
	const char *state = token_state(token, now, &style);
	size_t used = 0;

	table_add(table, token->id);
	table_add(table, token->is_join ? "join" : "api");
	table_add_styled(table, style, state);
	if (!token->is_join)
		table_add(table, "");
	else if (token->uses_max)
		table_addf(table, "%" PRIu32 " of %" PRIu32, token->uses,
			token->uses_max);
	else
		table_addf(table, "%" PRIu32, token->uses);
	table_add(table, show_until(token->expires, now, age));
	text[0] = '\0';
	for (size_t i = 0; !token->is_join && i < token->scope_count; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
			"%s%s", i ? ", " : "", token->scopes[i]);
	table_add(table,
		token->is_join ? show_tags(token->tags, token->tag_count, text)
			       : text);
	table_add(table, token->note);
}

int cmd_token_list(struct ctl *ctl, struct err *err)
{
	static const char *const heads[] = { "ID", "KIND", "STATE", "USES",
		"EXPIRES", "TAGS, SCOPES", "NOTE" };
	AUTO(msg_token_list_release) struct msg_token_list list = { 0 };
	AUTO(table_free) struct table *table = NULL;
	struct jsonw w;
	int r = api_token_list(ctl->client, &list, err);

	if (r < 0)
		return r;
	if (ctl->options->json) {
		show_json_begin(&w, &ctl->out);
		jsonw_key(&w, "tokens");
		jsonw_array_begin(&w);
		for (size_t i = 0; i < list.count; i++)
			json_token(&w, &list.tokens[i], &ctl->now);
		jsonw_array_end(&w);
		show_json_end(&w);
		return 0;
	}
	table = table_new(ARRAY_SIZE(heads), heads);
	for (size_t i = 0; table && i < list.count; i++)
		row_token(table, &list.tokens[i], &ctl->now);
	if (!table || !table_print(table, ctl->color, &ctl->out))
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

int cmd_token_revoke(struct ctl *ctl, struct err *err)
{
	struct jsonw w;
	int r = api_token_revoke(ctl->client, ctl->operands[0], err);

	if (r < 0)
		return r;
	if (ctl->options->json) {
		show_json_begin(&w, &ctl->out);
		jsonw_kv_str(&w, "id", ctl->operands[0]);
		jsonw_kv_bool(&w, "revoked", true);
		show_json_end(&w);
		return 0;
	}
	buf_addf(&ctl->out, "revoked %s\n", ctl->operands[0]);
	return 0;
}

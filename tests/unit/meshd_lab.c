#include "config.h"
#include "meshd_lab.h"

#include "meshd/body.h"
#include "meshd/scope.h"
#include "meshproto/message.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/banned.h"

#define BODY_MAX (64 * 1024)

static const char *keep(struct buf *buf)
{
	static char text[BODY_MAX];

	assert_false(buf_failed(buf));
	assert_true(str_copy(text, sizeof(text), buf_str(buf)));
	buf_release(buf);
	return text;
}

static void open_lab(struct lab *lab, const char *dir, struct now now)
{
	struct err err = { 0 };

	*lab = (struct lab){ .now = now };
	lab->meshd.url = "https://coordinator:7443";
	if (meshd_init(&lab->meshd, dir, &lab->now, &err) < 0)
		fail_msg("meshd_init: %s", err.msg);
}

void lab_up(struct lab *lab, const char *dir)
{
	struct now now = fx_now(0);

	now.mono.ns = NSEC_PER_SEC;
	open_lab(lab, dir, now);
}

void lab_found(struct lab *lab)
{
	struct record mesh = fx_mesh();

	lab_must(lab, 201, "PUT /v1/mesh", LAB_LOCAL,
		lab_record_of(&mesh, FX_OPERATOR));
}

void lab_down(struct lab *lab)
{
	api_response_release(&lab->last);
	meshd_release(&lab->meshd);
}

void lab_restart(struct lab *lab, const char *dir)
{
	struct now now = lab->now;

	lab_down(lab);
	open_lab(lab, dir, now);
}

void lab_sleep(struct lab *lab, int64_t sec)
{
	lab->now.mono.ns += sec * NSEC_PER_SEC;
	lab->now.wall.ns += sec * NSEC_PER_SEC;
}

static enum api_method method_of(const char *text)
{
	static const char *const names[] = { "GET ", "PUT ", "POST ",
		"DELETE " };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strncmp(text, names[i], strlen(names[i])) == 0)
			return (enum api_method)i;
	return API_OTHER;
}

/* Cuts "path?a=1&b" in place. */
static void cut_query(char *path, struct api_request *request)
{
	char *at = strchr(path, '?');

	request->path = path;
	while (at) {
		char *value, *name = at + 1;

		*at = 0;
		at = strchr(name, '&');
		if (at)
			*at = 0;
		value = strchr(name, '=');
		if (value)
			*value++ = 0;
		assert_true(request->query_count < API_QUERY_MAX);
		request->query[request->query_count].name = name;
		request->query[request->query_count++].value =
			value ? value : "";
	}
}

unsigned int lab_call(struct lab *lab, const char *method_path,
	const char *bearer, const char *body)
{
	bool local = bearer && strcmp(bearer, LAB_LOCAL) == 0;
	struct api_request request = { .method = method_of(method_path),
		.bearer = local ? NULL : bearer,
		.local = local,
		.from = lab->from,
		.body = body ? body : "",
		.body_len = body ? strlen(body) : 0,
		.out_of_time = lab->out_of_time };
	char path[API_PATH_MAX];

	assert_true(str_copy(path, sizeof(path), strchr(method_path, ' ') + 1));
	cut_query(path, &request);
	api_response_release(&lab->last);
	api_dispatch(&lab->meshd, &request, &lab->now, &lab->last);
	return lab->last.status;
}

const char *lab_body(const struct lab *lab)
{
	return lab->last.body ? buf_str(&lab->last.body->buf) : "";
}

void lab_must(struct lab *lab, unsigned int want, const char *method_path,
	const char *bearer, const char *body)
{
	unsigned int got = lab_call(lab, method_path, bearer, body);

	if (got != want)
		fail_msg("%s: %u, not %u: %s", method_path, got, want,
			lab_body(lab));
}

const char *lab_slug(const struct lab *lab)
{
	static char slug[MSG_PROBLEM_SLUG_SIZE];
	struct msg_problem problem;
	const char *body = lab_body(lab);

	if (msg_problem_decode(body, strlen(body), &problem, NULL) < 0)
		return "";
	assert_int_equal(problem.status, lab->last.status);
	assert_true(str_copy(slug, sizeof(slug), problem.slug));
	return slug;
}

const char *lab_record(const struct envelope *env)
{
	struct buf buf = BUF_INIT(BODY_MAX);
	AUTO(envelope_free) struct envelope *copy = envelope_dup(env);
	struct msg_record msg = { .record = copy };

	assert_int_equal(msg_record_encode(&msg, &buf), 0);
	return keep(&buf);
}

const char *lab_record_of(const struct record *rec, unsigned int who)
{
	AUTO(envelope_free) struct envelope *env = fx_sign(rec, who);

	return lab_record(env);
}

const char *lab_enroll_request(unsigned int node, const char *name)
{
	struct buf buf = BUF_INIT(BODY_MAX);
	struct msg_enroll_request msg = { .identity =
						  fx_public(FX_NODE + node) };

	assert_true(str_copy(msg.name, sizeof(msg.name), name));
	assert_int_equal(msg_enroll_request_encode(&msg, &buf), 0);
	return keep(&buf);
}

unsigned int lab_delegate(unsigned int token)
{
	return 1000 + token;
}

const char *lab_bearer(unsigned int token)
{
	static char texts[LAB_TOKENS_MAX][BEARER_TEXT_SIZE];
	struct signseed seed = fx_seed(lab_delegate(token));
	struct bearer bearer;

	assert_true(token < LAB_TOKENS_MAX);
	bearer_of_delegate(&seed, &bearer);
	return bearer_format(&bearer, texts[token]);
}

const char *lab_create_token_body(unsigned int token, uint32_t uses)
{
	struct buf buf = BUF_INIT(BODY_MAX);
	struct record grant = fx_grant();
	AUTO(envelope_free) struct envelope *env = NULL;
	struct msg_token_create msg = { .is_join = true, .note = "a note" };

	grant.grant.delegate = fx_public(lab_delegate(token));
	grant.grant.uses = uses;
	env = fx_sign(&grant, FX_OPERATOR);
	msg.grant = env;
	assert_true(
		str_copy(msg.bearer, sizeof(msg.bearer), lab_bearer(token)));
	assert_int_equal(msg_token_create_encode(&msg, &buf), 0);
	return keep(&buf);
}

void lab_create_token(struct lab *lab, unsigned int token, uint32_t uses)
{
	lab_must(lab, 201, "POST /v1/tokens", LAB_LOCAL,
		lab_create_token_body(token, uses));
}

const char *lab_api_token(struct lab *lab, const char *scopes)
{
	static char bearer[BEARER_TEXT_SIZE];
	struct buf buf = BUF_INIT(BODY_MAX);
	struct msg_token_create msg = { 0 };
	struct msg_token_view view;
	const char *body;

	assert_true(str_copy(
		msg.scopes[msg.scope_count++], MSG_SCOPE_SIZE, scopes));
	assert_int_equal(msg_token_create_encode(&msg, &buf), 0);
	lab_must(lab, 201, "POST /v1/tokens", LAB_LOCAL, keep(&buf));
	body = lab_body(lab);
	assert_int_equal(
		msg_token_view_decode(body, strlen(body), &view, NULL), 0);
	assert_true(str_copy(bearer, sizeof(bearer), view.bearer));
	return bearer;
}

const char *lab_agent(unsigned int node)
{
	static char texts[LAB_NODES_MAX][BEARER_TEXT_SIZE];
	struct bearer bearer = { .kind = "agent" };

	assert_true(node < LAB_NODES_MAX);
	(void)snprintf(bearer.id, sizeof(bearer.id), "%016x", node);
	bearer.secret[0] = (uint8_t)node;
	return bearer_format(&bearer, texts[node]);
}

void lab_prepare(struct lab *lab, unsigned int node, unsigned int token,
	struct lab_join *ret_join)
{
	const char *body = lab_body(lab);
	struct msg_enroll_offer offer;
	struct record_membership *membership;
	struct err err = { 0 };

	if (msg_enroll_offer_decode(body, strlen(body), &offer, &err) < 0)
		fail_msg("offer: %s", err.msg);
	*ret_join = (struct lab_join){ .membership = fx_member(node),
		.key = fx_key(node),
		.membership_signer = lab_delegate(token),
		.key_signer = FX_NODE + node };
	membership = &ret_join->membership.membership;
	membership->issued_at = lab->now.wall;
	membership->address_count = offer.address_count;
	memcpy(membership->addresses, offer.addresses, sizeof(offer.addresses));
	assert_true(str_copy(ret_join->credential, sizeof(ret_join->credential),
		lab_agent(node)));
	msg_enroll_offer_release(&offer);
}

const char *lab_join_body(const struct lab_join *join)
{
	struct buf buf = BUF_INIT(BODY_MAX);
	AUTO(envelope_free)
	struct envelope *membership =
		fx_sign(&join->membership, join->membership_signer);
	AUTO(envelope_free)
	struct envelope *key = fx_sign(&join->key, join->key_signer);
	struct msg_enroll_complete msg = { .membership = membership,
		.key = key };

	assert_true(str_copy(
		msg.credential, sizeof(msg.credential), join->credential));
	assert_int_equal(msg_enroll_complete_encode(&msg, &buf), 0);
	return keep(&buf);
}

const char *lab_path(const char *fmt, unsigned int node)
{
	static char path[API_PATH_MAX];
	struct node_id id = fx_node_id(node);
	char text[MESH_ID_TEXT_SIZE];
	const char *hole = strstr(fmt, "%s");

	assert_non_null(hole);
	(void)snprintf(path, sizeof(path), "%.*s%s%s", (int)(hole - fmt), fmt,
		node_id_format(&id, text), hole + 2);
	return path;
}

void lab_join(struct lab *lab, unsigned int node, unsigned int token)
{
	struct lab_join join;
	char name[32];

	(void)snprintf(name, sizeof(name), "node-%u", node);
	lab_must(lab, 200, "POST /v1/enrollments", lab_bearer(token),
		lab_enroll_request(node, name));
	lab_prepare(lab, node, token, &join);
	lab_must(lab, 200, lab_path("PUT /v1/enrollments/%s", node),
		lab_bearer(token), lab_join_body(&join));
}

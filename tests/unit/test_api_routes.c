/* The API's table: every route with no, a wrong and a lesser token; forms that
 * are refused; and that a table with a hole is. */
#include "config.h"
#include "rows.h"
#include "tmpdir.h"
#include "base/auto.h"
#include "meshd_lab.h"

#include <sodium.h>

static struct lab lab;

static int setup(void **state)
{
	if (tmpdir_setup(state) < 0)
		return -1;
	lab_up(&lab, tmpdir_path("s"));
	lab_found(&lab);
	return 0;
}

static int teardown(void **state)
{
	lab_down(&lab);
	return tmpdir_teardown(state);
}

static void handler(struct api_call *call)
{
}

static void test_table(void **state)
{
	static const struct {
		struct api_route table[2];
		size_t count;
		bool valid;
		int line;
	} rows[] = {
		{ { { API_GET, "/a", NULL, SCOPE_ADMIN, false, handler } }, 1,
			true, __LINE__ },
		{ { { API_GET, "/a", NULL, 0, false, handler } }, 1, false,
			__LINE__ },
		{ { { API_GET, "/a", NULL, SCOPES_KNOWN + 1, false, handler } },
			1, false, __LINE__ },
		{ { { API_GET, "/a", NULL, SCOPE_ADMIN, false, NULL } }, 1,
			false, __LINE__ },
		{ { { API_GET, "/a", NULL, SCOPE_ADMIN, false, handler },
			  { API_PUT, "/a", NULL, SCOPE_ADMIN, false,
				  handler } },
			2, true, __LINE__ },
		{ { { API_GET, "/a", NULL, SCOPE_ADMIN, false, handler },
			  { API_GET, "/a", NULL, SCOPE_LOCAL, false,
				  handler } },
			2, false, __LINE__ },
	};
	size_t count;
	const struct api_route *routes = api_routes(&count);

	assert_true(api_routes_valid(routes, count, NULL));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		ROW_INT(&rows[i],
			api_routes_valid(rows[i].table, rows[i].count, NULL),
			rows[i].valid);
}

/* Who may, by letters: n nobody, r nodes:read, w nodes:write, t tokens:write,
 * m admin, l local, j join token, a agent of node 0. */
#define CALLERS "nrwtmlja"
static const struct right {
	const char *route, *callers;
	int line;
} rights[] = {
	{ "GET /v1/mesh", "rwtml", __LINE__ },
	{ "PUT /v1/mesh", "l", __LINE__ },
	{ "GET /v1/tokens", "tml", __LINE__ },
	{ "POST /v1/tokens", "tml", __LINE__ },
	{ "DELETE /v1/tokens/{}", "tml", __LINE__ },
	{ "POST /v1/enrollments", "j", __LINE__ },
	{ "PUT /v1/enrollments/{}", "j", __LINE__ },
	{ "GET /v1/netmap", "a", __LINE__ },
	{ "POST /v1/report", "a", __LINE__ },
	{ "GET /v1/nodes", "rwml", __LINE__ },
	{ "GET /v1/nodes/{}", "rwml", __LINE__ },
	{ "PUT /v1/nodes/{}", "wml", __LINE__ },
	{ "POST /v1/nodes/{}/removal", "wmla", __LINE__ },
	{ "GET /v1/applied", "rwml", __LINE__ },
	{ "GET /v1/openapi.yaml", "nrwtmlja", __LINE__ },
	{ "GET /healthz", "nrwtmlja", __LINE__ },
	{ "GET /readyz", "nrwtmlja", __LINE__ },
};

static const char *fill(const char *route, const char *param)
{
	static char path[API_PATH_MAX];
	const char *hole = strstr(route, "{}");

	if (!hole)
		return route;
	(void)snprintf(path, sizeof(path), "%.*s%s%s", (int)(hole - route),
		route, param, hole + 2);
	return path;
}

static void test_every_caller(void **state)
{
	static const char *const scopes[] = { "nodes:read", "nodes:write",
		"tokens:write", "admin" };
	char tokens[ARRAY_SIZE(scopes)][BEARER_TEXT_SIZE];
	const char *callers[sizeof(CALLERS)] = { LAB_NOBODY, tokens[0],
		tokens[1], tokens[2], tokens[3], LAB_LOCAL, lab_bearer(0),
		lab_agent(0) };
	size_t count;

	for (size_t i = 0; i < ARRAY_SIZE(scopes); i++)
		assert_true(str_copy(tokens[i], sizeof(tokens[i]),
			lab_api_token(&lab, scopes[i])));
	lab_create_token(&lab, 0, 0);
	lab_join(&lab, 0, 0);
	(void)api_routes(&count);
	assert_int_equal(count, ARRAY_SIZE(rights));
	for (size_t i = 0; i < ARRAY_SIZE(rights); i++)
		for (size_t c = 0; CALLERS[c]; c++) {
			bool may = strchr(rights[i].callers, CALLERS[c]);
			unsigned int status = lab_call(&lab,
				fill(rights[i].route, "no-such-thing"),
				callers[c], NULL);
			unsigned int refusal = callers[c] ? 403 : 401;

			if (may && (status == 401 || status == 403))
				fail_msg("line %d: %c: %s", rights[i].line,
					CALLERS[c], lab_body(&lab));
			if (!may && status != refusal)
				fail_msg("line %d: %c: %u: %s", rights[i].line,
					CALLERS[c], status, lab_body(&lab));
		}
}

static void test_wrong_token(void **state)
{
	static const char *const wrong[] = {
		"",
		"nonsense",
		("mesh_api_0123456789abcdef_"
		 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
	};

	for (size_t i = 0; i < ARRAY_SIZE(rights); i++)
		for (size_t j = 0; j < ARRAY_SIZE(wrong); j++) {
			ROW_INT(&rights[i],
				lab_call(&lab, fill(rights[i].route, "x"),
					wrong[j], NULL),
				401);
			ROW_STR(&rights[i], lab_slug(&lab), "token-unknown");
		}
}

/* An agent may bring any removal record, and change nothing else. */
static void test_agent(void **state)
{
	lab_create_token(&lab, 0, 0);
	lab_join(&lab, 0, 0);
	lab_join(&lab, 1, 0);
	lab_must(&lab, 400, lab_path("POST /v1/nodes/%s/removal", 0),
		lab_agent(0), "{}");
	lab_must(&lab, 400, lab_path("POST /v1/nodes/%s/removal", 1),
		lab_agent(0), "{}");
	lab_must(&lab, 403, lab_path("POST /v1/nodes/%s/removal", 1),
		lab_bearer(0), "{}");
	lab_must(&lab, 401, lab_path("POST /v1/nodes/%s/removal", 1),
		LAB_NOBODY, "{}");
	lab_must(
		&lab, 403, lab_path("PUT /v1/nodes/%s", 0), lab_agent(0), "{}");
	lab_must(
		&lab, 403, lab_path("GET /v1/nodes/%s", 0), lab_agent(0), NULL);
}

static void test_forms(void **state)
{
	static const struct {
		const char *request, *body;
		unsigned int status;
		const char *slug;
		int line;
	} rows[] = {
		{ "GET /", NULL, 404, "no-such-route", __LINE__ },
		{ "GET /v1", NULL, 404, "no-such-route", __LINE__ },
		{ "GET /v1/mesh/", NULL, 404, "no-such-route", __LINE__ },
		{ "GET /v1/nodes/", NULL, 404, "no-such-route", __LINE__ },
		{ "GET /v1/nodes/a/b", NULL, 404, "no-such-route", __LINE__ },
		{ "GET /v1/nodes/a/removal", NULL, 405, "method-not-allowed",
			__LINE__ },
		{ "DELETE /v1/mesh", NULL, 405, "method-not-allowed",
			__LINE__ },
		{ "PATCH /v1/mesh", NULL, 405, "method-not-allowed", __LINE__ },
		{ "GET /v1/mesh", "{}", 400, "malformed", __LINE__ },
		{ "GET /v1/mesh?x=1", NULL, 400, "bad-query", __LINE__ },
		{ "GET /v1/applied?serial", NULL, 400, "bad-query", __LINE__ },
		{ "GET /v1/applied?serial=x", NULL, 400, "bad-query",
			__LINE__ },
		{ "GET /v1/applied?serial=-1", NULL, 400, "bad-query",
			__LINE__ },
		{ "GET /v1/applied?wait=61", NULL, 400, "bad-query", __LINE__ },
		{ "GET /v1/applied?wait=1&wait=2", NULL, 400, "bad-query",
			__LINE__ },
		{ "GET /v1/applied?since=1", NULL, 400, "bad-query", __LINE__ },
		{ "GET /v1/applied?serial=99999999999999", NULL, 422,
			"serial-unknown", __LINE__ },
		{ "PUT /v1/mesh", NULL, 400, "malformed", __LINE__ },
		{ "PUT /v1/mesh", "[]", 400, "malformed", __LINE__ },
		{ "POST /v1/tokens", "{}", 400, "malformed", __LINE__ },
		{ "POST /v1/tokens",
			"{\"schema\":\"mesh/v1\",\"kind\":\"api\","
			"\"scopes\":[\"nodes:read\"],\"extra\":1}",
			400, "malformed", __LINE__ },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ROW_INT(&rows[i],
			lab_call(
				&lab, rows[i].request, LAB_LOCAL, rows[i].body),
			rows[i].status);
		ROW_STR(&rows[i], lab_slug(&lab), rows[i].slug);
	}
	lab_must(&lab, 405, "DELETE /v1/mesh", LAB_LOCAL, NULL);
	assert_string_equal(lab.last.allow, "GET, PUT");
}

/* What is missing is named as an operator can give it. */
static void test_missing_scope(void **state)
{
	const char *reader = lab_api_token(&lab, "nodes:read");

	lab_must(&lab, 403, lab_path("POST /v1/nodes/%s/removal", 0), reader,
		"{}");
	assert_string_equal(lab_slug(&lab), "scope-missing");
	assert_non_null(
		strstr(lab_body(&lab), "this needs the scope nodes:write\""));
}

/* Without a mesh everything says so, but for what does not need one. */
static void test_no_mesh(void **state)
{
	static const char *const works[] = { "GET /v1/mesh", "PUT /v1/mesh",
		"GET /v1/openapi.yaml", "GET /healthz", "GET /readyz" };

	lab_down(&lab);
	lab_up(&lab, tmpdir_path("empty"));
	for (size_t i = 0; i < ARRAY_SIZE(rights); i++) {
		bool needs = strchr(rights[i].callers, 'l');

		for (size_t j = 0; j < ARRAY_SIZE(works); j++)
			if (strcmp(works[j], rights[i].route) == 0)
				needs = false;
		if (!needs)
			continue;
		ROW_INT(&rights[i],
			lab_call(&lab, fill(rights[i].route, "x"), LAB_LOCAL,
				NULL),
			404);
		ROW_STR(&rights[i], lab_slug(&lab), "no-mesh");
	}
	lab_must(&lab, 404, "GET /v1/mesh", LAB_LOCAL, NULL);
	assert_string_equal(lab_slug(&lab), "no-mesh");
	lab_must(&lab, 200, "GET /readyz", LAB_NOBODY, NULL);
	lab_must(&lab, 200, "GET /v1/openapi.yaml", LAB_NOBODY, NULL);
	assert_int_equal(strncmp(lab_body(&lab), "openapi: 3.1.0\n", 15), 0);
}

/* Every route stands in the description, and nothing else does. */
static void test_described(void **state)
{
	const char *text;
	size_t count, described = 0;
	const struct api_route *routes = api_routes(&count);
	static const char *const verbs[] = { "get", "put", "post", "delete" };

	lab_must(&lab, 200, "GET /v1/openapi.yaml", LAB_NOBODY, NULL);
	text = lab_body(&lab);
	for (const char *at = text; (at = strstr(at, "\n    ")); at++)
		for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
			if (strncmp(at + 5, verbs[i], strlen(verbs[i])) == 0 &&
				strncmp(at + 5 + strlen(verbs[i]), ":\n", 2) ==
					0)
				described++;
	assert_int_equal(described, count);
	for (size_t i = 0; i < count; i++) {
		const char *hole = strstr(routes[i].path, "{}");
		size_t len = hole ? (size_t)(hole - routes[i].path) + 1
				  : strlen(routes[i].path);
		char head[API_PATH_MAX];

		(void)snprintf(head, sizeof(head), "\n  %.*s", (int)len,
			routes[i].path);
		if (!strstr(text, head))
			fail_msg("%s is not described", routes[i].path);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		T(test_every_caller),
		T(test_wrong_token),
		T(test_agent),
		T(test_forms),
		T(test_missing_scope),
		T(test_no_mesh),
		T(test_described),
	};

	if (sodium_init() < 0)
		return 99;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

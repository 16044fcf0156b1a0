/* api: the route table, and the way from a request to its handler. See api.h. */
#include "config.h"

#include "meshd/api.h"

#include "meshd/body.h"
#include "meshd/reply.h"

#include <string.h>

#include "base/banned.h"

#define READERS	     (SCOPE_NODES_READ | SCOPE_NODES_WRITE)
#define MESH_READERS (READERS | SCOPE_TOKENS_WRITE)
#define WITHOUT_MESH true
#define WITH_MESH    false

static const struct api_route routes[] = {
	{ API_GET, "/v1/mesh", NULL, MESH_READERS, WITHOUT_MESH, api_mesh_get },
	{ API_PUT, "/v1/mesh", NULL, SCOPE_LOCAL, WITHOUT_MESH, api_mesh_put },
	{ API_GET, "/v1/tokens", NULL, SCOPE_TOKENS_WRITE, WITH_MESH,
		api_token_list },
	{ API_POST, "/v1/tokens", NULL, SCOPE_TOKENS_WRITE, WITH_MESH,
		api_token_create },
	{ API_DELETE, "/v1/tokens/{}", NULL, SCOPE_TOKENS_WRITE, WITH_MESH,
		api_token_revoke },
	{ API_POST, "/v1/enrollments", NULL, SCOPE_ENROLL, WITH_MESH,
		api_enroll },
	{ API_PUT, "/v1/enrollments/{}", NULL, SCOPE_ENROLL, WITH_MESH,
		api_enroll_complete },
	{ API_GET, "/v1/netmap", "since wait", SCOPE_AGENT, WITH_MESH,
		api_netmap_get },
	{ API_POST, "/v1/report", NULL, SCOPE_AGENT, WITH_MESH, api_report },
	{ API_GET, "/v1/nodes", NULL, READERS, WITH_MESH, api_node_list },
	{ API_GET, "/v1/nodes/{}", NULL, READERS, WITH_MESH, api_node_get },
	{ API_PUT, "/v1/nodes/{}", NULL, SCOPE_NODES_WRITE, WITH_MESH,
		api_node_put },
	{ API_POST, "/v1/nodes/{}/removal", NULL,
		SCOPE_NODES_WRITE | SCOPE_AGENT, WITH_MESH, api_node_remove },
	{ API_GET, "/v1/applied", "serial wait", READERS, WITH_MESH,
		api_applied },
	{ API_GET, "/v1/openapi.yaml", NULL, SCOPE_PUBLIC, WITHOUT_MESH,
		api_openapi },
	{ API_GET, "/healthz", NULL, SCOPE_PUBLIC, WITHOUT_MESH, api_health },
	{ API_GET, "/readyz", NULL, SCOPE_PUBLIC, WITHOUT_MESH, api_ready },
};

const struct api_route *api_routes(size_t *ret_count)
{
	*ret_count = ARRAY_SIZE(routes);
	return routes;
}

bool api_routes_valid(
	const struct api_route *table, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		const struct api_route *row = &table[i];
		bool has_scope = row->scopes != 0 &&
			(row->scopes & ~(unsigned int)SCOPES_KNOWN) == 0;

		if (!has_scope || !row->handler) {
			(void)err_set(err, -1, "route %s: no %s", row->path,
				has_scope ? "handler" : "scope");
			return false;
		}
		for (size_t j = 0; j < i; j++)
			if (table[j].method == row->method &&
				strcmp(table[j].path, row->path) == 0) {
				(void)err_set(
					err, -1, "route %s: twice", row->path);
				return false;
			}
	}
	return true;
}

/* Whether PATH is PATTERN with some text for {}, which goes into PARAM. */
static bool path_matches(const char *pattern, const char *path, char *param)
{
	const char *hole = strstr(pattern, "{}");
	size_t before = hole ? (size_t)(hole - pattern) : 0, len;

	if (!hole)
		return strcmp(pattern, path) == 0;
	if (strncmp(pattern, path, before) != 0)
		return false;
	len = strcspn(path + before, "/");
	if (len == 0 || len >= API_PATH_MAX ||
		strcmp(path + before + len, hole + 2) != 0)
		return false;
	memcpy(param, path + before, len);
	param[len] = 0;
	return true;
}

static const char *method_name(enum api_method method)
{
	switch (method) {
	case API_GET:
		return "GET";
	case API_PUT:
		return "PUT";
	case API_POST:
		return "POST";
	case API_DELETE:
		return "DELETE";
	case API_OTHER:
		break;
	}
	return "?";
}

static void allow(struct api_response *response, enum api_method method)
{
	AUTO(buf_release) struct buf list = BUF_INIT(sizeof(response->allow));

	buf_addf(&list, "%s%s%s", response->allow,
		response->allow[0] ? ", " : "", method_name(method));
	(void)str_copy(
		response->allow, sizeof(response->allow), buf_str(&list));
}

/* NULL: replied. */
static const struct api_route *find_route(struct api_call *call)
{
	const struct api_request *request = call->request;
	struct api_response *response = call->response;

	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		if (!path_matches(routes[i].path, request->path, call->param))
			continue;
		if (routes[i].method == request->method)
			return &routes[i];
		allow(response, routes[i].method);
	}
	if (response->allow[0])
		reply_problem(call, 405, "method-not-allowed", "this takes %s",
			response->allow);
	else
		reply_problem(
			call, 404, "no-such-route", "there is nothing here");
	return NULL;
}

/* False: replied. */
static bool authenticate(struct api_call *call)
{
	const struct api_request *request = call->request;
	struct err err = { 0 };

	if (!request->bearer) {
		call->caller = request->local ? auth_local() : auth_nobody();
		return true;
	}
	switch (auth_check(call->meshd->store, &call->meshd->auth,
		request->bearer, call->now, &call->caller, &err)) {
	case AUTH_OK:
		return true;
	case AUTH_UNKNOWN:
		reply_problem(call, 401, "token-unknown",
			"this coordinator does not know the token");
		return false;
	case AUTH_EXPIRED:
		reply_problem(
			call, 403, "token-expired", "the token has expired");
		return false;
	case AUTH_REVOKED:
		reply_problem(
			call, 403, "token-revoked", "the token was revoked");
		return false;
	case AUTH_BROKEN:
		reply_failed(call, -1, &err);
		return false;
	}
	BUG_ON(true);
}

/* False: replied. */
static bool authorise(struct api_call *call, const struct api_route *route)
{
	const struct caller *caller = &call->caller;
	char names[SCOPES_TEXT_SIZE];
	/* What an operator can give, if that is among it. */
	unsigned int given = route->scopes & SCOPES_GRANTABLE;
	bool removed = caller->kind == CALLER_AGENT &&
		caller->node.state == NODE_REMOVED;

	if (!(route->scopes & caller->scopes)) {
		if (caller->kind == CALLER_NOBODY)
			reply_problem(call, 401, "unauthenticated",
				"this needs a bearer token");
		else
			reply_problem(call, 403, "scope-missing",
				"this needs the scope %s",
				scopes_format(
					given ? given : route->scopes, names));
		return false;
	}
	call->response->known = caller->kind != CALLER_NOBODY;
	if (removed && route->handler != api_netmap_get) {
		reply_problem(call, 410, "node-removed",
			"this node was removed from the mesh");
		return false;
	}
	if (!call->meshd->trust && !route->before_mesh) {
		reply_problem(call, 404, "no-mesh",
			"there is no mesh here yet: meshctl init makes one");
		return false;
	}
	return true;
}

static bool name_in_list(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = list; at && *at; at += strspn(at, " ")) {
		size_t word = strcspn(at, " ");

		if (word == len && memcmp(at, name, len) == 0)
			return true;
		at += word;
	}
	return false;
}

/* Whether the request has what the route takes, and no more. False: replied. */
static bool form_is_right(struct api_call *call, const struct api_route *route)
{
	const struct api_request *request = call->request;
	bool takes_body = route->method == API_PUT || route->method == API_POST;

	if (request->body_len > 0 && !takes_body) {
		reply_problem(call, 400, "malformed", "this takes no body");
		return false;
	}
	for (size_t i = 0; i < request->query_count; i++) {
		const char *name = request->query[i].name;

		if (!name_in_list(route->query, name)) {
			reply_problem(call, 400, "bad-query",
				"this takes no parameter `%s'", name);
			return false;
		}
		for (size_t j = 0; j < i; j++)
			if (strcmp(request->query[j].name, name) == 0) {
				reply_problem(call, 400, "bad-query",
					"parameter `%s' is given twice", name);
				return false;
			}
	}
	return true;
}

bool api_query_u64(struct api_call *call, const char *name, uint64_t max,
	uint64_t value_if_none, uint64_t *ret_value)
{
	const struct api_request *request = call->request;
	uint64_t value = value_if_none;

	for (size_t i = 0; i < request->query_count; i++) {
		const char *text = request->query[i].value;

		if (strcmp(request->query[i].name, name) == 0 &&
			!num_parse_u64(text, max, &value)) {
			reply_problem(call, 400, "bad-query",
				"parameter %s is no number up to %llu: `%s'",
				name, (unsigned long long)max, text);
			return false;
		}
	}
	*ret_value = value;
	return true;
}

void api_dispatch(struct meshd *meshd, const struct api_request *request,
	const struct now *now, struct api_response *ret_response)
{
	struct api_call call = { .meshd = meshd,
		.request = request,
		.now = now,
		.response = ret_response };
	const struct api_route *route;

	*ret_response = (struct api_response){ 0 };
	route = find_route(&call);
	if (!route || !authenticate(&call))
		return;
	if (!authorise(&call, route) || !form_is_right(&call, route))
		return;
	if (call.caller.kind == CALLER_AGENT &&
		call.caller.node.state == NODE_MEMBER)
		meshd_on_seen(meshd, &call.caller.node.id, now);
	route->handler(&call);
}

void api_response_release(struct api_response *response)
{
	body_unref(response->body);
	response->body = NULL;
}

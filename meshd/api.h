/*
 * api: the routes of /v1 (schema/openapi.yaml). A handler is a function of the
 * request, the state and the time; it knows no HTTP library and no socket. The
 * route table says for each route which scopes open it: a row without one is a
 * bug that stops the program at its start.
 *
 * A handler that has nothing to say yet answers with a wait; it is called again
 * with the same request when the wait is over (woken: no more waiting after the
 * deadline).
 */
#ifndef MESHD_API_H
#define MESHD_API_H

#include "meshd/auth.h"
#include "meshd/event.h"
#include "meshd/meshd.h"

#include <stdbool.h>
#include <stddef.h>

#define API_QUERY_MAX	 4
#define API_PATH_MAX	 256 /* ours are below 100 */
#define API_WAIT_MAX_SEC 60

enum api_method { API_GET, API_PUT, API_POST, API_DELETE, API_OTHER };

struct api_request {
	enum api_method method;
	const char *path; /* without the query */
	struct {
		const char *name, *value; /* value: "" when there is none */
	} query[API_QUERY_MAX];
	size_t query_count;
	const char *bearer; /* of Authorization; NULL: none */
	bool local;	    /* by the Unix socket, from whom it may be used */
	struct ipaddr from; /* IP_NONE: unknown */
	const char *body;
	size_t body_len;
	bool out_of_time; /* the wait is over: answer now */
};

struct body;
struct api_response {
	unsigned int status;
	struct body *body; /* owned; NULL: empty */
	char allow[32];	   /* of a 405: the methods there are */
	bool known;	   /* who asked has shown who it is */
	/* Nothing to say yet: STATUS is 0. */
	struct api_wait {
		enum event_kind kind;
		int64_t ns;	  /* at most */
		uint64_t serial;  /* EVENT_APPLIED: the one in question;
				    EVENT_NETMAP: the one that the node has */
		uint32_t pending; /* EVENT_APPLIED */
		bool has_node;	  /* EVENT_NETMAP: the poll of a live node */
		struct node_id node;
	} wait;
};
void api_response_release(struct api_response *response);
AUTO_DEFINE_VALUE(struct api_response, api_response_release)

/* Answers always: failures are problems (RFC 9457). */
void api_dispatch(struct meshd *meshd, const struct api_request *request,
	const struct now *now, struct api_response *ret_response);
/* A problem from outside of the handlers, in the same form. DETAIL is static. */
void api_refuse(struct api_response *ret_response, unsigned int status,
	const char *slug, const char *detail);

/* ---- for api_*.c ---- */

struct api_call {
	struct meshd *meshd;
	const struct api_request *request;
	const struct now *now;
	struct caller caller;
	char param[API_PATH_MAX]; /* what stood for {} in the route */
	struct api_response *response;
};

struct api_route {
	enum api_method method;
	const char *path;    /* one {} at most: any text without '/' */
	const char *query;   /* names it takes, a space between; NULL: none */
	unsigned int scopes; /* any one of these */
	bool before_mesh;    /* works without a mesh, too */
	void (*handler)(struct api_call *call);
};
/* The table; RET_COUNT rows. */
const struct api_route *api_routes(size_t *ret_count);
/* False, and ERR names the row, when one lacks a scope or a handler, or stands
 * twice. */
WARN_UNUSED bool api_routes_valid(
	const struct api_route *routes, size_t count, struct err *err);

/* The value of NAME, or VALUE_IF_NONE; replies and is false when it is no
 * number up to MAX. */
WARN_UNUSED bool api_query_u64(struct api_call *call, const char *name,
	uint64_t max, uint64_t value_if_none, uint64_t *ret_value);
/* The netmap as VIEWER may see it; SINCE 0: all of it. */
void api_reply_netmap(
	struct api_call *call, const struct node_row *viewer, uint64_t since);
/* Who has not applied SERIAL yet. */
void api_reply_applied(struct api_call *call, uint64_t serial);

void api_mesh_get(struct api_call *call);
void api_mesh_put(struct api_call *call);
void api_token_create(struct api_call *call);
void api_token_list(struct api_call *call);
void api_token_revoke(struct api_call *call);
void api_enroll(struct api_call *call);
void api_enroll_complete(struct api_call *call);
void api_netmap_get(struct api_call *call);
void api_report(struct api_call *call);
void api_node_list(struct api_call *call);
void api_node_get(struct api_call *call);
void api_node_put(struct api_call *call);
void api_node_remove(struct api_call *call);
void api_applied(struct api_call *call);
void api_health(struct api_call *call);
void api_ready(struct api_call *call);
void api_openapi(struct api_call *call);

#endif

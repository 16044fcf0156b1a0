/*
 * coord: HTTP calls to the coordinator, many at a time, on the loop. The only
 * file of the agent that knows a HTTP library.
 *
 * The coordinator is who shows the TLS key that was pinned at enrolment; names,
 * dates and authorities of its certificate are not looked at, so no CA bundle is
 * read. Dead paths are found by TCP_USER_TIMEOUT and keepalives in seconds, not
 * by the kernel's quarter of an hour. Proxies: HTTPS_PROXY, NO_PROXY.
 *
 * Nothing blocks: names are resolved beside the loop. Knows no message.
 */
#ifndef AGENT_COORD_H
#define AGENT_COORD_H

#include "base/auto.h"
#include "base/err.h"
#include "meshproto/token.h"
#include "os/loop.h"

#include <stddef.h>
#include <stdint.h>

#define COORD_CALLS_MAX	      8
#define COORD_CONNECT_SEC     10
#define COORD_CALL_SEC	      20 /* beyond the time the answer may wait */
#define COORD_USER_TIMEOUT_MS 10000

struct coord;
struct coord_call;

/* Borrowed during the callback. */
struct coord_reply {
	/* 0: an HTTP answer came. -EKEYREJECTED: another TLS key than the
	 * pinned one. -EMSGSIZE: an answer over its maximum. -EHOSTUNREACH,
	 * -ETIMEDOUT: no answer. ERR says more. */
	int result;
	struct err err;
	unsigned int status; /* 200, 404 ... */
	const char *body;    /* ends in 0 beyond its length */
	size_t body_len;
	unsigned int retry_after_sec; /* the server's wish, else 0 */
};
typedef void (*coord_fn)(
	void *arg, const struct coord_reply *reply, const struct now *now);

struct coord_request {
	const char *method; /* "GET", "POST", "PUT" */
	const char *path;   /* "/v1/netmap?since=0" */
	const char *bearer; /* the token's text */
	const char *body;   /* NULL: none */
	size_t body_len;
	unsigned int wait_sec; /* how long the server may think */
	size_t reply_max;
};

/* URL "https://host[:port]" and PIN are copied. NULL: see ERR. */
struct coord *coord_new(struct loop *loop, const char *url,
	const uint8_t pin[static TOKEN_PIN_SIZE], struct err *err);
/* Calls under way are dropped without a callback. Not inside a callback. */
void coord_free(struct coord *coord);
AUTO_DEFINE(struct coord, coord_free)

/* Copies REQUEST. FN is called exactly once, later, unless the call is
 * cancelled. NULL: see ERR. */
struct coord_call *coord_send(struct coord *coord,
	const struct coord_request *request, coord_fn fn, void *arg,
	struct err *err);
/* No callback will come. NULL is fine. */
void coord_cancel(struct coord_call *call);
/* The host's addresses or routes changed: closes every connection and starts
 * the calls under way again. */
void coord_reopen(struct coord *coord);

#endif

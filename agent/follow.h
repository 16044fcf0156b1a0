/*
 * follow: keeps up with the coordinator: one long poll of the netmap always
 * open, one report at a time beside it, retries with jitter.
 *
 *   ASKING    --200--> FOLLOWING  asked without waiting: is it there, and what
 *                                 did we miss?
 *   FOLLOWING --200--> FOLLOWING  the poll is open, or answered and asked again
 *   FOLLOWING --200--> PAUSED     answered at once with no news: a coordinator
 *                                 that does not wait must not make us spin
 *   any       --no--> PAUSED      reachable no more; backoff
 *   PAUSED    --time--> ASKING
 *
 * Reports have a backoff of their own; one is sent as soon as the coordinator
 * answers again after an absence, or has begun another life.
 *
 * Knows neither the roster nor the engine: netmaps go out by on_netmap, reports
 * come in as text.
 */
#ifndef AGENT_FOLLOW_H
#define AGENT_FOLLOW_H

#include "agent/coord.h"
#include "base/buf.h"
#include "meshproto/message.h"

#include <stdbool.h>
#include <stdint.h>

#define FOLLOW_WAIT_SEC 50

struct follow;

struct follow_state {
	bool known; /* an answer, or its absence, was seen since the start */
	bool reachable;
	struct wall since;	   /* of `reachable` as it is */
	char problem[ERR_MSG_MAX]; /* "" while reachable */
};

struct follow_options {
	struct loop *loop;
	struct coord *coord;	/* borrowed */
	const char *credential; /* borrowed */
	/* Takes in a netmap. Returns the serial to ask from next; 0: all of
	 * it. Must not free the follow. */
	uint64_t (*on_netmap)(
		void *arg, const struct msg_netmap *map, const struct now *now);
	/* The next report's text, now that one may be sent. 0 or -errno. */
	int (*make_report)(void *arg, struct buf *out, const struct now *now);
	/* Reachable or not: called when that changes, and the first time. */
	void (*on_state)(void *arg, const struct follow_state *state);
	void *arg;
};

struct follow *follow_new(
	const struct follow_options *options, struct err *err);
void follow_free(struct follow *follow);
AUTO_DEFINE(struct follow, follow_free)

/* From SERIAL on. */
void follow_start(
	struct follow *follow, uint64_t serial, const struct now *now);
/* There is something to report: sent at once, or when the one under way is
 * through. Asked for many times, sent once. */
void follow_report(struct follow *follow, const struct now *now);
/* The host's network changed: every connection anew, without waiting. */
void follow_moved(struct follow *follow, const struct now *now);
struct follow_state follow_get_state(const struct follow *follow);

/* The sentence of an answer that is none: the transport's, or the server's
 * problem. SLUG (may be NULL) gets the problem's, "" if there is none. */
void follow_explain(const struct coord_reply *reply, struct err *err,
	char slug[static MSG_PROBLEM_SLUG_SIZE]);

#endif

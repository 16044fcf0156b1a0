/*
 * handback: gives the coordinator back the removals that it has lost, say with
 * a backup from before them: else a node that joins now would install whom all
 * others dropped. One call at a time, with retries and jitter; each removal
 * until it was answered, and then not before another netmap lacks it.
 *
 * Knows no roster: what is owed comes by next. Loop thread only.
 */
#ifndef AGENT_HANDBACK_H
#define AGENT_HANDBACK_H

#include "agent/coord.h"
#include "base/buf.h"
#include "meshproto/record.h"

struct handback;

struct handback_options {
	struct loop *loop;
	struct coord *coord;	/* borrowed */
	const char *credential; /* borrowed */
	/* One that is owed, as the text of a msg_record: the same until it is
	 * settled. -ENOENT: none; -errno. */
	int (*next)(void *arg, struct node_id *ret_node, struct buf *body);
	/* It was answered, with yes or no. */
	void (*settle)(void *arg, const struct node_id *node);
	void *arg;
};

struct handback *handback_new(
	const struct handback_options *options, struct err *err);
void handback_free(struct handback *handback);
AUTO_DEFINE(struct handback, handback_free)

/* Something may be owed: sent now, unless a call or its pause is under way. */
void handback_start(struct handback *handback, const struct now *now);

#endif

/*
 * report: what this node tells the coordinator: what it applied, where it may
 * be found, and how it sees its peers. Everything here is metadata: the
 * coordinator may lie about it to others, and they do not believe it but try it.
 */
#ifndef AGENT_REPORT_H
#define AGENT_REPORT_H

#include "agent/roster.h"
#include "base/buf.h"
#include "engine/linux/engine.h"

struct report_input {
	struct engine *engine;
	const struct roster *roster;
	const struct ipaddr *addrs; /* this host's own */
	size_t addr_count;
	/* A large mesh is told in turns, MSG_REPORT_PEERS_MAX at a time: where
	 * the last report left off. */
	size_t *turn;
};

/* The text of a msg_report into OUT. -ENOMEM. */
WARN_UNUSED int report_make(
	const struct report_input *in, struct buf *out, const struct now *now);

#endif

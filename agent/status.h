/*
 * status: how the agent is doing, gathered from what runs (in the agent) and
 * printed for people (in the asking program).
 */
#ifndef AGENT_STATUS_H
#define AGENT_STATUS_H

#include "agent/roster.h"
#include "base/buf.h"
#include "engine/linux/engine.h"
#include "meshproto/message_agent.h"

/* The mesh, this node and its peers; -ENOMEM. */
WARN_UNUSED int status_fill(const struct roster *roster, struct engine *engine,
	struct msg_agent_status *ret_status, const struct now *now);
/* As `meshagent status` prints it. */
void status_print(const struct msg_agent_status *status, struct wall now,
	struct buf *out);

#endif

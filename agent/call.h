/*
 * call: one call to the coordinator, waited for. For the commands that do
 * nothing else meanwhile: join and leave. Drives the loop until the answer is
 * there.
 */
#ifndef AGENT_CALL_H
#define AGENT_CALL_H

#include "agent/coord.h"
#include "base/buf.h"
#include "meshproto/message.h"

struct call_answer {
	unsigned int status;
	struct buf body;
	char slug[MSG_PROBLEM_SLUG_SIZE]; /* of a problem, else "" */
};
void call_answer_release(struct call_answer *answer);
AUTO_DEFINE_VALUE(struct call_answer, call_answer_release)

/* 0: status 2xx. -EREMOTEIO: the coordinator said no; ERR is its sentence.
 * Else as coord_reply.result. */
WARN_UNUSED int call_coordinator(struct loop *loop, struct coord *coord,
	const struct coord_request *request, struct call_answer *ret_answer,
	struct err *err);

/* The exit status for what call_coordinator() returned. */
int call_exit_status(int result, const struct call_answer *answer);

#endif

/*
 * enroll: what a joining node signs, and on whose word: the coordinator's offer
 * is judged under the token's operator key, and what is signed because of it by
 * the very rules that every peer will judge it by. Pure.
 *
 * Nothing depends on when it is done, so that a join that is taken up again signs
 * the same bytes.
 */
#ifndef AGENT_ENROLL_H
#define AGENT_ENROLL_H

#include "agent/state.h"
#include "meshproto/message.h"

struct enroll_input {
	const struct join_token *token;
	const struct state *state; /* keys and credential */
	const char *name;
	const struct msg_enroll_offer *offer;
};

/* -EBADMSG: the offer is not to be believed, ERR says why. */
WARN_UNUSED int enroll_complete(const struct enroll_input *in,
	const struct now *now, struct msg_enroll_complete *ret_complete,
	struct err *err);

#endif

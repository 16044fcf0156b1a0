/*
 * apply: the roster brought onto the running engine: read what runs, plan, hand
 * over the changes, flush once. Sessions that the plan does not name are not
 * touched. Loop thread only.
 */
#ifndef AGENT_APPLY_H
#define AGENT_APPLY_H

#include "agent/roster.h"
#include "engine/linux/engine.h"

#include <stdbool.h>

struct apply_input {
	struct engine *engine;
	struct roster *roster; /* settled when everything is applied */
	const struct seckey *seckey;
	uint16_t keepalive_sec;
};

/* *RET_AGAIN: when to call it again for what waits till then, or MONO_NEVER. On
 * failure what could be applied is, and the roster's news stay news. */
WARN_UNUSED int apply_roster(const struct apply_input *in,
	const struct now *now, struct mono *ret_again, struct err *err);

#endif

/*
 * replay: refuse packet counters seen before, tolerate reordering up to
 * REPLAY_WINDOW.
 *
 * Model: ring of bits indexed by counter, as RFC 6479, so the window moves
 * without shifting. A counter older than newest - REPLAY_WINDOW is refused
 * unseen.
 *
 * One struct per receiving key; zeroed memory is an empty window.
 * Knows nothing of packets, keys or time.
 */
#ifndef ENGINE_CORE_REPLAY_H
#define ENGINE_CORE_REPLAY_H

#include "base/auto.h"
#include "engine/core/limits.h"

#include <stdint.h>

#define REPLAY_WORDS (REPLAY_RING_BITS / 64)

enum replay_verdict {
	REPLAY_FRESH,
	REPLAY_DUPLICATE,
	REPLAY_TOO_OLD,
	REPLAY_PAST_LIMIT, /* REJECT_AFTER_MESSAGES */
};

struct replay {
	uint64_t next; /* greatest counter seen, plus 1 */
	uint64_t ring[REPLAY_WORDS];
};

/* Marks COUNTER seen if and only if the verdict is REPLAY_FRESH. Call only
 * after the tag verified. */
WARN_UNUSED enum replay_verdict replay_check(
	struct replay *rp, uint64_t counter);

#endif

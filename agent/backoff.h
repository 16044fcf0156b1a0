/*
 * backoff: how long to wait before trying again: full jitter under a ceiling
 * that doubles, so that a thousand agents that lost the same coordinator do not
 * come back together. Pure: randomness is an argument.
 *
 *   wait = uniform(0, min(BACKOFF_CEILING, BACKOFF_FIRST * 2^failures))
 */
#ifndef AGENT_BACKOFF_H
#define AGENT_BACKOFF_H

#include "base/time.h"

#include <stdint.h>

#define BACKOFF_FIRST_NS   (200 * NSEC_PER_MSEC)
#define BACKOFF_CEILING_NS (30 * NSEC_PER_SEC)

struct backoff {
	unsigned int failures; /* in a row; 0 to begin with */
};

/* Counts one more failure; returns the wait after it, in ns. RANDOM is 64 fresh
 * random bits. */
int64_t backoff_next(struct backoff *backoff, uint64_t random);
void backoff_reset(struct backoff *backoff); /* it worked */

#endif

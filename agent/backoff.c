/* backoff: see backoff.h. */
#include "config.h"

#include "agent/backoff.h"

#include "base/banned.h"

int64_t backoff_next(struct backoff *backoff, uint64_t random)
{
	int64_t most = BACKOFF_FIRST_NS;

	for (unsigned int i = 0; i < backoff->failures; i++) {
		most *= 2;
		if (most >= BACKOFF_CEILING_NS) {
			most = BACKOFF_CEILING_NS;
			break;
		}
	}
	if (most < BACKOFF_CEILING_NS)
		backoff->failures++;
	/* The bias of % is 3e10 in 2^64. */
	return (int64_t)(random % (uint64_t)(most + 1));
}

void backoff_reset(struct backoff *backoff)
{
	backoff->failures = 0;
}

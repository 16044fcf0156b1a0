#include "config.h"

#include "engine/core/replay.h"

#include "base/banned.h"

#define WORD(counter) (((counter) / 64) % REPLAY_WORDS)

/* Clears the words that the window enters on its way to COUNTER. */
static void advance(struct replay *rp, uint64_t counter)
{
	uint64_t at = rp->next ? (rp->next - 1) / 64 : 0;
	uint64_t to = counter / 64;

	if (to - at >= REPLAY_WORDS)
		at = to - REPLAY_WORDS;
	while (at < to)
		rp->ring[++at % REPLAY_WORDS] = 0;
	rp->next = counter + 1;
}

enum replay_verdict replay_check(struct replay *rp, uint64_t counter)
{
	uint64_t bit = UINT64_C(1) << (counter % 64);

	if (counter >= REJECT_AFTER_MESSAGES)
		return REPLAY_PAST_LIMIT;
	if (counter + 1 + REPLAY_WINDOW < rp->next)
		return REPLAY_TOO_OLD;
	if (counter >= rp->next)
		advance(rp, counter);
	if (rp->ring[WORD(counter)] & bit)
		return REPLAY_DUPLICATE;
	rp->ring[WORD(counter)] |= bit;
	return REPLAY_FRESH;
}

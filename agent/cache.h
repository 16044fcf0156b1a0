/*
 * cache: the last good netmap on disk. Read at boot and verified again, record
 * by record, as if a coordinator had sent it; written after changes: a few at
 * once, a burst of more of them in one go.
 */
#ifndef AGENT_CACHE_H
#define AGENT_CACHE_H

#include "agent/roster.h"
#include "agent/state.h"
#include "os/loop.h"

struct cache;

/* STATE and ROSTER are borrowed. PREPARE (may be NULL) is called before each
 * save. */
WARN_UNUSED int cache_new(struct loop *loop, const struct state *state,
	const struct roster *roster, void (*prepare)(void *arg), void *arg,
	struct cache **ret_cache, struct err *err);
void cache_free(struct cache *cache); /* saves nothing */
AUTO_DEFINE(struct cache, cache_free)

/* Into ROSTER, which is empty. */
WARN_UNUSED int cache_load(struct cache *cache, struct roster *roster,
	const struct now *now,
	void (*on_refused)(void *arg, const struct err *err), void *arg,
	struct err *err);
/* Now. A failure is logged, and mended by the next one. */
void cache_save(struct cache *cache);
/* Within DELAY_NS, unless there were too many of late. */
void cache_save_soon(
	struct cache *cache, const struct now *now, int64_t delay_ns);

/* NOW, but not before the last save: to a clock that starts in 1970 every record
 * would be one of the future. */
struct now cache_floor(const struct cache *cache, const struct now *now);

#endif

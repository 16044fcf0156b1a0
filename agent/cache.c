/* cache: see cache.h. */
#include "config.h"

#include "agent/cache.h"

#include "os/clock.h"
#include "os/log.h"

#include <errno.h>
#include <stdlib.h>

#include "base/banned.h"

#define SAVE_GAP_NS	(1 * NSEC_PER_SEC)
#define SAVE_GAP_FACTOR 20 /* at most a twentieth of the time goes to saving */

struct cache {
	const struct state *state;
	const struct roster *roster;
	struct loop_timer *timer;
	struct mono save_after;
	struct wall saved; /* 0: never */
};

static void on_timer(void *arg, const struct now *now)
{
	(void)now;
	cache_save(arg);
}

int cache_new(struct loop *loop, const struct state *state,
	const struct roster *roster, struct cache **ret_cache, struct err *err)
{
	AUTO(cache_free) struct cache *cache = calloc(1, sizeof(*cache));

	if (cache)
		cache->timer = loop_add_timer(loop, on_timer, cache);
	if (!cache || !cache->timer)
		return err_set(err, -ENOMEM, "out of memory");
	cache->state = state;
	cache->roster = roster;
	cache->saved = state_netmap_time(state);
	*ret_cache = TAKE(cache);
	return 0;
}

void cache_free(struct cache *cache)
{
	if (!cache)
		return;
	loop_timer_remove(cache->timer);
	free(cache);
}

int cache_load(struct cache *cache, struct roster *roster,
	const struct now *now,
	void (*on_refused)(void *arg, const struct err *err), void *arg,
	struct err *err)
{
	AUTO(buf_release) struct buf buf = BUF_INIT(MSG_NETMAP_MAX);
	struct now then = cache_floor(cache, now);
	struct msg_netmap map;
	int r = state_load_netmap(cache->state, &buf, err);

	if (r < 0)
		return r;
	r = msg_netmap_decode(buf.data, buf.len, &map, err);
	if (r < 0) {
		err_prefix(err, "%s: cached netmap", cache->state->dir);
		return r;
	}
	r = roster_restore(roster, &map, &then, on_refused, arg, err);
	msg_netmap_release(&map);
	return r;
}

void cache_save(struct cache *cache)
{
	AUTO(buf_release) struct buf buf = BUF_INIT(MSG_NETMAP_MAX);
	struct now began = clock_now(), done;
	struct err err = { 0 };

	loop_timer_set(cache->timer, MONO_NEVER);
	if (roster_encode(cache->roster, &buf) < 0)
		log_error("out of memory: the netmap is not saved");
	else if (state_save_netmap(cache->state, &buf, &err) < 0)
		log_error("%s", err.msg);
	done = clock_now();
	cache->saved = done.wall;
	cache->save_after = mono_add(done.mono,
		SAVE_GAP_NS +
			SAVE_GAP_FACTOR * mono_sub(done.mono, began.mono));
}

void cache_save_soon(struct cache *cache, const struct now *now)
{
	bool is_late = mono_before(cache->save_after, now->mono);

	loop_timer_set(cache->timer, is_late ? now->mono : cache->save_after);
}

struct now cache_floor(const struct cache *cache, const struct now *now)
{
	struct now then = *now;

	if (then.wall.ns < cache->saved.ns)
		then.wall = cache->saved;
	return then;
}

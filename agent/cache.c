/* cache: see cache.h. */
#include "config.h"

#include "agent/cache.h"

#include "os/clock.h"
#include "os/log.h"

#include <errno.h>
#include <stdlib.h>

#include "base/banned.h"

/* Four saves at once (a node that joins is two changes), then one a second, and
 * never more than a twentieth of the time. */
#define SAVE_BURST	4
#define SAVE_GAP_NS	(1 * NSEC_PER_SEC)
#define SAVE_GAP_FACTOR 20

struct cache {
	const struct state *state;
	const struct roster *roster;
	void (*prepare)(void *arg);
	void *arg;
	struct loop_timer *timer;
	struct mono due;   /* of the timer */
	struct mono spent; /* the time up to which saves are paid for */
	struct wall saved; /* 0: never */
};

static void on_timer(void *arg, const struct now *now)
{
	(void)now;
	cache_save(arg);
}

int cache_new(struct loop *loop, const struct state *state,
	const struct roster *roster, void (*prepare)(void *arg), void *arg,
	struct cache **ret_cache, struct err *err)
{
	AUTO(cache_free) struct cache *cache = calloc(1, sizeof(*cache));

	if (cache)
		cache->timer = loop_add_timer(loop, on_timer, cache);
	if (!cache || !cache->timer)
		return err_set(err, -ENOMEM, "out of memory");
	cache->state = state;
	cache->roster = roster;
	cache->prepare = prepare;
	cache->arg = arg;
	cache->due = MONO_NEVER;
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
	int64_t took_ns;

	cache->due = MONO_NEVER;
	loop_timer_set(cache->timer, MONO_NEVER);
	if (cache->prepare)
		cache->prepare(cache->arg);
	if (roster_encode(cache->roster, &buf) < 0)
		log_error("out of memory: the netmap is not saved");
	else if (state_save_netmap(cache->state, &buf, &err) < 0)
		log_error("%s", err.msg);
	done = clock_now();
	cache->saved = done.wall;
	took_ns = mono_sub(done.mono, began.mono);
	if (mono_before(cache->spent, began.mono))
		cache->spent = began.mono;
	cache->spent =
		mono_add(cache->spent, SAVE_GAP_NS + SAVE_GAP_FACTOR * took_ns);
}

void cache_save_soon(
	struct cache *cache, const struct now *now, int64_t delay_ns)
{
	struct mono when = mono_add(now->mono, delay_ns);
	struct mono allowed =
		mono_add(cache->spent, -(SAVE_BURST - 1) * SAVE_GAP_NS);

	if (mono_before(when, allowed))
		when = allowed;
	cache->due = mono_min(cache->due, when);
	loop_timer_set(cache->timer, cache->due);
}

struct now cache_floor(const struct cache *cache, const struct now *now)
{
	struct now then = *now;

	if (then.wall.ns < cache->saved.ns)
		then.wall = cache->saved;
	return then;
}

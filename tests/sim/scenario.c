#include "config.h"

#include "tests/sim/sim.h"

#include "base/banned.h"

#define FAST .delay_min_ns = 1 * MSEC, .delay_max_ns = 5 * MSEC
#define SLOW .delay_min_ns = 5 * MSEC, .delay_max_ns = 200 * MSEC

const struct scenario scenarios[] = {
	{ .name = "handshake",
		.worst = { .nodes = 2,
			SLOW,
			.loss = 500,
			.dup = 200,
			.corrupt = 100,
			.replay = 100,
			.garbage = 50,
			.app_every_ns = 2 * SEC,
			.duration_ns = 60 * SEC } },
	{ .name = "rekey",
		.exact = true,
		.sessions_min = 5, /* the first and more than 3 rekeys */
		.worst = { .nodes = 2,
			SLOW,
			.loss = 100,
			.dup = 50,
			.app_every_ns = 1 * SEC,
			.duration_ns = 620 * SEC } },
	{ .name = "rekey on a clean wire",
		.exact = true,
		.sessions_min = 6, /* at 0, 120, 240, 360, 480, 600 */
		.sessions_max = 6,
		.worst = { .nodes = 2,
			FAST,
			.app_every_ns = 500 * MSEC,
			.duration_ns = 620 * SEC } },
	{ .name = "roam",
		.worst = { .nodes = 2,
			SLOW,
			.loss = 100,
			.dup = 50,
			.replay = 50,
			.roam_every_ns = 20 * SEC,
			.app_every_ns = 1 * SEC,
			.duration_ns = 300 * SEC } },
	{ .name = "cross",
		.exact = true,
		.sessions_min = 1,
		.worst = { .nodes = 2,
			.delay_min_ns = 40 * MSEC,
			.delay_max_ns = 40 * MSEC,
			.cross = true,
			.app_every_ns = 5 * SEC,
			.duration_ns = 10 * SEC } },
	{ .name = "cross with loss",
		.worst = { .nodes = 3,
			SLOW,
			.cross = true,
			.loss = 400,
			.app_every_ns = 5 * SEC,
			.duration_ns = 30 * SEC } },
	{ .name = "restart",
		.worst = { .nodes = 2,
			SLOW,
			.loss = 100,
			.replay = 100,
			.restart_every_ns = 60 * SEC,
			.app_every_ns = 1 * SEC,
			.duration_ns = 400 * SEC } },
	{ .name = "clocks",
		.worst = { .nodes = 2,
			SLOW,
			.loss = 100,
			.jump_every_ns = 30 * SEC,
			.restart_every_ns = 150 * SEC,
			.app_every_ns = 1 * SEC,
			.duration_ns = 500 * SEC } },
	{ .name = "partition",
		.worst = { .nodes = 2,
			SLOW,
			.loss = 50,
			.cut_every_ns = 40 * SEC,
			.app_every_ns = 3 * SEC,
			.duration_ns = 600 * SEC } },
	{ .name = "one way",
		.exact = true,
		.sessions_min = 3,
		.sessions_max = 3, /* keepalives come back: no more */
		.worst = { .nodes = 2,
			FAST,
			.one_way = true,
			.app_every_ns = 1 * SEC,
			.duration_ns = 280 * SEC } },
	{ .name = "dead peer",
		.exact = true,
		.worst = { .nodes = 2,
			FAST,
			.dead = true,
			.one_way = true,
			.app_every_ns = 300 * SEC,
			.duration_ns = 900 * SEC } },
	{ .name = "roam alone",
		.exact = true,
		.worst = { .nodes = 2,
			SLOW,
			.loss = 50,
			.roam_every_ns = 15 * SEC,
			.roam_alone = true,
			.app_every_ns = 1 * SEC,
			.duration_ns = 100 * SEC } },
	{ .name = "one side restarts and has nothing to say",
		.exact = true,
		.worst = { .nodes = 2,
			SLOW,
			.one_way = true,
			.restart_last = true,
			.app_every_ns = 1 * SEC,
			.duration_ns = 60 * SEC } },
	{ .name = "window",
		.exact = true,
		.worst = { .nodes = 2,
			SLOW,
			.skip = 300,
			.dup = 100,
			.replay = 100,
			.app_every_ns = 20 * MSEC,
			.duration_ns = 10 * SEC } },
	{ .name = "flood",
		.exact = true,
		.costs = 6, /* 8000 X25519 a run */
		.sessions_min = 1,
		/* Initiation, cookie, initiation; one of them may be lost. */
		.first_session_ns = 12 * SEC,
		.worst = { .nodes = 2,
			FAST,
			.flood_every_ns = 1 * SEC,
			.app_every_ns = 1 * SEC,
			.duration_ns = 15 * SEC } },
	{ .name = "flood and more",
		.costs = 6,
		.worst = { .nodes = 3,
			SLOW,
			.flood_every_ns = 1 * SEC,
			.loss = 100,
			.replay = 200,
			.roam_every_ns = 5 * SEC,
			.app_every_ns = 1 * SEC,
			.duration_ns = 20 * SEC } },
	{ .name = "keepalive",
		.worst = { .nodes = 2,
			SLOW,
			.loss = 100,
			.keepalive_sec = 25,
			.roam_every_ns = 100 * SEC,
			.app_every_ns = 60 * SEC,
			.duration_ns = 400 * SEC } },
	{ .name = "mesh",
		.worst = { .nodes = NODES_MAX,
			SLOW,
			.loss = 300,
			.dup = 100,
			.corrupt = 50,
			.replay = 100,
			.garbage = 50,
			.spoof = 50,
			.cut_every_ns = 60 * SEC,
			.roam_every_ns = 60 * SEC,
			.jump_every_ns = 60 * SEC,
			.restart_every_ns = 120 * SEC,
			.keepalive_sec = 15,
			.app_every_ns = 4 * SEC,
			.cross = true,
			.duration_ns = 300 * SEC } },
};
const size_t scenarios_count = ARRAY_SIZE(scenarios);

static int some_of(struct world *w, int most)
{
	return world_chance(w, 500) ? 0
				    : (int)world_random(w, (uint64_t)most + 1);
}

static int64_t some_time(struct world *w, int64_t least_mean)
{
	if (!least_mean || world_chance(w, 300))
		return 0;
	return least_mean + (int64_t)world_random(w, (uint64_t)least_mean);
}

/* A swarm: each seed has some kinds of faults and not others. */
void scenario_choose(struct world *w)
{
	const struct faults *worst = &w->scenario->worst;
	struct faults *f = &w->faults;

	*f = *worst;
	if (w->scenario->exact)
		return;
	f->nodes = 2 + (int)world_random(w, (uint64_t)worst->nodes - 1);
	f->loss = some_of(w, worst->loss);
	f->dup = some_of(w, worst->dup);
	f->corrupt = some_of(w, worst->corrupt);
	f->replay = some_of(w, worst->replay);
	f->garbage = some_of(w, worst->garbage);
	f->spoof = f->nodes == 3 ? some_of(w, worst->spoof) : 0;
	f->delay_max_ns = f->delay_min_ns +
		(int64_t)world_random(w,
			(uint64_t)(worst->delay_max_ns - worst->delay_min_ns) +
				1);
	f->cut_every_ns = some_time(w, worst->cut_every_ns);
	f->roam_every_ns = some_time(w, worst->roam_every_ns);
	f->jump_every_ns = some_time(w, worst->jump_every_ns);
	f->restart_every_ns = some_time(w, worst->restart_every_ns);
	f->flood_every_ns = some_time(w, worst->flood_every_ns);
	f->cross = worst->cross && world_chance(w, 500);
	if (world_chance(w, 500))
		f->keepalive_sec = 0;
}

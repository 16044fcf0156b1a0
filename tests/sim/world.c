#include "config.h"

#include "tests/sim/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define SETTLE_NS  (60 * SEC)
#define SILENCE_NS (700 * SEC)

/* --- chance, time, trace --- */

uint64_t sim_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint64_t world_random(struct world *w, uint64_t limit)
{
	return limit ? sim_random(&w->rng) % limit : 0;
}

bool world_chance(struct world *w, int per_mille)
{
	return per_mille && world_random(w, 1000) < (uint64_t)per_mille;
}

void world_fill(void *arg, uint8_t *bytes, size_t len)
{
	struct world *w = arg;

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(sim_random(&w->rng) >> 40);
}

struct now world_clock(const struct world *w, int node)
{
	return (struct now){
		.mono = { 1000 * SEC + w->now_ns },
		.wall = { INT64_C(1700000000) * SEC + w->now_ns +
			w->node[node].wall_offset_ns },
	};
}

void world_mix(struct world *w, const void *data, size_t len)
{
	const uint8_t *b = data;

	for (size_t i = 0; i < len; i++) /* FNV-1a */
		w->hash = (w->hash ^ b[i]) * UINT64_C(0x100000001b3);
}

void world_trace(struct world *w, const char *what, int64_t a, int64_t b)
{
	world_mix(w, &w->now_ns, sizeof(w->now_ns));
	world_mix(w, what, strlen(what));
	world_mix(w, &a, sizeof(a));
	world_mix(w, &b, sizeof(b));
	if (w->verbose)
		printf("# %12.6f %s %lld %lld\n", (double)w->now_ns / 1e9, what,
			(long long)a, (long long)b);
}

void world_fail(struct world *w, const char *what, ...)
{
	va_list args;

	if (w->failed)
		return;
	w->failed = true;
	printf("# at %.6f s: ", (double)w->now_ns / 1e9);
	va_start(args, what);
	(void)vprintf(what, args);
	va_end(args);
	printf("\n# rerun: tests/sim/sim -v '%s' 0x%llx\n", w->scenario->name,
		(unsigned long long)w->seed);
}

/* --- events --- */

void *world_grow(void *p, size_t *cap, size_t size)
{
	*cap = *cap ? 2 * *cap : 64;
	p = reallocarray(p, *cap, size);
	BUG_ON(!p);
	return p;
}

void world_schedule(struct world *w, struct event *event, int64_t at_ns)
{
	if (w->heap.len + 2 > w->heap_room) {
		w->heap_room = w->heap_room ? 2 * w->heap_room : 256;
		BUG_ON(heap_reserve(&w->heap, w->heap_room) < 0);
	}
	heap_set(&w->heap, &event->node, (struct mono){ at_ns });
}

static struct event *new_event(struct world *w, enum event_kind kind)
{
	struct event *event = w->free_events;

	if (event)
		w->free_events = event->next_free;
	else
		event = calloc(1, sizeof(*event));
	BUG_ON(!event);
	*event = (struct event){ .kind = kind };
	return event;
}

void world_in(
	struct world *w, int64_t delay_ns, enum event_kind kind, int a, int b)
{
	struct event *event = new_event(w, kind);

	event->a = a;
	event->b = b;
	world_schedule(w, event, w->now_ns + delay_ns);
}

/* Around a mean: between half and one and a half of it. */
int64_t world_around(struct world *w, int64_t mean_ns)
{
	return mean_ns / 2 + (int64_t)world_random(w, (uint64_t)mean_ns);
}

void world_put_on_wire(struct world *w, const struct datagram *d)
{
	struct event *event = new_event(w, EVENT_DATAGRAM);
	int64_t spread = w->faults.delay_max_ns - w->faults.delay_min_ns;

	event->datagram = malloc(sizeof(*d));
	BUG_ON(!event->datagram);
	*event->datagram = *d;
	world_schedule(w, event,
		w->now_ns + w->faults.delay_min_ns +
			(int64_t)world_random(w, (uint64_t)spread + 1));
}

/* --- the run --- */

static void happen(struct world *w, struct event *event)
{
	struct now now;

	switch (event->kind) {
	case EVENT_DATAGRAM:
		host_on_datagram(w, TAKE(event->datagram));
		break;
	case EVENT_TICK:
		now = world_clock(w, event->a);
		wg_device_tick(w->node[event->a].dev, &now);
		world_trace(w, "tick", event->a, 0);
		host_drain(w, event->a);
		break;
	case EVENT_WORK:
		host_work(w, event->a);
		host_drain(w, event->a);
		break;
	case EVENT_APP:
		app_happen(w, event->a, event->b);
		break;
	case EVENT_ROAM:
	case EVENT_JUMP:
	case EVENT_RESTART:
	case EVENT_CUT:
	case EVENT_FLOOD:
		fault_happen(w, event->kind);
		break;
	case EVENT_HEAL:
		fault_heal(w);
		break;
	case EVENT_QUIET:
		w->quiet = true;
		world_in(w, SETTLE_NS, EVENT_SILENCE, 0, 0);
		break;
	case EVENT_SILENCE:
		w->silent = true;
		world_in(w, SILENCE_NS, EVENT_END, 0, 0);
		break;
	case EVENT_END:
		break;
	}
}

void world_run(struct world *w)
{
	struct heap_node *top;
	enum event_kind kind = EVENT_TICK;

	while (!w->failed && kind != EVENT_END &&
		(top = heap_peek(&w->heap)) != NULL) {
		struct event *event = CONTAINER_OF(top, struct event, node);
		bool ours =
			event->kind == EVENT_TICK || event->kind == EVENT_WORK;

		kind = event->kind;
		if (event->node.deadline.ns > w->now_ns)
			w->now_ns = event->node.deadline.ns;
		heap_remove(&w->heap, &event->node);
		happen(w, event);
		w->events++;
		if (!ours) {
			event->next_free = w->free_events;
			w->free_events = event;
		}
	}
	if (!w->failed)
		check_end(w);
}

/* --- making one --- */

void world_init(struct world *w, const struct scenario *scenario, uint64_t seed,
	bool verbose)
{
	static const enum event_kind kinds[] = { EVENT_ROAM, EVENT_JUMP,
		EVENT_RESTART, EVENT_CUT, EVENT_FLOOD };

	*w = (struct world){
		.scenario = scenario,
		.seed = seed,
		.rng = seed,
		.hash = UINT64_C(0xcbf29ce484222325),
		.verbose = verbose,
	};
	scenario_choose(w);
	for (int i = 0; i < w->faults.nodes; i++) {
		struct sim_node *n = &w->node[i];

		world_fill(w, n->secret.b, sizeof(n->secret.b));
		seckey_clamp(&n->secret);
		n->public = seckey_public(&n->secret);
		n->at = host_address(w, i);
		n->tick = (struct event){ .kind = EVENT_TICK, .a = i };
		n->work = (struct event){ .kind = EVENT_WORK, .a = i };
		check_forget(w, i);
	}
	for (int i = 0; i < w->faults.nodes; i++)
		host_boot(w, i);
	for (int i = 0; i < w->faults.nodes; i++) {
		host_drain(w, i);
		for (int j = 0; j < w->faults.nodes; j++)
			if (i != j)
				world_in(w,
					w->faults.cross
						? 0
						: world_around(w,
							  w->faults
								  .app_every_ns),
					EVENT_APP, i, j);
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (fault_every_ns(w, kinds[i]))
			world_in(w,
				kinds[i] == EVENT_FLOOD
					? 0
					: world_around(w,
						  fault_every_ns(w, kinds[i])),
				kinds[i], 0, 0);
	world_in(w, w->faults.duration_ns, EVENT_HEAL, 0, 0);
}

void world_release(struct world *w)
{
	struct heap_node *top;

	while ((top = heap_peek(&w->heap)) != NULL) {
		struct event *event = CONTAINER_OF(top, struct event, node);

		heap_remove(&w->heap, top);
		free(event->datagram);
		if (event->kind != EVENT_TICK && event->kind != EVENT_WORK)
			free(event);
	}
	while (w->free_events) {
		struct event *event = w->free_events;

		w->free_events = event->next_free;
		free(event);
	}
	for (size_t i = 0; i < w->seen_len; i++)
		free(w->seen[i]);
	for (int i = 0; i < w->faults.nodes; i++) {
		wg_device_free(w->node[i].dev);
		check_forget(w, i);
	}
	heap_release(&w->heap);
	free(w->apps);
}

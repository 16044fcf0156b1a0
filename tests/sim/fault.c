/*
 * fault: what goes wrong with nodes, and the day on which all is mended.
 */
#include "config.h"

#include "tests/sim/sim.h"

#include "engine/core/cookie.h"
#include "engine/core/messages.h"

#include <string.h>

#include "base/banned.h"

#define TRAFFIC_NS (22 * SEC)

static void on_restart(struct world *w, int node)
{
	struct sim_node *n = &w->node[node];

	world_trace(w, "restart", node, 0);
	heap_remove(&w->heap, &n->tick.node);
	heap_remove(&w->heap, &n->work.node);
	wg_device_free(n->dev);
	check_forget(w, node);
	host_boot(w, node);
	host_drain(w, node);
}

/* Seconds, hours or years, either way, from what is true. */
static void on_jump(struct world *w, int node)
{
	static const int64_t far[] = { 1 * SEC, 3600 * SEC,
		INT64_C(10) * 365 * 86400 * SEC };
	int64_t most = far[world_random(w, ARRAY_SIZE(far))];

	w->node[node].wall_offset_ns =
		(int64_t)world_random(w, 2 * (uint64_t)most) - most;
	world_trace(w, "jump", node, w->node[node].wall_offset_ns);
}

/* Initiations of strangers that know the public key, all from different
 * addresses: enough to be under load for the second until the next. */
static void on_flood(struct world *w, int node)
{
	struct sim_node *n = &w->node[node];
	struct wg_message_initiation m = { .type = le32_make(1) };
	struct now now = world_clock(w, node);
	struct cookie_jar jar;
	struct datagram d = {
		.from = { .addr = { IP_V4, { 203, 0, 113, 1 } }, .port = 9 },
		.author = -1,
		.sender = -1,
		.origin = FORGED,
		.len = sizeof(m),
	};

	world_trace(w, "flood", node, 0);
	cookie_jar_init(&jar, &n->public);
	for (int i = 0; i < HANDSHAKE_QUEUE_LOADED + 18; i++) {
		struct wg_path path = { .remote = d.from };
		struct wg_packet p = { .data = d.bytes + WG_HEADROOM,
			.len = d.len,
			.path = &path };

		m.sender_index = le32_make((uint32_t)i);
		d.from.addr.b[3] = (uint8_t)i;
		cookie_add_macs(&jar, &m, sizeof(m), now.mono);
		memcpy(p.data, &m, sizeof(m));
		path.remote = d.from;
		wg_device_open(n->dev, &now, &p, 1);
	}
	if (!n->work.node.slot)
		host_work(w, node);
	host_drain(w, node);
}

void fault_heal(struct world *w)
{
	world_trace(w, "heal", 0, 0);
	w->healed = true;
	w->healed_ns = w->now_ns;
	w->faults.loss = w->faults.dup = w->faults.corrupt = 0;
	w->faults.replay = w->faults.garbage = w->faults.spoof = 0;
	w->faults.skip = 0;
	if (w->faults.restart_last)
		on_restart(w, 1);
	w->faults.delay_max_ns = w->faults.delay_min_ns;
	for (int i = 0; i < w->faults.nodes; i++) {
		for (int j = 0; j < w->faults.nodes; j++) {
			w->node[i].link[j].cut = false;
			if (i == j)
				continue;
			if (!w->faults.roam_alone) /* the coordinator's word */
				host_introduce(w, i, j);
			world_in(w, (int64_t)world_random(w, APP_HEALED_NS),
				EVENT_APP, i, j);
		}
		host_drain(w, i);
	}
	world_in(w, TRAFFIC_NS, EVENT_QUIET, 0, 0);
}

int64_t fault_every_ns(const struct world *w, enum event_kind kind)
{
	switch (kind) {
	case EVENT_ROAM:
		return w->faults.roam_every_ns;
	case EVENT_JUMP:
		return w->faults.jump_every_ns;
	case EVENT_RESTART:
		return w->faults.restart_every_ns;
	case EVENT_CUT:
		return w->faults.cut_every_ns;
	case EVENT_FLOOD:
		return w->faults.flood_every_ns;
	case EVENT_DATAGRAM:
	case EVENT_TICK:
	case EVENT_WORK:
	case EVENT_APP:
	case EVENT_HEAL:
	case EVENT_QUIET:
	case EVENT_SILENCE:
	case EVENT_END:
		break;
	}
	return 0;
}

void fault_happen(struct world *w, enum event_kind kind)
{
	int node = (int)world_random(w, (uint64_t)w->faults.nodes);
	int other = (node + 1) % w->faults.nodes;

	if (w->healed)
		return;
	if (kind == EVENT_ROAM && w->faults.roam_alone)
		node = 0;
	if (kind == EVENT_ROAM) {
		w->node[node].moves++;
		w->node[node].at = host_address(w, node);
		world_trace(w, "roam", node, 0);
	} else if (kind == EVENT_JUMP) {
		on_jump(w, node);
	} else if (kind == EVENT_RESTART) {
		on_restart(w, node);
	} else if (kind == EVENT_CUT) {
		w->node[node].link[other].cut = !w->node[node].link[other].cut;
		world_trace(w, "cut", node, other);
	} else {
		on_flood(w, w->scenario->exact ? 1 : node);
	}
	world_in(w, world_around(w, fault_every_ns(w, kind)), kind, 0, 0);
}

/*
 * app: inner packets, each with a number and bytes that follow from it, so that
 * a delivery can be judged without remembering what was sent.
 */
#include "config.h"

#include "tests/sim/sim.h"

#include "engine/core/peer.h"

#include <string.h>

#include "base/banned.h"

size_t app_write(const struct world *w, size_t number, uint8_t *ret)
{
	const struct app_packet *app = &w->apps[number];
	bool v6 = number % 2;
	/* A spoofer takes the address of whoever is neither end. */
	int source = app->spoofed ? 3 - app->from - app->to : app->from;
	struct ipaddr from = host_inner_address(source, v6);
	struct ipaddr to = host_inner_address(app->to, v6);
	uint64_t seq = number, state = number ^ w->seed;
	size_t at = v6 ? 40 : 20;

	for (size_t i = at; i < app->len; i++)
		ret[i] = (uint8_t)sim_random(&state);
	memset(ret, 0, at);
	if (v6) {
		ret[0] = 0x60;
		ret[4] = (uint8_t)((app->len - at) >> 8);
		ret[5] = (uint8_t)(app->len - at);
		memcpy(ret + 8, from.b, 16);
		memcpy(ret + 24, to.b, 16);
	} else {
		ret[0] = 0x45;
		ret[2] = (uint8_t)(app->len >> 8);
		ret[3] = (uint8_t)app->len;
		memcpy(ret + 12, from.b, 4);
		memcpy(ret + 16, to.b, 4);
	}
	memcpy(ret + at, &seq, sizeof(seq));
	return app->len;
}

/* Counters that were spent on nothing: allowed, and the way to reach the edges
 * of the window with few packets. */
static void skip_counters(struct world *w, int from, int to)
{
	struct keypair *kp = w->node[from].link[to].peer->keyring.current;

	if (kp && world_chance(w, w->faults.skip))
		kp->sending_counter += world_random(w, 9000);
}

static void app_send(struct world *w, int from, int to, bool spoofed)
{
	uint8_t buf[WG_HEADROOM + APP_SIZE_MAX + WG_TAILROOM];
	struct wg_packet p = { .data = buf + WG_HEADROOM };
	struct now now = world_clock(w, from);

	if (w->apps_len == w->apps_cap)
		w->apps = world_grow(w->apps, &w->apps_cap, sizeof(*w->apps));
	w->apps[w->apps_len] = (struct app_packet){
		.from = from,
		.to = to,
		.spoofed = spoofed,
		.sent_ns = w->now_ns,
		.len = (uint16_t)(60 + world_random(w, APP_SIZE_MAX - 60)),
	};
	p.len = app_write(w, w->apps_len++, p.data);
	/* Either side's traffic gives both a reason to shake hands. */
	w->node[from].link[to].initiations_since_traffic = 0;
	w->node[to].link[from].initiations_since_traffic = 0;
	skip_counters(w, from, to);
	wg_device_seal(w->node[from].dev, &now, &p, 1);
	world_trace(w, "app", from * 10 + to, (int64_t)p.verdict);
	if (p.verdict == WG_SEND)
		host_send(w, from, to, p.data, p.len, p.path, p.ds);
	else if (p.verdict != WG_STAGED && p.verdict != WG_NO_ENDPOINT)
		world_fail(w, "node %d: verdict %d for an app packet", from,
			(int)p.verdict);
	host_drain(w, from);
}

void app_happen(struct world *w, int from, int to)
{
	if (w->quiet || (w->faults.one_way && from > to))
		return;
	app_send(w, from, to, world_chance(w, w->faults.spoof));
	world_in(w,
		world_around(
			w, w->healed ? APP_HEALED_NS : w->faults.app_every_ns),
		EVENT_APP, from, to);
}

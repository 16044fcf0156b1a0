/*
 * host: a node around its device: what it sends and gets, and the adversary who
 * sits on the wire and keeps a notebook.
 */
#include "config.h"

#include "tests/sim/sim.h"

#include "engine/core/messages.h"
#include "engine/core/peer.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define WORK_EVERY_NS (1 * MSEC)
#define WORK_MAX      8

/* --- links --- */

static void corrupt(struct world *w, struct datagram *d)
{
	uint64_t bit = world_random(w, 8 * d->len);
	bool is_handshake = d->len == sizeof(struct wg_message_initiation) ||
		d->len == sizeof(struct wg_message_response);

	/* Nobody looks at mac2 unless under load: not a forgery that shows. */
	if (is_handshake && bit / 8 >= d->len - COOKIE_SIZE)
		bit -= 8 * COOKIE_SIZE;
	d->bytes[WG_HEADROOM + bit / 8] ^= (uint8_t)(1 << bit % 8);
	d->origin = FORGED;
}

void host_send(struct world *w, int from, int to, const uint8_t *data,
	size_t len, const struct wg_path *path, uint8_t ds)
{
	struct datagram d = {
		.from = w->node[from].at,
		.to = path->remote,
		.author = from,
		.sender = from,
		.origin = GENUINE,
		.ds = ds,
		.len = len,
	};

	BUG_ON(len > DATAGRAM_MAX);
	memcpy(d.bytes + WG_HEADROOM, data, len);
	w->datagrams++;
	if (w->silent)
		w->silent_datagrams++;
	world_mix(w, data, len < 16 ? len : 16);
	world_trace(w, "sent", from * 10 + to, (int64_t)len);
	check_sent(w, from, to, data, len);
	if (world_chance(w, w->faults.loss) ||
		(to >= 0 && w->node[from].link[to].cut) ||
		(w->faults.dead && !w->healed))
		return;
	if (world_chance(w, w->faults.dup))
		world_put_on_wire(w, &d);
	if (world_chance(w, w->faults.corrupt))
		corrupt(w, &d);
	world_put_on_wire(w, &d);
}

/* --- nodes --- */

static int node_of_peer(
	const struct world *w, int node, const struct wg_peer *peer)
{
	for (int i = 0; i < w->faults.nodes; i++)
		if (w->node[node].link[i].peer == peer)
			return i;
	return -1;
}

/* Takes all that the device has, and sets its alarm. */
void host_drain(struct world *w, int node)
{
	struct sim_node *n = &w->node[node];
	struct now now = world_clock(w, node);
	struct wg_out out;
	struct mono deadline;
	int to;

	for (int i = 0;; i++) {
		enum wg_out_kind kind = wg_device_poll(n->dev, &now, &out);

		if (kind == WG_OUT_NONE)
			break;
		if (i > 10000) {
			world_fail(w, "poll of node %d does not end", node);
			break;
		}
		to = out.peer ? node_of_peer(w, node, out.peer) : -1;
		if (kind == WG_OUT_DATAGRAM) {
			host_send(w, node, to, out.data, out.len, &out.path,
				out.ds);
			continue;
		}
		world_trace(w, "event", node * 10 + to, (int64_t)out.event);
		if (out.event == WG_EVENT_SESSION) {
			if (!n->link[to].sessions_up++)
				n->link[to].first_session_ns = w->now_ns;
			n->link[to].initiations_since_traffic = 0;
		}
	}
	n->kept_timestamp = wg_device_timestamp(n->dev);
	check_node(w, node);
	deadline = wg_device_deadline(n->dev);
	if (deadline.ns == MONO_NEVER.ns)
		heap_remove(&w->heap, &n->tick.node);
	else
		world_schedule(w, &n->tick, deadline.ns - 1000 * SEC);
}

void host_work(struct world *w, int node)
{
	struct sim_node *n = &w->node[node];
	struct now now = world_clock(w, node);

	if (wg_device_work(n->dev, &now, WORK_MAX))
		world_schedule(w, &n->work, w->now_ns + WORK_EVERY_NS);
}

struct endpoint host_address(const struct world *w, int node)
{
	uint32_t moves = w->node[node].moves;
	struct endpoint ep = { .port = (uint16_t)(1000 + moves) };

	if (moves % 3 == 2) {
		ep.addr = (struct ipaddr){ IP_V6, { 0x20, 1, 0xd, 0xb8 } };
		ep.addr.b[14] = (uint8_t)moves;
		ep.addr.b[15] = (uint8_t)(node + 1);
	} else {
		ep.addr = (struct ipaddr){ IP_V4,
			{ 192, 0, (uint8_t)(moves & 0xff),
				(uint8_t)(node + 1) } };
	}
	return ep;
}

struct ipaddr host_inner_address(int node, bool v6)
{
	return v6
		? (struct ipaddr){ IP_V6, { 0xfd, [15] = (uint8_t)(node + 1) } }
		: (struct ipaddr){ IP_V4, { 10, 0, 0, (uint8_t)(node + 1) } };
}

void host_introduce(struct world *w, int node, int other)
{
	struct sim_node *n = &w->node[node];
	struct now now = world_clock(w, node);

	wg_peer_set_endpoint(
		n->dev, &now, n->link[other].peer, &w->node[other].at);
	n->link[other].configured = w->node[other].at;
}

static void add_peer(struct world *w, int node, int other)
{
	struct sim_node *n = &w->node[node];
	struct now now = world_clock(w, node);
	struct link *link = &n->link[other];

	BUG_ON(wg_device_add_peer(
		       n->dev, &now, &w->node[other].public, &link->peer) < 0);
	for (int v6 = 0; v6 < 2; v6++) {
		struct ipaddr addr = host_inner_address(other, v6);
		struct ipnet net = ipnet_host(&addr);

		BUG_ON(wg_device_add_allowedip(n->dev, link->peer, &net) < 0);
	}
	host_introduce(w, node, other);
	if (node == 0 && w->faults.keepalive_sec)
		wg_peer_set_keepalive(
			n->dev, &now, link->peer, w->faults.keepalive_sec);
}

/* What a program does at start: its files, its configuration. */
void host_boot(struct world *w, int node)
{
	struct sim_node *n = &w->node[node];
	const struct wg_rng rng = { world_fill, w };
	struct now now = world_clock(w, node);

	n->dev = wg_device_new(&rng, &now);
	BUG_ON(!n->dev);
	wg_device_set_mtu(n->dev, 1420);
	wg_device_raise_timestamp(n->dev, n->kept_timestamp);
	wg_device_set_seckey(n->dev, &now, &n->secret);
	for (int i = 0; i < w->faults.nodes; i++)
		if (i != node)
			add_peer(w, node, i);
}

/* --- what arrives --- */

static void remember(struct world *w, const struct datagram *d)
{
	size_t slot = w->seen_len < ARRAY_SIZE(w->seen)
		? w->seen_len++
		: world_random(w, ARRAY_SIZE(w->seen));

	free(w->seen[slot]);
	w->seen[slot] = malloc(sizeof(*d));
	BUG_ON(!w->seen[slot]);
	*w->seen[slot] = *d;
}

/* Something heard before, from its own address or as if it had come from
 * there; or something that was never a message. */
static void adversary(struct world *w, const struct datagram *d)
{
	static const struct endpoint lair = {
		.addr = { IP_V4, { 203, 0, 113, 66 } },
		.port = 666,
	};
	struct datagram made;

	if (d->sender < 0)
		return;
	if (world_chance(w, w->faults.replay) && w->seen_len) {
		made = *w->seen[world_random(w, w->seen_len)];
		made.sender = -1;
		if (world_chance(w, 500))
			made.from = lair;
		world_put_on_wire(w, &made);
	}
	if (world_chance(w, w->faults.garbage)) {
		made = *d;
		made.sender = -1;
		made.origin = FORGED;
		made.from = lair;
		world_fill(w, made.bytes + WG_HEADROOM + 4, made.len - 4);
		if (world_chance(w, 300))
			made.len = world_random(w, made.len);
		world_put_on_wire(w, &made);
	}
}

static void receive(struct world *w, int node, struct datagram *d)
{
	struct sim_node *n = &w->node[node];
	struct now now = world_clock(w, node);
	struct before_open before;
	const struct wg_path path = {
		.remote = d->from,
		.local = n->at.addr,
		.ifindex = 2,
	};
	struct wg_packet p = {
		.data = d->bytes + WG_HEADROOM,
		.len = d->len,
		.path = &path,
		.ds = d->ds,
	};

	/* What it says about the datagram, it says before open spoils it. */
	if (d->origin == GENUINE && d->sender >= 0)
		remember(w, d);
	adversary(w, d);
	check_before_open(w, node, d, &before);
	wg_device_open(n->dev, &now, &p, 1);
	world_trace(w, "open", node, (int64_t)p.verdict);
	check_after_open(w, node, d, &before, p.verdict);
	if (!n->work.node.slot)
		host_work(w, node);
	if (p.verdict == WG_DELIVER)
		check_delivery(w, node, p.data, p.len);
	host_drain(w, node);
}

void host_on_datagram(struct world *w, struct datagram *d)
{
	for (int i = 0; i < w->faults.nodes; i++) {
		if (endpoint_equal(&w->node[i].at, &d->to)) {
			receive(w, i, d);
			break;
		}
	}
	free(d);
}

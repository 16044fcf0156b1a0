/*
 * check: the invariants of threats 4.3 as far as two or more engines can break
 * them. The model beside the engine is naive on purpose: one bit a counter, one
 * record a session, no windows that slide.
 */
#include "config.h"

#include "tests/sim/sim.h"

#include "engine/core/messages.h"
#include "engine/core/peer.h"
#include "engine/core/state.h"

#include <sodium.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* 15 s until a silent peer is noticed, 5.33 s until the next initiation may go,
 * and the trips; and the first packet that wants to know is 0.45 s late. */
#define L1_LIMIT_NS (20400 * MSEC + 450 * MSEC)

/* --- the model's memory --- */

static struct session_model *find_session(struct link *link, uint32_t index)
{
	for (size_t i = link->sessions_len; i-- > 0;)
		if (link->sessions[i].index == index)
			return &link->sessions[i];
	return NULL;
}

static struct session_model *add_session(struct link *link, uint32_t index)
{
	if (link->sessions_len == link->sessions_cap)
		link->sessions = world_grow(link->sessions, &link->sessions_cap,
			sizeof(*link->sessions));
	link->sessions[link->sessions_len] =
		(struct session_model){ .index = index };
	return &link->sessions[link->sessions_len++];
}

static bool was_seen(const struct session_model *s, uint64_t counter)
{
	return counter < s->seen_bits &&
		s->seen[counter / 8] >> (counter % 8) & 1;
}

static void mark_seen(struct session_model *s, uint64_t counter)
{
	BUG_ON(counter > 1 << 24);
	if (counter >= s->seen_bits) {
		uint64_t bits = (counter | 1023) + 1;

		s->seen = realloc(s->seen, bits / 8);
		BUG_ON(!s->seen);
		memset(s->seen + s->seen_bits / 8, 0,
			(bits - s->seen_bits) / 8);
		s->seen_bits = bits;
	}
	s->seen[counter / 8] |= (uint8_t)(1 << counter % 8);
	if (!s->any || counter > s->highest)
		s->highest = counter;
	s->any = true;
}

void check_forget(struct world *w, int node)
{
	for (int i = 0; i < NODES_MAX; i++) {
		struct link *link = &w->node[node].link[i];
		struct link fresh = {
			.cut = link->cut,
			.last_timestamp_ns = link->last_timestamp_ns,
			.sessions_up = link->sessions_up,
			.first_session_ns = link->first_session_ns,
			.first_delivery_ns = link->first_delivery_ns,
			.last_initiation_ns = INT64_MIN / 2,
			.last_response_ns = INT64_MIN / 2,
		};

		for (size_t j = 0; j < link->sessions_len; j++)
			free(link->sessions[j].seen);
		free(link->sessions);
		free(link->sendings);
		free(link->answered);
		*link = fresh;
	}
}

/* --- S3, S4: what a node holds --- */

static bool in_keyring(const struct keyring *ring, const struct keypair *kp)
{
	return ring->current == kp || ring->previous == kp || ring->next == kp;
}

static bool in_use(const struct world *w, int node, const struct keypair *kp)
{
	for (int i = 0; i < w->faults.nodes; i++)
		if (i != node &&
			in_keyring(&w->node[node].link[i].peer->keyring, kp))
			return true;
	return false;
}

static void see_session(
	struct world *w, int node, int to, const struct keypair *kp)
{
	struct link *link = &w->node[node].link[to];
	struct session_model *s;

	if (!kp)
		return;
	s = find_session(link, kp->entry.index);
	if (!s) {
		s = add_session(link, kp->entry.index);
		s->kp = kp;
		s->first_seen_ns = w->now_ns;
		link->newest_session_ns = w->now_ns;
		world_trace(w, "session", node * 10 + to,
			kp->session.i_am_the_initiator);
	}
	s->live = true;
	if (kp->birthdate.ns != s->first_seen_ns + 1000 * SEC)
		world_fail(w, "S3: node %d changed the birthdate of a session",
			node);
}

static void check_link(struct world *w, int node, int to)
{
	struct link *link = &w->node[node].link[to];
	const struct wg_peer *peer = link->peer;
	const struct keyring *ring = &peer->keyring;
	bool wiped = !ring->current && !ring->previous && !ring->next &&
		key_is_zero(peer->handshake.initiator.ephemeral.b);
	bool heard = endpoint_equal(&peer->path.remote, &link->configured);

	for (size_t i = 0; i < link->sessions_len; i++)
		link->sessions[i].live = false;
	see_session(w, node, to, ring->current);
	see_session(w, node, to, ring->previous);
	see_session(w, node, to, ring->next);
	for (size_t i = 0; i < link->sessions_len; i++) {
		const struct session_model *s = &link->sessions[i];

		if (!s->live && !in_use(w, node, s->kp) &&
			!sodium_is_zero((const uint8_t *)&s->kp->session,
				sizeof(s->kp->session)))
			world_fail(w, "S3: node %d kept the keys of a session",
				node);
	}
	if (link->newest_session_ns && !wiped &&
		!timers_pending(&peer->timers, TIMER_RETRANSMIT_HANDSHAKE) &&
		w->now_ns - link->newest_session_ns > ZERO_KEYS_AFTER_NS + MSEC)
		world_fail(w, "S3: node %d holds keys after 540 s", node);
	for (size_t i = 0; i < ARRAY_SIZE(link->heard_from); i++)
		heard |= endpoint_equal(
			&peer->path.remote, &link->heard_from[i]);
	if (!heard)
		world_fail(w,
			"S4: node %d moved %d to where nothing genuine came "
			"from",
			node, to);
}

void check_node(struct world *w, int node)
{
	for (int i = 0; i < w->faults.nodes; i++)
		if (i != node)
			check_link(w, node, i);
}

/* --- S1, S6, S7: what a node sends --- */

static void check_sent_data(
	struct world *w, int node, int to, const uint8_t *data, size_t len)
{
	const struct wg_message_data *m = (const void *)data;
	struct link *link = &w->node[node].link[to];
	const struct keypair *kp = link->peer->keyring.current;
	uint32_t index = le32_get(m->receiver_index);
	uint64_t counter = le64_get(m->counter);
	struct sending_model *s = NULL;

	for (size_t i = link->sendings_len; !s && i-- > 0;)
		if (link->sendings[i].remote_index == index)
			s = &link->sendings[i];
	if (!s) {
		if (link->sendings_len == link->sendings_cap)
			link->sendings = world_grow(link->sendings,
				&link->sendings_cap, sizeof(*link->sendings));
		s = &link->sendings[link->sendings_len++];
		*s = (struct sending_model){ .remote_index = index };
	}
	if (counter < s->next)
		world_fail(w, "S1: node %d sealed counter %llu again", node,
			(unsigned long long)counter);
	s->next = counter + 1;
	if (!kp || kp->session.remote_index != index)
		world_fail(w, "S1: node %d sealed with a key not its current",
			node);
	else if (w->now_ns + 1000 * SEC - kp->birthdate.ns >=
		REJECT_AFTER_TIME_NS)
		world_fail(w, "S3: node %d sealed with an old key", node);
	if (len % 16 != 0 && len != 32 + 1420)
		world_fail(w, "node %d sent %zu bytes: no padding", node, len);
}

static void check_sent_initiation(struct world *w, int node, int to)
{
	struct link *link = &w->node[node].link[to];
	int64_t stamp = link->peer->handshake.last_sent_timestamp.ns;
	bool persistent = link->peer->timers.persistent_keepalive_sec != 0;

	if (w->now_ns - link->last_initiation_ns < REKEY_TIMEOUT_NS)
		world_fail(w, "S6: node %d initiated twice in 5 s", node);
	link->last_initiation_ns = w->now_ns;
	if (++link->initiations_since_traffic > 20 && !persistent)
		world_fail(w, "S6: node %d tried more than 20 times", node);
	if (stamp <= link->last_timestamp_ns)
		world_fail(w, "S7: node %d sent a timestamp that did not rise",
			node);
	link->last_timestamp_ns = stamp;
}

static void check_sent_response(
	struct world *w, int node, int to, const uint8_t *data)
{
	const struct wg_message_response *m = (const void *)data;
	struct link *link = &w->node[node].link[to];
	uint32_t index = le32_get(m->receiver_index);

	for (size_t i = 0; i < link->answered_len; i++)
		if (link->answered[i] == index)
			world_fail(w,
				"S8: node %d answered an initiation twice",
				node);
	if (link->answered_len == link->answered_cap)
		link->answered = world_grow(link->answered, &link->answered_cap,
			sizeof(*link->answered));
	link->answered[link->answered_len++] = index;

	if (w->now_ns - link->last_response_ns < INITIATION_GAP_NS)
		world_fail(
			w, "S6: node %d answered more than 50 a second", node);
	link->last_response_ns = w->now_ns;
}

void check_sent(
	struct world *w, int node, int to, const uint8_t *data, size_t len)
{
	switch (data[0]) {
	case MESSAGE_INITIATION:
		check_sent_initiation(w, node, to);
		break;
	case MESSAGE_RESPONSE:
		check_sent_response(w, node, to, data);
		break;
	case MESSAGE_COOKIE:
		break;
	case MESSAGE_DATA:
		check_sent_data(w, node, to, data, len);
		break;
	default:
		world_fail(
			w, "node %d sent a message of type %d", node, data[0]);
	}
}

/* --- S2, S3, S5, S8: what a node takes --- */

static struct wg_peer peers_before[NODES_MAX];

static uint64_t refused(struct wg_device *dev)
{
	const struct wg_counters *c = wg_device_counters(dev);

	return c->bad_tag + c->replayed_counter + c->unknown_index;
}

/* What ought to become of a data message, by the model alone. */
static bool expect_accept(const struct world *w, const struct datagram *d,
	const struct session_model *s, uint64_t counter)
{
	return d->origin == GENUINE && s && s->live &&
		w->now_ns - s->first_seen_ns < REJECT_AFTER_TIME_NS &&
		counter < REJECT_AFTER_MESSAGES && !was_seen(s, counter) &&
		!(s->any && counter + REPLAY_WINDOW < s->highest);
}

void check_before_open(struct world *w, int node, const struct datagram *d,
	struct before_open *ret)
{
	struct sim_node *n = &w->node[node];
	const struct wg_message_data *m =
		(const void *)(d->bytes + WG_HEADROOM);

	*ret = (struct before_open){
		.is_data = d->len >= KEEPALIVE_SIZE &&
			le32_get(m->type) == MESSAGE_DATA,
		.refused = refused(n->dev),
	};
	for (int i = 0; i < w->faults.nodes; i++)
		if (i != node)
			memcpy(&peers_before[i], n->link[i].peer,
				sizeof(peers_before[i]));
	if (ret->is_data) {
		ret->counter = le64_get(m->counter);
		for (int i = 0; i < w->faults.nodes && !ret->session; i++)
			if (i != node)
				ret->session = find_session(&n->link[i],
					le32_get(m->receiver_index));
		ret->expect_accept =
			expect_accept(w, d, ret->session, ret->counter);
	}
	/* A cookie reply is genuine and still no reason to move. */
	if (d->origin == GENUINE && d->bytes[WG_HEADROOM] != MESSAGE_COOKIE) {
		struct link *link = &n->link[d->author];

		memmove(link->heard_from + 1, link->heard_from,
			sizeof(link->heard_from) - sizeof(link->heard_from[0]));
		link->heard_from[0] = d->from;
	}
}

static void check_unmoved(struct world *w, int node)
{
	for (int i = 0; i < w->faults.nodes; i++)
		if (i != node &&
			memcmp(&peers_before[i], w->node[node].link[i].peer,
				sizeof(peers_before[i])) != 0)
			world_fail(w,
				"S5: a datagram that was no good changed what "
				"node %d knows of %d",
				node, i);
}

void check_after_open(struct world *w, int node, const struct datagram *d,
	const struct before_open *before, enum wg_verdict verdict)
{
	struct wg_device *dev = w->node[node].dev;
	bool accepted = before->is_data && refused(dev) == before->refused;

	if (before->is_data && accepted != before->expect_accept)
		world_fail(w, "S8: node %d %s counter %llu of a %s message",
			node, accepted ? "accepted" : "refused",
			(unsigned long long)before->counter,
			d->origin == GENUINE ? "genuine" : "forged");
	if (before->is_data && !accepted && verdict != WG_DROPPED)
		world_fail(
			w, "S5: node %d let a refused message through", node);
	/* Flooding makes cookies; nothing else answers what is no good. */
	if (d->origin == FORGED || (before->is_data && !accepted)) {
		check_unmoved(w, node);
		if (dev->replies_len && !w->faults.flood_every_ns)
			world_fail(w, "S5: node %d answers a stranger", node);
	}
	if (accepted)
		mark_seen(before->session, before->counter);
}

void check_delivery(struct world *w, int node, const uint8_t *data, size_t len)
{
	size_t at = data[0] >> 4 == 6 ? 40 : 20;
	uint8_t want[APP_SIZE_MAX];
	struct app_packet *app;
	struct link *link;
	uint64_t number;

	if (len < at + sizeof(number)) {
		world_fail(w, "S2: node %d was given %zu bytes", node, len);
		return;
	}
	memcpy(&number, data + at, sizeof(number));
	if (number >= w->apps_len) {
		world_fail(w, "S2: node %d was given what nobody sent", node);
		return;
	}
	app = &w->apps[number];
	if (app_write(w, number, want) != len || memcmp(want, data, len) != 0 ||
		app->to != node)
		world_fail(w, "S2: packet %llu was not delivered as sent",
			(unsigned long long)number);
	if (app->spoofed)
		world_fail(w, "S2: node %d was given a spoofed source", node);
	if (app->delivered)
		world_fail(w, "S2: packet %llu was delivered twice",
			(unsigned long long)number);
	app->delivered = true;
	w->delivered++;
	link = &w->node[app->from].link[app->to];
	if (w->healed && app->sent_ns >= w->healed_ns &&
		!link->first_delivery_ns)
		link->first_delivery_ns = w->now_ns;
	/* L4: nothing is lost here; the first packets cross both ways within
	 * two round trips. */
	if (w->faults.cross && w->scenario->exact && number < 2 &&
		w->now_ns - app->sent_ns > 4 * w->faults.delay_max_ns)
		world_fail(w, "L4: crossing initiations took %lld ms",
			(long long)((w->now_ns - app->sent_ns) / MSEC));
}

/* --- L1, L2, L3: what came of it in the end --- */

static uint64_t silence_allowed(const struct world *w)
{
	uint64_t peers = (uint64_t)w->faults.nodes - 1;
	uint64_t sec = 700;

	if (!w->faults.keepalive_sec)
		return 0;
	/* One an interval; a handshake of three in 120 s; the edges. */
	return peers *
		(sec / w->faults.keepalive_sec + 2 + 3 * (sec / 120 + 2));
}

static void check_sessions(struct world *w)
{
	const struct link *link = &w->node[0].link[1];
	const struct scenario *scenario = w->scenario;
	unsigned long long up = link->sessions_up;

	if (up < scenario->sessions_min)
		world_fail(w, "only %llu sessions", up);
	if (scenario->sessions_max && up > scenario->sessions_max)
		world_fail(w, "as many as %llu sessions", up);
	if (scenario->first_session_ns &&
		link->first_session_ns > scenario->first_session_ns)
		world_fail(w, "the first session took %lld ms",
			(long long)(link->first_session_ns / MSEC));
}

void check_end(struct world *w)
{
	int64_t limit = w->healed_ns + L1_LIMIT_NS + 4 * w->faults.delay_min_ns;

	for (int i = 0; i < w->faults.nodes; i++) {
		for (int j = 0; j < w->faults.nodes; j++) {
			const struct link *link = &w->node[i].link[j];
			bool heard = link->first_delivery_ns &&
				link->first_delivery_ns <= limit;

			if (i == j)
				continue;
			if (!heard && !link->first_delivery_ns &&
				(i < j || !w->faults.one_way))
				world_fail(
					w, "L1: nothing from %d to %d", i, j);
			if (!heard && (i < j || !w->faults.one_way))
				world_fail(w,
					"L1: nothing from %d to %d for %.3f s",
					i, j,
					(double)(link->first_delivery_ns -
						w->healed_ns) /
						1e9);
			if (!w->faults.keepalive_sec &&
				(link->peer->keyring.current ||
					link->peer->keyring.previous ||
					link->peer->keyring.next))
				world_fail(w, "S3: node %d ends with keys", i);
		}
	}
	if (w->silent_datagrams > silence_allowed(w))
		world_fail(w, "L3: %llu datagrams in silence",
			(unsigned long long)w->silent_datagrams);
	if (w->faults.keepalive_sec &&
		w->silent_datagrams < 700u / w->faults.keepalive_sec - 2)
		world_fail(w, "L3: only %llu keepalives",
			(unsigned long long)w->silent_datagrams);
	for (size_t i = 0; i < 2 && w->faults.cross && w->scenario->exact; i++)
		if (!w->apps[i].delivered)
			world_fail(w, "L4: packet %zu was lost", i);
	check_sessions(w);
}

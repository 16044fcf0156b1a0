#include "config.h"

#include "engine/core/worker.h"
#include "engine/aead/aead.h"
#include "engine/core/inner.h"
#include "engine/core/peer.h"
#include "engine/core/state.h"
#include "engine/core/transport.h"

#include "base/banned.h"

bool worker_init(struct wg_worker *w, struct wg_device *dev)
{
	w->dev = dev;
	w->aead = aead_new();
	return w->aead && outbox_init(&w->outbox);
}

void worker_release(struct wg_worker *w)
{
	outbox_release(&w->outbox);
	aead_free(w->aead);
}

uint32_t wg_worker_mtu(struct wg_worker *w)
{
	w->mtu = w->dev->mtu;
	return w->mtu;
}

bool wg_worker_has_posted(struct wg_worker *w)
{
	bool posted = w->posted;

	w->posted = false;
	return posted;
}

/* --- telling control --- */

/* False: the outbox is full; with the next packet. */
static bool post(struct wg_worker *w, struct wg_peer *peer, unsigned int notice)
{
	_Atomic uint32_t *posted = &peer->flow.posted;

	/* Set before control can see the record, which clears it. */
	atomic_fetch_or(posted, notice);
	if (outbox_put(&w->outbox, OUTBOX_NOTICE, peer, NULL, NULL, 0)) {
		w->posted = true;
		return true;
	}
	atomic_fetch_and(posted, ~notice);
	return false;
}

void worker_tell(struct wg_worker *w, struct wg_peer *peer, unsigned int notice)
{
	if ((atomic_load_explicit(&peer->flow.posted, memory_order_relaxed) &
		    notice) != notice)
		(void)post(w, peer, notice);
}

static bool hand_over(
	struct wg_worker *w, struct wg_peer *peer, const struct wg_packet *p)
{
	atomic_fetch_add(&peer->flow.handed_over, 1);
	if (outbox_put(
		    &w->outbox, OUTBOX_PACKET, peer, NULL, p->data, p->len)) {
		w->posted = true;
		return true;
	}
	atomic_fetch_sub(&peer->flow.handed_over, 1);
	COUNT(w, outbox_full, 1);
	return false;
}

/* --- seal --- */

static struct wg_peer *route(struct wg_worker *w, struct wg_packet *p)
{
	enum ip_family family = inner_family(p->data, p->len);
	const struct allowedips *table = &w->dev->allowedips;
	struct wg_peer *peer;

	p->verdict = WG_DROPPED;
	if (family == IP_NONE || p->len > INNER_PACKET_MAX) {
		COUNT(w, bad_inner, 1);
		return NULL;
	}
	p->ds = ecn_encapsulate(p->data, family);
	peer = family == IP_V4
		? allowedips_find4(table, inner_destination(p->data, family))
		: allowedips_find6(table, inner_destination(p->data, family));
	if (!peer) {
		COUNT(w, no_peer, 1);
		p->verdict = WG_NO_PEER;
	}
	return peer;
}

static void stage_run(struct wg_worker *w, struct wg_peer *peer,
	const struct wg_path *path, struct wg_packet *packets, size_t count)
{
	bool has_endpoint = endpoint_known(&path->remote);

	for (size_t i = 0; i < count; i++) {
		enum wg_verdict verdict =
			has_endpoint ? WG_STAGED : WG_NO_ENDPOINT;

		packets[i].verdict =
			hand_over(w, peer, &packets[i]) ? verdict : WG_DROPPED;
	}
	if (!has_endpoint)
		COUNT(w, no_endpoint, count);
}

/* May this thread seal for PEER by itself, keeping the order? */
static struct keypair *direct_keypair(
	struct wg_peer *peer, const struct now *now)
{
	struct flow *flow = &peer->flow;
	struct keypair *kp =
		atomic_load_explicit(&flow->current, memory_order_acquire);

	if (!keypair_may_seal(kp, now->mono))
		return NULL;
	return atomic_load(&flow->handed_over) == atomic_load(&flow->settled)
		? kp
		: NULL;
}

static void seal_run(struct wg_worker *w, const struct now *now,
	struct wg_peer *peer, struct wg_path *path, struct wg_packet *packets,
	size_t count)
{
	struct keypair *kp = direct_keypair(peer, now);
	size_t sealed = 0, bytes = 0;

	path_cell_get(&peer->flow.path, path);
	if (kp && endpoint_known(&path->remote))
		sealed = wg_transport_seal(kp, w->aead, packets, count, w->mtu);
	for (size_t i = 0; i < sealed; i++) {
		packets[i].path = path;
		packets[i].verdict = WG_SEND;
		bytes += packets[i].len;
	}
	if (sealed)
		worker_on_sent(w, now, peer, kp, bytes, true);
	stage_run(w, peer, path, packets + sealed, count - sealed);
}

void worker_on_sent(struct wg_worker *w, const struct now *now,
	struct wg_peer *peer, const struct keypair *kp, size_t bytes,
	bool has_payload)
{
	struct activity *activity = &peer->flow.activity;
	unsigned int notice = 0;

	atomic_fetch_add_explicit(
		&peer->flow.tx_bytes, bytes, memory_order_relaxed);
	activity_on_any_sent(activity, now->mono);
	if (has_payload && activity_on_data_sent(activity, now->mono))
		notice |= NOTICE_TIMERS;
	if (keypair_is_stale_to_seal(kp, now->mono))
		notice |= NOTICE_REKEY;
	if (notice)
		worker_tell(w, peer, notice);
}

void wg_worker_seal(struct wg_worker *w, const struct now *now,
	struct wg_packet *packets, size_t count)
{
	struct wg_peer *run_peer = NULL;
	size_t start = 0, runs = 0;

	BUG_ON(count > WG_BATCH_MAX);
	for (size_t i = 0; i < count; i++) {
		struct wg_peer *peer = route(w, &packets[i]);

		if (peer == run_peer)
			continue;
		if (run_peer)
			seal_run(w, now, run_peer, &w->paths[runs++],
				packets + start, i - start);
		run_peer = peer;
		start = i;
	}
	if (run_peer)
		seal_run(w, now, run_peer, &w->paths[runs], packets + start,
			count - start);
}

/* --- open --- */

static enum wg_verdict accept_inner(
	struct wg_worker *w, const struct wg_peer *peer, struct wg_packet *p)
{
	enum ip_family family = inner_family(p->data, p->len);
	const struct allowedips *table = &w->dev->allowedips;
	const struct wg_peer *owner;
	size_t len;

	if (family == IP_NONE || !inner_length(p->data, p->len, family, &len)) {
		COUNT(w, bad_inner, 1);
		return WG_DROPPED;
	}
	owner = family == IP_V4
		? allowedips_find4(table, inner_source(p->data, family))
		: allowedips_find6(table, inner_source(p->data, family));
	if (owner != peer) {
		COUNT(w, wrong_source, 1);
		return WG_DROPPED;
	}
	ecn_decapsulate(p->data, family, p->ds);
	p->len = len;
	return WG_DELIVER;
}

/* The first packet under a keypair that the peer has proof of by it. The record
 * goes first: it is what makes control set right a `current` that it took back
 * in the meantime, and it does that before it frees anything (wg_device_reclaim,
 * after this thread was quiescent). */
static void confirm(
	struct wg_worker *w, struct wg_peer *peer, struct keypair *kp)
{
	struct flow *flow = &peer->flow;
	struct keypair *current = atomic_load(&flow->current);

	if (atomic_load(&flow->next) != kp) {
		atomic_store(&kp->proven, true);
		return;
	}
	atomic_store(&kp->proven, true);
	if (!post(w, peer, NOTICE_CONFIRMED)) {
		atomic_store(&kp->proven, false);
		return;
	}
	(void)atomic_compare_exchange_strong(&flow->current, &current, kp);
}

/* Some packets of KP were authentic; the last of them came by PATH. */
static void on_authentic(struct wg_worker *w, const struct now *now,
	struct keypair *kp, const struct wg_path *path, bool has_payload)
{
	struct wg_peer *peer = kp->entry.peer;
	struct activity *activity = &peer->flow.activity;
	unsigned int notice = 0;
	struct wg_path known;

	if (!atomic_load_explicit(&kp->proven, memory_order_relaxed))
		confirm(w, peer, kp);
	activity_on_any_received(activity, now->mono);
	if (has_payload && activity_on_data_received(activity, now->mono))
		notice |= NOTICE_TIMERS;
	if (keypair_is_stale_to_open(atomic_load_explicit(&peer->flow.current,
					     memory_order_acquire),
		    now->mono))
		notice |= NOTICE_REKEY;
	path_cell_get(&peer->flow.path, &known);
	if (!path_equal(&known, path) &&
		path_cell_try_set(&peer->flow.path, path))
		notice |= NOTICE_MOVED;
	if (notice)
		worker_tell(w, peer, notice);
}

static enum wg_verdict on_opened(struct wg_worker *w,
	const struct wg_peer *peer, struct wg_packet *p, size_t *rx_bytes)
{
	size_t wire_len = p->len + KEEPALIVE_SIZE;
	enum wg_verdict verdict =
		p->len ? accept_inner(w, peer, p) : WG_CONSUMED;

	if (verdict != WG_DROPPED)
		*rx_bytes += wire_len;
	return verdict;
}

static void open_run(struct wg_worker *w, const struct now *now,
	struct keypair *kp, struct wg_packet *packets, size_t count)
{
	enum transport_verdict verdicts[WG_BATCH_MAX];
	const struct wg_path *path = NULL;
	bool has_payload = false;
	size_t rx_bytes = 0;

	wg_transport_open(kp, w->aead, packets, count, verdicts);
	for (size_t i = 0; i < count; i++) {
		packets[i].verdict = WG_DROPPED;
		switch (verdicts[i]) {
		case TRANSPORT_OPENED:
			path = packets[i].path;
			has_payload |= packets[i].len > 0;
			packets[i].verdict = on_opened(
				w, kp->entry.peer, &packets[i], &rx_bytes);
			break;
		case TRANSPORT_BAD_TAG:
			COUNT(w, bad_tag, 1);
			break;
		case TRANSPORT_REPLAYED:
			COUNT(w, replayed_counter, 1);
			break;
		}
	}
	if (!path)
		return;
	atomic_fetch_add_explicit(
		&kp->entry.peer->flow.rx_bytes, rx_bytes, memory_order_relaxed);
	on_authentic(w, now, kp, path, has_payload);
}

static bool is_data(const struct wg_packet *p)
{
	const struct wg_message_data *header = (const void *)p->data;

	return p->len >= KEEPALIVE_SIZE &&
		le32_get(header->type) == MESSAGE_DATA;
}

static bool is_data_for(const struct wg_packet *p, struct le32 index)
{
	const struct wg_message_data *header = (const void *)p->data;

	return is_data(p) &&
		le32_get(header->receiver_index) == le32_get(index);
}

/* Opens the data messages that follow each other for one session; returns how
 * many packets that dealt with. */
static size_t open_data(struct wg_worker *w, const struct now *now,
	struct wg_packet *packets, size_t count)
{
	const struct wg_message_data *header = (const void *)packets->data;
	struct le32 index = header->receiver_index;
	struct index_entry *entry =
		index_find_keypair(&w->dev->indices, le32_get(index));
	struct keypair *kp = NULL;
	size_t n = 1;

	while (n < count && is_data_for(&packets[n], index))
		n++;
	if (entry)
		kp = CONTAINER_OF(entry, struct keypair, entry);
	if (keypair_may_open(kp, now->mono)) {
		open_run(w, now, kp, packets, n);
		return n;
	}
	for (size_t i = 0; i < n; i++)
		packets[i].verdict = WG_DROPPED;
	COUNT(w, unknown_index, n);
	return n;
}

/* Everything else is control's, which looks at it more closely. */
static enum wg_verdict pass_message(
	struct wg_worker *w, const struct now *now, const struct wg_packet *p)
{
	if (w == &w->dev->own)
		return receive_message(w->dev, now, p->path, p->data, p->len);
	if (p->len > HANDSHAKE_SIZE_MAX) {
		COUNT(w, bad_length, 1);
		return WG_DROPPED;
	}
	if (!outbox_put(&w->outbox, OUTBOX_MESSAGE, NULL, p->path, p->data,
		    p->len)) {
		COUNT(w, outbox_full, 1);
		return WG_DROPPED;
	}
	w->posted = true;
	return WG_CONSUMED;
}

void wg_worker_open(struct wg_worker *w, const struct now *now,
	struct wg_packet *packets, size_t count)
{
	size_t i = 0;

	BUG_ON(count > WG_BATCH_MAX);
	while (i < count) {
		if (is_data(&packets[i])) {
			i += open_data(w, now, packets + i, count - i);
		} else {
			packets[i].verdict = pass_message(w, now, &packets[i]);
			i++;
		}
	}
}

/*
 * datapath: what each verdict and each output of the core leads to.
 * See datapath.h.
 */
#include "config.h"

#include "engine/linux/datapath.h"

#include <errno.h>
#include <string.h>

#include "base/banned.h"

#define FRAME_MAX 65536 /* the largest IP packet, rounded up */
/* 64 messages of an MTU of 1500, or any one: a super-packet of 64 KiB in
 * messages of 1452 is 68 KiB. */
#define SEALING_SIZE (128 * 1024)
/* A bundle's place: 64 KiB and an odd number of cache lines, so that the heads
 * of the bundles do not all fall into the same sets of the caches. */
#define BUNDLE_STEP (65536 + 25 * 64)
/* Frames that are one packet each: as many as a batch holds. */
#define SINGLE_FRAMES WG_BATCH_MAX

int datapath_init(struct datapath *dp, size_t turns, const struct now *now)
{
	int r = arena_init(&dp->frame, FRAME_MAX);

	if (r == 0)
		r = arena_init(&dp->sealing, SEALING_SIZE);
	if (r == 0)
		r = arena_init(&dp->received, DATAPATH_BUNDLES * BUNDLE_STEP);
	if (r < 0)
		return r;
	icmp_limiter_init(&dp->icmp, now->mono);
	dp->turns = turns;
	for (size_t i = 0; i < DATAPATH_BUNDLES; i++) {
		dp->bundles[i].data = dp->received.memory + i * BUNDLE_STEP;
		dp->bundles[i].cap = BUNDLE_STEP;
	}
	coalesce_init(&dp->coalescer,
		(dp->tun->offloads & TUN_TSO ? COALESCE_TCP : 0) |
			(dp->tun->offloads & TUN_USO ? COALESCE_UDP : 0));
	return 0;
}

void datapath_release(struct datapath *dp)
{
	arena_release(&dp->frame);
	arena_release(&dp->sealing);
	arena_release(&dp->received);
}

void datapath_rest(struct datapath *dp)
{
	if (datapath_is_blocked(dp))
		return;
	arena_give_back(&dp->frame);
	arena_give_back(&dp->sealing);
	arena_give_back(&dp->received);
}

/* --- sending --- */

bool datapath_is_blocked(const struct datapath *dp)
{
	return dp->unsent_first < dp->unsent_end;
}

static enum datapath_state send_unsent(struct datapath *dp)
{
	dp->unsent_first +=
		udp_send(dp->udp, dp->sockets, dp->unsent + dp->unsent_first,
			dp->unsent_end - dp->unsent_first, &dp->blocked_on);
	return datapath_is_blocked(dp) ? DATAPATH_BLOCKED : DATAPATH_OPEN;
}

/* The packets of the batch that the core wants sent; its places are free again
 * once they have left. */
static enum datapath_state send_batch(struct datapath *dp)
{
	dp->unsent_first = dp->unsent_end = 0;
	for (size_t i = 0; i < dp->out_count; i++)
		if (dp->out[i].verdict == WG_SEND)
			dp->unsent[dp->unsent_end++] = &dp->out[i];
	dp->out_count = dp->out_bytes = 0;
	return send_unsent(dp);
}

/* Room for one more packet whose message has SIZE bytes, or NULL. */
static struct wg_packet *place(struct datapath *dp, size_t size)
{
	struct wg_packet *packet = &dp->out[dp->out_count];

	if (dp->out_count == WG_BATCH_MAX ||
		dp->sealing.size - dp->out_bytes < size)
		return NULL;
	packet->data = dp->sealing.memory + dp->out_bytes + WG_HEADROOM;
	dp->out_bytes += size;
	dp->out_count++;
	return packet;
}

/* --- TUN to sockets --- */

static void note_write(struct datapath *dp, enum tun_io io)
{
	switch (io) {
	case TUN_GONE:
		dp->gone = true;
		break;
	case TUN_REFUSED: /* this kernel takes no such frames */
		coalesce_init(&dp->coalescer, 0);
		break;
	case TUN_DONE:
	case TUN_EMPTY:
	case TUN_LOST:
		break;
	}
}

static void tell_unreachable(struct datapath *dp,
	const struct wg_packet *packet, const struct now *now)
{
	static const struct virtio_net_hdr plain;
	uint8_t answer[ICMP_ANSWER_MAX];
	size_t len = icmp_unreachable(packet->data, packet->len, answer);
	const struct iovec iov = { answer, len };

	if (len > 0 && icmp_limiter_take(&dp->icmp, now->mono))
		note_write(dp, tun_write(dp->tun, &plain, &iov, 1));
}

static enum datapath_state seal_and_send(
	struct datapath *dp, const struct now *now)
{
	wg_worker_seal(dp->worker, now, dp->out, dp->out_count);
	for (size_t i = 0; i < dp->out_count; i++) {
		switch (dp->out[i].verdict) {
		case WG_NO_PEER:
		case WG_NO_ENDPOINT:
			tell_unreachable(dp, &dp->out[i], now);
			break;
		case WG_SEND: /* send_batch() */
		case WG_STAGED:
		case WG_DROPPED:
		case WG_DELIVER:
		case WG_CONSUMED:
			break;
		}
	}
	return send_batch(dp);
}

/* Cuts what is left of the frame into packets; sends whenever they are full. */
static enum datapath_state segment_frame(
	struct datapath *dp, const struct now *now)
{
	size_t len;

	while ((len = segment_next_len(&dp->segmenter)) > 0) {
		struct wg_packet *packet;

		/* It may change any time: one for all that lie together. */
		if (dp->out_count == 0)
			dp->mtu = wg_worker_mtu(dp->worker);
		packet = place(dp, wg_message_size(len, dp->mtu));
		if (!packet) {
			enum datapath_state state = seal_and_send(dp, now);

			if (state != DATAPATH_OPEN)
				return state;
			continue;
		}
		packet->len = len;
		segment_take(&dp->segmenter, packet->data);
	}
	return DATAPATH_OPEN;
}

enum frame { FRAME_NONE, FRAME_SINGLE, FRAME_SUPER, FRAME_BAD };

static enum frame read_frame(struct datapath *dp)
{
	struct virtio_net_hdr hdr;
	size_t len;

	switch (tun_read(dp->tun, &hdr, dp->frame.memory, FRAME_MAX, &len)) {
	case TUN_DONE:
		break;
	case TUN_GONE:
		dp->gone = true;
		return FRAME_NONE;
	case TUN_EMPTY:
		return FRAME_NONE;
	case TUN_LOST:
	case TUN_REFUSED:
		return FRAME_BAD;
	}
	if (!segment_begin(&dp->segmenter, &hdr, dp->frame.memory, len)) {
		dp->counters.bad_frame++;
		return FRAME_BAD;
	}
	return hdr.gso_type == VIRTIO_NET_HDR_GSO_NONE ? FRAME_SINGLE
						       : FRAME_SUPER;
}

/* A super-packet leaves at once, single packets as many as there are. A frame
 * that is lost counts as one, so that no error can hold us here. */
static enum datapath_state outward_batch(
	struct datapath *dp, const struct now *now, bool *ret_more)
{
	for (size_t i = 0; i < SINGLE_FRAMES; i++) {
		enum frame frame = read_frame(dp);
		enum datapath_state state = DATAPATH_OPEN;

		*ret_more = frame != FRAME_NONE;
		if (frame == FRAME_NONE)
			break;
		if (frame == FRAME_BAD)
			continue;
		state = segment_frame(dp, now);
		if (state != DATAPATH_OPEN)
			return state;
		if (frame == FRAME_SUPER)
			break;
	}
	return seal_and_send(dp, now);
}

enum datapath_state datapath_outward(struct datapath *dp, const struct now *now)
{
	enum datapath_state state = DATAPATH_OPEN;
	bool more = true;

	if (datapath_is_blocked(dp)) {
		state = send_unsent(dp);
		if (state == DATAPATH_OPEN) /* was it within a frame? */
			state = segment_frame(dp, now);
	}
	for (size_t i = 0; i < DATAPATH_BUDGET && more; i++) {
		if (state != DATAPATH_OPEN)
			return state;
		state = outward_batch(dp, now, &more);
	}
	return dp->gone ? DATAPATH_GONE : state;
}

/* --- sockets to TUN --- */

static void write_frame(void *arg, const struct virtio_net_hdr *hdr,
	const struct iovec *iov, size_t count)
{
	struct datapath *dp = arg;

	note_write(dp, tun_write(dp->tun, hdr, iov, count));
}

static void deliver(struct datapath *dp, struct wg_packet *packet)
{
	if (dp->verify && !coalesce_verify(packet->data, packet->len)) {
		dp->counters.bad_checksum++;
		return;
	}
	coalesce_add(
		&dp->coalescer, packet->data, packet->len, write_frame, dp);
}

static void open_batch(struct datapath *dp, const struct now *now)
{
	wg_worker_open(dp->worker, now, dp->in, dp->in_count);
	for (size_t i = 0; i < dp->in_count; i++)
		if (dp->in[i].verdict == WG_DELIVER)
			deliver(dp, &dp->in[i]);
	dp->in_count = 0;
}

static void take_bundle(struct datapath *dp, const struct udp_bundle *bundle,
	const struct now *now)
{
	for (size_t at = 0; at < bundle->len; at += bundle->segment) {
		size_t left = bundle->len - at;

		if (dp->in_count == WG_BATCH_MAX)
			open_batch(dp, now);
		dp->in[dp->in_count++] = (struct wg_packet){
			.data = bundle->data + at,
			.len = left < bundle->segment ? left : bundle->segment,
			.path = &bundle->path,
			.ds = bundle->ds,
		};
	}
}

enum datapath_state datapath_inward(
	struct datapath *dp, enum udp_family family, const struct now *now)
{
	for (size_t turn = 0; turn < dp->turns; turn++) {
		size_t count = udp_receive(dp->udp, dp->sockets, family,
			dp->bundles, DATAPATH_BUNDLES);

		for (size_t i = 0; i < count; i++)
			take_bundle(dp, &dp->bundles[i], now);
		if (dp->in_count > 0)
			open_batch(dp, now);
		/* Its packets lie in the bundles. */
		coalesce_flush(&dp->coalescer, write_frame, dp);
		if (count < DATAPATH_BUNDLES)
			break;
	}
	return dp->gone ? DATAPATH_GONE : DATAPATH_OPEN;
}

/* --- what the core has to say --- */

/* The core's bytes are borrowed until its next call. */
static void copy_datagram(struct datapath *dp, const struct wg_out *out)
{
	struct wg_path *path = &dp->out_paths[dp->out_count];
	struct wg_packet *packet = place(dp, WG_HEADROOM + out->len);

	packet->len = out->len;
	memcpy(packet->data, out->data, out->len);
	*path = out->path;
	if (!out->peer) /* a stranger's answer is not worth asking for routes */
		path->ifindex = 0;
	packet->path = path;
	packet->ds = out->ds;
	packet->verdict = WG_SEND;
}

/* The largest of the core's datagrams has room still. */
static bool has_room(const struct datapath *dp)
{
	return dp->out_count < WG_BATCH_MAX &&
		dp->sealing.size - dp->out_bytes >= FRAME_MAX + WG_HEADROOM;
}

/* Fills `out` with datagrams and passes events on. False: there is no more. */
static bool poll_batch(struct datapath *dp, const struct now *now)
{
	while (has_room(dp)) {
		struct wg_out out;

		switch (wg_device_poll(dp->dev, now, &out)) {
		case WG_OUT_DATAGRAM:
			copy_datagram(dp, &out);
			break;
		case WG_OUT_EVENT:
			if (dp->on_event)
				dp->on_event(dp->arg, out.peer, out.event, now);
			break;
		case WG_OUT_NONE:
			return false;
		}
	}
	return true;
}

enum datapath_state datapath_drain(struct datapath *dp, const struct now *now)
{
	enum datapath_state state;
	bool more = true;

	if (dp->draining)
		return DATAPATH_OPEN;
	dp->draining = true;
	state = send_unsent(dp);
	while (more && state == DATAPATH_OPEN) {
		wg_device_flushed(dp->dev);
		more = poll_batch(dp, now);
		state = send_batch(dp);
	}
	if (state == DATAPATH_OPEN)
		wg_device_flushed(dp->dev);
	dp->draining = false;
	return state;
}

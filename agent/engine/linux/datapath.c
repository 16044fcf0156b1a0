/*
 * datapath: what each verdict and each output of the core leads to.
 * See datapath.h.
 */
#include "config.h"

#include "engine/linux/datapath.h"

#include <errno.h>
#include <string.h>

#include "base/banned.h"

int datapath_init(struct datapath *dp, const struct now *now)
{
	icmp_limiter_init(&dp->icmp, now->mono);
	if (slots_init(&dp->out_slots) < 0 || slots_init(&dp->in_slots) < 0)
		return -ENOMEM;
	return 0;
}

void datapath_release(struct datapath *dp)
{
	slots_release(&dp->out_slots);
	slots_release(&dp->in_slots);
}

/* --- sending --- */

bool datapath_is_blocked(const struct datapath *dp)
{
	return dp->unsent_first < dp->unsent_end;
}

/* The packets of the batch that the core wants sent. */
static void collect_sealed(struct datapath *dp, size_t count)
{
	dp->unsent_first = dp->unsent_end = 0;
	for (size_t i = 0; i < count; i++)
		if (dp->out[i].verdict == WG_SEND)
			dp->unsent[dp->unsent_end++] = &dp->out[i];
}

static enum datapath_state send_unsent(struct datapath *dp)
{
	dp->unsent_first += udp_send(dp->udp, dp->unsent + dp->unsent_first,
		dp->unsent_end - dp->unsent_first, &dp->blocked_on);
	return datapath_is_blocked(dp) ? DATAPATH_BLOCKED : DATAPATH_OPEN;
}

/* --- TUN to sockets --- */

static void tell_unreachable(struct datapath *dp,
	const struct wg_packet *packet, const struct now *now)
{
	uint8_t answer[ICMP_ANSWER_MAX];
	size_t len = icmp_unreachable(packet->data, packet->len, answer);

	if (len > 0 && icmp_limiter_take(&dp->icmp, now->mono))
		(void)tun_write(dp->tun, answer, len);
}

static size_t read_batch(struct datapath *dp, bool *ret_gone)
{
	size_t n = 0;

	/* A lost read counts as a packet, so that no error can hold us here. */
	for (size_t tries = 0; tries < WG_BATCH_MAX; tries++) {
		struct wg_packet *packet = &dp->out[n];

		memset(packet, 0, sizeof(*packet));
		packet->data = slots_data(&dp->out_slots, n);
		switch (tun_read(
			dp->tun, packet->data, SLOT_CAPACITY, &packet->len)) {
		case TUN_DONE:
			n++;
			continue;
		case TUN_LOST:
			continue;
		case TUN_GONE:
			*ret_gone = true;
			return n;
		case TUN_EMPTY:
			return n;
		}
	}
	return n;
}

enum datapath_state datapath_outward(struct datapath *dp, const struct now *now)
{
	bool gone = false;
	size_t count;

	if (datapath_is_blocked(dp) && send_unsent(dp) == DATAPATH_BLOCKED)
		return DATAPATH_BLOCKED;
	count = read_batch(dp, &gone);
	if (gone)
		return DATAPATH_GONE;
	wg_device_seal(dp->dev, now, dp->out, count);
	for (size_t i = 0; i < count; i++) {
		switch (dp->out[i].verdict) {
		case WG_NO_PEER:
		case WG_NO_ENDPOINT:
			tell_unreachable(dp, &dp->out[i], now);
			break;
		case WG_SEND: /* collected below */
		case WG_STAGED:
		case WG_DROPPED:
		case WG_DELIVER:
		case WG_CONSUMED:
			break;
		}
	}
	collect_sealed(dp, count);
	return send_unsent(dp);
}

/* --- sockets to TUN --- */

enum datapath_state datapath_inward(
	struct datapath *dp, enum udp_family family, const struct now *now)
{
	size_t count;

	for (size_t i = 0; i < WG_BATCH_MAX; i++) {
		dp->in[i].data = slots_data(&dp->in_slots, i);
		dp->in[i].verdict = WG_DROPPED;
		dp->in[i].path = &dp->in_paths[i];
	}
	count = udp_receive(dp->udp, family, dp->in, dp->in_paths, WG_BATCH_MAX,
		SLOT_CAPACITY);
	if (count == 0)
		return DATAPATH_OPEN;
	wg_device_open(dp->dev, now, dp->in, count);
	for (size_t i = 0; i < count; i++)
		if (dp->in[i].verdict == WG_DELIVER &&
			tun_write(dp->tun, dp->in[i].data, dp->in[i].len) ==
				TUN_GONE)
			return DATAPATH_GONE;
	return DATAPATH_OPEN;
}

/* --- what the core has to say --- */

/* The core's bytes are borrowed until its next call: they move to slot N. */
static void copy_datagram(
	struct datapath *dp, size_t n, const struct wg_out *out)
{
	struct wg_packet *packet = &dp->out[n];

	BUG_ON(out->len > SLOT_STEP - WG_HEADROOM);
	packet->data = slots_data(&dp->out_slots, n);
	memcpy(packet->data, out->data, out->len);
	packet->len = out->len;
	dp->out_paths[n] = out->path;
	if (!out->peer) /* a stranger's answer is not worth asking for routes */
		dp->out_paths[n].ifindex = 0;
	packet->path = &dp->out_paths[n];
	packet->ds = out->ds;
	packet->verdict = WG_SEND;
}

/* Fills `out` with datagrams and passes events on. False: there is no more. */
static bool poll_batch(struct datapath *dp, const struct now *now)
{
	size_t n = 0;
	bool more = true;

	while (n < WG_BATCH_MAX && more) {
		struct wg_out out;

		switch (wg_device_poll(dp->dev, now, &out)) {
		case WG_OUT_DATAGRAM:
			copy_datagram(dp, n++, &out);
			break;
		case WG_OUT_EVENT:
			if (dp->on_event)
				dp->on_event(dp->arg, out.peer, out.event, now);
			break;
		case WG_OUT_NONE:
			more = false;
			break;
		}
	}
	collect_sealed(dp, n);
	return more;
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
		more = poll_batch(dp, now);
		state = send_unsent(dp);
	}
	dp->draining = false;
	return state;
}

/*
 * datapath: packets between the TUN interface, the core and the sockets, a
 * batch at a time, each run to completion: read, sealed and sent by the same
 * hands, so order is kept and nothing waits in a queue.
 *
 *   datapath_outward   TUN --slots `out`--> wg_device_seal --> sockets
 *   datapath_inward    sockets --slots `in`--> wg_device_open --> TUN
 *   datapath_drain     wg_device_poll --slots `out`--> sockets
 *
 * When a socket is full the sealed batch stays in `out`, and no more is read
 * from the TUN or polled from the core before it has left (BLOCKED): the
 * interface's own queue is the only one.
 *
 * One owner thread. Knows nothing of the loop, of configuration, of clocks.
 */
#ifndef ENGINE_LINUX_DATAPATH_H
#define ENGINE_LINUX_DATAPATH_H

#include "engine/core/device.h"
#include "engine/linux/icmp.h"
#include "engine/linux/slots.h"
#include "engine/linux/tun.h"
#include "engine/linux/udp.h"

#include <stdbool.h>
#include <stddef.h>

struct datapath {
	struct wg_device *dev; /* these three are borrowed */
	struct tun *tun;
	struct udp *udp;
	void (*on_event)(void *arg, struct wg_peer *peer, enum wg_event event,
		const struct now *now);
	void *arg;
	bool draining;

	struct slots out_slots, in_slots;
	struct wg_packet out[WG_BATCH_MAX], in[WG_BATCH_MAX];
	struct wg_path out_paths[WG_BATCH_MAX], in_paths[WG_BATCH_MAX];
	/* sealed and not sent: unsent[unsent_first..unsent_end) */
	struct wg_packet *unsent[WG_BATCH_MAX];
	size_t unsent_first, unsent_end;
	enum udp_family blocked_on;
	struct icmp_limiter icmp;
};

enum datapath_state {
	DATAPATH_OPEN,
	DATAPATH_BLOCKED, /* until the socket `blocked_on` can be written */
	DATAPATH_GONE,	  /* the interface was deleted */
};

/* DP is all zero but for the pointers above. 0 or -ENOMEM. */
WARN_UNUSED int datapath_init(struct datapath *dp, const struct now *now);
void datapath_release(struct datapath *dp);
/* Sealed packets wait for a full socket. */
bool datapath_is_blocked(const struct datapath *dp);

/* One batch from the TUN. */
WARN_UNUSED enum datapath_state datapath_outward(
	struct datapath *dp, const struct now *now);
/* One batch from a socket. */
WARN_UNUSED enum datapath_state datapath_inward(
	struct datapath *dp, enum udp_family family, const struct now *now);
/* Sends what was held back, then everything the core has to send or tell. May
 * be called again from inside on_event: the outer call goes on. */
enum datapath_state datapath_drain(struct datapath *dp, const struct now *now);

#endif

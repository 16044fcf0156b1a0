/*
 * datapath: packets between the TUN interface, the core and the sockets, in
 * one thread's hands, each batch run to completion: read, sealed and sent, or
 * received, opened and written, so order is kept and nothing waits in a queue.
 *
 *   outward   TUN frame --segment--> packets at the step of their messages
 *             --wg_worker_seal, in place--> one send with UDP_SEGMENT
 *   inward    bundles (UDP_GRO) --wg_worker_open, in place--> packets
 *             --coalesce--> TUN frames
 *   drain     wg_device_poll --> sockets (control's only)
 *
 * When a socket is full the sealed batch stays where it is, and no more is read
 * from the TUN or polled from the core before it has left (BLOCKED): the
 * interface's own queue is the only one.
 *
 * Memory is touched as traffic needs it and given back by datapath_rest().
 *
 * One owner thread. Knows nothing of the loop, of configuration, of clocks.
 */
#ifndef ENGINE_LINUX_DATAPATH_H
#define ENGINE_LINUX_DATAPATH_H

#include "engine/core/device.h"
#include "engine/linux/arena.h"
#include "engine/linux/coalesce.h"
#include "engine/linux/icmp.h"
#include "engine/linux/segment.h"
#include "engine/linux/tun.h"
#include "engine/linux/udp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bundles of one receive: 16 x 64 KiB stay in a level 2 cache; more gains
 * nothing (measured). */
#define DATAPATH_BUNDLES 16
/* Frames of one turn, so that TUN and sockets take turns. */
#define DATAPATH_BUDGET 4

struct datapath_counters {
	uint64_t bad_frame;    /* from the TUN: offload headers that lie */
	uint64_t bad_checksum; /* verify: of authentic inner packets */
};

struct datapath {
	struct wg_device *dev;	  /* these four are borrowed */
	struct wg_worker *worker; /* NULL: control's own hands */
	const struct tun *tun;
	struct udp_io *udp;
	const struct udp_sockets *sockets;
	bool verify; /* look at every inner checksum */
	/* control's */
	void (*on_event)(void *arg, struct wg_peer *peer, enum wg_event event,
		const struct now *now);
	void *arg;
	bool draining;

	struct datapath_counters counters;
	struct icmp_limiter icmp;
	bool gone; /* the interface was deleted */

	/* outward */
	struct arena frame;   /* what was read from the TUN */
	struct arena sealing; /* messages, one behind the other */
	struct segmenter segmenter;
	struct wg_packet out[WG_BATCH_MAX];
	struct wg_path out_paths[WG_BATCH_MAX]; /* of what was polled */
	size_t out_count, out_bytes;
	uint32_t mtu; /* that the batch is laid out for */
	/* sealed and not sent: unsent[unsent_first..unsent_end) */
	struct wg_packet *unsent[WG_BATCH_MAX];
	size_t unsent_first, unsent_end;
	enum udp_family blocked_on;

	/* inward */
	struct arena received;
	size_t turns; /* receives of one call */
	struct udp_bundle bundles[DATAPATH_BUNDLES];
	struct wg_packet in[WG_BATCH_MAX];
	size_t in_count;
	struct coalescer coalescer;
};

enum datapath_state {
	DATAPATH_OPEN,
	DATAPATH_BLOCKED, /* until the socket `blocked_on` can be written */
	DATAPATH_GONE,	  /* the interface was deleted */
};

/* DP is all zero but for what is borrowed and verify. TURNS: how often one call
 * of datapath_inward may receive. 0 or -ENOMEM. */
WARN_UNUSED int datapath_init(
	struct datapath *dp, size_t turns, const struct now *now);
void datapath_release(struct datapath *dp);
/* Sealed packets wait for a full socket. */
bool datapath_is_blocked(const struct datapath *dp);
/* No traffic for a while: gives memory back. Not while blocked. */
void datapath_rest(struct datapath *dp);

/* One turn from the TUN. */
WARN_UNUSED enum datapath_state datapath_outward(
	struct datapath *dp, const struct now *now);
/* One turn from a socket. */
WARN_UNUSED enum datapath_state datapath_inward(
	struct datapath *dp, enum udp_family family, const struct now *now);
/* Sends what was held back, then everything the core has to send or tell. May
 * be called again from inside on_event: the outer call goes on. */
enum datapath_state datapath_drain(struct datapath *dp, const struct now *now);

#endif

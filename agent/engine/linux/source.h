/*
 * source: may a datagram still leave from the address at which its peer called
 * us? As the kernel's WireGuard (socket.c, send4): only while a packet from
 * there leaves by the interface the peer's packets come in by. A host with two
 * uplinks whose route moves must not go on sending from the old one's address.
 *
 *   path -> slot of a small table -> known, since the last news: its answer
 *                                 -> else the kernel is asked, once (10 us)
 *
 * One owner thread; control may say that everything has to be asked anew. Knows
 * nothing of sockets and packets.
 */
#ifndef ENGINE_LINUX_SOURCE_H
#define ENGINE_LINUX_SOURCE_H

#include "base/auto.h"
#include "base/err.h"
#include "engine/core/device.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct netlink;

/* Peers that talk at once and share a slot ask in turns; nothing else. */
#define SOURCE_SLOTS 256

struct source_entry {
	struct wg_path path;
	uint32_t generation; /* 0: empty */
	bool holds;
};

struct source {
	struct netlink *nl;
	/* control's to write */
	_Atomic uint32_t mark;	     /* of the sockets: rules may look at it */
	_Atomic uint32_t generation; /* of the host's addresses and routes */
	struct source_entry entries[SOURCE_SLOTS];
};

WARN_UNUSED int source_init(struct source *source, struct err *err);
void source_release(struct source *source);
/* The host's addresses or routes changed, or our MARK did. */
void source_forget(struct source *source, uint32_t mark);
/* PATH has a local address. One without an interface is not asked about. */
bool source_holds(struct source *source, const struct wg_path *path);

#endif

/*
 * state: what a device is made of. Private to the core. Everything is the
 * control thread's to write; workers read allowedips, indices and mtu.
 */
#ifndef ENGINE_CORE_STATE_H
#define ENGINE_CORE_STATE_H

#include "base/hash.h"
#include "base/heap.h"
#include "base/list.h"
#include "engine/core/allowedips.h"
#include "engine/core/cookie.h"
#include "engine/core/device.h"
#include "engine/core/hsqueue.h"
#include "engine/core/index.h"
#include "engine/core/keyring.h"
#include "engine/core/limits.h"
#include "engine/core/messages.h"
#include "engine/core/noise.h"
#include "engine/core/ratelimiter.h"
#include "engine/core/retire.h"
#include "engine/core/staging.h"
#include "engine/core/worker.h"

#include <stdint.h>

/* A datagram under construction: header, inner packet, padding, tag. */
#define SCRATCH_SIZE (WG_HEADROOM + INNER_PACKET_MAX + WG_TAILROOM)

struct cookie_reply {
	struct wg_path path;
	struct wg_message_cookie message;
};

struct wg_device {
	struct wg_rng rng;
	struct noise_identity identity;
	_Atomic uint32_t mtu;	    /* 0: unknown */
	struct wall last_timestamp; /* the greatest ever sent */

	struct hash peers_by_key;
	struct list peers;   /* the order of adding */
	struct list pending; /* peers with something to do */
	/* Their last staged packet was polled, but may not have left yet. */
	struct list unsettled;
	size_t peer_count;
	struct allowedips allowedips;
	struct index_table indices;
	struct keypair_pool keypairs;
	struct heap timers;

	struct staging staging;
	struct hsqueue handshakes;
	struct cookie_checker checker;
	struct ratelimiter *limiter;
	struct cookie_reply replies[COOKIE_REPLIES_MAX]; /* ring */
	size_t replies_head, replies_len;
	uint8_t *scratch; /* SCRATCH_SIZE; what poll lends */

	struct retirement retirement;
	struct wg_worker own;	     /* control's hands; the others follow it */
	struct wg_counters counters; /* the sum, as last asked for */
};

#endif

/*
 * worker: the data path of one thread: packets sealed and opened in batches
 * with what control has published, and an outbox for what only control can do.
 *
 *   seal   owner of the destination -> its current keypair -> sealed in place
 *   open   index -> tag -> replay -> endpoint -> length -> owner of the source
 *
 * A worker changes nothing but atomics of flows and keypairs, its own counters
 * and its outbox; it takes no lock, no memory, and asks no clock. What it looks
 * up stays valid until its thread says that it is quiescent (device.h).
 */
#ifndef ENGINE_CORE_WORKER_H
#define ENGINE_CORE_WORKER_H

#include "base/auto.h"
#include "engine/core/device.h"
#include "engine/core/outbox.h"

#include <stdbool.h>
#include <stddef.h>

struct aead;
struct keypair;

struct wg_worker {
	struct wg_device *dev; /* only what is published, and COUNT() */
	struct wg_worker *next;
	struct outbox outbox;
	uint32_t mtu; /* as last asked for */
	bool posted;  /* since wg_worker_has_posted() was asked */
	struct aead *aead;
	struct wg_counters counters;
	struct wg_path paths[WG_BATCH_MAX]; /* what seal lends */
};

/* Counters are one thread's to write and everybody's to read. */
#define COUNT(worker, counter, n)                                              \
	__atomic_store_n(&(worker)->counters.counter,                          \
		(worker)->counters.counter + (n), __ATOMIC_RELAXED)

WARN_UNUSED bool worker_init(struct wg_worker *w, struct wg_device *dev);
void worker_release(struct wg_worker *w);
/* receive.c: takes in what all workers have posted. */
void wg_device_collect(struct wg_device *dev, const struct now *now);

/* Sets NOTICE (enum notice bits) in PEER's flow and tells control, once. */
void worker_tell(
	struct wg_worker *w, struct wg_peer *peer, unsigned int notice);
/* BYTES of data messages were sealed for PEER with KP; also control's own. */
void worker_on_sent(struct wg_worker *w, const struct now *now,
	struct wg_peer *peer, const struct keypair *kp, size_t bytes,
	bool has_payload);

#endif

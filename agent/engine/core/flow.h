/*
 * flow: the half of a peer that data workers see: where to send, with which
 * key, and what they note down for the timers.
 *
 *   control writes, workers read    current, next, path
 *   workers write, control reads    activity, bytes, posted, handed_over
 *
 * Two things a worker does by itself, before it tells control, for the answer to
 * a packet may be on its way before control hears of it: the first packet under
 * the next keypair makes that the current one, and an authentic packet moves the
 * path. Control follows.
 *
 * All of it is atomic and nothing of it is a lock: a worker never waits for
 * control, nor control for a worker. Times are mono ns; 0: never, or over.
 *
 * Activity turns the kernel's timers round: instead of moving a timer with each
 * packet, workers note when a wait began and control looks when it could be
 * over:
 *
 *   unanswered   the first data sent since anything authentic came
 *                -> NEW_HANDSHAKE
 *   unacked      the first data received since anything was sent
 *                -> SEND_KEEPALIVE
 *   traversed    anything authentic, either way -> PERSISTENT_KEEPALIVE
 *
 * Control says by `watched` for which it has a timer running; a worker that
 * begins a wait nobody watches tells it. Both sides write their own word before
 * they read the other's, sequentially consistent, so one of them sees.
 */
#ifndef ENGINE_CORE_FLOW_H
#define ENGINE_CORE_FLOW_H

#include "base/auto.h"
#include "base/time.h"
#include "engine/core/device.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct keypair;

/* A path that many read whole while another is put beside it: a writer that is
 * interrupted keeps nobody waiting. One writes at a time: workers try. */
#define PATH_WORDS ((sizeof(struct wg_path) + 7) / 8)
struct path_cell {
	_Atomic uint32_t sequence; /* its lowest bit: which one holds */
	atomic_flag writing;
	_Atomic uint64_t words[2][PATH_WORDS];
};
WARN_UNUSED bool path_cell_try_set(
	struct path_cell *cell, const struct wg_path *path);
void path_cell_set(struct path_cell *cell, const struct wg_path *path);
void path_cell_get(struct path_cell *cell, struct wg_path *ret_path);
bool path_equal(const struct wg_path *a, const struct wg_path *b);

enum watch {
	WATCH_UNANSWERED = 1 << 0,
	WATCH_UNACKED = 1 << 1,
};
struct activity {
	_Atomic int64_t unanswered_ns, unacked_ns, traversed_ns, received_ns;
	_Atomic uint32_t watched; /* enum watch bits */
	_Atomic bool need_another_keepalive;
};

/* Events, the kernel's wg_timers_*. True: control must be told, nobody watches
 * the wait that is on now. */
WARN_UNUSED bool activity_on_data_sent(struct activity *a, struct mono now);
WARN_UNUSED bool activity_on_data_received(struct activity *a, struct mono now);
void activity_on_any_sent(struct activity *a, struct mono now);
void activity_on_any_received(struct activity *a, struct mono now);
void activity_clear(struct activity *a);

/* What a worker has told control and control has not yet dealt with. */
enum notice {
	NOTICE_TIMERS = 1 << 0,	   /* a wait began that nobody watches */
	NOTICE_CONFIRMED = 1 << 1, /* a packet came under the next keypair */
	NOTICE_REKEY = 1 << 2,	   /* the current keypair grows old */
	NOTICE_MOVED = 1 << 3,	   /* an authentic packet moved the path */
};

struct flow {
	_Atomic(struct keypair *) current; /* NULL: nothing may seal */
	_Atomic(struct keypair *) next;	   /* becomes it, if not NULL */
	struct path_cell path;
	struct activity activity;
	_Atomic uint64_t rx_bytes, tx_bytes;
	_Atomic uint32_t posted; /* enum notice bits */
	/* Packets that went through control, ever, and how many of them were
	 * sent or dropped. While the two differ, workers hand theirs over too:
	 * order is kept. */
	_Atomic uint32_t handed_over, settled;
};

#endif

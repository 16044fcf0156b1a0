/*
 * timers: when a peer must act though nobody asks it to (WP 6). Rules are
 * functions named for events; what is due comes back as a duty of the device.
 *
 *   RETRANSMIT_HANDSHAKE  REKEY_TIMEOUT + jitter after an initiation
 *   SEND_KEEPALIVE        KEEPALIVE_TIMEOUT after data came and nothing went
 *   NEW_HANDSHAKE         KEEPALIVE_TIMEOUT + REKEY_TIMEOUT + jitter after data
 *                         went and nothing came
 *   ZERO_KEYS             3 x REJECT_AFTER_TIME after the last session
 *   PERSISTENT_KEEPALIVE  the configured interval after anything authentic
 *
 * Packets are the data workers' and do not come here: they note their times in
 * the peer's activity (flow.h), and SEND_KEEPALIVE, NEW_HANDSHAKE and
 * PERSISTENT_KEEPALIVE look there when they fire: the wait may be over, or have
 * begun later than thought, and then the timer moves.
 *
 * One heap node a peer, with the earliest deadline. Putting a timer off or out
 * leaves the node where it is: it fires early, finds nothing due and moves.
 * So a packet costs no heap work; a tick may find nothing to do.
 *
 * The control thread's.
 */
#ifndef ENGINE_CORE_TIMERS_H
#define ENGINE_CORE_TIMERS_H

#include "base/auto.h"
#include "base/heap.h"
#include "base/time.h"
#include "engine/core/flow.h"

#include <stdbool.h>
#include <stdint.h>

struct wg_rng;

enum timer {
	TIMER_RETRANSMIT_HANDSHAKE,
	TIMER_SEND_KEEPALIVE,
	TIMER_NEW_HANDSHAKE,
	TIMER_ZERO_KEYS,
	TIMER_PERSISTENT_KEEPALIVE,
	TIMER_COUNT,
};

enum duty {
	DUTY_NONE,
	DUTY_RETRY,	/* initiate again, sticky source forgotten */
	DUTY_INITIATE,	/* initiate afresh, sticky source forgotten */
	DUTY_GIVE_UP,	/* drop what is staged, say so */
	DUTY_KEEPALIVE, /* send an empty data message */
	DUTY_ZERO_KEYS, /* wipe handshake and sessions */
};

struct timers {
	struct heap *heap;
	struct heap_node node;
	struct activity *activity; /* the peer's */
	struct mono deadline[TIMER_COUNT];
	int64_t silence_ns; /* NEW_HANDSHAKE's timeout, with its jitter */
	struct mono last_sent_handshake;
	bool sent_handshake_before; /* last_sent_handshake holds something */
	uint16_t persistent_keepalive_sec; /* 0: off */
	uint32_t handshake_attempts;	   /* retries of the present one */
};

/* HEAP has room for the node already; ACTIVITY is zero. Borrows both. */
void timers_init(
	struct timers *t, struct heap *heap, struct activity *activity);
/* All out, also of the heap; keeps the configured interval. */
void timers_stop(struct timers *t);
bool timers_pending(const struct timers *t, enum timer timer);

/* A worker told that a wait began which nobody watches. */
void timers_watch(struct timers *t, const struct wg_rng *rng);

/* Events of control's own messages: the kernel's wg_timers_*, same names. */
void timers_on_data_sent(
	struct timers *t, struct mono now, const struct wg_rng *rng);
void timers_on_any_authenticated_packet_sent(struct timers *t, struct mono now);
void timers_on_any_authenticated_packet_received(
	struct timers *t, struct mono now);
void timers_on_handshake_initiated(
	struct timers *t, struct mono now, const struct wg_rng *rng);
void timers_on_handshake_complete(struct timers *t);
void timers_on_session_derived(struct timers *t, struct mono now);

/* At most one handshake message in REKEY_TIMEOUT. */
bool timers_may_initiate(const struct timers *t, struct mono now);
void timers_on_handshake_sent(struct timers *t, struct mono now);
/* An initiation was wanted too early: retry when it is allowed. The kernel
 * forgets the wish until the next packet. */
void timers_on_initiation_deferred(struct timers *t);
/* An initiation was wanted but there is nowhere to send it: count the time as
 * if it had been sent. */
void timers_on_endpoint_missing(
	struct timers *t, struct mono now, const struct wg_rng *rng);

/* One duty that is due, earliest first, equal deadlines in enum order.
 * DUTY_NONE: the node waits for the next deadline. */
WARN_UNUSED enum duty timers_expire(struct timers *t, struct mono now);

#endif

/*
 * event: who waits for what. A waiter waits for the netmap to change, or for
 * every online node to have applied a serial; it is woken once, out of every
 * list by then, because of that or of its deadline. Knows no connection: WAKE
 * is the waiter's own. Pure but for the callback.
 */
#ifndef MESHD_EVENT_H
#define MESHD_EVENT_H

#include "base/heap.h"
#include "base/list.h"
#include "meshd/model.h"
#include "meshd/presence.h"

enum event_kind { EVENT_NETMAP, EVENT_APPLIED };

struct waiter {
	enum event_kind kind;
	uint64_t serial;  /* EVENT_APPLIED */
	uint32_t pending; /* EVENT_APPLIED: nodes behind it */
	void (*wake)(struct waiter *waiter);
	/* event's own: */
	struct list link;
	struct heap_node deadline;
};
struct events {
	struct list netmap, applied; /* of struct waiter */
	struct heap deadlines;
	size_t count;
};

void events_init(struct events *events);
void events_release(struct events *events);
/* Borrows WAITER until it is woken or cancelled. -ENOMEM. */
WARN_UNUSED int event_wait(
	struct events *events, struct waiter *waiter, struct mono deadline);
/* Harmless when it does not wait. */
void event_cancel(struct events *events, struct waiter *waiter);
bool event_is_waiting(const struct waiter *waiter);

void event_on_change(struct events *events); /* the serial rose */
void event_on_presence(struct events *events, struct presence_state was,
	struct presence_state is);
/* When to call event_on_time() next; MONO_NEVER: nobody waits. */
struct mono event_deadline(const struct events *events);
void event_on_time(struct events *events, const struct now *now);

#endif

/* event: see event.h. */
#include "config.h"

#include "meshd/event.h"

#include "base/banned.h"

void events_init(struct events *events)
{
	*events = (struct events){ 0 };
	list_init(&events->netmap);
	list_init(&events->applied);
}

void events_release(struct events *events)
{
	heap_release(&events->deadlines);
}

int event_wait(
	struct events *events, struct waiter *waiter, struct mono deadline)
{
	int r = heap_reserve(&events->deadlines, events->count + 1);

	if (r < 0)
		return r;
	switch (waiter->kind) {
	case EVENT_NETMAP:
		list_add_tail(&events->netmap, &waiter->link);
		break;
	case EVENT_APPLIED:
		list_add_tail(&events->applied, &waiter->link);
		break;
	}
	heap_set(&events->deadlines, &waiter->deadline, deadline);
	events->count++;
	return 0;
}

bool event_is_waiting(const struct waiter *waiter)
{
	return waiter->deadline.slot != 0;
}

void event_cancel(struct events *events, struct waiter *waiter)
{
	if (!event_is_waiting(waiter))
		return;
	list_del(&waiter->link);
	heap_remove(&events->deadlines, &waiter->deadline);
	events->count--;
}

static void wake(struct events *events, struct waiter *waiter)
{
	event_cancel(events, waiter);
	waiter->wake(waiter);
}

void event_on_change(struct events *events)
{
	list_for_each_safe(at, &events->netmap)
		wake(events, LIST_ENTRY(at, struct waiter, link));
}

static uint32_t is_behind(struct presence_state state, uint64_t serial)
{
	return state.online && state.applied < serial;
}

void event_on_presence(struct events *events, struct presence_state was,
	struct presence_state is)
{
	list_for_each_safe(at, &events->applied) {
		struct waiter *waiter = LIST_ENTRY(at, struct waiter, link);
		uint32_t before = is_behind(was, waiter->serial);
		uint32_t after = is_behind(is, waiter->serial);

		if (before == after)
			continue;
		if (before && waiter->pending > 0)
			waiter->pending--;
		else if (after)
			waiter->pending++;
		if (waiter->pending == 0)
			wake(events, waiter);
	}
}

struct mono event_deadline(const struct events *events)
{
	struct heap_node *first = heap_peek(&events->deadlines);

	return first ? first->deadline : MONO_NEVER;
}

void event_on_time(struct events *events, const struct now *now)
{
	struct heap_node *first;

	while ((first = heap_peek(&events->deadlines)) &&
		mono_reached(first->deadline, now->mono))
		wake(events, CONTAINER_OF(first, struct waiter, deadline));
}

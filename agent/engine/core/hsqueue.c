#include "config.h"

#include "engine/core/hsqueue.h"
#include "engine/core/limits.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

bool hsqueue_init(struct hsqueue *q)
{
	*q = (struct hsqueue){ 0 };
	q->slots = calloc(HANDSHAKE_QUEUE_DROP, sizeof(*q->slots));
	return q->slots != NULL;
}

void hsqueue_release(struct hsqueue *q)
{
	free(q->slots);
	*q = (struct hsqueue){ 0 };
}

void hsqueue_clear(struct hsqueue *q)
{
	q->len = 0;
	q->was_loaded = false;
}

bool hsqueue_push(struct hsqueue *q, const struct wg_path *path,
	const void *bytes, size_t len)
{
	struct queued_handshake *slot;

	BUG_ON(len > sizeof(slot->bytes));
	if (q->len == HANDSHAKE_QUEUE_DROP)
		return false;
	if (!q->len)
		q->head = 0;
	slot = &q->slots[(q->head + q->len++) % HANDSHAKE_QUEUE_DROP];
	slot->path = *path;
	slot->len = len;
	memcpy(slot->bytes, bytes, len);
	return true;
}

const struct queued_handshake *hsqueue_pop(struct hsqueue *q)
{
	const struct queued_handshake *slot = &q->slots[q->head];

	if (!q->len)
		return NULL;
	q->head = (q->head + 1) % HANDSHAKE_QUEUE_DROP;
	q->len--;
	return slot;
}

bool hsqueue_under_load(struct hsqueue *q, struct mono now)
{
	if (q->len >= HANDSHAKE_QUEUE_LOADED) {
		q->last_loaded = now;
		q->was_loaded = true;
	} else if (q->was_loaded) {
		q->was_loaded =
			mono_sub(now, q->last_loaded) < UNDER_LOAD_STICKS_NS;
	}
	return q->was_loaded;
}

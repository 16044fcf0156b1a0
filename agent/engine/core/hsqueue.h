/*
 * hsqueue: handshake messages whose mac1 was right, waiting for the X25519 that
 * must not run inside a data batch; and whether there are so many that we are
 * under load: HANDSHAKE_QUEUE_LOADED or more wait, or did so a second ago.
 *
 * A ring that starts over when it runs empty, so that only as much memory is
 * touched as ever waited at once.
 */
#ifndef ENGINE_CORE_HSQUEUE_H
#define ENGINE_CORE_HSQUEUE_H

#include "base/auto.h"
#include "base/time.h"
#include "engine/core/device.h"
#include "engine/core/messages.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queued_handshake {
	struct wg_path path;
	size_t len;
	uint8_t bytes[HANDSHAKE_SIZE_MAX];
};

struct hsqueue {
	struct queued_handshake *slots;
	size_t head, len;
	struct mono last_loaded;
	bool was_loaded;
};

WARN_UNUSED bool hsqueue_init(struct hsqueue *q); /* false: out of memory */
void hsqueue_release(struct hsqueue *q);
void hsqueue_clear(struct hsqueue *q);
/* False: full. LEN <= HANDSHAKE_SIZE_MAX. */
WARN_UNUSED bool hsqueue_push(struct hsqueue *q, const struct wg_path *path,
	const void *bytes, size_t len);
/* Oldest message or NULL. Borrowed until the next push. */
const struct queued_handshake *hsqueue_pop(struct hsqueue *q);
bool hsqueue_under_load(struct hsqueue *q, struct mono now);

#endif

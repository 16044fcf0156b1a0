/*
 * outbox: what one data worker has for the control thread: a ring of records,
 * one writer, one reader, no lock.
 *
 *   | kind, peer, path, length | bytes ... |    in steps of 8 bytes, wrapping
 *
 * A full ring takes nothing: the worker drops the packet, or says it again with
 * the next one. Memory is taken once and touched as it is used.
 */
#ifndef ENGINE_CORE_OUTBOX_H
#define ENGINE_CORE_OUTBOX_H

#include "base/auto.h"
#include "engine/core/device.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wg_peer;

/* Two of the largest packets, or 80 of 1500 bytes. */
#define OUTBOX_SIZE (128 * 1024)

enum outbox_kind {
	OUTBOX_PACKET,	/* of PEER: an inner packet that cannot be sealed now */
	OUTBOX_MESSAGE, /* by PATH: a handshake or cookie message */
	OUTBOX_NOTICE,	/* of PEER: look at flow.posted; PATH if it moved */
};

struct outbox_record {
	enum outbox_kind kind;
	struct wg_peer *peer;
	struct wg_path path;
	size_t len; /* of the bytes that follow */
};

struct outbox {
	uint8_t *ring;
	_Atomic size_t written; /* bytes ever: the worker's */
	_Atomic size_t read;	/* bytes ever: control's */
};

/* False: out of memory. */
WARN_UNUSED bool outbox_init(struct outbox *box);
void outbox_release(struct outbox *box);

/* The worker's. PATH may be NULL. False: full. */
WARN_UNUSED bool outbox_put(struct outbox *box, enum outbox_kind kind,
	struct wg_peer *peer, const struct wg_path *path, const void *bytes,
	size_t len);

/* Control's. The oldest record, and its bytes to RET_BYTES, which has room for
 * INNER_PACKET_MAX. False: none. */
WARN_UNUSED bool outbox_take(
	struct outbox *box, struct outbox_record *ret_record, void *ret_bytes);
bool outbox_empty(const struct outbox *box);

#endif

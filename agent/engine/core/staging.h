/*
 * staging: inner packets that wait for a session (WP 6.4), 128 a peer, oldest
 * dropped first.
 *
 * Model: one pool of chunks for the device, taken when the device is made; a
 * packet is a chain of chunks, so a jumbo packet costs its size and an idle
 * device costs nothing: chunks never used are never touched. When the pool is
 * empty the oldest packet of the device goes, whose ever it is: nobody can keep
 * the pool for long.
 */
#ifndef ENGINE_CORE_STAGING_H
#define ENGINE_CORE_STAGING_H

#include "base/auto.h"
#include "base/list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct staging_chunk;

struct staging {
	struct staging_chunk *chunks;
	struct staging_chunk *free_list;
	size_t fresh; /* chunks never used, at the end */
	size_t free_count;
	struct list oldest_first; /* all packets of the device */
};

struct staged {		     /* a peer's queue */
	struct list packets; /* oldest first */
	size_t len;
};

WARN_UNUSED bool staging_init(struct staging *st); /* false: out of memory */
void staging_release(struct staging *st);

void staged_init(struct staged *queue);
/* Copies LEN <= INNER_PACKET_MAX bytes. Returns how many older packets had to
 * go for it. */
size_t staging_push(struct staging *st, struct staged *queue, const void *bytes,
	size_t len);
/* The oldest packet's length, written to RET of at least INNER_PACKET_MAX
 * bytes. Call only on a queue that is not empty. */
size_t staging_pop(struct staging *st, struct staged *queue, void *ret);
void staging_purge(struct staging *st, struct staged *queue);

#endif

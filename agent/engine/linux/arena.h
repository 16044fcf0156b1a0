/*
 * arena: memory that is taken once, costs nothing until it is touched, and is
 * given back when traffic has gone: address space by mmap.
 *
 *   | 4096 spare | SIZE bytes | 4096 spare |
 *
 * The spare pages are there to be read: vector loads that reach over the ends
 * of a packet, masked or not, meet mapped memory and stay fast.
 *
 * One owner thread.
 */
#ifndef ENGINE_LINUX_ARENA_H
#define ENGINE_LINUX_ARENA_H

#include "base/auto.h"

#include <stddef.h>
#include <stdint.h>

struct arena {
	uint8_t *memory;
	size_t size;
};

WARN_UNUSED int arena_init(struct arena *arena, size_t size); /* 0, -ENOMEM */
void arena_release(struct arena *arena); /* zeroed memory is fine */
/* The pages go back to the system; what they held is gone, and zero. */
void arena_give_back(const struct arena *arena);

#endif

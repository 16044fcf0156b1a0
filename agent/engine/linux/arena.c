/*
 * arena: mmap and madvise. See arena.h.
 */
#include "config.h"

#include "engine/linux/arena.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/banned.h"

#define SPARE ((size_t)4096)

int arena_init(struct arena *arena, size_t size)
{
	uint8_t *memory;

	size = (size + SPARE - 1) / SPARE * SPARE;
	memory = mmap(NULL, size + 2 * SPARE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return -ENOMEM;
	arena->memory = memory + SPARE;
	arena->size = size;
	/* Packets in the clear have no place in a core dump. */
	(void)madvise(memory, size + 2 * SPARE, MADV_DONTDUMP);
	return 0;
}

void arena_release(struct arena *arena)
{
	if (arena->memory)
		(void)munmap(arena->memory - SPARE, arena->size + 2 * SPARE);
	*arena = (struct arena){ .memory = NULL };
}

void arena_give_back(const struct arena *arena)
{
	if (arena->memory)
		(void)madvise(arena->memory, arena->size, MADV_DONTNEED);
}

/*
 * slots: one anonymous mapping, left out of core dumps. See slots.h.
 */
#include "config.h"

#include "engine/linux/slots.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/banned.h"

#define SLOTS_SIZE (SLOT_STEP * WG_BATCH_MAX)

int slots_init(struct slots *slots)
{
	void *memory = mmap(NULL, SLOTS_SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return -ENOMEM;
	/* Plaintext passes through here. Huge pages would touch it all. */
	(void)madvise(memory, SLOTS_SIZE, MADV_DONTDUMP);
	(void)madvise(memory, SLOTS_SIZE, MADV_NOHUGEPAGE);
	slots->memory = memory;
	return 0;
}

void slots_release(struct slots *slots)
{
	if (slots->memory)
		(void)munmap(slots->memory, SLOTS_SIZE);
	slots->memory = NULL;
}

uint8_t *slots_data(const struct slots *slots, size_t i)
{
	return slots->memory + i * SLOT_STEP + WG_HEADROOM;
}

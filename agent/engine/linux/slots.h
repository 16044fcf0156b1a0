/*
 * slots: the memory of one batch, taken once, touched only as far as packets
 * are long: 64 slots cost 4.3 MB of address space and, at an MTU of 1420, 64
 * to 128 pages.
 *
 *   | headroom 16 | 65535 bytes: any packet, any datagram | tailroom 31 | .. |
 *
 * A slot's step is 64 KiB and an odd number of cache lines, so that the heads
 * of the slots do not all fall into the same sets of the caches.
 */
#ifndef ENGINE_LINUX_SLOTS_H
#define ENGINE_LINUX_SLOTS_H

#include "base/auto.h"
#include "engine/core/device.h"

#include <stddef.h>
#include <stdint.h>

#define SLOT_CAPACITY 65535
#define SLOT_STEP     ((size_t)(65536 + 25 * 64))
_Static_assert(SLOT_STEP >= WG_HEADROOM + SLOT_CAPACITY + WG_TAILROOM,
	"a slot holds the largest packet and its wrapping");

struct slots {
	uint8_t *memory;
};

WARN_UNUSED int slots_init(struct slots *slots); /* 0 or -ENOMEM */
void slots_release(struct slots *slots);
/* Where the packet of slot I begins; SLOT_CAPACITY bytes are its own. */
uint8_t *slots_data(const struct slots *slots, size_t i);

#endif

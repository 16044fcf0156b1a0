/*
 * heap: intrusive binary min-heap of deadlines. Equal deadlines leave in the
 * order they were set (deadline, sequence), so runs repeat. Grows only in
 * heap_reserve(), never in heap_set(): the core reserves when configured.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include "base/time.h"

#include <stddef.h>

struct heap_node {
	struct mono deadline;
	uint64_t sequence;
	size_t slot; /* 1-based index; 0: not in the heap */
};
struct heap {
	struct heap_node **nodes;
	size_t len, cap;
	uint64_t next_sequence;
};

void heap_release(struct heap *heap);
/* Room for COUNT nodes in all; 0 or -ENOMEM. */
int heap_reserve(struct heap *heap, size_t count);
/* Adds or moves NODE. MONO_NEVER takes it out. */
void heap_set(struct heap *heap, struct heap_node *node, struct mono deadline);
void heap_remove(struct heap *heap, struct heap_node *node);
struct heap_node *heap_peek(const struct heap *heap); /* NULL when empty */

#endif

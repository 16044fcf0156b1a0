#include "config.h"
#include "base/heap.h"
#include "base/auto.h"

#include <errno.h>

#include "base/banned.h"

void heap_release(struct heap *heap)
{
	for (size_t i = 0; i < heap->len; i++)
		heap->nodes[i]->slot = 0;
	free(heap->nodes);
	*heap = (struct heap){ 0 };
}

int heap_reserve(struct heap *heap, size_t count)
{
	struct heap_node **nodes;

	if (count <= heap->cap)
		return 0;
	nodes = reallocarray(heap->nodes, count, sizeof(struct heap_node *));
	if (!nodes)
		return -ENOMEM;
	heap->nodes = nodes;
	heap->cap = count;
	return 0;
}

static bool sooner(const struct heap_node *a, const struct heap_node *b)
{
	if (a->deadline.ns != b->deadline.ns)
		return a->deadline.ns < b->deadline.ns;
	return a->sequence < b->sequence;
}

/* Slots count from 1: the parent of s is s / 2. */
static void put(struct heap *heap, struct heap_node *node, size_t slot)
{
	heap->nodes[slot - 1] = node;
	node->slot = slot;
}

static void rise(struct heap *heap, struct heap_node *node, size_t slot)
{
	for (; slot > 1; slot /= 2) {
		struct heap_node *parent = heap->nodes[slot / 2 - 1];

		if (!sooner(node, parent))
			break;
		put(heap, parent, slot);
	}
	put(heap, node, slot);
}

static void sink(struct heap *heap, struct heap_node *node, size_t slot)
{
	while (slot * 2 <= heap->len) {
		size_t below = slot * 2;

		if (below < heap->len &&
			sooner(heap->nodes[below], heap->nodes[below - 1]))
			below++;
		if (!sooner(heap->nodes[below - 1], node))
			break;
		put(heap, heap->nodes[below - 1], slot);
		slot = below;
	}
	put(heap, node, slot);
}

/* NODE goes where it belongs, starting from the free place SLOT. */
static void settle(struct heap *heap, struct heap_node *node, size_t slot)
{
	if (slot > 1 && sooner(node, heap->nodes[slot / 2 - 1]))
		rise(heap, node, slot);
	else
		sink(heap, node, slot);
}

void heap_set(struct heap *heap, struct heap_node *node, struct mono deadline)
{
	if (deadline.ns == MONO_NEVER.ns) {
		heap_remove(heap, node);
		node->deadline = deadline;
		return;
	}
	node->deadline = deadline;
	node->sequence = heap->next_sequence++;
	if (node->slot) {
		settle(heap, node, node->slot);
		return;
	}
	BUG_ON(heap->len == heap->cap);
	heap->len++;
	rise(heap, node, heap->len);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
	size_t slot = node->slot;
	struct heap_node *last;

	if (!slot)
		return;
	BUG_ON(slot > heap->len || heap->nodes[slot - 1] != node);
	node->slot = 0;
	last = heap->nodes[--heap->len];
	if (last != node)
		settle(heap, last, slot);
}

struct heap_node *heap_peek(const struct heap *heap)
{
	return heap->len ? heap->nodes[0] : NULL;
}

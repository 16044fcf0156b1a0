#include "config.h"

#include "engine/core/index.h"
#include "engine/core/device.h"

#include <errno.h>
#include <stdlib.h>

#include "base/banned.h"

void index_release(struct index_table *table)
{
	free(table->buckets);
	*table = (struct index_table){ 0 };
}

static struct index_entry **bucket(
	const struct index_table *table, uint32_t index)
{
	return &table->buckets[index & (table->bucket_count - 1)];
}

static void link_entry(struct index_table *table, struct index_entry *entry)
{
	struct index_entry **head = bucket(table, entry->index);

	entry->next = *head;
	*head = entry;
}

static void unlink_entry(struct index_table *table, struct index_entry *entry)
{
	struct index_entry **link = bucket(table, entry->index);

	while (*link != entry)
		link = &(*link)->next;
	*link = entry->next;
	entry->next = NULL;
}

int index_reserve(struct index_table *table, size_t count)
{
	struct index_table bigger = { .bucket_count = 16 };

	while (bigger.bucket_count < count)
		bigger.bucket_count *= 2;
	if (bigger.bucket_count <= table->bucket_count)
		return 0;
	bigger.buckets =
		calloc(bigger.bucket_count, sizeof(struct index_entry *));
	if (!bigger.buckets)
		return -ENOMEM;
	for (size_t i = 0; i < table->bucket_count; i++) {
		while (table->buckets[i]) {
			struct index_entry *entry = table->buckets[i];

			table->buckets[i] = entry->next;
			link_entry(&bigger, entry);
		}
	}
	free(table->buckets);
	*table = bigger;
	return 0;
}

void index_insert(struct index_table *table, const struct wg_rng *rng,
	struct index_entry *entry, enum index_kind kind, struct wg_peer *peer)
{
	uint8_t b[4];

	index_remove(table, entry);
	/* At most 5 x 2^20 of 2^32 are taken: this ends at once. */
	do {
		rng->fill(rng->arg, b, sizeof(b));
		entry->index = (uint32_t)b[0] | (uint32_t)b[1] << 8 |
			(uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
	} while (index_find(table, entry->index));
	entry->kind = kind;
	entry->peer = peer;
	link_entry(table, entry);
}

void index_replace(struct index_table *table, struct index_entry *from,
	struct index_entry *to, enum index_kind kind)
{
	BUG_ON(from->kind == INDEX_FREE);
	index_remove(table, to);
	unlink_entry(table, from);
	to->index = from->index;
	to->peer = from->peer;
	to->kind = kind;
	link_entry(table, to);
	from->kind = INDEX_FREE;
}

void index_remove(struct index_table *table, struct index_entry *entry)
{
	if (entry->kind == INDEX_FREE)
		return;
	unlink_entry(table, entry);
	entry->kind = INDEX_FREE;
}

struct index_entry *index_find(const struct index_table *table, uint32_t index)
{
	struct index_entry *entry;

	if (!table->bucket_count)
		return NULL;
	for (entry = *bucket(table, index); entry; entry = entry->next)
		if (entry->index == index)
			return entry;
	return NULL;
}

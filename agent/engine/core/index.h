/*
 * index: the 32-bit names by which the far end addresses our handshakes and
 * sessions (WP 5.4). Random, so that they tell nothing; unique in a device.
 *
 * Model: chained table on the low bits. The indices are our own randomness, so
 * nobody else can make a chain long. Entries are embedded in what they name.
 * Grows in index_reserve() only.
 */
#ifndef ENGINE_CORE_INDEX_H
#define ENGINE_CORE_INDEX_H

#include "base/auto.h"

#include <stddef.h>
#include <stdint.h>

struct wg_peer;
struct wg_rng;

enum index_kind {
	INDEX_FREE, /* not in the table */
	INDEX_HANDSHAKE,
	INDEX_KEYPAIR,
};

struct index_entry {
	struct index_entry *next;
	struct wg_peer *peer;
	uint32_t index;
	enum index_kind kind;
};

struct index_table {
	struct index_entry **buckets;
	size_t bucket_count; /* power of two */
};

void index_release(struct index_table *table);
/* Buckets for COUNT entries; 0 or -ENOMEM, table intact. */
WARN_UNUSED int index_reserve(struct index_table *table, size_t count);
/* Gives ENTRY a fresh random index; one it had before is forgotten. */
void index_insert(struct index_table *table, const struct wg_rng *rng,
	struct index_entry *entry, enum index_kind kind, struct wg_peer *peer);
/* TO takes over FROM's index as KIND; FROM becomes free. */
void index_replace(struct index_table *table, struct index_entry *from,
	struct index_entry *to, enum index_kind kind);
void index_remove(struct index_table *table, struct index_entry *entry);
struct index_entry *index_find(const struct index_table *table, uint32_t index);

#endif

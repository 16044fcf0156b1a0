/*
 * index: the 32-bit names by which the far end addresses our handshakes and
 * sessions (WP 5.4). Random, so that they tell nothing; unique in a device.
 *
 * Model: chained tables on the low bits. The indices are our own randomness, so
 * nobody else can make a chain long. Entries are embedded in what they name.
 * Handshakes have a table of their own, for only control looks there.
 *
 * Control writes; workers find keypairs, without a lock: an entry is whole
 * before it is linked, and what is unlinked stays as it is until they have let
 * go of it (retire.h). A table grows by linking all entries a second time, by
 * their other `next', into buckets that then take the place of the old ones; as
 * a worker may still be on the old ones, that is done once in a grace period
 * (index_settle) and the chains are longer until then.
 */
#ifndef ENGINE_CORE_INDEX_H
#define ENGINE_CORE_INDEX_H

#include "base/auto.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wg_peer;
struct wg_rng;
struct retirement;

enum index_kind {
	INDEX_FREE, /* not in a table */
	INDEX_HANDSHAKE,
	INDEX_KEYPAIR,
};

struct index_entry {
	struct wg_peer *peer;
	_Atomic(struct index_entry *) next[2];
	uint32_t index;
	enum index_kind kind;
};

struct index_buckets;
struct index_table {
	struct retirement *retirement; /* NULL: no workers, ever */
	struct index_buckets *handshakes;
	_Atomic(struct index_buckets *) keypairs;
	struct index_buckets *bigger; /* for keypairs, with the next settling */
};

void index_init(struct index_table *table, struct retirement *retirement);
void index_release(struct index_table *table);
/* Buckets for COUNT entries of each kind; 0 or -ENOMEM, table intact. */
WARN_UNUSED int index_reserve(struct index_table *table, size_t count);
/* No worker is on buckets that were replaced before: it may be done again. */
void index_settle(struct index_table *table);
bool index_wants_settling(const struct index_table *table);
/* Gives ENTRY a fresh random index; one it had before is forgotten. */
void index_insert(struct index_table *table, const struct wg_rng *rng,
	struct index_entry *entry, enum index_kind kind, struct wg_peer *peer);
/* TO takes over FROM's index as KIND; FROM becomes free. */
void index_replace(struct index_table *table, struct index_entry *from,
	struct index_entry *to, enum index_kind kind);
void index_remove(struct index_table *table, struct index_entry *entry);
struct index_entry *index_find(const struct index_table *table, uint32_t index);
/* Any thread's. */
struct index_entry *index_find_keypair(
	const struct index_table *table, uint32_t index);

#endif

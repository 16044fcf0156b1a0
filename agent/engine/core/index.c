#include "config.h"

#include "engine/core/index.h"
#include "engine/core/device.h"
#include "engine/core/retire.h"

#include <errno.h>
#include <stdlib.h>

#include "base/banned.h"

struct index_buckets {
	struct retired retired;
	unsigned int which; /* of an entry's two `next' */
	size_t count;	    /* power of two */
	_Atomic(struct index_entry *) heads[];
};

#define LOAD(p)	    atomic_load_explicit((p), memory_order_acquire)
#define STORE(p, v) atomic_store_explicit((p), (v), memory_order_release)

static void free_buckets(struct retired *retired)
{
	free(CONTAINER_OF(retired, struct index_buckets, retired));
}

void index_init(struct index_table *table, struct retirement *retirement)
{
	*table = (struct index_table){ .retirement = retirement };
}

void index_release(struct index_table *table)
{
	free(table->handshakes);
	free(LOAD(&table->keypairs));
	free(table->bigger);
	index_init(table, table->retirement);
}

static struct index_buckets *new_buckets(size_t count)
{
	struct index_buckets *b;
	size_t room = 16;

	while (room < count)
		room *= 2;
	b = calloc(1, sizeof(*b) + room * sizeof(b->heads[0]));
	if (b)
		b->count = room;
	return b;
}

static _Atomic(struct index_entry *) *head_of(
	struct index_buckets *b, uint32_t index)
{
	return &b->heads[index & (b->count - 1)];
}

/* Whole before it can be found. */
static void link_entry(struct index_buckets *b, struct index_entry *entry)
{
	_Atomic(struct index_entry *) *head = head_of(b, entry->index);

	STORE(&entry->next[b->which], LOAD(head));
	STORE(head, entry);
}

/* Its own next stays: a worker may stand on it. */
static void unlink_entry(struct index_buckets *b, struct index_entry *entry)
{
	_Atomic(struct index_entry *) *link = head_of(b, entry->index);

	while (LOAD(link) != entry)
		link = &LOAD(link)->next[b->which];
	STORE(link, LOAD(&entry->next[b->which]));
}

static struct index_entry *find_in(struct index_buckets *b, uint32_t index)
{
	struct index_entry *entry;

	if (!b)
		return NULL;
	for (entry = LOAD(head_of(b, index)); entry;
		entry = LOAD(&entry->next[b->which]))
		if (entry->index == index)
			return entry;
	return NULL;
}

/* --- growing --- */

static void link_all(struct index_buckets *to, const struct index_buckets *from)
{
	to->which = from ? !from->which : 0;
	for (size_t i = 0; from && i < from->count; i++)
		for (struct index_entry *entry = LOAD(&from->heads[i]); entry;
			entry = LOAD(&entry->next[from->which]))
			link_entry(to, entry);
}

static bool has_workers(const struct index_table *table)
{
	return table->retirement && table->retirement->deferred;
}

void index_settle(struct index_table *table)
{
	struct index_buckets *old = LOAD(&table->keypairs);
	struct index_buckets *bigger = table->bigger;

	if (!bigger)
		return;
	table->bigger = NULL;
	link_all(bigger, old);
	STORE(&table->keypairs, bigger);
	if (old && table->retirement)
		retire(table->retirement, &old->retired, free_buckets);
	else
		free(old);
}

bool index_wants_settling(const struct index_table *table)
{
	return table->bigger != NULL;
}

static int grow_handshakes(struct index_table *table, size_t count)
{
	struct index_buckets *old = table->handshakes, *bigger;

	if (old && old->count >= count)
		return 0;
	bigger = new_buckets(count);
	if (!bigger)
		return -ENOMEM;
	link_all(bigger, old);
	table->handshakes = bigger;
	free(old);
	return 0;
}

static int grow_keypairs(struct index_table *table, size_t count)
{
	struct index_buckets *present = LOAD(&table->keypairs), *bigger;

	if ((present && present->count >= count) ||
		(table->bigger && table->bigger->count >= count))
		return 0;
	bigger = new_buckets(count);
	if (!bigger)
		return -ENOMEM;
	free(table->bigger); /* nobody has seen it */
	table->bigger = bigger;
	/* The first one can have no worker on it. */
	if (!present || !has_workers(table))
		index_settle(table);
	return 0;
}

int index_reserve(struct index_table *table, size_t count)
{
	int r = grow_handshakes(table, count);

	return r == 0 ? grow_keypairs(table, count) : r;
}

/* --- entries --- */

static struct index_buckets *buckets_of(
	const struct index_table *table, enum index_kind kind)
{
	return kind == INDEX_KEYPAIR ? LOAD(&table->keypairs)
				     : table->handshakes;
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
	link_entry(buckets_of(table, kind), entry);
}

void index_replace(struct index_table *table, struct index_entry *from,
	struct index_entry *to, enum index_kind kind)
{
	BUG_ON(from->kind == INDEX_FREE);
	index_remove(table, to);
	index_remove(table, from);
	to->index = from->index;
	to->peer = from->peer;
	to->kind = kind;
	link_entry(buckets_of(table, kind), to);
}

void index_remove(struct index_table *table, struct index_entry *entry)
{
	if (entry->kind == INDEX_FREE)
		return;
	unlink_entry(buckets_of(table, entry->kind), entry);
	entry->kind = INDEX_FREE;
}

struct index_entry *index_find_keypair(
	const struct index_table *table, uint32_t index)
{
	return find_in(LOAD(&table->keypairs), index);
}

struct index_entry *index_find(const struct index_table *table, uint32_t index)
{
	struct index_entry *entry = find_in(table->handshakes, index);

	return entry ? entry : index_find_keypair(table, index);
}

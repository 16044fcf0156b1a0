/* roster: see roster.h. */
#include "config.h"

#include "agent/roster.h"

#include "agent/candidates.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/banned.h"

/* Sentences already said: a ring, the oldest forgotten first. */
#define REFUSALS_MAX 256

struct entry {
	struct node_id node;
	bool withheld;
	bool has_news;
	struct mono news_at;
	bool has_failed;
	bool named; /* scratch of one merge, as are the next two */
	bool came_key, came_membership;
	bool owed; /* its removal, to the coordinator */
	struct endpoint *endpoints;
	size_t endpoint_count;
	struct endpoint preferred; /* unknown, or first when saved */
};

struct roster {
	struct trust *trust;
	struct node_id self;
	uint64_t serial;
	uint64_t high_serial;
	uint64_t applied;	/* the serial that was */
	struct entry **entries; /* sorted by node id */
	size_t entry_count, entry_cap;
	uint64_t refusals[REFUSALS_MAX];
	size_t refusal_count;
};

struct roster *roster_new(const struct signpub *op, const struct node_id *self)
{
	struct roster *roster = calloc(1, sizeof(*roster));

	if (!roster)
		return NULL;
	roster->self = *self;
	roster->trust = trust_new(op);
	if (!roster->trust) {
		roster_free(roster);
		return NULL;
	}
	return roster;
}

void roster_free(struct roster *roster)
{
	if (!roster)
		return;
	for (size_t i = 0; i < roster->entry_count; i++) {
		free(roster->entries[i]->endpoints);
		free(roster->entries[i]);
	}
	free(roster->entries);
	trust_free(roster->trust);
	free(roster);
}

/* Where NODE is, or would be. */
static size_t entry_slot(
	const struct roster *roster, const struct node_id *node)
{
	size_t low = 0, high = roster->entry_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (memcmp(roster->entries[mid]->node.b, node->b,
			    sizeof(node->b)) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct entry *entry_find(
	const struct roster *roster, const struct node_id *node)
{
	size_t slot = entry_slot(roster, node);

	if (slot < roster->entry_count &&
		node_id_equal(&roster->entries[slot]->node, node))
		return roster->entries[slot];
	return NULL;
}

/* Only nodes that trust knows have an entry, so trust's limit is ours. */
static int entry_obtain(struct roster *roster, const struct node_id *node,
	struct entry **ret_entry)
{
	struct entry *entry = entry_find(roster, node);
	size_t slot;

	if (entry) {
		*ret_entry = entry;
		return 0;
	}
	if (roster->entry_count == roster->entry_cap) {
		size_t cap = roster->entry_cap ? 2 * roster->entry_cap : 16;
		struct entry **grown = reallocarray(
			roster->entries, cap, sizeof(struct entry *));

		if (!grown)
			return -ENOMEM;
		roster->entries = grown;
		roster->entry_cap = cap;
	}
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->node = *node;
	slot = entry_slot(roster, node);
	memmove(&roster->entries[slot + 1], &roster->entries[slot],
		(roster->entry_count - slot) * sizeof(struct entry *));
	roster->entries[slot] = entry;
	roster->entry_count++;
	*ret_entry = entry;
	return 0;
}

/* An entry for every node of trust, so that the rest need not fail. */
static int entries_follow_trust(struct roster *roster)
{
	size_t count = trust_node_count(roster->trust);
	struct entry *entry;
	int r;

	for (size_t i = 0; i < count; i++) {
		struct verified_node node = trust_node_at(roster->trust, i);

		r = entry_obtain(roster, &node.node, &entry);
		if (r < 0)
			return r;
		entry->named = false;
		entry->came_key = entry->came_membership = false;
	}
	return 0;
}

struct refusal_ears {
	struct roster *roster;
	void (*fn)(void *arg, const struct err *err);
	void *arg;
};

static void hear_refusal(
	void *arg, enum trust_verdict verdict, const struct err *err)
{
	struct refusal_ears *ears = arg;
	struct roster *roster = ears->roster;
	uint64_t hash;

	(void)verdict;
	crypto_generichash((uint8_t *)&hash, sizeof(hash),
		(const uint8_t *)err->msg, strlen(err->msg), NULL, 0);
	for (size_t i = 0; i < REFUSALS_MAX && i < roster->refusal_count; i++) {
		if (roster->refusals[i] == hash)
			return;
	}
	roster->refusals[roster->refusal_count++ % REFUSALS_MAX] = hash;
	if (ears->fn)
		ears->fn(ears->arg, err);
}

/* A node's key record bears its identity outside the payload, so it names its
 * node whether it verifies or not. */
static void mark_named(struct roster *roster, const struct msg_netmap *map)
{
	for (size_t i = 0; i < map->record_count; i++) {
		struct node_id node = node_id_of(&map->records[i]->key);
		struct entry *entry = entry_find(roster, &node);

		if (entry)
			entry->named = true;
	}
	for (size_t i = 0; map->full && i < map->endpoint_count; i++) {
		struct entry *entry =
			entry_find(roster, &map->endpoints[i].node);

		if (entry)
			entry->named = true;
	}
}

static bool merge_withheld(
	struct roster *roster, const struct msg_netmap *map, bool is_older)
{
	bool changed = false;

	for (size_t i = 0; i < roster->entry_count; i++) {
		struct entry *entry = roster->entries[i];
		bool withheld = entry->withheld;

		if (entry->named)
			withheld = false;
		else if (map->full && !is_older)
			withheld = true;
		changed |= withheld != entry->withheld;
		entry->withheld = withheld;
	}
	for (size_t i = 0; i < map->withheld_count; i++) {
		struct entry *entry = entry_find(roster, &map->withheld[i]);

		if (!entry)
			continue;
		changed |= !entry->withheld;
		entry->withheld = true;
	}
	return changed;
}

static bool same_endpoints(const struct entry *entry,
	const struct endpoint *endpoints, size_t count)
{
	if (entry->endpoint_count != count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!endpoint_equal(&entry->endpoints[i], &endpoints[i]))
			return false;
	}
	return true;
}

static int merge_endpoints(struct roster *roster,
	const struct msg_node_endpoints *news, const struct now *now,
	bool *changed)
{
	const struct record_mesh *mesh = trust_mesh(roster->trust);
	struct entry *entry = entry_find(roster, &news->node);
	struct endpoint *fresh;
	size_t used = 0;

	if (!entry || news->count == 0)
		return 0;
	fresh = calloc(news->count, sizeof(*fresh));
	if (!fresh)
		return -ENOMEM;
	for (size_t i = 0; i < news->count; i++) {
		if (candidate_usable(&news->endpoints[i], mesh))
			fresh[used++] = news->endpoints[i];
	}
	if (!same_endpoints(entry, fresh, used)) {
		entry->has_news = true;
		entry->news_at = now->mono;
		*changed = true;
	}
	free(entry->endpoints);
	entry->endpoints = fresh;
	entry->endpoint_count = used;
	return 0;
}

static int merge(struct roster *roster, const struct msg_netmap *map,
	const struct now *now, struct refusal_ears *ears, bool *ret_changed)
{
	bool is_older = map->full && map->serial < roster->high_serial;
	bool was_applied = roster->applied == roster->serial;
	bool changed = trust_offer_all(roster->trust, map->records,
			       map->record_count, now, hear_refusal, ears) > 0;
	int r = entries_follow_trust(roster);

	if (r < 0)
		return r;
	mark_named(roster, map);
	changed |= merge_withheld(roster, map, is_older);
	for (size_t i = 0; i < map->endpoint_count; i++) {
		r = merge_endpoints(roster, &map->endpoints[i], now, &changed);
		if (r < 0)
			return r;
	}
	roster->serial = map->serial;
	if (was_applied && !changed)
		roster->applied = roster->serial;
	if (map->serial > roster->high_serial)
		roster->high_serial = map->serial;
	*ret_changed = changed;
	return 0;
}

/* Before MAP is merged: what it tells together with a removal that is new here,
 * its maker knows to be removed. */
static void mark_owed(struct roster *roster, const struct msg_netmap *map)
{
	if (!trust_has_removals(roster->trust))
		return;
	for (size_t i = 0; i < map->record_count; i++) {
		struct node_id node;
		struct entry *entry =
			trust_contradicts(roster->trust, map->records[i], &node)
			? entry_find(roster, &node)
			: NULL;

		if (entry)
			entry->owed = true;
	}
}

/* A full map that has a member's key has its membership, unless somebody put
 * another record in its place. */
static void hear_missing(struct roster *roster, const struct msg_netmap *map,
	struct refusal_ears *ears)
{
	for (size_t i = 0; i < map->record_count; i++) {
		enum record_type type;
		struct node_id node;
		struct entry *entry =
			record_claim(map->records[i], &type, &node)
			? entry_find(roster, &node)
			: NULL;

		if (entry && type == RECORD_KEY)
			entry->came_key = true;
		if (entry && type == RECORD_MEMBERSHIP)
			entry->came_membership = true;
	}
	for (size_t i = 0; i < roster->entry_count; i++) {
		const struct entry *entry = roster->entries[i];
		struct verified_node node;
		struct err err = { 0 };

		if (!entry->came_key || entry->came_membership ||
			!trust_find(roster->trust, &entry->node, &node) ||
			!node.membership || node.removed)
			continue;
		(void)err_set(&err, -EPERM,
			"membership of %s: is missing in a full netmap that "
			"has its key; what was accepted stays",
			node.membership->name);
		hear_refusal(ears, TRUST_REFUSED, &err);
	}
}

int roster_merge(struct roster *roster, const struct msg_netmap *map,
	const struct now *now,
	void (*on_refused)(void *arg, const struct err *err), void *arg,
	bool *ret_changed, struct err *err)
{
	struct refusal_ears ears = { roster, on_refused, arg };
	int r;

	if (!map->full &&
		(map->since != roster->serial || map->serial < map->since))
		return err_set(err, -ESTALE,
			"a delta from %llu does not follow on %llu",
			(unsigned long long)map->since,
			(unsigned long long)roster->serial);
	mark_owed(roster, map);
	r = merge(roster, map, now, &ears, ret_changed);
	if (r == 0 && map->full)
		hear_missing(roster, map, &ears);
	return r < 0 ? err_set(err, r, "out of memory") : 0;
}

int roster_restore(struct roster *roster, const struct msg_netmap *map,
	const struct now *now,
	void (*on_refused)(void *arg, const struct err *err), void *arg,
	struct err *err)
{
	struct refusal_ears ears = { roster, on_refused, arg };
	bool changed;
	int r = merge(roster, map, now, &ears, &changed);

	return r < 0 ? err_set(err, r, "out of memory") : 0;
}

const struct envelope *roster_owed(
	const struct roster *roster, struct node_id *ret_node)
{
	for (size_t i = 0; i < roster->entry_count; i++) {
		const struct entry *entry = roster->entries[i];

		if (!entry->owed || node_id_equal(&entry->node, &roster->self))
			continue;
		*ret_node = entry->node;
		return trust_removal_of(roster->trust, &entry->node);
	}
	return NULL;
}

void roster_settle_owed(struct roster *roster, const struct node_id *node)
{
	struct entry *entry = entry_find(roster, node);

	if (entry)
		entry->owed = false;
}

void roster_set_applied(struct roster *roster)
{
	roster->applied = roster->serial;
}

uint64_t roster_applied(const struct roster *roster)
{
	return roster->applied <= roster->serial ? roster->applied : 0;
}

uint64_t roster_serial(const struct roster *roster)
{
	return roster->serial;
}

const struct node_id *roster_self(const struct roster *roster)
{
	return &roster->self;
}

const struct trust *roster_trust(const struct roster *roster)
{
	return roster->trust;
}

const struct record_mesh *roster_mesh(const struct roster *roster)
{
	return trust_mesh(roster->trust);
}

static struct roster_node node_of(
	const struct roster *roster, const struct verified_node *verified)
{
	const struct entry *entry = entry_find(roster, &verified->node);
	struct roster_node node = { .verified = *verified };

	if (entry) {
		node.withheld = entry->withheld;
		node.has_news = entry->has_news;
		node.news_at = entry->news_at;
		node.has_failed = entry->has_failed;
		node.endpoints = entry->endpoints;
		node.endpoint_count = entry->endpoint_count;
	}
	return node;
}

struct roster_node roster_at(const struct roster *roster, size_t index)
{
	struct verified_node verified = trust_node_at(roster->trust, index);

	return node_of(roster, &verified);
}

bool roster_find(const struct roster *roster, const struct node_id *node,
	struct roster_node *ret_node)
{
	struct verified_node verified;

	if (!trust_find(roster->trust, node, &verified))
		return false;
	*ret_node = node_of(roster, &verified);
	return true;
}

bool roster_has_self(const struct roster *roster)
{
	struct verified_node self;

	return trust_find(roster->trust, &roster->self, &self) &&
		self.membership && !self.removed;
}

bool roster_is_removed(const struct roster *roster)
{
	struct verified_node self;

	return trust_find(roster->trust, &roster->self, &self) && self.removed;
}

void roster_settle(struct roster *roster, struct mono before)
{
	for (size_t i = 0; i < roster->entry_count; i++) {
		struct entry *entry = roster->entries[i];

		if (!mono_before(before, entry->news_at))
			entry->has_news = false;
		entry->has_failed = false;
	}
}

void roster_prefer(struct roster *roster, const struct node_id *node,
	const struct endpoint *ep)
{
	struct entry *entry = entry_find(roster, node);

	if (entry && candidate_usable(ep, trust_mesh(roster->trust)))
		entry->preferred = *ep;
}

void roster_demote(struct roster *roster, const struct node_id *node,
	const struct endpoint *failed)
{
	struct entry *entry = entry_find(roster, node);

	if (!entry || entry->endpoint_count == 0)
		return;
	if (endpoint_equal(&entry->endpoints[0], failed)) {
		struct endpoint first = entry->endpoints[0];
		size_t last = entry->endpoint_count - 1;

		memmove(&entry->endpoints[0], &entry->endpoints[1],
			last * sizeof(first));
		entry->endpoints[last] = first;
	}
	entry->has_failed = true;
}

/* ---- the roster as a netmap ---- */

struct collection {
	const struct envelope **envs;
	size_t count, cap;
	bool failed;
};

static void collect(void *arg, const struct envelope *env)
{
	struct collection *all = arg;

	if (all->count == all->cap) {
		size_t cap = all->cap ? 2 * all->cap : 64;
		const struct envelope **grown = reallocarray(
			all->envs, cap, sizeof(const struct envelope *));

		if (!grown) {
			all->failed = true;
			return;
		}
		all->envs = grown;
		all->cap = cap;
	}
	all->envs[all->count++] = env;
}

static void add_hint(
	struct msg_node_endpoints *hints, const struct endpoint *ep)
{
	for (size_t i = 0; i < hints->count; i++) {
		if (endpoint_equal(&hints->endpoints[i], ep))
			return;
	}
	if (hints->count < MSG_ENDPOINTS_MAX)
		hints->endpoints[hints->count++] = *ep;
}

static void fill_hints(const struct roster *roster, struct msg_netmap *map)
{
	for (size_t i = 0; i < roster->entry_count; i++) {
		const struct entry *entry = roster->entries[i];
		struct msg_node_endpoints *hints =
			&map->endpoints[map->endpoint_count];

		if (entry->withheld)
			map->withheld[map->withheld_count++] = entry->node;
		hints->node = entry->node;
		if (endpoint_known(&entry->preferred))
			add_hint(hints, &entry->preferred);
		for (size_t j = 0; j < entry->endpoint_count; j++)
			add_hint(hints, &entry->endpoints[j]);
		map->endpoint_count += hints->count > 0;
	}
}

int roster_encode(const struct roster *roster, struct buf *out)
{
	/* A delta that leads nowhere new, because only a delta may name the
	 * withheld; and none begins at 0. */
	uint64_t serial = roster->serial ? roster->serial : 1;
	struct msg_netmap map = { .serial = serial, .since = serial };
	struct collection all = { 0 };
	int r = -ENOMEM;

	trust_each_envelope(roster->trust, collect, &all);
	map.withheld = calloc(roster->entry_count + 1, sizeof(*map.withheld));
	map.endpoints = calloc(roster->entry_count + 1, sizeof(*map.endpoints));
	if (all.failed || !map.withheld || !map.endpoints)
		goto out;
	/* The encoder only reads; a decoded netmap owns its records. */
	map.records = (struct envelope **)(uintptr_t)all.envs;
	map.record_count = all.count;
	fill_hints(roster, &map);
	r = msg_netmap_encode(&map, out);
out:
	free(all.envs);
	free(map.withheld);
	free(map.endpoints);
	return r;
}

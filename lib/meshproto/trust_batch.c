/*
 * trust_batch: many records in one right order, whatever order they came in.
 *
 *   mesh record · grants · nodes of which the batch has a removal · nodes that
 *   the operator states · the other nodes · what cannot be read; and within a
 *   node: memberships by serial, keys by serial, removals
 *
 * Those to be removed come first, whole, so that they count against their
 * grants, and then let go of names and addresses that others hold by now. The
 * order is read off payloads that nobody verified yet: a liar can choose when
 * he is refused, no more. Only the operator's word is verified for it: whoever
 * he stated has its name and addresses before a holder of a token asks for them.
 */
#include "config.h"
#include "meshproto/trust.h"

#include "meshproto/record_form.h"
#include "meshproto/trust_offer.h"
#include "meshproto/trust_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* Second chances: a chain of nodes, each taking over the last one's name, is
 * undone by one link a round. */
#define ROUNDS_MAX 8

enum phase {
	PHASE_MESH,
	PHASE_GRANT,
	PHASE_REMOVED,
	PHASE_STATED,
	PHASE_LIVE,
	PHASE_UNREADABLE,
};

struct item {
	const struct envelope *env;
	enum phase phase;
	struct node_id node; /* 0 for mesh and grant */
	enum record_type type;
	uint64_t serial;
};

struct batch {
	struct trust *trust;
	const struct now *now;
	void (*on_refused)(
		void *arg, enum trust_verdict verdict, const struct err *err);
	void *arg;
	size_t accepted;
};

/* REC is overwritten: records are too large for two on the stack. */
static bool is_stated(const struct trust *trust, const struct envelope *env,
	struct record *rec)
{
	return !memcmp(env->key.b, trust->operator_key.b, sizeof(env->key.b)) &&
		record_open(env, rec, NULL) == 0;
}

static struct item item_of(
	const struct trust *trust, const struct envelope *env)
{
	struct item item = { .env = env };
	struct record rec;

	if (record_form_decode(env->payload, env->payload_len, &rec, NULL) <
		0) {
		item.phase = PHASE_UNREADABLE;
		return item;
	}
	item.type = rec.type;
	item.serial = rec.serial;
	switch (rec.type) {
	case RECORD_MESH:
		item.phase = PHASE_MESH;
		break;
	case RECORD_GRANT:
		item.phase = PHASE_GRANT;
		break;
	case RECORD_MEMBERSHIP:
		item.node = rec.membership.node;
		item.phase =
			is_stated(trust, env, &rec) ? PHASE_STATED : PHASE_LIVE;
		break;
	case RECORD_KEY:
		item.phase = PHASE_LIVE;
		item.node = rec.key.node;
		break;
	case RECORD_REMOVAL:
		item.phase = PHASE_REMOVED;
		item.node = rec.removal.node;
		break;
	}
	return item;
}

static int compare_ids(const void *a, const void *b)
{
	const struct node_id *x = a, *y = b;

	return memcmp(x->b, y->b, sizeof(x->b));
}

static int compare_bytes(const struct envelope *a, const struct envelope *b)
{
	int d = memcmp(a->sig.b, b->sig.b, sizeof(a->sig.b));

	if (!d)
		d = memcmp(a->key.b, b->key.b, sizeof(a->key.b));
	if (!d && a->payload_len != b->payload_len)
		return a->payload_len < b->payload_len ? -1 : 1;
	return d ? d : memcmp(a->payload, b->payload, a->payload_len);
}

static int compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int d;

	if (x->phase != y->phase)
		return x->phase < y->phase ? -1 : 1;
	d = compare_ids(&x->node, &y->node);
	if (d)
		return d;
	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	if (x->serial != y->serial)
		return x->serial < y->serial ? -1 : 1;
	return compare_bytes(x->env, y->env);
}

/* Whatever else the batch has of a node that it has in PHASE goes with it. */
static int gather(struct item *items, size_t count, enum phase phase)
{
	struct node_id *ids = calloc(count ? count : 1, sizeof(*ids));
	size_t n = 0;

	if (!ids)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (items[i].phase == phase)
			ids[n++] = items[i].node;
	}
	qsort(ids, n, sizeof(*ids), compare_ids);
	for (size_t i = 0; i < count; i++) {
		bool is_of_node = items[i].phase > phase &&
			items[i].phase < PHASE_UNREADABLE &&
			bsearch(&items[i].node, ids, n, sizeof(*ids),
				compare_ids);

		if (is_of_node)
			items[i].phase = phase;
	}
	free(ids);
	return 0;
}

static struct item *sort(
	const struct trust *trust, struct envelope *const *envs, size_t count)
{
	struct item *items = calloc(count ? count : 1, sizeof(*items));

	if (!items)
		return NULL;
	for (size_t i = 0; i < count; i++)
		items[i] = item_of(trust, envs[i]);
	if (gather(items, count, PHASE_REMOVED) < 0 ||
		gather(items, count, PHASE_STATED) < 0) {
		free(items);
		return NULL;
	}
	qsort(items, count, sizeof(*items), compare_items);
	return items;
}

/* The rest of a tombstone that is known, with its removal: nothing new. */
static bool is_buried(const struct batch *batch, const struct item *item)
{
	const struct trust_node *node;

	if (item->phase != PHASE_REMOVED || item->type == RECORD_REMOVAL)
		return false;
	node = trust_set_node(batch->trust, &item->node);
	return node && node->removal_env;
}

/* Offers ITEMS; those worth another try move to the front. Returns how many
 * they are. IS_LAST: no other try, all are told. */
static size_t offer_round(
	struct batch *batch, struct item *items, size_t count, bool is_last)
{
	size_t again = 0;

	for (size_t i = 0; i < count; i++) {
		struct err err = { 0 };
		enum trust_verdict verdict;
		bool may_change;

		if (is_buried(batch, &items[i]))
			continue;
		verdict = trust_offer_one(batch->trust, items[i].env,
			batch->now, &err, &may_change);
		if (verdict == TRUST_ACCEPTED)
			batch->accepted++;
		else if (verdict == TRUST_REFUSED && may_change && !is_last)
			items[again++] = items[i];
		else if (verdict != TRUST_KNOWN && batch->on_refused)
			batch->on_refused(batch->arg, verdict, &err);
	}
	return again;
}

size_t trust_offer_all(struct trust *trust, struct envelope *const *envs,
	size_t count, const struct now *now,
	void (*on_refused)(
		void *arg, enum trust_verdict verdict, const struct err *err),
	void *arg)
{
	struct batch batch = {
		.trust = trust, .now = now, .on_refused = on_refused, .arg = arg
	};
	struct item *items = sort(trust, envs, count);
	size_t before;

	if (!items) {
		struct err err = { 0 };

		(void)err_set(
			&err, -ENOMEM, "%zu records: out of memory", count);
		if (on_refused)
			on_refused(arg, TRUST_REFUSED, &err);
		return 0;
	}
	trust_set_batch_begin(trust);
	for (int round = 1; count; round++) {
		before = batch.accepted;
		count = offer_round(&batch, items, count, round == ROUNDS_MAX);
		if (batch.accepted == before)
			break;
	}
	(void)offer_round(&batch, items, count, true);
	trust_set_batch_end(trust);
	free(items);
	return batch.accepted;
}

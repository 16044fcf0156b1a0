#include "config.h"
#include "meshproto/trust_set.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define POINTERS_MIN 16

struct trust *trust_new(const struct signpub *op)
{
	struct trust *trust = calloc(1, sizeof(*trust));
	uint8_t key[HASH_KEY_SIZE];

	if (!trust)
		return NULL;
	trust->operator_key = *op;
	trust->mesh_id = mesh_id_of(op);
	/* hostile ids and names must not be able to choose their chain */
	randombytes_buf(key, sizeof(key));
	hash_init(&trust->node_table, key);
	hash_init(&trust->grant_table, key);
	hash_init(&trust->claim_table, key);
	return trust;
}

static void node_free(struct trust_node *node)
{
	if (!node)
		return;
	free(node->membership);
	free(node->key);
	envelope_free(node->admission_env);
	envelope_free(node->membership_env);
	envelope_free(node->key_env);
	envelope_free(node->removal_env);
	free(node);
}

static void grant_free(struct trust_grant *grant)
{
	if (!grant)
		return;
	envelope_free(grant->env);
	free(grant);
}

void trust_free(struct trust *trust)
{
	if (!trust)
		return;
	for (size_t i = 0; i < trust->node_count; i++)
		node_free(trust->nodes[i]);
	for (size_t i = 0; i < trust->grant_count; i++)
		grant_free(trust->grants[i]);
	free(trust->nodes);
	free(trust->grants);
	hash_release(&trust->node_table);
	hash_release(&trust->grant_table);
	hash_release(&trust->claim_table);
	envelope_free(trust->mesh_env);
	free(trust);
}

struct trust_node *trust_set_node(
	const struct trust *trust, const struct node_id *id)
{
	const struct hash *table = &trust->node_table;
	struct hash_node *at;

	at = hash_first(table, hash_of(table, id->b, sizeof(id->b)));
	for (; at; at = hash_next(at)) {
		struct trust_node *node =
			CONTAINER_OF(at, struct trust_node, link);

		if (node_id_equal(&node->id, id))
			return node;
	}
	return NULL;
}

struct trust_grant *trust_set_grant(
	const struct trust *trust, const struct signpub *delegate)
{
	const struct hash *table = &trust->grant_table;
	struct hash_node *at;

	at = hash_first(
		table, hash_of(table, delegate->b, sizeof(delegate->b)));
	for (; at; at = hash_next(at)) {
		struct trust_grant *grant =
			CONTAINER_OF(at, struct trust_grant, link);

		if (!memcmp(grant->grant.delegate.b, delegate->b,
			    sizeof(delegate->b)))
			return grant;
	}
	return NULL;
}

struct trust_node *trust_set_holder(const struct trust *trust,
	enum claim_kind kind, const void *value, size_t len)
{
	const struct hash *table = &trust->claim_table;
	struct hash_node *at = hash_first(table, hash_of(table, value, len));

	for (; at; at = hash_next(at)) {
		struct trust_claim *claim =
			CONTAINER_OF(at, struct trust_claim, link);

		if (claim->kind == kind && claim->len == len &&
			!memcmp(claim->value, value, len))
			return claim->holder;
	}
	return NULL;
}

/* ---- claims: room is reserved before, so these cannot fail ---- */

static void claim_release(struct trust *trust, struct trust_claim *claim)
{
	if (claim->len)
		hash_del(&trust->claim_table, &claim->link);
	*claim = (struct trust_claim){ 0 };
}

static void claim_take(struct trust *trust, struct trust_node *node,
	size_t slot, enum claim_kind kind, const void *value, size_t len)
{
	struct trust_claim *claim = &node->claims[slot];

	*claim = (struct trust_claim){
		.holder = node, .kind = kind, .value = value, .len = len
	};
	hash_add(&trust->claim_table, &claim->link,
		hash_of(&trust->claim_table, value, len));
}

static void release_membership_claims(
	struct trust *trust, struct trust_node *node)
{
	claim_release(trust, &node->claims[TRUST_CLAIM_NAME]);
	for (size_t i = 0; i < RECORD_ADDRESSES_MAX; i++)
		claim_release(trust, &node->claims[TRUST_CLAIM_ADDRESSES + i]);
}

static void take_membership_claims(struct trust *trust, struct trust_node *node)
{
	const struct record_membership *m = node->membership;

	claim_take(trust, node, TRUST_CLAIM_NAME, CLAIM_NAME, m->name,
		strlen(m->name));
	for (size_t i = 0; i < m->address_count; i++)
		claim_take(trust, node, TRUST_CLAIM_ADDRESSES + i,
			CLAIM_ADDRESS, &m->addresses[i].addr,
			sizeof(m->addresses[i].addr));
}

static int reserve_claims(struct trust *trust)
{
	return hash_reserve(
		&trust->claim_table, trust->claim_table.len + TRUST_CLAIMS);
}

/* ---- the arrays ---- */

/* Room for one more pointer in *ARRAY, a void ** by another name. */
static int reserve_pointer(void *array, size_t count, size_t *cap)
{
	size_t want = *cap ? *cap * 2 : POINTERS_MIN;
	void *old, *grown;

	if (count < *cap)
		return 0;
	memcpy(&old, array, sizeof(old));
	grown = reallocarray(old, want, sizeof(void *));
	if (!grown)
		return -ENOMEM;
	memcpy(array, &grown, sizeof(grown));
	*cap = want;
	return 0;
}

static int compare_nodes(const void *a, const void *b)
{
	const struct trust_node *const *x = a, *const *y = b;

	return memcmp((*x)->id.b, (*y)->id.b, sizeof((*x)->id.b));
}

/* Where ID belongs in the ordered array. */
static size_t place_of(const struct trust *trust, const struct node_id *id)
{
	size_t low = 0, high = trust->node_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (memcmp(trust->nodes[mid]->id.b, id->b, sizeof(id->b)) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int reserve_node(struct trust *trust)
{
	int r = reserve_pointer(
		&trust->nodes, trust->node_count, &trust->node_cap);

	return r < 0 ? r
		     : hash_reserve(&trust->node_table, trust->node_count + 1);
}

static void add_node(struct trust *trust, struct trust_node *node)
{
	size_t at = trust->in_batch ? trust->node_count
				    : place_of(trust, &node->id);

	memmove(&trust->nodes[at + 1], &trust->nodes[at],
		(trust->node_count - at) * sizeof(struct trust_node *));
	trust->nodes[at] = node;
	trust->node_count++;
	hash_add(&trust->node_table, &node->link,
		hash_of(&trust->node_table, node->id.b, sizeof(node->id.b)));
}

void trust_set_batch_begin(struct trust *trust)
{
	trust->in_batch = true;
	trust->ordered_count = trust->node_count;
}

void trust_set_batch_end(struct trust *trust)
{
	trust->in_batch = false;
	if (trust->node_count > trust->ordered_count)
		qsort(trust->nodes, trust->node_count,
			sizeof(struct trust_node *), compare_nodes);
}

/* ---- putting records in ---- */

static void replace_envelope(struct envelope **slot, struct envelope *env)
{
	envelope_free(*slot);
	*slot = env;
}

int trust_set_put_mesh(struct trust *trust, const struct record *rec,
	const struct envelope *env)
{
	struct envelope *copy = envelope_dup(env);

	if (!copy)
		return -ENOMEM;
	trust->mesh = rec->as_mesh;
	trust->mesh_serial = rec->serial;
	replace_envelope(&trust->mesh_env, copy);
	return 0;
}

int trust_set_put_grant(struct trust *trust, const struct record *rec,
	const struct envelope *env)
{
	struct trust_grant *grant = calloc(1, sizeof(*grant));

	if (!grant)
		return -ENOMEM;
	grant->grant = rec->grant;
	grant->serial = rec->serial;
	grant->env = envelope_dup(env);
	if (!grant->env ||
		reserve_pointer(&trust->grants, trust->grant_count,
			&trust->grant_cap) < 0 ||
		hash_reserve(&trust->grant_table, trust->grant_count + 1) < 0) {
		grant_free(grant);
		return -ENOMEM;
	}
	trust->grants[trust->grant_count++] = grant;
	hash_add(&trust->grant_table, &grant->link,
		hash_of(&trust->grant_table, grant->grant.delegate.b,
			sizeof(grant->grant.delegate.b)));
	return 0;
}

static struct trust_node *node_new(const struct node_id *id)
{
	struct trust_node *node = calloc(1, sizeof(*node));

	if (node)
		node->id = *id;
	return node;
}

/* What a delegate signed stays, out of the way, when the operator restates. */
static void supersede_membership(struct trust_node *node, struct envelope *env)
{
	bool was_admission = node->admitted_by && !node->admission_env;

	if (was_admission) {
		node->admission_env = node->membership_env;
		node->membership_env = NULL;
	}
	replace_envelope(&node->membership_env, env);
}

int trust_set_put_membership(struct trust *trust, const struct record *rec,
	const struct envelope *env, struct trust_grant *grant)
{
	struct trust_node *node = trust_set_node(trust, &rec->membership.node);
	struct record_membership *copy = malloc(sizeof(*copy));
	struct envelope *env_copy = envelope_dup(env);
	bool is_new = !node;

	if (is_new)
		node = node_new(&rec->membership.node);
	if (!copy || !env_copy || !node || reserve_claims(trust) < 0 ||
		(is_new && reserve_node(trust) < 0)) {
		free(copy);
		envelope_free(env_copy);
		if (is_new)
			node_free(node);
		return -ENOMEM;
	}
	*copy = rec->membership;
	if (is_new)
		add_node(trust, node);
	release_membership_claims(trust, node);
	free(node->membership);
	node->membership = copy;
	node->membership_serial = rec->serial;
	supersede_membership(node, env_copy);
	take_membership_claims(trust, node);
	if (grant && !node->admitted_by) {
		node->admitted_by = grant;
		grant->admitted++;
	}
	return 0;
}

int trust_set_put_admission(struct trust *trust, struct trust_node *node,
	const struct envelope *env, struct trust_grant *grant)
{
	BUG_ON(node->admitted_by);
	node->admission_env = envelope_dup(env);
	if (!node->admission_env)
		return -ENOMEM;
	node->admitted_by = grant;
	grant->admitted++;
	return 0;
}

int trust_set_put_key(struct trust *trust, struct trust_node *node,
	const struct record *rec, const struct envelope *env)
{
	struct record_key *copy = malloc(sizeof(*copy));
	struct envelope *env_copy = envelope_dup(env);

	if (!copy || !env_copy || reserve_claims(trust) < 0) {
		free(copy);
		envelope_free(env_copy);
		return -ENOMEM;
	}
	*copy = rec->key;
	claim_release(trust, &node->claims[TRUST_CLAIM_KEY]);
	free(node->key);
	node->key = copy;
	node->key_serial = rec->serial;
	replace_envelope(&node->key_env, env_copy);
	claim_take(trust, node, TRUST_CLAIM_KEY, CLAIM_KEY,
		node->key->public_key.b, sizeof(node->key->public_key.b));
	return 0;
}

/* The membership stays, to name the node and to count against its grant. */
int trust_set_put_removal(struct trust *trust, const struct record *rec,
	const struct envelope *env)
{
	struct trust_node *node = trust_set_node(trust, &rec->removal.node);
	struct envelope *env_copy = envelope_dup(env);
	bool is_new = !node;
	bool is_stray =
		memcmp(env->key.b, trust->operator_key.b, sizeof(env->key.b));

	if (is_new)
		node = node_new(&rec->removal.node);
	if (!env_copy || !node || (is_new && reserve_node(trust) < 0)) {
		envelope_free(env_copy);
		if (is_new)
			node_free(node);
		return -ENOMEM;
	}
	if (is_new) {
		add_node(trust, node);
		trust->stray_count += is_stray;
	}
	release_membership_claims(trust, node);
	claim_release(trust, &node->claims[TRUST_CLAIM_KEY]);
	free(node->key);
	node->key = NULL;
	replace_envelope(&node->key_env, NULL);
	replace_envelope(&node->removal_env, env_copy);
	return 0;
}

/* presence: see presence.h. */
#include "config.h"

#include "meshd/presence.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/banned.h"

void presence_init(struct presence *presence)
{
	uint8_t key[HASH_KEY_SIZE];

	randombytes_buf(key, sizeof(key));
	hash_init(&presence->nodes, key);
}

static struct presence_node *node_of(struct hash_node *hash)
{
	return CONTAINER_OF(hash, struct presence_node, hash);
}

static void node_free(struct presence_node *node)
{
	free(node->peers);
	free(node);
}

void presence_release(struct presence *presence)
{
	struct hash *hash = &presence->nodes;

	for (size_t i = 0; i < hash->bucket_count; i++) {
		struct hash_node *at = hash->buckets[i], *next;

		for (; at; at = next) {
			next = at->next;
			node_free(node_of(at));
		}
	}
	hash_release(hash);
}

struct presence_node *presence_find(
	const struct presence *presence, const struct node_id *id)
{
	const struct hash *hash = &presence->nodes;
	struct hash_node *at;

	if (hash->bucket_count == 0)
		return NULL;
	at = hash_first(hash, hash_of(hash, id->b, sizeof(id->b)));
	while (at && !node_id_equal(&node_of(at)->id, id))
		at = hash_next(at);
	return at ? node_of(at) : NULL;
}

struct presence_node *presence_seen(struct presence *presence,
	const struct node_id *id, const struct now *now)
{
	struct hash *hash = &presence->nodes;
	struct presence_node *node = presence_find(presence, id);

	if (!node) {
		if (hash_reserve(hash, hash->len + 1) < 0)
			return NULL;
		node = calloc(1, sizeof(*node));
		if (!node)
			return NULL;
		node->id = *id;
		hash_add(
			hash, &node->hash, hash_of(hash, id->b, sizeof(id->b)));
	}
	node->last_seen = *now;
	node->hung_up = false;
	return node;
}

void presence_forget(struct presence *presence, const struct node_id *id)
{
	struct presence_node *node = presence_find(presence, id);

	if (!node)
		return;
	hash_del(&presence->nodes, &node->hash);
	node_free(node);
}

struct presence_state presence_state(
	const struct presence_node *node, const struct now *now)
{
	struct presence_state state = { 0 };
	int64_t silent_ns;

	if (!node)
		return state;
	silent_ns = mono_sub(now->mono, node->last_seen.mono);
	state.online = node->polls > 0 ||
		(!node->hung_up && silent_ns < 2 * node->wait_ns);
	state.applied = node->applied;
	return state;
}

uint32_t presence_pending(const struct presence *presence, uint64_t serial,
	const struct now *now, struct node_id *ret_one)
{
	const struct hash *hash = &presence->nodes;
	uint32_t pending = 0;

	for (size_t i = 0; i < hash->bucket_count; i++)
		for (struct hash_node *at = hash->buckets[i]; at;
			at = at->next) {
			struct presence_node *node = node_of(at);
			struct presence_state is = presence_state(node, now);

			if (!is.online || is.applied >= serial)
				continue;
			*ret_one = node->id;
			pending++;
		}
	return pending;
}

#include "config.h"
#include "base/hash.h"
#include "base/wire.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/banned.h"

#define HASH_BUCKETS_MIN 8

_Static_assert(crypto_shorthash_siphash24_KEYBYTES == HASH_KEY_SIZE &&
		crypto_shorthash_siphash24_BYTES == sizeof(struct le64),
	"SipHash-2-4: 16 bytes in the key, 8 in the hash");

void hash_init(struct hash *hash, const uint8_t key[static HASH_KEY_SIZE])
{
	*hash = (struct hash){ 0 };
	memcpy(hash->key, key, HASH_KEY_SIZE);
}

void hash_release(struct hash *hash)
{
	free(hash->buckets);
	sodium_memzero(hash, sizeof(*hash));
}

static struct hash_node **bucket_of(const struct hash *hash, uint64_t h)
{
	return &hash->buckets[h & (hash->bucket_count - 1)];
}

int hash_reserve(struct hash *hash, size_t count)
{
	struct hash grown = *hash;
	size_t want = HASH_BUCKETS_MIN;

	while (want < count) {
		if (want > SIZE_MAX / 2)
			return -ENOMEM;
		want *= 2;
	}
	if (want <= hash->bucket_count)
		return 0;
	grown.buckets = calloc(want, sizeof(struct hash_node *));
	if (!grown.buckets)
		return -ENOMEM;
	grown.bucket_count = want;
	grown.len = 0;
	for (size_t i = 0; i < hash->bucket_count; i++) {
		struct hash_node *node = hash->buckets[i], *next;

		for (; node; node = next) {
			next = node->next;
			hash_add(&grown, node, node->hash);
		}
	}
	free(hash->buckets);
	*hash = grown;
	return 0;
}

uint64_t hash_of(const struct hash *hash, const void *bytes, size_t len)
{
	struct le64 out;

	(void)crypto_shorthash_siphash24(out.b, bytes, len, hash->key);
	return le64_get(out);
}

void hash_add(struct hash *hash, struct hash_node *node, uint64_t h)
{
	struct hash_node **bucket;

	BUG_ON(!hash->bucket_count);
	bucket = bucket_of(hash, h);
	node->hash = h;
	node->next = *bucket;
	*bucket = node;
	hash->len++;
}

void hash_del(struct hash *hash, struct hash_node *node)
{
	struct hash_node **link;

	BUG_ON(!hash->bucket_count);
	link = bucket_of(hash, node->hash);
	while (*link != node) {
		BUG_ON(!*link);
		link = &(*link)->next;
	}
	*link = node->next;
	node->next = NULL;
	hash->len--;
}

/* From NODE on, itself included. */
static struct hash_node *with_hash(struct hash_node *node, uint64_t h)
{
	while (node && node->hash != h)
		node = node->next;
	return node;
}

struct hash_node *hash_first(const struct hash *hash, uint64_t h)
{
	return hash->bucket_count ? with_hash(*bucket_of(hash, h), h) : NULL;
}

struct hash_node *hash_next(const struct hash_node *node)
{
	return with_hash(node->next, node->hash);
}

/*
 * hash: intrusive chained table under a keyed SipHash-2-4, so that nobody who
 * does not know the key can make a chain long. Grows in hash_reserve() only.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/auto.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_KEY_SIZE 16

struct hash_node {
	struct hash_node *next;
	uint64_t hash;
};
struct hash {
	struct hash_node **buckets; /* power of two */
	size_t bucket_count, len;
	uint8_t key[HASH_KEY_SIZE];
};

/* KEY is HASH_KEY_SIZE random bytes. No memory is taken yet. */
void hash_init(struct hash *hash, const uint8_t key[static HASH_KEY_SIZE]);
void hash_release(struct hash *hash); /* not the nodes */
/* Buckets for COUNT nodes at a load of one; 0 or -ENOMEM, table intact. */
int hash_reserve(struct hash *hash, size_t count);
uint64_t hash_of(const struct hash *hash, const void *bytes, size_t len);
void hash_add(struct hash *hash, struct hash_node *node, uint64_t h);
void hash_del(struct hash *hash, struct hash_node *node);
/* First node with this hash, then the next with it; NULL at the end. The
 * caller compares the keys. */
struct hash_node *hash_first(const struct hash *hash, uint64_t h);
struct hash_node *hash_next(const struct hash_node *node);

#endif

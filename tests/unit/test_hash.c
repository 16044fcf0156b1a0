/* hash: against an array that is searched; SipHash-2-4 against the vector of
 * its paper (Aumasson, Bernstein 2012, appendix A). */
#include "config.h"
#include "rows.h"
#include "base/auto.h"
#include "base/hash.h"

#include <errno.h>

#define ITEMS 300

struct item {
	struct hash_node node;
	uint32_t id;
	bool in;
};

static const uint8_t counted_key[HASH_KEY_SIZE] = { 0, 1, 2, 3, 4, 5, 6, 7, 8,
	9, 10, 11, 12, 13, 14, 15 };

static void test_siphash_vector(void **state)
{
	uint8_t bytes[15];
	struct hash hash;

	for (uint8_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = i;
	hash_init(&hash, counted_key);
	assert_true(hash_of(&hash, bytes, sizeof(bytes)) ==
		UINT64_C(0xa129ca6149be45e5));
	hash_release(&hash);
}

static struct item *find(const struct hash *hash, uint64_t h, uint32_t id)
{
	struct hash_node *node = hash_first(hash, h);

	for (; node; node = hash_next(node)) {
		struct item *item = CONTAINER_OF(node, struct item, node);

		assert_true(node->hash == h);
		if (item->id == id)
			return item;
	}
	return NULL;
}

/* SPREAD: how many different hashes there are; 1 puts all into one chain. */
static void run_against_naive(uint64_t spread)
{
	static struct item items[ITEMS];
	struct random r = random_start();
	struct hash hash;
	size_t count = 0;

	hash_init(&hash, counted_key);
	assert_null(hash_first(&hash, 1));
	assert_int_equal(hash_reserve(&hash, 1), 0);
	for (uint32_t i = 0; i < ITEMS; i++)
		items[i] = (struct item){ .id = i };
	for (int step = 0; step < 20000; step++) {
		struct item *item = &items[random_below(&r, ITEMS)];
		uint64_t h = hash_of(&hash, &item->id, sizeof(item->id));

		h %= spread;
		if (item->in) {
			hash_del(&hash, &item->node);
			count--;
		} else {
			hash_add(&hash, &item->node, h);
			count++;
		}
		item->in = !item->in;
		if (step == 10000)
			assert_int_equal(hash_reserve(&hash, ITEMS), 0);
		assert_int_equal(hash.len, count);
		item = &items[random_below(&r, ITEMS)];
		h = hash_of(&hash, &item->id, sizeof(item->id)) % spread;
		assert_ptr_equal(
			find(&hash, h, item->id), item->in ? item : NULL);
	}
	hash_release(&hash);
}

static void test_against_naive(void **state)
{
	run_against_naive(UINT64_MAX);
}

static void test_all_collide(void **state)
{
	run_against_naive(1);
}

static void test_few_hashes(void **state)
{
	run_against_naive(7);
}

static void test_reserve_keeps_all(void **state)
{
	struct item items[100] = { 0 };
	struct hash hash;

	hash_init(&hash, counted_key);
	assert_int_equal(hash_reserve(&hash, 0), 0);
	for (uint32_t i = 0; i < 100; i++) {
		items[i].id = i;
		hash_add(&hash, &items[i].node, hash_of(&hash, &i, sizeof(i)));
	}
	assert_int_equal(hash_reserve(&hash, SIZE_MAX), -ENOMEM);
	assert_int_equal(hash_reserve(&hash, SIZE_MAX / 64), -ENOMEM);
	assert_int_equal(hash_reserve(&hash, 1000), 0);
	assert_int_equal(hash.bucket_count, 1024);
	assert_int_equal(hash.len, 100);
	for (uint32_t i = 0; i < 100; i++)
		assert_ptr_equal(find(&hash, hash_of(&hash, &i, sizeof(i)), i),
			&items[i]);
	hash_release(&hash);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_siphash_vector),
		cmocka_unit_test(test_against_naive),
		cmocka_unit_test(test_all_collide),
		cmocka_unit_test(test_few_hashes),
		cmocka_unit_test(test_reserve_keeps_all),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}

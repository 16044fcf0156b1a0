/* index: unique, random, found again; taken over; growing keeps all. */
#include "config.h"

#include "tests/unit/coretest.h"

#include "engine/core/index.h"

#include <string.h>

#include "base/banned.h"

#define MANY 2000

static struct index_entry entries[MANY];

static void fill_scripted(void *arg, uint8_t *bytes, size_t len)
{
	const uint32_t **next = arg;
	uint32_t v = *(*next)++;

	assert_int_equal(len, 4);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(v >> (8 * i));
}

/* A random number that is taken is drawn again. */
static void test_collision(void **state)
{
	static const uint32_t script[] = { 7, 7, 7, 0, 0, 0xffffffff };
	const uint32_t *next = script;
	const struct wg_rng rng = { fill_scripted, &next };
	struct index_entry a = { 0 }, b = { 0 }, c = { 0 };
	struct index_table table = { 0 };

	(void)state;
	assert_null(index_find(&table, 7));
	assert_int_equal(index_reserve(&table, 3), 0);
	index_insert(&table, &rng, &a, INDEX_HANDSHAKE, NULL);
	index_insert(&table, &rng, &b, INDEX_KEYPAIR, NULL);
	index_insert(&table, &rng, &c, INDEX_KEYPAIR, NULL);
	assert_int_equal(a.index, 7);
	assert_int_equal(b.index, 0);
	assert_int_equal(c.index, 0xffffffff);
	assert_ptr_equal(index_find(&table, 7), &a);
	assert_ptr_equal(index_find(&table, 0), &b);
	assert_ptr_equal(index_find(&table, 0xffffffff), &c);
	assert_null(index_find(&table, 23)); /* the bucket of 7 */
	index_release(&table);
}

static void test_replace(void **state)
{
	struct testrng rng = { 1 };
	const struct wg_rng wg = testrng_wg(&rng);
	struct index_entry from = { 0 }, to = { 0 };
	struct index_table table = { 0 };
	struct wg_peer *peer = (void *)&rng;
	uint32_t index, old;

	(void)state;
	assert_int_equal(index_reserve(&table, 3), 0);
	index_insert(&table, &wg, &from, INDEX_HANDSHAKE, peer);
	index_insert(&table, &wg, &to, INDEX_KEYPAIR, NULL);
	index = from.index;
	old = to.index;
	index_replace(&table, &from, &to, INDEX_KEYPAIR);
	assert_ptr_equal(index_find(&table, index), &to);
	assert_null(index_find(&table, old));
	assert_ptr_equal(to.peer, peer);
	assert_int_equal(to.kind, INDEX_KEYPAIR);
	assert_int_equal(from.kind, INDEX_FREE);
	/* A fresh index forgets the one before. */
	index_insert(&table, &wg, &to, INDEX_HANDSHAKE, peer);
	assert_null(index_find(&table, index));
	index_remove(&table, &to);
	index_remove(&table, &to);
	assert_null(index_find(&table, to.index));
	index_release(&table);
}

static void test_many(void **state)
{
	struct testrng rng = testrng_seeded();
	const struct wg_rng wg = testrng_wg(&rng);
	struct index_table table = { 0 };
	uint32_t bits = 0;

	(void)state;
	memset(entries, 0, sizeof(entries));
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(index_reserve(&table, i + 1), 0);
		index_insert(&table, &wg, &entries[i], INDEX_KEYPAIR, NULL);
		bits |= entries[i].index;
	}
	assert_int_equal(bits, 0xffffffff); /* all of 32 bits are used */
	for (size_t i = 0; i < MANY; i++)
		assert_ptr_equal(
			index_find(&table, entries[i].index), &entries[i]);
	for (size_t i = 0; i < MANY; i += 2)
		index_remove(&table, &entries[i]);
	for (size_t i = 0; i < MANY; i++)
		assert_ptr_equal(index_find(&table, entries[i].index),
			i % 2 ? &entries[i] : NULL);
	index_release(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_collision),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

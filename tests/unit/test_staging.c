/* staging: order, the oldest goes, and nobody can keep the pool. */
#include "config.h"

#include "tests/unit/coretest.h"

#include "engine/core/limits.h"
#include "engine/core/staging.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static uint8_t packet[INNER_PACKET_MAX], popped[INNER_PACKET_MAX];

static size_t push(struct staging *st, struct staged *q, uint32_t n, size_t len)
{
	for (size_t i = 0; i < len; i++)
		packet[i] = (uint8_t)(n + i * 3 + (i >> 8));
	return staging_push(st, q, packet, len);
}

static void expect(struct staging *st, struct staged *q, uint32_t n, size_t len)
{
	assert_int_equal(staging_pop(st, q, popped), len);
	for (size_t i = 0; i < len; i++)
		packet[i] = (uint8_t)(n + i * 3 + (i >> 8));
	assert_memory_equal(popped, packet, len);
}

static void test_oldest_dropped(void **state)
{
	struct staging st;
	struct staged q;

	(void)state;
	assert_true(staging_init(&st));
	staged_init(&q);
	for (uint32_t i = 0; i < STAGED_PER_PEER_MAX; i++)
		assert_int_equal(push(&st, &q, i, 100 + i), 0);
	assert_int_equal(push(&st, &q, 1000, 1), 1);
	assert_int_equal(push(&st, &q, 1001, 2), 1);
	assert_int_equal(q.len, STAGED_PER_PEER_MAX);
	for (uint32_t i = 2; i < STAGED_PER_PEER_MAX; i++)
		expect(&st, &q, i, 100 + i);
	expect(&st, &q, 1000, 1);
	expect(&st, &q, 1001, 2);
	assert_int_equal(q.len, 0);
	assert_int_equal(st.free_count, STAGING_CHUNKS);
	staging_release(&st);
}

struct size_row {
	size_t len, chunks;
	int line;
};
static const struct size_row sizes[] = {
	{ 0, 1, __LINE__ },
	{ 1, 1, __LINE__ },
	{ 1420, 1, __LINE__ },
	{ STAGING_CHUNK_SIZE, 1, __LINE__ },
	{ STAGING_CHUNK_SIZE + 1, 2, __LINE__ },
	{ 9000, 5, __LINE__ },
	{ INNER_PACKET_MAX, 32, __LINE__ },
};

static void test_sizes(void **state)
{
	struct staging st;
	struct staged q;

	(void)state;
	assert_true(staging_init(&st));
	staged_init(&q);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		const struct size_row *row = &sizes[i];

		(void)push(&st, &q, 7, row->len);
		ROW_EQUAL(row, STAGING_CHUNKS - st.free_count, row->chunks);
		expect(&st, &q, 7, row->len);
	}
	staging_release(&st);
}

/* Hogs fill the pool; a newcomer's packet is taken, the oldest hog pays. */
static void test_pool_is_shared(void **state)
{
	enum { HOGS = STAGING_CHUNKS / STAGED_PER_PEER_MAX };
	struct staged hog[HOGS], newcomer;
	struct staging st;

	(void)state;
	assert_true(staging_init(&st));
	for (int i = 0; i < HOGS; i++) {
		staged_init(&hog[i]);
		for (uint32_t n = 0; n < STAGED_PER_PEER_MAX; n++)
			assert_int_equal(push(&st, &hog[i], n, 60), 0);
	}
	assert_int_equal(st.free_count, 0);
	staged_init(&newcomer);
	assert_int_equal(push(&st, &newcomer, 5, 3 * STAGING_CHUNK_SIZE), 3);
	assert_int_equal(hog[0].len, STAGED_PER_PEER_MAX - 3);
	assert_int_equal(hog[1].len, STAGED_PER_PEER_MAX);
	expect(&st, &hog[0], 3, 60);
	expect(&st, &newcomer, 5, 3 * STAGING_CHUNK_SIZE);
	staging_purge(&st, &hog[0]);
	assert_int_equal(hog[0].len, 0);
	assert_int_equal(st.free_count,
		STAGING_CHUNKS - (HOGS - 1) * STAGED_PER_PEER_MAX);
	staging_release(&st);
}

/* The naive twin: queues as plain arrays, one list of who came when. */
struct twin_packet {
	uint32_t n;
	size_t len;
	int owner; /* -1: gone */
};
static size_t chunks_of(size_t len)
{
	return len > STAGING_CHUNK_SIZE
		? (len + STAGING_CHUNK_SIZE - 1) / STAGING_CHUNK_SIZE
		: 1;
}

static void test_twin(void **state)
{
	enum { PEERS = 20, STEPS = 20000 };
	struct testrng rng = testrng_seeded();
	struct twin_packet *twin = calloc(STEPS, sizeof(*twin));
	struct staged q[PEERS];
	size_t used = 0, count = 0;
	struct staging st;

	(void)state;
	assert_non_null(twin);
	assert_true(staging_init(&st));
	for (int i = 0; i < PEERS; i++)
		staged_init(&q[i]);
	for (uint32_t step = 0; step < STEPS; step++) {
		int peer = (int)testrng_below(&rng, PEERS);
		size_t len = testrng_below(&rng, 10)
			? 1400
			: testrng_below(&rng, 9000);

		if (testrng_below(&rng, 5) || !q[peer].len) {
			size_t own = 0, dropped = 0;

			for (size_t i = 0; i < count; i++)
				own += twin[i].owner == peer;
			for (size_t i = 0; i < count; i++) {
				bool over =
					used + chunks_of(len) > STAGING_CHUNKS;
				bool mine = twin[i].owner == peer &&
					own >= STAGED_PER_PEER_MAX;

				if (own >= STAGED_PER_PEER_MAX
						? !mine
						: !over || twin[i].owner < 0)
					continue;
				own -= twin[i].owner == peer;
				used -= chunks_of(twin[i].len);
				twin[i].owner = -1;
				dropped++;
				i = SIZE_MAX; /* look again from the oldest */
			}
			twin[count++] = (struct twin_packet){ step, len, peer };
			used += chunks_of(len);
			assert_int_equal(
				push(&st, &q[peer], step, len), dropped);
		} else {
			size_t i = 0;

			while (twin[i].owner != peer)
				i++;
			expect(&st, &q[peer], twin[i].n, twin[i].len);
			used -= chunks_of(twin[i].len);
			twin[i].owner = -1;
		}
		assert_int_equal(st.free_count, STAGING_CHUNKS - used);
		/* Forget what is gone. */
		if (step % 64 == 0) {
			size_t to = 0;

			for (size_t i = 0; i < count; i++)
				if (twin[i].owner >= 0)
					twin[to++] = twin[i];
			count = to;
		}
	}
	staging_release(&st);
	free(twin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_oldest_dropped),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_pool_is_shared),
		cmocka_unit_test(test_twin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* heap: against an array that is searched from end to end. */
#include "config.h"
#include "rows.h"
#include "base/auto.h"
#include "base/heap.h"

#include <errno.h>

#define NODES 200

struct naive {
	bool in;
	int64_t ns;
	uint64_t set_at; /* number of the step that set it */
};

static size_t naive_first(const struct naive *twin)
{
	size_t best = NODES;

	for (size_t i = 0; i < NODES; i++) {
		if (!twin[i].in)
			continue;
		if (best == NODES || twin[i].ns < twin[best].ns ||
			(twin[i].ns == twin[best].ns &&
				twin[i].set_at < twin[best].set_at))
			best = i;
	}
	return best;
}

static void test_against_naive(void **state)
{
	static struct heap_node nodes[NODES];
	static struct naive twin[NODES];
	struct random r = random_start();
	struct heap heap = { 0 };

	assert_int_equal(heap_reserve(&heap, NODES), 0);
	for (uint64_t step = 0; step < 40000; step++) {
		size_t i = random_below(&r, NODES), first;
		struct heap_node *top;

		switch (random_below(&r, 8)) {
		case 0:
			heap_remove(&heap, &nodes[i]);
			twin[i].in = false;
			break;
		case 1:
			heap_set(&heap, &nodes[i], MONO_NEVER);
			twin[i].in = false;
			break;
		case 2:
		case 3: /* what a loop does: the first one leaves */
			first = naive_first(twin);
			if (first == NODES)
				break;
			heap_remove(&heap, heap_peek(&heap));
			twin[first].in = false;
			break;
		default: /* few different deadlines: many are equal */
			twin[i] = (struct naive){ true,
				(int64_t)random_below(&r, 50) - 10, step };
			heap_set(&heap, &nodes[i], (struct mono){ twin[i].ns });
		}
		first = naive_first(twin);
		top = heap_peek(&heap);
		assert_ptr_equal(top, first == NODES ? NULL : &nodes[first]);
		assert_int_equal(nodes[i].slot != 0, twin[i].in);
	}
	heap_release(&heap);
	for (size_t i = 0; i < NODES; i++)
		assert_int_equal(nodes[i].slot, 0);
}

static void test_equal_deadlines_leave_as_set(void **state)
{
	struct heap_node nodes[20] = { 0 };
	struct heap heap = { 0 };

	assert_int_equal(heap_reserve(&heap, ARRAY_SIZE(nodes)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++)
		heap_set(&heap, &nodes[i * 7 % 20], (struct mono){ 5 });
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		assert_ptr_equal(heap_peek(&heap), &nodes[i * 7 % 20]);
		heap_remove(&heap, heap_peek(&heap));
	}
	assert_null(heap_peek(&heap));
	heap_release(&heap);
}

static void test_reserve(void **state)
{
	struct heap_node a = { 0 }, b = { 0 };
	struct heap heap = { 0 };

	assert_null(heap_peek(&heap));
	heap_remove(&heap, &a); /* in no heap: harmless */
	assert_int_equal(heap_reserve(&heap, 1), 0);
	heap_set(&heap, &a, (struct mono){ 2 });
	assert_int_equal(heap_reserve(&heap, SIZE_MAX), -ENOMEM);
	assert_ptr_equal(heap_peek(&heap), &a);
	assert_int_equal(heap_reserve(&heap, 2), 0);
	heap_set(&heap, &b, (struct mono){ 1 });
	assert_ptr_equal(heap_peek(&heap), &b);
	assert_int_equal(heap_reserve(&heap, 1), 0); /* never shrinks */
	assert_int_equal(heap.cap, 2);
	heap_release(&heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_naive),
		cmocka_unit_test(test_equal_deadlines_leave_as_set),
		cmocka_unit_test(test_reserve),
	};

	return cmocka_run_group_tests_name("heap", tests, NULL, NULL);
}

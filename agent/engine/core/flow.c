#include "config.h"

#include "engine/core/flow.h"

#include <string.h>

#include "base/banned.h"

bool path_cell_try_set(struct path_cell *cell, const struct wg_path *path)
{
	uint64_t words[PATH_WORDS] = { 0 };
	uint32_t next;

	if (atomic_flag_test_and_set_explicit(
		    &cell->writing, memory_order_acquire))
		return false;
	next = atomic_load_explicit(&cell->sequence, memory_order_relaxed) + 1;
	memcpy(words, path, sizeof(*path));
	/* A reader that sees one of these sees the present sequence, and that
	 * what it reads is being written over. */
	for (size_t i = 0; i < PATH_WORDS; i++)
		atomic_store_explicit(&cell->words[next % 2][i], words[i],
			memory_order_release);
	atomic_store_explicit(&cell->sequence, next, memory_order_release);
	atomic_flag_clear_explicit(&cell->writing, memory_order_release);
	return true;
}

void path_cell_set(struct path_cell *cell, const struct wg_path *path)
{
	while (!path_cell_try_set(cell, path))
		; /* a worker's few ns */
}

void path_cell_get(struct path_cell *cell, struct wg_path *ret_path)
{
	uint64_t words[PATH_WORDS];
	uint32_t before, after;

	do {
		before = atomic_load_explicit(
			&cell->sequence, memory_order_acquire);
		for (size_t i = 0; i < PATH_WORDS; i++)
			words[i] = atomic_load_explicit(
				&cell->words[before % 2][i],
				memory_order_acquire);
		after = atomic_load_explicit(
			&cell->sequence, memory_order_relaxed);
	} while (before != after);
	memcpy(ret_path, words, sizeof(*ret_path));
}

bool path_equal(const struct wg_path *a, const struct wg_path *b)
{
	return a == b ||
		(endpoint_equal(&a->remote, &b->remote) &&
			ipaddr_equal(&a->local, &b->local) &&
			a->ifindex == b->ifindex);
}

/* Stores that would change nothing are left out: the line stays shared. */
static void note(_Atomic int64_t *at, int64_t ns)
{
	if (atomic_load_explicit(at, memory_order_relaxed) != ns)
		atomic_store_explicit(at, ns, memory_order_relaxed);
}

/* True if the wait that is on now has no watcher. */
static bool begin_wait(struct activity *a, _Atomic int64_t *since, int64_t ns,
	enum watch watch)
{
	if (atomic_load_explicit(since, memory_order_relaxed) == 0)
		atomic_store(since, ns);
	return !(atomic_load(&a->watched) & watch);
}

bool activity_on_data_sent(struct activity *a, struct mono now)
{
	return begin_wait(a, &a->unanswered_ns, now.ns, WATCH_UNANSWERED);
}

bool activity_on_data_received(struct activity *a, struct mono now)
{
	if (atomic_load_explicit(&a->unacked_ns, memory_order_relaxed) != 0 &&
		!atomic_load_explicit(
			&a->need_another_keepalive, memory_order_relaxed))
		atomic_store_explicit(
			&a->need_another_keepalive, true, memory_order_relaxed);
	return begin_wait(a, &a->unacked_ns, now.ns, WATCH_UNACKED);
}

void activity_on_any_sent(struct activity *a, struct mono now)
{
	note(&a->unacked_ns, 0);
	note(&a->traversed_ns, now.ns);
}

void activity_on_any_received(struct activity *a, struct mono now)
{
	note(&a->unanswered_ns, 0);
	note(&a->traversed_ns, now.ns);
	note(&a->received_ns, now.ns);
}

void activity_clear(struct activity *a)
{
	atomic_store(&a->unanswered_ns, 0);
	atomic_store(&a->unacked_ns, 0);
	atomic_store(&a->traversed_ns, 0);
	atomic_store(&a->need_another_keepalive, false);
	atomic_store(&a->watched, 0);
}

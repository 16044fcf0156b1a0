/*
 * retire: memory that data workers may still look at, kept until they cannot.
 *
 *   1. unlink   control takes the thing out of every table and pointer that
 *               workers read: no new reference can start
 *   2. retire   it waits in the list, whole
 *   3. grace    every worker was outside its calls since (engine/linux): no old
 *               reference is left
 *   4. reclaim  it is freed, or wiped and used again
 *
 * Without workers there is nobody to wait for: retire() frees at once.
 *
 * Control's alone. Knows nothing of what it keeps, nor of how to wait.
 */
#ifndef ENGINE_CORE_RETIRE_H
#define ENGINE_CORE_RETIRE_H

#include "base/auto.h"

#include <stdbool.h>
#include <stddef.h>

struct retired { /* part of what is retired */
	struct retired *next;
	void (*free)(struct retired *retired);
};

struct retirement {
	struct retired *list;
	bool deferred; /* there are workers */
};

void retire(struct retirement *retirement, struct retired *retired,
	void (*free)(struct retired *retired));
bool retire_pending(const struct retirement *retirement);
/* Grace: see 3. */
void retire_reclaim(struct retirement *retirement);

#endif

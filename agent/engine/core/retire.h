#ifndef ENGINE_CORE_RETIRE_H
#define ENGINE_CORE_RETIRE_H
#include "base/auto.h"
#include <stdbool.h>
#include <stddef.h>
struct retired {
	struct retired *next;
	void (*free)(struct retired *);
};
struct retirement {
	struct retired *list;
	bool deferred;
};
void retire(
	struct retirement *, struct retired *, void (*free)(struct retired *));
bool retire_pending(const struct retirement *);
void retire_reclaim(struct retirement *);
#endif

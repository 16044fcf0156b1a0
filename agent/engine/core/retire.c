#include "config.h"

#include "engine/core/retire.h"

#include "base/banned.h"

void retire(struct retirement *retirement, struct retired *retired,
	void (*free)(struct retired *retired))
{
	if (!retirement->deferred) {
		free(retired);
		return;
	}
	retired->free = free;
	retired->next = retirement->list;
	retirement->list = retired;
}

bool retire_pending(const struct retirement *retirement)
{
	return retirement->list != NULL;
}

void retire_reclaim(struct retirement *retirement)
{
	/* Last in, first out: a keypair goes before the peer it names. */
	while (retirement->list) {
		struct retired *retired = retirement->list;

		retirement->list = retired->next;
		retired->free(retired);
	}
}

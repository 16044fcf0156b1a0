#include "config.h"
#include "engine/core/retire.h"
#include "base/banned.h"
void retire(struct retirement *r, struct retired *node,
	void (*fn)(struct retired *))
{
	if (!r->deferred) {
		fn(node);
		return;
	}
	node->free = fn;
	node->next = r->list;
	r->list = node;
}
bool retire_pending(const struct retirement *r)
{
	return r->list != NULL;
}
void retire_reclaim(struct retirement *r)
{
	while (r->list) {
		struct retired *n = r->list;
		r->list = n->next;
		n->free(n);
	}
}

/*
 * source: a direct-mapped table of what the kernel said. See source.h.
 */
#include "config.h"

#include "engine/linux/source.h"

#include "os/netlink.h"

#include <errno.h>
#include <string.h>

#include "base/banned.h"

int source_init(struct source *source, struct err *err)
{
	memset(source, 0, sizeof(*source));
	source->generation = 1;
	source->nl = netlink_new(err);
	return source->nl ? 0 : -ENOMEM;
}

void source_release(struct source *source)
{
	netlink_free(TAKE(source->nl));
}

void source_forget(struct source *source, uint32_t mark)
{
	source->mark = mark;
	if (++source->generation == 0) /* that is an empty entry's */
		source->generation = 1;
}

static size_t slot_of(const struct wg_path *path)
{
	uint32_t h = 2166136261; /* FNV-1a: who can choose these can only make
				  * us ask once more */

	for (size_t i = 0; i < sizeof(path->remote.addr.b); i++)
		h = (h ^ path->remote.addr.b[i]) * 16777619;
	h = (h ^ path->local.b[3]) * 16777619;
	h = (h ^ path->local.b[15]) * 16777619;
	return (h ^ h >> 16) % SOURCE_SLOTS;
}

static bool same_path(const struct wg_path *a, const struct wg_path *b)
{
	return a->ifindex == b->ifindex && ipaddr_equal(&a->local, &b->local) &&
		ipaddr_equal(&a->remote.addr, &b->remote.addr) &&
		a->remote.scope_id == b->remote.scope_id;
}

/* A link-local peer is reached by the interface its address names. */
static bool ask(struct source *source, const struct wg_path *path)
{
	uint32_t index;

	if (path->remote.scope_id != 0)
		return path->remote.scope_id == path->ifindex;
	return netlink_route_lookup(source->nl, &path->remote.addr,
		       &path->local, source->mark, &index) == 0 &&
		index == path->ifindex;
}

bool source_holds(struct source *source, const struct wg_path *path)
{
	uint32_t generation = source->generation; /* before we ask */
	struct source_entry *entry;

	if (path->ifindex == 0)
		return true;
	entry = &source->entries[slot_of(path)];
	if (entry->generation != generation || !same_path(&entry->path, path)) {
		entry->path = *path;
		entry->generation = generation;
		entry->holds = ask(source, path);
	}
	return entry->holds;
}

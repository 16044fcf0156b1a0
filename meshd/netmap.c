/* netmap: see netmap.h. */
#include "config.h"

#include "meshd/netmap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static bool record_is_told(
	const struct netmap_view *view, const struct record_row *row)
{
	struct subject own;

	if (row->serial == 0 || row->serial <= view->since)
		return false;
	if (!view->removed)
		return true;
	own = subject_of_node(view->removed);
	return row->type == RECORD_REMOVAL && row->subject.len == own.len &&
		memcmp(row->subject.b, own.b, own.len) == 0;
}

static bool endpoint_is_told(
	const struct netmap_view *view, const struct endpoint_row *row)
{
	return !view->removed && row->serial > view->since;
}

int netmap_build(const struct netmap_view *view, struct record_rows *records,
	const struct endpoint_rows *endpoints, struct msg_netmap *ret_netmap)
{
	AUTO(msg_netmap_release)
	struct msg_netmap map = {
		.serial = view->serial,
		.full = view->since == 0,
		.since = view->since,
	};

	/* One more: calloc(0) may answer NULL. */
	map.records = calloc(records->count + 1, sizeof(struct envelope *));
	map.endpoints = calloc(endpoints->count + 1, sizeof(*map.endpoints));
	if (!map.records || !map.endpoints)
		return -ENOMEM;
	for (size_t i = 0; i < records->count; i++)
		if (record_is_told(view, &records->rows[i]))
			map.records[map.record_count++] =
				TAKE(records->rows[i].envelope);
	for (size_t i = 0; i < endpoints->count; i++)
		if (endpoint_is_told(view, &endpoints->rows[i]))
			map.endpoints[map.endpoint_count++] =
				endpoints->rows[i].at;
	*ret_netmap = map;
	map = (struct msg_netmap){ 0 };
	return 0;
}

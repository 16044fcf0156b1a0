/*
 * netmap: what one node is told, out of the rows that changed. Pure.
 *
 *   since 0 or unknown   full: every record and endpoint there is
 *   else                 delta: the rows with a serial above it
 *   viewer removed       its own removal record, and nothing else
 *
 * Full(now) is full(since) with the delta laid over it: a row replaces the one
 * of its type and subject, a removal takes away its node's other rows. A node
 * is told of itself as well.
 */
#ifndef MESHD_NETMAP_H
#define MESHD_NETMAP_H

#include "meshd/model.h"

struct netmap_view {
	uint64_t since;		       /* 0: everything */
	uint64_t serial;	       /* of the mesh, now */
	const struct node_id *removed; /* the viewer, if it was removed */
};

/* Moves the envelopes that are told out of RECORDS. -ENOMEM. */
WARN_UNUSED int netmap_build(const struct netmap_view *view,
	struct record_rows *records, const struct endpoint_rows *endpoints,
	struct msg_netmap *ret_netmap);

#endif

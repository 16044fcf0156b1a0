/*
 * candidates: which endpoints are worth trying, and worth telling. Hints come
 * unsigned from the coordinator, so nothing is believed of them but that a
 * handshake may be sent there. Pure.
 */
#ifndef AGENT_CANDIDATES_H
#define AGENT_CANDIDATES_H

#include "base/endpoint.h"
#include "meshproto/record.h"

#include <stdbool.h>
#include <stddef.h>

/* A hint that may be tried: unicast, not loopback, not link-local (its scope
 * means nothing on another host), a port, and not inside the mesh itself, where
 * the tunnel would carry itself. MESH NULL: no mesh known yet. */
bool candidate_usable(
	const struct endpoint *ep, const struct record_mesh *mesh);

/* This host's own candidates: its ADDRS at PORT that are usable, no doubles.
 * Returns how many were written, at most CAP. */
size_t candidates_own(const struct ipaddr *addrs, size_t count, uint16_t port,
	const struct record_mesh *mesh, struct endpoint *ret_endpoints,
	size_t cap);

/* True if the world sees this host at an address that is none of its own:
 * there is a translator between, whose mapping must be kept alive. SEEN is what
 * the coordinator offers for this very node, best guess first. */
bool candidates_behind_nat(const struct endpoint *seen, size_t seen_count,
	const struct ipaddr *own, size_t own_count);

#endif

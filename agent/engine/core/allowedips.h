/*
 * allowedips: which peer owns an inner address: the routing table of a device
 * when sealing and its access list when opening (WP 2). One table for the
 * device, so that the longest prefix decides over all peers.
 *
 * Model: a binary trie with compressed paths, one a family. A node without a
 * peer only joins two children; there are never two such nodes in a row with
 * nothing beside them, so n prefixes make at most 2n-1 nodes and a lookup
 * visits at most 33 or 129 of them.
 *
 * One writer, control; workers look up meanwhile, without a lock, as in the
 * kernel's (RCU). Each change of the trie is one store of a pointer to nodes that
 * are whole: a node that is put in points at what was there before it is pointed
 * at; one that is taken out still points where it did until workers have let go
 * of it (retire.h). So a look-up sees the table before or after each change, and
 * an address whose owner did not change has that owner in both.
 *
 * Memory moves in add, remove and clear only. Knows peers as pointers and the
 * list each of them keeps of its own nodes.
 */
#ifndef ENGINE_CORE_ALLOWEDIPS_H
#define ENGINE_CORE_ALLOWEDIPS_H

#include "base/auto.h"
#include "base/ipnet.h"
#include "base/list.h"

#include <stdint.h>

struct wg_peer;
struct allowedip;
struct retirement;

struct allowedips {
	struct retirement *retirement; /* NULL: no workers, ever */
	_Atomic(struct allowedip *) root4, root6;
};

void allowedips_init(struct allowedips *table, struct retirement *retirement);

/* Frees the nodes; lists that hold them are left dangling. */
void allowedips_release(struct allowedips *table);
/* PEER, whose list is OWNED, takes NET, from another peer if need be. NET goes
 * to the end of OWNED. 0, -ENOMEM, -EINVAL for a prefix that is none. */
WARN_UNUSED int allowedips_add(struct allowedips *table,
	const struct ipnet *net, struct wg_peer *peer, struct list *owned);
/* Nothing happens unless PEER owns exactly NET. */
void allowedips_remove(struct allowedips *table, const struct ipnet *net,
	const struct wg_peer *peer);
void allowedips_clear(struct allowedips *table, struct list *owned);

/* Owner by longest prefix, or NULL. BYTES: 4 or 16. */
struct wg_peer *allowedips_find4(
	const struct allowedips *table, const uint8_t bytes[static 4]);
struct wg_peer *allowedips_find6(
	const struct allowedips *table, const uint8_t bytes[static 16]);

/* An element of a peer's list as a prefix. */
struct ipnet allowedips_net(const struct list *element);

#endif

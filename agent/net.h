/*
 * net: the interface as the rest of the host sees it: MTU, addresses, up, and
 * routes that operators signed. It takes back only what it set itself.
 *
 * A node's address carries the mesh's prefix length, so the kernel makes one
 * connected route a family, and none a node.
 */
#ifndef AGENT_NET_H
#define AGENT_NET_H

#include "agent/roster.h"
#include "os/netlink.h"

#include <stdbool.h>
#include <stddef.h>

#define NET_ROUTES_MAX 4096 /* of all nodes; more are refused, aloud */

/* What is wanted. Owns its routes. */
struct net_config {
	uint32_t mtu;
	struct ipnet addresses[RECORD_ADDRESSES_MAX];
	size_t address_count;
	struct ipnet *routes; /* sorted, no doubles */
	size_t route_count;
};
void net_config_release(struct net_config *config);
AUTO_DEFINE_VALUE(struct net_config, net_config_release)

/* Pure. Default routes are left out: they would carry the tunnel itself.
 * -ENOENT while the roster does not hold this node's own membership; -E2BIG. */
WARN_UNUSED int net_wanted(const struct roster *roster, uint32_t mtu,
	struct wall now, struct net_config *ret_config, struct err *err);
bool net_config_equal(const struct net_config *a, const struct net_config *b);

/* Leads interface INDEX from *HAVE (empty at first) to WANT; *HAVE is then a copy
 * of WANT. New addresses come before old ones go. The first call also brings the
 * link up. After a failure *HAVE is what it was, and the call may be repeated:
 * every step is harmless twice. */
WARN_UNUSED int net_apply(struct netlink *nl, uint32_t index,
	struct net_config *have, const struct net_config *want,
	struct err *err);

#endif

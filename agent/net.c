/* net: see net.h. */
#include "config.h"

#include "agent/net.h"

#include "agent/plan.h"

#include <errno.h>
#include <string.h>

#include "base/banned.h"

void net_config_release(struct net_config *config)
{
	free(config->routes);
	*config = (struct net_config){ 0 };
}

/* ADDR with the length of the mesh prefix around it. */
static struct ipnet mesh_address(
	const struct ipnet *addr, const struct record_mesh *mesh)
{
	struct ipnet net = *addr;

	for (size_t i = 0; mesh && i < mesh->prefix_count; i++) {
		if (ipnet_contains(&mesh->prefixes[i], addr))
			net.prefix_len = mesh->prefixes[i].prefix_len;
	}
	return net;
}

static int compare_nets(const void *a, const void *b)
{
	return ipnet_compare(a, b);
}

static int add_routes(const struct record_membership *membership,
	struct net_config *config, struct err *err)
{
	for (size_t i = 0; i < membership->route_count; i++) {
		if (membership->routes[i].prefix_len == 0)
			continue;
		if (config->route_count == NET_ROUTES_MAX)
			return err_set(err, -E2BIG,
				"more than %d routes in the mesh",
				NET_ROUTES_MAX);
		config->routes[config->route_count++] = membership->routes[i];
	}
	return 0;
}

static void sort_routes(struct net_config *config)
{
	size_t kept = 0;

	qsort(config->routes, config->route_count, sizeof(*config->routes),
		compare_nets);
	for (size_t i = 0; i < config->route_count; i++) {
		if (kept > 0 &&
			ipnet_equal(
				&config->routes[kept - 1], &config->routes[i]))
			continue;
		config->routes[kept++] = config->routes[i];
	}
	config->route_count = kept;
}

static size_t count_routes(const struct roster *roster, struct wall now)
{
	size_t count = trust_node_count(roster_trust(roster)), routes = 0;

	for (size_t i = 0; i < count; i++) {
		struct roster_node node = roster_at(roster, i);

		if (plan_is_peer(roster, &node, now))
			routes += node.verified.membership->route_count;
	}
	return routes < NET_ROUTES_MAX ? routes : NET_ROUTES_MAX;
}

int net_wanted(const struct roster *roster, uint32_t mtu, struct wall now,
	struct net_config *ret_config, struct err *err)
{
	AUTO(net_config_release) struct net_config config = { .mtu = mtu };
	size_t count = trust_node_count(roster_trust(roster));
	struct roster_node self;
	int r;

	if (!roster_find(roster, roster_self(roster), &self) ||
		!self.verified.membership)
		return err_set(err, -ENOENT,
			"this node's own membership is not known");
	for (size_t i = 0; i < self.verified.membership->address_count; i++)
		config.addresses[config.address_count++] =
			mesh_address(&self.verified.membership->addresses[i],
				roster_mesh(roster));
	config.routes =
		calloc(count_routes(roster, now) + 1, sizeof(*config.routes));
	if (!config.routes)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		struct roster_node node = roster_at(roster, i);

		if (!plan_is_peer(roster, &node, now))
			continue;
		r = add_routes(node.verified.membership, &config, err);
		if (r < 0)
			return r;
	}
	sort_routes(&config);
	*ret_config = config;
	config.routes = NULL;
	return 0;
}

static bool has_net(
	const struct ipnet *nets, size_t count, const struct ipnet *net)
{
	for (size_t i = 0; i < count; i++) {
		if (ipnet_equal(&nets[i], net))
			return true;
	}
	return false;
}

bool net_config_equal(const struct net_config *a, const struct net_config *b)
{
	if (a->mtu != b->mtu || a->address_count != b->address_count ||
		a->route_count != b->route_count)
		return false;
	for (size_t i = 0; i < a->address_count; i++) {
		if (!ipnet_equal(&a->addresses[i], &b->addresses[i]))
			return false;
	}
	for (size_t i = 0; i < a->route_count; i++) {
		if (!ipnet_equal(&a->routes[i], &b->routes[i]))
			return false;
	}
	return true;
}

/* Both lists of routes are sorted: one walk over the two. */
static int apply_routes(struct netlink *nl, uint32_t index,
	const struct net_config *have, const struct net_config *want,
	struct err *err)
{
	const struct ipaddr none = { .family = IP_NONE };
	size_t i = 0, j = 0;
	int r = 0;

	while (r == 0 && (i < have->route_count || j < want->route_count)) {
		int order = i == have->route_count ? 1
			: j == want->route_count
			? -1
			: ipnet_compare(&have->routes[i], &want->routes[j]);

		if (order < 0)
			r = netlink_route_del(nl, index, &have->routes[i], err);
		else if (order > 0)
			r = netlink_route_add(
				nl, index, &want->routes[j], &none, err);
		i += order <= 0;
		j += order >= 0;
	}
	return r;
}

static int apply_addresses(struct netlink *nl, uint32_t index,
	const struct net_config *have, const struct net_config *want,
	struct err *err)
{
	int r;

	for (size_t i = 0; i < want->address_count; i++) {
		if (has_net(have->addresses, have->address_count,
			    &want->addresses[i]))
			continue;
		r = netlink_addr_add(nl, index, &want->addresses[i], err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < have->address_count; i++) {
		if (has_net(want->addresses, want->address_count,
			    &have->addresses[i]))
			continue;
		r = netlink_addr_del(nl, index, &have->addresses[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

int net_apply(struct netlink *nl, uint32_t index, struct net_config *have,
	const struct net_config *want, struct err *err)
{
	AUTO(net_config_release) struct net_config done = *want;
	bool is_first = have->mtu == 0;
	int r;

	done.routes = calloc(want->route_count + 1, sizeof(*done.routes));
	if (!done.routes)
		return err_set(err, -ENOMEM, "out of memory");
	memcpy(done.routes, want->routes,
		want->route_count * sizeof(*done.routes));
	if (have->mtu != want->mtu) {
		r = netlink_link_mtu(nl, index, want->mtu, err);
		if (r < 0)
			return r;
	}
	r = apply_addresses(nl, index, have, want, err);
	if (r < 0)
		return r;
	if (is_first) {
		r = netlink_link_up(nl, index, true, err);
		if (r < 0)
			return r;
	}
	r = apply_routes(nl, index, have, want, err);
	if (r < 0)
		return r;
	net_config_release(have);
	*have = done;
	done.routes = NULL;
	return 0;
}

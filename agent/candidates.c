/* candidates: see candidates.h. */
#include "config.h"

#include "agent/candidates.h"

#include <string.h>

#include "base/banned.h"

static bool in_net(const struct ipaddr *addr, const char *net_text)
{
	struct ipnet net;

	return ipnet_parse(net_text, &net) && ipnet_contains_addr(&net, addr);
}

/* Where no other host can be. */
static bool is_special(const struct ipaddr *addr)
{
	static const char *const nets[] = {
		"0.0.0.0/8",
		"127.0.0.0/8",
		"169.254.0.0/16",
		"224.0.0.0/3",
		"::/127",
		"::ffff:0:0/96",
		"fe80::/10",
		"ff00::/8",
	};

	for (size_t i = 0; i < ARRAY_SIZE(nets); i++) {
		if (in_net(addr, nets[i]))
			return true;
	}
	return false;
}

static bool in_mesh(const struct ipaddr *addr, const struct record_mesh *mesh)
{
	for (size_t i = 0; mesh && i < mesh->prefix_count; i++) {
		if (ipnet_contains_addr(&mesh->prefixes[i], addr))
			return true;
	}
	return false;
}

bool candidate_usable(const struct endpoint *ep, const struct record_mesh *mesh)
{
	return endpoint_known(ep) && ep->port != 0 && !is_special(&ep->addr) &&
		!in_mesh(&ep->addr, mesh);
}

size_t candidates_own(const struct ipaddr *addrs, size_t count, uint16_t port,
	const struct record_mesh *mesh, struct endpoint *ret_endpoints,
	size_t cap)
{
	size_t used = 0;

	for (size_t i = 0; i < count && used < cap; i++) {
		const struct endpoint ep = { .addr = addrs[i], .port = port };
		bool is_double = false;

		for (size_t j = 0; j < used; j++)
			is_double |= endpoint_equal(&ret_endpoints[j], &ep);
		if (!is_double && candidate_usable(&ep, mesh))
			ret_endpoints[used++] = ep;
	}
	return used;
}

bool candidates_behind_nat(const struct endpoint *seen, size_t seen_count,
	const struct ipaddr *own, size_t own_count)
{
	/* The coordinator names what it saw first; a loopback there means it
	 * runs on this very host and has seen nothing. */
	if (seen_count == 0 || is_special(&seen[0].addr))
		return false;
	for (size_t i = 0; i < own_count; i++) {
		if (ipaddr_equal(&seen[0].addr, &own[i]))
			return false;
	}
	return true;
}

/* What the interface is to look like: addresses with the mesh's length, routes
 * of peers in force, none that would swallow the tunnel. */
#include "config.h"
#include "agent/net.h"
#include "agent_fixture.h"
#include "rows.h"

#include <errno.h>

#include "base/banned.h"

#define AUTO_ROSTER AUTO(roster_free) struct roster *

static void want(const struct roster *roster, struct net_config *ret_config)
{
	struct err err = { 0 };

	assert_int_equal(
		net_wanted(roster, 1420, fx_wall(0), ret_config, &err), 0);
}

static void check_net(const struct ipnet *net, const char *text)
{
	char buf[IPNET_TEXT_SIZE];

	assert_string_equal(ipnet_format(net, buf), text);
}

static void test_addresses(void **state)
{
	AUTO_ROSTER roster = fx_roster_of(3);
	AUTO(net_config_release) struct net_config config = { 0 };

	(void)state;
	want(roster, &config);
	assert_int_equal(config.mtu, 1420);
	assert_int_equal(config.address_count, 2);
	check_net(&config.addresses[0], "100.64.1.0/16");
	check_net(&config.addresses[1], "fd00:1::1:0/48");
	assert_int_equal(config.route_count, 0);
}

static void test_not_a_member(void **state)
{
	AUTO_ROSTER roster = fx_roster();
	struct net_config config;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(
		net_wanted(roster, 1420, fx_wall(0), &config, &err), -ENOENT);
}

static void add_routes(
	struct fx_map *fx, unsigned int node, const char *a, const char *b)
{
	struct record member = fx_member(node), key = fx_key(node);
	struct record_membership *m = &member.membership;

	m->routes[m->route_count++] = fx_net(a);
	m->routes[m->route_count++] = fx_net(b);
	fx_map_add(fx, &member, FX_OPERATOR);
	fx_map_add(fx, &key, FX_NODE + node);
}

static void test_routes(void **state)
{
	AUTO_ROSTER roster = fx_roster();
	AUTO(net_config_release) struct net_config config = { 0 };
	AUTO(net_config_release) struct net_config again = { 0 };
	struct fx_map fx;

	(void)state;
	fx_map_full(&fx, 1);
	fx_map_roots(&fx);
	/* our own are for others */
	add_routes(&fx, 0, "10.9.0.0/16", "10.8.0.0/16");
	add_routes(&fx, 1, "10.2.0.0/16", "10.1.0.0/16");
	add_routes(&fx, 2, "10.2.0.0/16", "0.0.0.0/0");
	add_routes(&fx, 3, "10.3.0.0/16", "10.4.0.0/16");
	assert_true(fx_merge(roster, &fx, 0));
	fx_map_release(&fx);
	fx_map_delta(&fx, 1, 2);
	fx_map_withhold(&fx, 3);
	assert_true(fx_merge(roster, &fx, 0));
	want(roster, &config);
	assert_int_equal(config.route_count, 2);
	check_net(&config.routes[0], "10.1.0.0/16");
	check_net(&config.routes[1], "10.2.0.0/16");
	want(roster, &again);
	assert_true(net_config_equal(&config, &again));
	again.routes[1].prefix_len--;
	assert_false(net_config_equal(&config, &again));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_not_a_member),
		cmocka_unit_test(test_routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

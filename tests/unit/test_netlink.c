/*
 * netlink: in a network namespace of the test's own, with two TUN interfaces.
 * Where the kernel or the sandbox does not give them, all is skipped.
 */
#include "config.h"
#include "rows.h"
#include "os/fd.h"
#include "os/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static struct netlink *nl;
static uint32_t tun0, tun1;
static struct err err;
static bool have_v6;

/* NULL: ready. Otherwise why not. */
static const char *enter_namespace(void)
{
	if (unshare(CLONE_NEWNET) != 0 &&
		unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		return "no network namespace";
	nl = netlink_new(&err);
	if (!nl)
		return err.msg;
	for (int i = 0; i < 2; i++) {
		struct ifreq req = { .ifr_flags = IFF_TUN | IFF_NO_PI };
		int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

		(void)snprintf(req.ifr_name, IFNAMSIZ, "tun%d", i);
		/* the fd lives as long as the test: the carrier is on */
		if (fd < 0 || ioctl(fd, TUNSETIFF, &req) != 0)
			return "no TUN device";
	}
	have_v6 = access("/proc/self/net/if_inet6", F_OK) == 0;
	return NULL;
}

static struct ipnet net_of(const char *text)
{
	struct ipnet net;

	assert_true(ipnet_parse(text, &net));
	return net;
}

static const struct ipaddr no_addr = { .family = IP_NONE };

static struct ifreq ask(const char *name, unsigned long what)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq req = { 0 };

	(void)snprintf(req.ifr_name, IFNAMSIZ, "%s", name);
	assert_int_equal(ioctl(fd, what, &req), 0);
	(void)close(fd);
	return req;
}

/* Can a socket be bound to it now? Not to a tentative IPv6 address. */
static bool is_usable(const struct ipaddr *addr)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	bool is_v6 = addr->family == IP_V6;
	int fd = socket(
		is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r;

	memcpy(&v6.sin6_addr, addr->b, 16);
	memcpy(&v4.sin_addr, addr->b, 4);
	r = is_v6 ? bind(fd, (const struct sockaddr *)&v6, sizeof(v6))
		  : bind(fd, (const struct sockaddr *)&v4, sizeof(v4));
	(void)close(fd);
	return r == 0;
}

/* The interface that a packet to it would leave by; "" if none. The name is
 * read off the address that the kernel would send from. */
static bool is_routed(const char *text)
{
	struct ipnet net = net_of(text);
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = 9 };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = 9 };
	bool is_v6 = net.addr.family == IP_V6;
	int fd = socket(
		is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r;

	memcpy(&v6.sin6_addr, net.addr.b, 16);
	memcpy(&v4.sin_addr, net.addr.b, 4);
	r = is_v6 ? connect(fd, (const struct sockaddr *)&v6, sizeof(v6))
		  : connect(fd, (const struct sockaddr *)&v4, sizeof(v4));
	(void)close(fd);
	return r == 0;
}

static void test_link_index(void **state)
{
	uint32_t index = 4711;

	assert_int_equal(netlink_link_index(nl, "tun0", &tun0, &err), 0);
	assert_int_equal(tun0, if_nametoindex("tun0"));
	assert_int_equal(netlink_link_index(nl, "tun1", &tun1, &err), 0);
	assert_int_equal(tun1, if_nametoindex("tun1"));
	assert_int_equal(netlink_link_index(nl, "tun7", &index, &err), -ENODEV);
	assert_non_null(strstr(err.msg, "\"tun7\""));
	assert_int_equal(netlink_link_index(nl, "", &index, &err), -ENODEV);
	assert_int_equal(netlink_link_index(nl, "..", &index, &err), -ENODEV);
	assert_int_equal(
		netlink_link_index(nl, "name-that-is-too-long", &index, &err),
		-ENODEV);
	assert_int_equal(index, 4711);
}

static void test_link_up_and_mtu(void **state)
{
	assert_int_equal(netlink_link_mtu(nl, tun0, 1380, &err), 0);
	assert_int_equal(ask("tun0", SIOCGIFMTU).ifr_mtu, 1380);
	assert_int_equal(netlink_link_mtu(nl, tun0, 1, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "MTU 1 "));
	assert_int_equal(netlink_link_up(nl, tun0, true, &err), 0);
	assert_true(ask("tun0", SIOCGIFFLAGS).ifr_flags & IFF_UP);
	assert_int_equal(netlink_link_up(nl, tun0, true, &err), 0);
	assert_int_equal(netlink_link_up(nl, tun0, false, &err), 0);
	assert_false(ask("tun0", SIOCGIFFLAGS).ifr_flags & IFF_UP);
	assert_int_equal(netlink_link_up(nl, tun0, true, &err), 0);
	assert_int_equal(netlink_link_up(nl, tun1, true, &err), 0);
	assert_int_equal(netlink_link_up(nl, 4711, true, &err), -ENODEV);
	/* lo: without it there is no table of local addresses to ask */
	assert_int_equal(netlink_link_up(nl, 1, true, &err), 0);
}

static void addr_case(const char *text)
{
	struct ipnet addr = net_of(text);

	assert_false(is_usable(&addr.addr));
	assert_int_equal(netlink_addr_add(nl, tun0, &addr, &err), 0);
	assert_true(is_usable(&addr.addr)); /* at once */
	assert_int_equal(netlink_addr_add(nl, tun0, &addr, &err), 0);
	assert_int_equal(netlink_addr_del(nl, tun0, &addr, &err), 0);
	assert_false(is_usable(&addr.addr));
	assert_int_equal(netlink_addr_del(nl, tun0, &addr, &err), 0);
	assert_int_equal(netlink_addr_del(nl, 4711, &addr, &err), 0);
	assert_int_equal(netlink_addr_add(nl, 4711, &addr, &err), -ENODEV);
	assert_non_null(strstr(err.msg, text));
}

static void test_addresses(void **state)
{
	addr_case("100.64.0.5/16");
	addr_case("10.9.8.7/32");
	if (have_v6)
		addr_case("fd77::5/48");
}

static void test_address_with_another_prefix(void **state)
{
	struct ipnet narrow = net_of("fd78::1/64"), wide = net_of("fd78::1/48");

	if (!have_v6)
		return;
	assert_int_equal(netlink_addr_add(nl, tun0, &narrow, &err), 0);
	assert_int_equal(netlink_addr_add(nl, tun0, &wide, &err), -EEXIST);
	assert_int_equal(netlink_addr_del(nl, tun0, &wide, &err), 0);
	assert_true(is_usable(&narrow.addr));
	assert_int_equal(netlink_addr_del(nl, tun0, &narrow, &err), 0);
	assert_int_equal(netlink_addr_add(nl, tun0, &wide, &err), 0);
	assert_int_equal(netlink_addr_del(nl, tun0, &wide, &err), 0);
}

static void route_case(
	const char *dst_text, const char *inside, const char *src_text)
{
	struct ipnet dst = net_of(dst_text), src = net_of(src_text);

	assert_int_equal(netlink_addr_add(nl, tun0, &src, &err), 0);
	assert_false(is_routed(inside));
	assert_int_equal(netlink_route_add(nl, tun0, &dst, &no_addr, &err), 0);
	assert_true(is_routed(inside));
	/* already so; then the same with a source */
	assert_int_equal(netlink_route_add(nl, tun0, &dst, &no_addr, &err), 0);
	assert_int_equal(netlink_route_add(nl, tun0, &dst, &src.addr, &err), 0);
	/* it is tun0's: nobody takes it over by accident */
	assert_int_equal(
		netlink_route_add(nl, tun1, &dst, &no_addr, &err), -EEXIST);
	assert_int_equal(netlink_route_del(nl, tun1, &dst, &err), 0);
	assert_true(is_routed(inside));
	assert_int_equal(netlink_route_del(nl, tun0, &dst, &err), 0);
	assert_false(is_routed(inside));
	assert_int_equal(netlink_route_del(nl, tun0, &dst, &err), 0);
	assert_int_equal(netlink_addr_del(nl, tun0, &src, &err), 0);
}

static void test_routes(void **state)
{
	route_case("192.168.77.1/24", "192.168.77.9", "100.64.0.5/32");
	if (have_v6)
		route_case("fd99::1/64", "fd99::9", "fd77::5/128");
}

static void test_strangers_route_stays(void **state)
{
	struct ipnet addr = net_of("100.64.0.5/16");

	/* the kernel's own, made with the address */
	assert_int_equal(netlink_addr_add(nl, tun0, &addr, &err), 0);
	assert_true(is_routed("100.64.200.1"));
	assert_int_equal(netlink_route_del(nl, tun0, &addr, &err), 0);
	assert_true(is_routed("100.64.200.1"));
	assert_int_equal(netlink_addr_del(nl, tun0, &addr, &err), 0);
}

static bool contains(const struct ipaddr *addrs, int count, const char *text)
{
	struct ipnet net = net_of(text);

	for (int i = 0; i < count; i++) {
		if (ipaddr_equal(&addrs[i], &net.addr))
			return true;
	}
	return false;
}

static void test_host_addrs(void **state)
{
	struct ipnet a = net_of("100.64.0.5/16"), b = net_of("10.0.0.1/24");
	struct ipnet c = net_of("fd77::5/48");
	struct ipaddr addrs[8];
	int want = have_v6 ? 3 : 2;

	assert_int_equal(netlink_host_addrs(nl, 0, addrs, 8, &err), 0);
	assert_int_equal(netlink_addr_add(nl, tun0, &a, &err), 0);
	assert_int_equal(netlink_addr_add(nl, tun1, &b, &err), 0);
	if (have_v6)
		assert_int_equal(netlink_addr_add(nl, tun1, &c, &err), 0);
	assert_int_equal(netlink_host_addrs(nl, 0, addrs, 8, &err), want);
	assert_true(contains(addrs, want, "100.64.0.5"));
	assert_true(contains(addrs, want, "10.0.0.1"));
	assert_true(!have_v6 || contains(addrs, want, "fd77::5"));
	assert_int_equal(netlink_host_addrs(nl, 0, addrs, 1, &err), 1);
	assert_int_equal(netlink_host_addrs(nl, 0, NULL, 0, &err), 0);
	assert_int_equal(netlink_host_addrs(nl, tun1, addrs, 8, &err), 1);
	assert_true(contains(addrs, 1, "100.64.0.5"));
	assert_int_equal(netlink_link_up(nl, tun0, false, &err), 0);
	assert_int_equal(netlink_host_addrs(nl, tun1, addrs, 8, &err), 0);
	assert_int_equal(netlink_link_up(nl, tun0, true, &err), 0);
	assert_int_equal(netlink_addr_del(nl, tun0, &a, &err), 0);
	assert_int_equal(netlink_addr_del(nl, tun1, &b, &err), 0);
	assert_int_equal(netlink_addr_del(nl, tun1, &c, &err), 0);
}

static unsigned int news(int fd)
{
	unsigned int kinds = 4711;

	assert_int_equal(netlink_monitor_drain(fd, &kinds, &err), 0);
	return kinds;
}

static void test_monitor(void **state)
{
	struct ipnet addr = net_of("100.64.0.5/16");
	struct ipnet dst = net_of("192.168.77.0/24");
	AUTO(fd_close) int fd = -1;
	int small = 1;

	assert_int_equal(netlink_monitor_open(&fd, &err), 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	(void)news(fd); /* what the tests before left behind */
	assert_int_equal(netlink_addr_add(nl, tun0, &addr, &err), 0);
	assert_true(news(fd) & NETLINK_NEWS_ADDR);
	assert_int_equal(news(fd), 0);
	assert_int_equal(netlink_route_add(nl, tun0, &dst, &no_addr, &err), 0);
	assert_int_equal(news(fd), NETLINK_NEWS_ROUTE);
	assert_int_equal(netlink_link_mtu(nl, tun0, 1300, &err), 0);
	assert_int_equal(news(fd) & NETLINK_NEWS_LINK, NETLINK_NEWS_LINK);
	assert_int_equal(netlink_addr_del(nl, tun0, &addr, &err), 0);
	assert_true(news(fd) & NETLINK_NEWS_ADDR);
	/* more than its buffer holds */
	assert_int_equal(
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)),
		0);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(netlink_addr_add(nl, tun0, &addr, &err), 0);
		assert_int_equal(netlink_addr_del(nl, tun0, &addr, &err), 0);
	}
	assert_true(news(fd) & NETLINK_NEWS_LOST);
	assert_int_equal(news(fd), 0);
	assert_int_equal(
		netlink_monitor_drain(-1, &(unsigned int){ 0 }, &err), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link_index),
		cmocka_unit_test(test_link_up_and_mtu),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_address_with_another_prefix),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_strangers_route_stays),
		cmocka_unit_test(test_host_addrs),
		cmocka_unit_test(test_monitor),
	};
	const char *missing = enter_namespace();
	int failed;

	if (missing)
		failed = skip_all(missing);
	else
		failed = cmocka_run_group_tests_name(
			"netlink", tests, NULL, NULL);
	netlink_free(nl);
	return failed;
}

/*
 * netlink: rtnetlink by libmnl: what an agent does to its own interface, and
 * news of the host's addresses. Each call is one request and its
 * acknowledgement. "Already so" is success. Every route and address it makes
 * carries protocol NETLINK_PROTO_MESH, so that it takes back only its own.
 */
#ifndef OS_NETLINK_H
#define OS_NETLINK_H

#include "base/auto.h"
#include "base/err.h"
#include "base/ipnet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETLINK_PROTO_MESH 77 /* rtm_protocol; iproute2 shows "77" */

struct netlink;

struct netlink *netlink_new(struct err *err);
void netlink_free(struct netlink *nl);
AUTO_DEFINE(struct netlink, netlink_free)

WARN_UNUSED int netlink_link_index(struct netlink *nl, const char *ifname,
	uint32_t *ret_index, struct err *err); /* -ENODEV */
WARN_UNUSED int netlink_link_up(
	struct netlink *nl, uint32_t index, bool up, struct err *err);
WARN_UNUSED int netlink_link_mtu(
	struct netlink *nl, uint32_t index, uint32_t mtu, struct err *err);
WARN_UNUSED int netlink_addr_add(struct netlink *nl, uint32_t index,
	const struct ipnet *addr, struct err *err);
WARN_UNUSED int netlink_addr_del(struct netlink *nl, uint32_t index,
	const struct ipnet *addr, struct err *err);
/* DST over the interface, no gateway, main table, with preferred source SRC
 * (family IP_NONE: none). */
WARN_UNUSED int netlink_route_add(struct netlink *nl, uint32_t index,
	const struct ipnet *dst, const struct ipaddr *src, struct err *err);
WARN_UNUSED int netlink_route_del(struct netlink *nl, uint32_t index,
	const struct ipnet *dst, struct err *err);

/* The interface by which a packet marked MARK would leave from SRC (family
 * IP_NONE: any) to DST. -ENETUNREACH and its kin, also when SRC is not ours.
 * A question, so it says nothing to people. */
WARN_UNUSED int netlink_route_lookup(struct netlink *nl,
	const struct ipaddr *dst, const struct ipaddr *src, uint32_t mark,
	uint32_t *ret_index);

/* Global-scope addresses of every interface that is up, but for SKIP_INDEX and
 * loopback. At most CAP; returns the count or -errno. */
int netlink_host_addrs(struct netlink *nl, uint32_t skip_index,
	struct ipaddr *ret_addrs, size_t cap, struct err *err);

/* A non-blocking fd, owned by the caller, that becomes readable on link,
 * address or route news; drained by netlink_monitor_drain(), which tells what
 * kinds it saw. MTU and up/down of one link come as NETLINK_NEWS_LINK. */
enum {
	NETLINK_NEWS_LINK = 1 << 0,
	NETLINK_NEWS_ADDR = 1 << 1,
	NETLINK_NEWS_ROUTE = 1 << 2,
	NETLINK_NEWS_LOST = 1 << 3, /* ENOBUFS: assume everything changed */
};
WARN_UNUSED int netlink_monitor_open(int *ret_fd, struct err *err);
WARN_UNUSED int netlink_monitor_drain(
	int fd, unsigned int *ret_news, struct err *err);

#endif

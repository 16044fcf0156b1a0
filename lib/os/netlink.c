#include "config.h"
#include "os/netlink.h"
#include "base/num.h"
#include "os/fd.h"

#include <libmnl/libmnl.h>

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/banned.h"

#define REPLY_SIZE     ((size_t)32 * 1024) /* one datagram of a dump */
#define REQUEST_SIZE   512 /* our largest: header, rtmsg, five attributes */
#define DUMP_TRIES     4   /* the kernel asks for another if things moved */
#define LINKS_MAX_SIZE (sizeof(uint32_t) * 65536)
/* IFA_PROTO, which older headers lack; a kernel that does not know it skips
 * it. */
#define ADDR_ATTR_PROTO 11

struct netlink {
	struct mnl_socket *socket;
	uint32_t seq;
	char *reply; /* REPLY_SIZE bytes */
	/* of the request in hand; alignment for struct nlmsghdr */
	union {
		struct nlmsghdr header;
		char bytes[REQUEST_SIZE];
	} request;
};

struct netlink *netlink_new(struct err *err)
{
	AUTO(netlink_free) struct netlink *nl = calloc(1, sizeof(*nl));

	if (nl)
		nl->reply = malloc(REPLY_SIZE);
	if (!nl || !nl->reply) {
		(void)err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	nl->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!nl->socket || mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID)) {
		(void)err_errno(err, "netlink socket");
		return NULL;
	}
	return TAKE(nl);
}

void netlink_free(struct netlink *nl)
{
	if (!nl)
		return;
	if (nl->socket)
		(void)mnl_socket_close(nl->socket);
	free(nl->reply);
	free(nl);
}

/* Begins a request; EXTRA bytes of family header, zeroed. */
static void *start(
	struct netlink *nl, uint16_t type, uint16_t flags, size_t extra)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(nl->request.bytes);

	header->nlmsg_type = type;
	header->nlmsg_flags = NLM_F_REQUEST | flags;
	header->nlmsg_seq = ++nl->seq;
	return mnl_nlmsg_put_extra_header(header, extra);
}

/* Sends the request in hand and reads until its acknowledgement, or the end of
 * its dump. 0 or -errno of the kernel. */
static int talk(struct netlink *nl, mnl_cb_t fn, void *arg)
{
	unsigned int port = mnl_socket_get_portid(nl->socket);
	struct nlmsghdr *header = &nl->request.header;
	int r = MNL_CB_OK;

	if (mnl_socket_sendto(nl->socket, header, header->nlmsg_len) < 0)
		return err_errno(NULL, "sendto");
	while (r > MNL_CB_STOP) {
		ssize_t len =
			mnl_socket_recvfrom(nl->socket, nl->reply, REPLY_SIZE);

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return err_errno(NULL, "recvfrom");
		r = mnl_cb_run(nl->reply, (size_t)len, nl->seq, port, fn, arg);
		if (r < 0 && errno == EPROTO) /* of a call that gave up */
			r = MNL_CB_OK;
	}
	return r < 0 ? err_errno(NULL, "netlink") : 0;
}

/* Lists one kind of thing; FN sees it from the start again if it moved. */
static int dump(struct netlink *nl, uint16_t type, mnl_cb_t fn, void *arg)
{
	int r = -EINTR;

	for (int i = 0; i < DUMP_TRIES && r == -EINTR; i++) {
		/* ifinfomsg serves every kind: the longest, and all 0 */
		(void)start(nl, type, NLM_F_DUMP, sizeof(struct ifinfomsg));
		r = talk(nl, fn, arg);
	}
	return r;
}

static uint8_t af_of(enum ip_family family)
{
	return family == IP_V6 ? AF_INET6 : AF_INET;
}

static void put_addr(
	struct netlink *nl, uint16_t attr, const struct ipaddr *addr)
{
	mnl_attr_put(
		&nl->request.header, attr, ip_bits(addr->family) / 8, addr->b);
}

/* Says RESULT in words: "cannot WHAT NET on interface INDEX: reason". */
static int say(int result, struct err *err, const char *what,
	const struct ipnet *net, uint32_t index)
{
	char text[IPNET_TEXT_SIZE];

	if (result >= 0)
		return 0;
	errno = -result;
	return err_errno(err, "cannot %s %s on interface %u", what,
		ipnet_format(net, text), index);
}

static int on_link_index(const struct nlmsghdr *header, void *arg)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(header);
	uint32_t *ret_index = arg;

	if (header->nlmsg_type == RTM_NEWLINK)
		*ret_index = (uint32_t)info->ifi_index;
	return MNL_CB_OK;
}

int netlink_link_index(struct netlink *nl, const char *ifname,
	uint32_t *ret_index, struct err *err)
{
	uint32_t index = 0;
	int r;

	if (!ifname_valid(ifname))
		return err_set(err, -ENODEV,
			"\"%s\" cannot be the name of an interface", ifname);
	(void)start(nl, RTM_GETLINK, NLM_F_ACK, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(&nl->request.header, IFLA_IFNAME, ifname);
	r = talk(nl, on_link_index, &index);
	if (r == 0 && !index)
		r = -ENODEV;
	if (r < 0) {
		errno = -r;
		return err_errno(err, "interface \"%s\"", ifname);
	}
	*ret_index = index;
	return 0;
}

int netlink_link_up(
	struct netlink *nl, uint32_t index, bool up, struct err *err)
{
	struct ifinfomsg *info =
		start(nl, RTM_NEWLINK, NLM_F_ACK, sizeof(struct ifinfomsg));
	int r;

	info->ifi_index = (int)index;
	info->ifi_change = IFF_UP;
	info->ifi_flags = up ? IFF_UP : 0;
	r = talk(nl, NULL, NULL);
	if (r < 0) {
		errno = -r;
		return err_errno(err, "cannot set interface %u %s", index,
			up ? "up" : "down");
	}
	return 0;
}

int netlink_link_mtu(
	struct netlink *nl, uint32_t index, uint32_t mtu, struct err *err)
{
	struct ifinfomsg *info =
		start(nl, RTM_NEWLINK, NLM_F_ACK, sizeof(struct ifinfomsg));
	int r;

	info->ifi_index = (int)index;
	mnl_attr_put_u32(&nl->request.header, IFLA_MTU, mtu);
	r = talk(nl, NULL, NULL);
	if (r < 0) {
		errno = -r;
		return err_errno(
			err, "cannot set MTU %u on interface %u", mtu, index);
	}
	return 0;
}

static void start_addr(struct netlink *nl, uint16_t type, uint16_t flags,
	uint32_t index, const struct ipnet *addr)
{
	struct ifaddrmsg *msg =
		start(nl, type, NLM_F_ACK | flags, sizeof(struct ifaddrmsg));

	msg->ifa_family = af_of(addr->addr.family);
	msg->ifa_prefixlen = addr->prefix_len;
	msg->ifa_scope = RT_SCOPE_UNIVERSE;
	msg->ifa_index = index;
	/* a tunnel has no neighbours to ask: usable at once */
	if (addr->addr.family == IP_V6)
		msg->ifa_flags = IFA_F_NODAD;
	put_addr(nl, IFA_LOCAL, &addr->addr);
	put_addr(nl, IFA_ADDRESS, &addr->addr);
}

struct addr_query {
	const struct ipnet *addr;
	uint32_t index;
	bool found;
};

static int on_own_addr(const struct nlmsghdr *header, void *arg)
{
	const struct ifaddrmsg *msg = mnl_nlmsg_get_payload(header);
	struct addr_query *query = arg;
	const struct ipnet *addr = query->addr;
	struct nlattr *attr;

	if (header->nlmsg_type != RTM_NEWADDR ||
		msg->ifa_index != query->index ||
		msg->ifa_prefixlen != addr->prefix_len)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, header, sizeof(*msg))
	{
		if (mnl_attr_get_type(attr) == IFA_ADDRESS &&
			mnl_attr_get_payload_len(attr) ==
				ip_bits(addr->addr.family) / 8)
			query->found |=
				memcmp(mnl_attr_get_payload(attr), addr->addr.b,
					ip_bits(addr->addr.family) / 8) == 0;
	}
	return MNL_CB_OK;
}

/* IPv6 says EEXIST also when the address is there with another prefix length:
 * 0 only if it is there as wanted. */
static int check_addr(
	struct netlink *nl, uint32_t index, const struct ipnet *addr)
{
	struct addr_query query = { .addr = addr, .index = index };
	int r = dump(nl, RTM_GETADDR, on_own_addr, &query);

	if (r < 0)
		return r;
	return query.found ? 0 : -EEXIST;
}

int netlink_addr_add(struct netlink *nl, uint32_t index,
	const struct ipnet *addr, struct err *err)
{
	int r;

	start_addr(nl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, index, addr);
	mnl_attr_put_u8(
		&nl->request.header, ADDR_ATTR_PROTO, NETLINK_PROTO_MESH);
	r = talk(nl, NULL, NULL);
	if (r == -EEXIST)
		r = check_addr(nl, index, addr);
	return say(r, err, "add address", addr, index);
}

int netlink_addr_del(struct netlink *nl, uint32_t index,
	const struct ipnet *addr, struct err *err)
{
	int r;

	start_addr(nl, RTM_DELADDR, 0, index, addr);
	r = talk(nl, NULL, NULL);
	/* without its interface it is gone as well */
	if (r == -EADDRNOTAVAIL || r == -ENODEV)
		r = 0;
	return say(r, err, "remove address", addr, index);
}

static void start_route(struct netlink *nl, uint16_t type, uint16_t flags,
	uint32_t index, const struct ipnet *dst)
{
	struct rtmsg *msg =
		start(nl, type, NLM_F_ACK | flags, sizeof(struct rtmsg));

	msg->rtm_family = af_of(dst->addr.family);
	msg->rtm_dst_len = dst->prefix_len;
	msg->rtm_table = RT_TABLE_MAIN;
	msg->rtm_protocol = NETLINK_PROTO_MESH;
	msg->rtm_type = RTN_UNICAST;
	/* no gateway: what is there is on the link */
	msg->rtm_scope =
		dst->addr.family == IP_V4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	put_addr(nl, RTA_DST, &dst->addr);
	mnl_attr_put_u32(&nl->request.header, RTA_OIF, index);
}

struct route_query {
	const struct ipnet *dst;
	uint32_t index;
	bool found; /* ours, over that interface */
};

static int on_route(const struct nlmsghdr *header, void *arg)
{
	const struct rtmsg *msg = mnl_nlmsg_get_payload(header);
	struct route_query *query = arg;
	const struct ipnet *dst = query->dst;
	size_t addr_size = ip_bits(dst->addr.family) / 8;
	struct nlattr *attr;
	bool same_dst = dst->prefix_len == 0, same_link = false;

	if (header->nlmsg_type != RTM_NEWROUTE ||
		msg->rtm_family != af_of(dst->addr.family) ||
		msg->rtm_table != RT_TABLE_MAIN ||
		msg->rtm_protocol != NETLINK_PROTO_MESH ||
		msg->rtm_dst_len != dst->prefix_len)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, header, sizeof(*msg))
	{
		uint16_t type = mnl_attr_get_type(attr);
		uint16_t len = mnl_attr_get_payload_len(attr);

		if (type == RTA_DST && len == addr_size)
			same_dst = memcmp(mnl_attr_get_payload(attr),
					   dst->addr.b, addr_size) == 0;
		else if (type == RTA_OIF && len == sizeof(uint32_t))
			same_link = mnl_attr_get_u32(attr) == query->index;
	}
	query->found |= same_dst && same_link;
	return MNL_CB_OK;
}

/* What is in the way of a route: our own (0), or another's (-EEXIST). */
static int check_route(
	struct netlink *nl, uint32_t index, const struct ipnet *dst)
{
	struct route_query query = { .dst = dst, .index = index };
	int r = dump(nl, RTM_GETROUTE, on_route, &query);

	if (r < 0)
		return r;
	return query.found ? 0 : -EEXIST;
}

int netlink_route_add(struct netlink *nl, uint32_t index,
	const struct ipnet *dst, const struct ipaddr *src, struct err *err)
{
	struct ipnet net = *dst;
	uint16_t how = NLM_F_EXCL;
	int r;

	ipnet_mask(&net); /* the kernel refuses host bits */
	for (;;) {
		start_route(nl, RTM_NEWROUTE, NLM_F_CREATE | how, index, &net);
		if (src->family != IP_NONE)
			put_addr(nl, RTA_PREFSRC, src);
		r = talk(nl, NULL, NULL);
		if (r != -EEXIST || how == NLM_F_REPLACE)
			break;
		/* ours may have another source; a stranger's route stays */
		r = check_route(nl, index, &net);
		if (r < 0)
			break;
		how = NLM_F_REPLACE;
	}
	return say(r, err, "add route", &net, index);
}

int netlink_route_del(struct netlink *nl, uint32_t index,
	const struct ipnet *dst, struct err *err)
{
	struct ipnet net = *dst;
	int r;

	ipnet_mask(&net);
	start_route(nl, RTM_DELROUTE, 0, index, &net);
	r = talk(nl, NULL, NULL);
	if (r == -ESRCH || r == -ENODEV)
		r = 0;
	return say(r, err, "remove route", &net, index);
}

static int on_lookup(const struct nlmsghdr *header, void *arg)
{
	uint32_t *ret_index = arg;
	struct nlattr *attr;

	mnl_attr_for_each(attr, header, sizeof(struct rtmsg))
	{
		if (mnl_attr_get_type(attr) == RTA_OIF &&
			mnl_attr_get_payload_len(attr) == sizeof(uint32_t))
			*ret_index = mnl_attr_get_u32(attr);
	}
	return MNL_CB_OK;
}

int netlink_route_lookup(struct netlink *nl, const struct ipaddr *dst,
	const struct ipaddr *src, uint32_t mark, uint32_t *ret_index)
{
	struct rtmsg *msg =
		start(nl, RTM_GETROUTE, NLM_F_ACK, sizeof(struct rtmsg));
	uint32_t index = 0;
	int r;

	msg->rtm_family = af_of(dst->family);
	msg->rtm_dst_len = ip_bits(dst->family);
	put_addr(nl, RTA_DST, dst);
	if (src->family == dst->family) {
		msg->rtm_src_len = ip_bits(src->family);
		put_addr(nl, RTA_SRC, src);
	}
	if (mark != 0)
		mnl_attr_put_u32(&nl->request.header, RTA_MARK, mark);
	r = talk(nl, on_lookup, &index);
	if (r < 0)
		return r;
	if (index == 0) /* a blackhole has no interface */
		return -ENETUNREACH;
	*ret_index = index;
	return 0;
}

struct host_query {
	uint32_t skip_index;
	struct buf links; /* of uint32_t: those up */
	struct ipaddr *addrs;
	size_t cap, len;
};

static bool has_link(const struct host_query *query, uint32_t index)
{
	for (size_t i = 0; i < query->links.len; i += sizeof(index)) {
		if (memcmp(query->links.data + i, &index, sizeof(index)) == 0)
			return true;
	}
	return false;
}

static int on_host_link(const struct nlmsghdr *header, void *arg)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(header);
	struct host_query *query = arg;
	uint32_t index = (uint32_t)info->ifi_index;

	if (header->nlmsg_type == RTM_NEWLINK && (info->ifi_flags & IFF_UP) &&
		!(info->ifi_flags & IFF_LOOPBACK) &&
		index != query->skip_index && !has_link(query, index))
		buf_add(&query->links, &index, sizeof(index));
	return MNL_CB_OK;
}

static bool have_addr(const struct host_query *query, const struct ipaddr *addr)
{
	for (size_t i = 0; i < query->len; i++) {
		if (ipaddr_equal(&query->addrs[i], addr))
			return true;
	}
	return false;
}

static int on_host_addr(const struct nlmsghdr *header, void *arg)
{
	const struct ifaddrmsg *msg = mnl_nlmsg_get_payload(header);
	struct host_query *query = arg;
	struct ipaddr addr = { .family = msg->ifa_family == AF_INET6 ? IP_V6
								     : IP_V4 };
	size_t size = ip_bits(addr.family) / 8;
	uint32_t flags = msg->ifa_flags;
	struct nlattr *attr;
	bool has_local = false, has_any = false;

	if (header->nlmsg_type != RTM_NEWADDR ||
		(msg->ifa_family != AF_INET && msg->ifa_family != AF_INET6) ||
		msg->ifa_scope != RT_SCOPE_UNIVERSE ||
		!has_link(query, msg->ifa_index))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, header, sizeof(*msg))
	{
		uint16_t type = mnl_attr_get_type(attr);
		uint16_t len = mnl_attr_get_payload_len(attr);

		/* on a point-to-point link IFA_ADDRESS is the far end */
		if (type == IFA_FLAGS && len == sizeof(uint32_t)) {
			flags = mnl_attr_get_u32(attr);
		} else if (len == size &&
			(type == IFA_LOCAL ||
				(type == IFA_ADDRESS && !has_local))) {
			memcpy(addr.b, mnl_attr_get_payload(attr), size);
			has_local |= type == IFA_LOCAL;
			has_any = true;
		}
	}
	if (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED))
		return MNL_CB_OK;
	if (has_any && query->len < query->cap && !have_addr(query, &addr))
		query->addrs[query->len++] = addr;
	return MNL_CB_OK;
}

int netlink_host_addrs(struct netlink *nl, uint32_t skip_index,
	struct ipaddr *ret_addrs, size_t cap, struct err *err)
{
	struct host_query query = { .skip_index = skip_index,
		.links = BUF_INIT(LINKS_MAX_SIZE),
		.addrs = ret_addrs,
		.cap = cap < INT32_MAX ? cap : INT32_MAX };
	int r = dump(nl, RTM_GETLINK, on_host_link, &query);

	if (r == 0)
		r = dump(nl, RTM_GETADDR, on_host_addr, &query);
	if (r == 0 && buf_failed(&query.links))
		r = -ENOMEM;
	buf_release(&query.links);
	if (r < 0) {
		errno = -r;
		return err_errno(err, "cannot list the host's addresses");
	}
	return (int)query.len;
}

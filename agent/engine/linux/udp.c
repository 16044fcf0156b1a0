/*
 * udp: sockets, control messages, and what each error of a send means.
 * See udp.h.
 */
#include "config.h"

#include "engine/linux/udp.h"

#include "engine/linux/source.h"
#include "os/fd.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "base/banned.h"

/* The port must be free in both families; the kernel too tries 100 times. */
#define PORT_TRIES 100

/* --- sockets --- */

static int set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno
									: 0;
}

/* Buffers are a wish: without CAP_NET_ADMIN the system's limit holds. */
static void set_buffers(int fd)
{
	if (set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, UDP_RCVBUF) < 0)
		(void)set_option(fd, SOL_SOCKET, SO_RCVBUF, UDP_RCVBUF);
	if (set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, UDP_SNDBUF) < 0)
		(void)set_option(fd, SOL_SOCKET, SO_SNDBUF, UDP_SNDBUF);
}

static int set_mark(int fd, uint32_t fwmark, struct err *err)
{
	if (setsockopt(fd, SOL_SOCKET, SO_MARK, &fwmark, sizeof(fwmark)) < 0)
		return err_errno(err, "cannot set the fwmark 0x%x", fwmark);
	return 0;
}

static int set_v4(int fd)
{
	int r = set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);

	if (r == 0)
		r = set_option(fd, IPPROTO_IP, IP_RECVTOS, 1);
	if (r == 0)
		r = set_option(
			fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
	return r;
}

static int set_v6(int fd)
{
	int r = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);

	if (r == 0)
		r = set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	if (r == 0)
		r = set_option(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
	if (r == 0)
		r = set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
			IPV6_PMTUDISC_DONT);
	return r;
}

/* Binds FD to *PORT; the port it got goes there. */
static int bind_port(int fd, enum udp_family family, uint16_t *port)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} addr;
	socklen_t len;

	memset(&addr, 0, sizeof(addr));
	if (family == UDP_V4) {
		addr.v4.sin_family = AF_INET;
		addr.v4.sin_port = htons(*port);
		len = sizeof(addr.v4);
	} else {
		addr.v6.sin6_family = AF_INET6;
		addr.v6.sin6_port = htons(*port);
		len = sizeof(addr.v6);
	}
	if (bind(fd, &addr.any, len) < 0 ||
		getsockname(fd, &addr.any, &len) < 0)
		return -errno;
	*port = ntohs(family == UDP_V4 ? addr.v4.sin_port : addr.v6.sin6_port);
	return 0;
}

/* *RET_FD is -1 on success if the host has no such family. */
static int open_family(enum udp_family family, uint16_t *port, uint32_t fwmark,
	int *ret_fd, struct err *err)
{
	bool v4 = family == UDP_V4;
	AUTO(fd_close)
	int fd = socket(v4 ? AF_INET : AF_INET6,
		SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0 && errno == EAFNOSUPPORT) {
		*ret_fd = -1;
		return 0;
	}
	if (fd < 0)
		return err_errno(err, "cannot make a UDP socket");
	r = v4 ? set_v4(fd) : set_v6(fd);
	if (r < 0)
		return err_set(
			err, r, "cannot set up a UDP socket: %s", strerror(-r));
	set_buffers(fd);
	if (fwmark != 0) {
		r = set_mark(fd, fwmark, err);
		if (r < 0)
			return r;
	}
	r = bind_port(fd, family, port);
	if (r < 0)
		return err_set(err, r, "cannot listen on UDP port %u: %s",
			*port, strerror(-r));
	*ret_fd = fd_take(&fd);
	return 0;
}

void udp_init(struct udp *udp)
{
	memset(udp, 0, sizeof(*udp));
	udp->fd[UDP_V4] = udp->fd[UDP_V6] = -1;
}

void udp_close(struct udp *udp)
{
	fd_close(&udp->fd[UDP_V4]);
	fd_close(&udp->fd[UDP_V6]);
	udp->port = 0;
}

int udp_open(struct udp *udp, uint16_t port, uint32_t fwmark, struct err *err)
{
	AUTO(fd_close) int v4 = -1;
	AUTO(fd_close) int v6 = -1;
	uint16_t got = port;
	int r = 0;

	for (unsigned int try = 0; try < PORT_TRIES; try++) {
		got = port;
		r = open_family(UDP_V4, &got, fwmark, &v4, err);
		if (r < 0)
			return r;
		r = open_family(UDP_V6, &got, fwmark, &v6, err);
		if (r >= 0 || r != -EADDRINUSE || port != 0)
			break;
		fd_close(&v4);
	}
	if (r < 0)
		return r;
	if (v4 < 0 && v6 < 0)
		return err_set(err, -EAFNOSUPPORT,
			"this host has neither IPv4 nor IPv6");
	udp_close(udp);
	udp->fd[UDP_V4] = fd_take(&v4);
	udp->fd[UDP_V6] = fd_take(&v6);
	udp->port = got;
	return 0;
}

int udp_set_fwmark(const struct udp *udp, uint32_t fwmark, struct err *err)
{
	for (size_t i = 0; i < UDP_FAMILIES; i++) {
		int r;

		if (udp->fd[i] < 0)
			continue;
		r = set_mark(udp->fd[i], fwmark, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --- receiving --- */

static void read_address(const struct udp_envelope *env, enum udp_family family,
	struct endpoint *ret_ep)
{
	memset(ret_ep, 0, sizeof(*ret_ep));
	if (family == UDP_V4) {
		ret_ep->addr.family = IP_V4;
		memcpy(ret_ep->addr.b, &env->addr.v4.sin_addr, 4);
		ret_ep->port = ntohs(env->addr.v4.sin_port);
	} else {
		ret_ep->addr.family = IP_V6;
		memcpy(ret_ep->addr.b, &env->addr.v6.sin6_addr, 16);
		ret_ep->port = ntohs(env->addr.v6.sin6_port);
		ret_ep->scope_id = env->addr.v6.sin6_scope_id;
	}
}

static void read_control(
	struct msghdr *msg, struct wg_packet *packet, struct wg_path *path)
{
	memset(&path->local, 0, sizeof(path->local));
	path->ifindex = 0;
	packet->ds = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c;
		c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			path->local.family = IP_V4;
			memcpy(path->local.b, &info.ipi_spec_dst, 4);
			path->ifindex = (uint32_t)info.ipi_ifindex;
		} else if (c->cmsg_level == IPPROTO_IPV6 &&
			c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			path->local.family = IP_V6;
			memcpy(path->local.b, &info.ipi6_addr, 16);
			path->ifindex = info.ipi6_ifindex;
		} else if (c->cmsg_level == IPPROTO_IP &&
			c->cmsg_type == IP_TOS) {
			memcpy(&packet->ds, CMSG_DATA(c), 1);
		} else if (c->cmsg_level == IPPROTO_IPV6 &&
			c->cmsg_type == IPV6_TCLASS) {
			int tclass;

			memcpy(&tclass, CMSG_DATA(c), sizeof(tclass));
			packet->ds = (uint8_t)tclass;
		}
	}
}

size_t udp_receive(struct udp *udp, enum udp_family family,
	struct wg_packet *packets, struct wg_path *ret_paths, size_t count,
	size_t cap)
{
	int n;

	if (count > WG_BATCH_MAX)
		count = WG_BATCH_MAX;
	for (size_t i = 0; i < count; i++) {
		struct udp_envelope *env = &udp->envelopes[i];

		env->iov = (struct iovec){ packets[i].data, cap };
		udp->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &env->addr,
			.msg_namelen = sizeof(env->addr),
			.msg_iov = &env->iov,
			.msg_iovlen = 1,
			.msg_control = env->control,
			.msg_controllen = sizeof(env->control),
		};
	}
	/* An error here is an old datagram's: nothing that should stop us. */
	n = recvmmsg(udp->fd[family], udp->messages, (unsigned int)count,
		MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		struct mmsghdr *m = &udp->messages[i];

		packets[i].len = m->msg_len;
		if (m->msg_hdr.msg_flags & MSG_TRUNC) {
			udp->counters.truncated++;
			packets[i].len = 0;
		}
		read_address(&udp->envelopes[i], family, &ret_paths[i].remote);
		read_control(&m->msg_hdr, &packets[i], &ret_paths[i]);
		packets[i].path = &ret_paths[i];
	}
	return n > 0 ? (size_t)n : 0;
}

/* --- sending --- */

static enum udp_family family_of(const struct wg_packet *packet)
{
	return packet->path->remote.addr.family == IP_V6 ? UDP_V6 : UDP_V4;
}

static void write_address(
	struct udp_envelope *env, const struct endpoint *ep, struct msghdr *msg)
{
	msg->msg_name = &env->addr;
	if (ep->addr.family == IP_V4) {
		env->addr.v4 = (struct sockaddr_in){
			.sin_family = AF_INET,
			.sin_port = htons(ep->port),
		};
		memcpy(&env->addr.v4.sin_addr, ep->addr.b, 4);
		msg->msg_namelen = sizeof(env->addr.v4);
	} else {
		env->addr.v6 = (struct sockaddr_in6){
			.sin6_family = AF_INET6,
			.sin6_port = htons(ep->port),
			.sin6_scope_id = ep->scope_id,
		};
		memcpy(&env->addr.v6.sin6_addr, ep->addr.b, 16);
		msg->msg_namelen = sizeof(env->addr.v6);
	}
}

static void add_control(struct udp_envelope *env, size_t *at, int level,
	int type, const void *bytes, size_t len)
{
	struct cmsghdr c = {
		.cmsg_len = CMSG_LEN(len),
		.cmsg_level = level,
		.cmsg_type = type,
	};

	memcpy(env->control + *at, &c, sizeof(c));
	memcpy(env->control + *at + CMSG_LEN(0), bytes, len);
	*at += CMSG_SPACE(len);
}

/* The source is an address only: naming the interface too would send against
 * the routes. A link-local one has its interface in the scope id. */
static void add_source(
	struct udp_envelope *env, size_t *at, const struct ipaddr *local)
{
	if (local->family == IP_V4) {
		struct in_pktinfo info = { .ipi_ifindex = 0 };

		memcpy(&info.ipi_spec_dst, local->b, 4);
		add_control(
			env, at, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	} else {
		struct in6_pktinfo info = { .ipi6_ifindex = 0 };

		memcpy(&info.ipi6_addr, local->b, 16);
		add_control(env, at, IPPROTO_IPV6, IPV6_PKTINFO, &info,
			sizeof(info));
	}
}

static bool has_source(const struct wg_packet *packet)
{
	return packet->path->local.family != IP_NONE &&
		packet->path->local.family == packet->path->remote.addr.family;
}

static void prepare(struct udp *udp, size_t i, const struct wg_packet *packet,
	bool with_source)
{
	struct udp_envelope *env = &udp->envelopes[i];
	struct msghdr *msg = &udp->messages[i].msg_hdr;
	size_t used = 0;

	memset(msg, 0, sizeof(*msg));
	write_address(env, &packet->path->remote, msg);
	env->iov = (struct iovec){ packet->data, packet->len };
	msg->msg_iov = &env->iov;
	msg->msg_iovlen = 1;
	if (with_source && has_source(packet) &&
		(!udp->source || source_holds(udp->source, packet->path)))
		add_source(env, &used, &packet->path->local);
	if (packet->ds != 0) {
		int ds = packet->ds;

		if (family_of(packet) == UDP_V4)
			add_control(env, &used, IPPROTO_IP, IP_TOS, &ds,
				sizeof(ds));
		else
			add_control(env, &used, IPPROTO_IPV6, IPV6_TCLASS, &ds,
				sizeof(ds));
	}
	msg->msg_control = used > 0 ? env->control : NULL;
	msg->msg_controllen = used;
}

/* Errors that a source address may be the cause of. */
static bool source_may_be_wrong(int code)
{
	return code == EINVAL || code == EADDRNOTAVAIL || code == ENETUNREACH ||
		code == EHOSTUNREACH || code == ENODEV || code == ENXIO;
}

enum sent { SENT, SENT_NEVER, SENT_BLOCKED };

/* The first datagram of a run failed with CODE: tries it once without its
 * source. Everything but a full socket costs this one datagram only: a
 * firewall's EPERM, ENOBUFS, no route, too long. */
static enum sent send_failed(struct udp *udp, enum udp_family family,
	const struct wg_packet *packet, int code)
{
	if (code == EAGAIN)
		return SENT_BLOCKED;
	if (has_source(packet) && source_may_be_wrong(code)) {
		prepare(udp, 0, packet, false);
		if (sendmsg(udp->fd[family], &udp->messages[0].msg_hdr,
			    MSG_DONTWAIT) >= 0) {
			udp->counters.sourceless++;
			return SENT;
		}
		if (errno == EAGAIN)
			return SENT_BLOCKED;
	}
	udp->counters.refused++;
	return SENT_NEVER;
}

/* COUNT packets of one family; how many were dealt with. */
static size_t send_run(struct udp *udp, enum udp_family family,
	struct wg_packet *const *packets, size_t count)
{
	size_t done = 0;

	while (done < count) {
		size_t left = count - done;
		int n;

		for (size_t i = 0; i < left; i++)
			prepare(udp, i, packets[done + i], true);
		n = sendmmsg(udp->fd[family], udp->messages, (unsigned int)left,
			MSG_DONTWAIT);
		if (n > 0) {
			done += (size_t)n;
			continue;
		}
		if (send_failed(udp, family, packets[done],
			    n < 0 ? errno : EAGAIN) == SENT_BLOCKED)
			break;
		done++;
	}
	return done;
}

size_t udp_send(struct udp *udp, struct wg_packet *const *packets, size_t count,
	enum udp_family *ret_blocked)
{
	size_t done = 0;

	while (done < count) {
		enum udp_family family = family_of(packets[done]);
		size_t run = 1, sent;

		while (done + run < count && run < WG_BATCH_MAX &&
			family_of(packets[done + run]) == family)
			run++;
		if (udp->fd[family] < 0) {
			udp->counters.refused += run;
			done += run;
			continue;
		}
		sent = send_run(udp, family, packets + done, run);
		done += sent;
		if (sent < run) {
			*ret_blocked = family;
			break;
		}
	}
	return done;
}

uint32_t udp_scope_index(const char *ifname)
{
	return if_nametoindex(ifname);
}

/*
 * sockets: see sockets.h.
 */
#include "config.h"

#include "engine/linux/sockets.h"

#include "os/fd.h"

#include <errno.h>
#include <linux/filter.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

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
	if (set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKETS_RCVBUF) < 0)
		(void)set_option(fd, SOL_SOCKET, SO_RCVBUF, SOCKETS_RCVBUF);
	if (set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCKETS_SNDBUF) < 0)
		(void)set_option(fd, SOL_SOCKET, SO_SNDBUF, SOCKETS_SNDBUF);
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

/* --- dealing out --- */

/* Index of the member for a datagram; a datagram too short for a load gets 0. */
static int attach_dealer(int fd, size_t workers)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		/* the type, little-endian, as a big-endian load sees it */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x04000000, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 4),
		BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, (uint32_t)workers),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 1),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	const struct sock_fprog program = { ARRAY_SIZE(code), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program,
		       sizeof(program)) < 0
		? -errno
		: 0;
}

/* Bound without SO_REUSEPORT it fails if anybody else has the port, even one
 * who would let us share it. Closed again before the others bind. */
static int reserve_port(enum udp_family family, uint16_t *port)
{
	AUTO(fd_close)
	int fd = socket(family == UDP_V4 ? AF_INET : AF_INET6,
		SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return errno == EAFNOSUPPORT ? 0 : -errno;
	r = family == UDP_V6 ? set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) : 0;
	return r < 0 ? r : bind_port(fd, family, port);
}

static int set_up(int fd, enum udp_family family, bool shared, bool gro)
{
	int r = family == UDP_V4 ? set_v4(fd) : set_v6(fd);

	if (r == 0 && shared)
		r = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (gro) /* a wish: kernels from 5.0 on */
		(void)set_option(fd, IPPROTO_UDP, UDP_GRO, 1);
	return r;
}

/* *RET_FD is -1 on success if the host has no such family. */
static int open_member(enum udp_family family, uint16_t *port, uint32_t fwmark,
	bool shared, bool gro, int *ret_fd, struct err *err)
{
	AUTO(fd_close)
	int fd = socket(family == UDP_V4 ? AF_INET : AF_INET6,
		SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0 && errno == EAFNOSUPPORT) {
		*ret_fd = -1;
		return 0;
	}
	if (fd < 0)
		return err_errno(err, "cannot make a UDP socket");
	r = set_up(fd, family, shared, gro);
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

/* All members of one family, in order: the program counts them so. */
static int open_family(struct socket_group *group, enum udp_family family,
	uint32_t fwmark, bool gro, struct err *err)
{
	bool shared = group->count > 1;
	int r = shared ? reserve_port(family, &group->port) : 0;

	if (r < 0)
		return err_set(err, r, "cannot listen on UDP port %u: %s",
			group->port, strerror(-r));
	for (size_t i = 0; i < group->count; i++) {
		int *fd = &group->members[i].fd[family];

		r = open_member(
			family, &group->port, fwmark, shared, gro, fd, err);
		if (r < 0)
			return r;
		if (i == 0 && shared && *fd >= 0)
			r = attach_dealer(*fd, group->count - 1);
		if (r < 0)
			return err_set(err, r,
				"cannot share UDP port %u among threads: %s",
				group->port, strerror(-r));
	}
	return 0;
}

static int try_open(struct socket_group *group, size_t count, uint16_t port,
	uint32_t fwmark, bool gro, struct err *err)
{
	int r;

	group->port = port;
	group->count = count;
	for (size_t i = 0; i < count; i++)
		group->members[i].fd[UDP_V4] = group->members[i].fd[UDP_V6] =
			-1;
	r = open_family(group, UDP_V4, fwmark, gro, err);
	if (r == 0)
		r = open_family(group, UDP_V6, fwmark, gro, err);
	if (r < 0)
		socket_group_close(group);
	return r;
}

int socket_group_open(struct socket_group *group, size_t count, uint16_t port,
	uint32_t fwmark, bool gro, struct err *err)
{
	int r = -EADDRINUSE;

	BUG_ON(count == 0 || count > SOCKETS_MEMBERS_MAX);
	for (unsigned int try = 0; try < PORT_TRIES && r == -EADDRINUSE;
		try++) {
		r = try_open(group, count, port, fwmark, gro, err);
		if (port != 0) /* a chosen one is free or it is not */
			break;
	}
	if (r < 0)
		return r;
	if (group->members[0].fd[UDP_V4] < 0 &&
		group->members[0].fd[UDP_V6] < 0)
		return err_set(err, -EAFNOSUPPORT,
			"this host has neither IPv4 nor IPv6");
	return 0;
}

void socket_group_close(struct socket_group *group)
{
	for (size_t i = 0; i < group->count; i++) {
		fd_close(&group->members[i].fd[UDP_V4]);
		fd_close(&group->members[i].fd[UDP_V6]);
	}
	group->count = 0;
	group->port = 0;
}

int socket_group_set_fwmark(
	const struct socket_group *group, uint32_t fwmark, struct err *err)
{
	for (size_t i = 0; i < group->count * UDP_FAMILIES; i++) {
		int fd = group->members[i / UDP_FAMILIES].fd[i % UDP_FAMILIES];
		int r = fd < 0 ? 0 : set_mark(fd, fwmark, err);

		if (r < 0)
			return r;
	}
	return 0;
}

uint32_t udp_scope_index(const char *ifname)
{
	return if_nametoindex(ifname);
}

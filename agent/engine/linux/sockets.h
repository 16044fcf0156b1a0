/*
 * sockets: the outer UDP sockets of one engine: IPv4, and IPv6 where the host
 * has it, on one port; a pair for each thread.
 *
 *   member 0      control's: everything that is not a data message
 *   member 1..N   data workers': data messages, by the lowest byte of the
 *                 receiver index (which is random) modulo N
 *
 * The kernel deals them out (SO_REUSEPORT and a classic BPF program), so a flood
 * of handshakes never passes through the hands that carry data, and a session
 * always comes to the same worker, wherever its peer is. With UDP_GRO the
 * program sees a bundle's first datagram only: every member must put up with
 * what is not meant for it.
 *
 * As the kernel's WireGuard: no don't-fragment on what we send, and the DS field
 * and our own address of what we receive are told.
 *
 * Opened and closed by control; each pair is used by its thread.
 */
#ifndef ENGINE_LINUX_SOCKETS_H
#define ENGINE_LINUX_SOCKETS_H

#include "base/auto.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum udp_family { UDP_V4, UDP_V6, UDP_FAMILIES };

struct udp_sockets {
	int fd[UDP_FAMILIES]; /* -1: the host lacks the family */
};

/* The kernel counts its own overhead too and doubles this: 2 MiB are about 1000
 * full datagrams. More only adds delay (bufferbloat), less loses bursts. */
#define SOCKETS_RCVBUF (1024 * 1024)
/* What waits in a slow link's queue. The rest waits in the TUN interface's own,
 * which can drop and tell. */
#define SOCKETS_SNDBUF	    (1024 * 1024)

#define SOCKETS_MEMBERS_MAX 65

struct socket_group {
	uint16_t port;
	size_t count;
	struct udp_sockets members[SOCKETS_MEMBERS_MAX];
};

/* COUNT pairs on PORT (0: any) with FWMARK; one: no dealing out. GRO: bundles
 * are wanted. -EADDRINUSE: somebody has the port, whether or not he would share
 * it. */
WARN_UNUSED int socket_group_open(struct socket_group *group, size_t count,
	uint16_t port, uint32_t fwmark, bool gro, struct err *err);
void socket_group_close(struct socket_group *group);
WARN_UNUSED int socket_group_set_fwmark(
	const struct socket_group *group, uint32_t fwmark, struct err *err);

/* The number that stands for an interface's name in "[fe80::1%name]"; 0: there
 * is none. */
uint32_t udp_scope_index(const char *ifname);

#endif

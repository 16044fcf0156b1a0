/*
 * udp: the outer sockets of one engine: IPv4, and IPv6 where the host has it,
 * on one port; whole batches in and out.
 *
 * As the kernel's WireGuard: no don't-fragment on what we send, the DS field
 * of each datagram as the core says, and the sticky source: an answer leaves
 * from the address its question came to. A source the host no longer has is
 * given up for that datagram, never the datagram for the source.
 *
 * Owned by one thread. Knows nothing of what is in the datagrams.
 */
#ifndef ENGINE_LINUX_UDP_H
#define ENGINE_LINUX_UDP_H

#include "base/auto.h"
#include "base/err.h"
#include "engine/core/device.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

struct source;

enum udp_family { UDP_V4, UDP_V6, UDP_FAMILIES };

/* Room for one packet info and one DS field of either family. */
#define UDP_CONTROL_SIZE                                                       \
	(CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int)))
/* The kernel counts its own overhead too and doubles this: 2 MiB are about 1000
 * full datagrams. More only adds delay (bufferbloat), less loses bursts. */
#define UDP_RCVBUF (1024 * 1024)
/* What waits in a slow link's queue: 228 full datagrams, 2.7 ms of a gigabit.
 * The rest waits in the TUN interface's own queue, which can drop and tell. */
#define UDP_SNDBUF (256 * 1024)

struct udp_envelope {
	union {
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} addr;
	struct iovec iov;
	_Alignas(struct cmsghdr) uint8_t control[UDP_CONTROL_SIZE];
};

struct udp_counters {
	uint64_t refused;    /* by the firewall or the network: gone */
	uint64_t sourceless; /* went out, but not from the wanted source */
	uint64_t truncated;
};

struct udp {
	int fd[UDP_FAMILIES]; /* -1: closed, or the host lacks the family */
	uint16_t port;	      /* 0: closed */
	struct udp_counters counters;
	struct source *source; /* borrowed; NULL: every source is good */
	/* scratch of one call */
	struct mmsghdr messages[WG_BATCH_MAX];
	struct udp_envelope envelopes[WG_BATCH_MAX];
};

void udp_init(struct udp *udp); /* closed */
/* Opens both sockets on PORT (0: any) with FWMARK. What was open stays open
 * unless it succeeds: -EADDRINUSE, -EPERM. */
WARN_UNUSED int udp_open(
	struct udp *udp, uint16_t port, uint32_t fwmark, struct err *err);
void udp_close(struct udp *udp);
WARN_UNUSED int udp_set_fwmark(
	const struct udp *udp, uint32_t fwmark, struct err *err);

/* Fills PACKETS, whose data point to CAP bytes each, with datagrams: data, len,
 * path and ds. Returns how many: 0 when none is waiting. One that did not fit
 * has len 0. */
size_t udp_receive(struct udp *udp, enum udp_family family,
	struct wg_packet *packets, struct wg_path *ret_paths, size_t count,
	size_t cap);
/* Sends in order; returns how many were dealt with. Less than COUNT only when
 * the socket is full: *RET_BLOCKED tells which. */
size_t udp_send(struct udp *udp, struct wg_packet *const *packets, size_t count,
	enum udp_family *ret_blocked);

/* The number that stands for an interface's name in "[fe80::1%name]"; 0: there
 * is none. */
uint32_t udp_scope_index(const char *ifname);

#endif

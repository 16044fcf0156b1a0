/*
 * udp: whole batches of datagrams in and out of a pair of sockets.
 *
 *   receive   bundles: what UDP_GRO made of datagrams of one length
 *   send      runs of equal packets as one message with UDP_SEGMENT
 *
 * The sticky source: an answer leaves from the address its question came to. A
 * source the host no longer has is given up for that message, never the message
 * for the source. What a path cannot have segmented is sent one by one.
 *
 * One owner thread. Knows nothing of what is in the datagrams.
 */
#ifndef ENGINE_LINUX_UDP_H
#define ENGINE_LINUX_UDP_H

#include "base/auto.h"
#include "engine/core/device.h"
#include "engine/linux/sockets.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

struct source;

/* What is wanted of the kernel. */
enum { UDP_GSO = 1 << 0, UDP_BUNDLES = 1 << 1 };

/* Room for a packet info and a DS field of either family, and a size. */
#define UDP_CONTROL_SIZE                                                       \
	(CMSG_SPACE(sizeof(struct in6_pktinfo)) + 2 * CMSG_SPACE(sizeof(int)))

struct udp_envelope {
	union {
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} addr;
	_Alignas(struct cmsghdr) uint8_t control[UDP_CONTROL_SIZE];
};

struct udp_counters {
	uint64_t refused;    /* by the firewall or the network: gone */
	uint64_t sourceless; /* went out, but not from the wanted source */
	uint64_t truncated;
	uint64_t unsegmented; /* messages that had to go one by one */
};

struct udp_gso {
	bool on;
	size_t size_max; /* a datagram's, that can be segmented */
	uint32_t retry_after;
};

struct udp_io {
	struct udp_counters counters;
	struct source *source; /* borrowed; NULL: every source is good */
	struct udp_gso gso[UDP_FAMILIES];
	/* scratch of one call */
	struct mmsghdr messages[WG_BATCH_MAX];
	struct udp_envelope envelopes[WG_BATCH_MAX];
	struct iovec iov[WG_BATCH_MAX];
};

struct udp_bundle {
	uint8_t *data;
	size_t cap;	/* at least 65535, or bundles are cut off */
	size_t len;	/* 0: it was cut off */
	size_t segment; /* length of each datagram but the last */
	struct wg_path path;
	uint8_t ds;
};

void udp_init(struct udp_io *io, unsigned int offloads);
/* Fills BUNDLES but for data and cap; how many, 0 when none is waiting. */
size_t udp_receive(struct udp_io *io, const struct udp_sockets *sockets,
	enum udp_family family, struct udp_bundle *bundles, size_t count);
/* Sends in order; returns how many were dealt with. Less than COUNT only when
 * the socket is full: *RET_BLOCKED tells which. */
size_t udp_send(struct udp_io *io, const struct udp_sockets *sockets,
	struct wg_packet *const *packets, size_t count,
	enum udp_family *ret_blocked);

#endif

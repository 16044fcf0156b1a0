/*
 * coalesce: authentic inner packets into as few frames for the TUN interface as
 * may be: runs of a TCP or UDP flow become super-packets, which the stack then
 * handles once instead of 45 times.
 *
 *   packets in order of arrival --add--> flows, each with a run --write-->
 *
 * What joins a run: the next bytes (TCP) or the next datagram (UDP) of the same
 * flow with headers that differ only in what segmentation would make of one,
 * and as long as the others; a shorter one, or PSH, closes the run. Fragments,
 * IP options, extension headers, any flag but ACK and PSH, pure ACKs, UDP
 * without a checksum go alone.
 *
 * Order within a flow is always kept: what goes alone first sends out the runs
 * between its two hosts. Different flows may change places.
 *
 * A run's checksums are taken as good (the frame says NEEDS_CSUM): who sealed
 * them vouches for them, as with the kernel's WireGuard. A packet that goes
 * alone goes as it came, and the stack checks it.
 *
 * Fixed memory; borrows packets until the flush. Pure but for the callback.
 */
#ifndef ENGINE_LINUX_COALESCE_H
#define ENGINE_LINUX_COALESCE_H

#include "base/auto.h"
#include "base/ipnet.h"
#include "engine/linux/vnet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define COALESCE_TCP   1u
#define COALESCE_UDP   2u

#define COALESCE_FLOWS 8
/* Datagrams of one run: the kernel's UDP_MAX_SEGMENTS of old. */
#define COALESCE_RUN_MAX 64
/* IPv6 or IPv4 without options, TCP with all options it can have. */
#define COALESCE_HEADERS_MAX (40 + 60)

/* One frame: HDR, then COUNT pieces; what it returns is not looked at. */
typedef void (*coalesce_write_fn)(void *arg, const struct virtio_net_hdr *hdr,
	const struct iovec *iov, size_t count);

struct coalesce_flow {
	size_t count; /* packets in the run; 0: not in use */
	bool closed;  /* takes no more */
	enum ip_family family;
	uint8_t protocol, flags;	    /* TCP flags of the last */
	size_t l4, header_len, size, total; /* total: payload bytes */
	uint32_t next_sequence;
	uint16_t id; /* IPv4, of the first */
	uint8_t *first;
	size_t first_len;
	uint8_t header[COALESCE_HEADERS_MAX];
	struct iovec iov[1 + COALESCE_RUN_MAX]; /* header, payloads */
};

struct coalescer {
	unsigned int offloads; /* COALESCE_* bits */
	size_t last;	       /* the flow that was added to last */
	struct coalesce_flow flows[COALESCE_FLOWS];
};

/* OFFLOADS 0: everything goes alone. Forgets what was not flushed. */
void coalesce_init(struct coalescer *c, unsigned int offloads);
/* PACKET is a whole IP packet of LEN bytes by its own header. */
void coalesce_add(struct coalescer *c, uint8_t *packet, size_t len,
	coalesce_write_fn write, void *arg);
void coalesce_flush(struct coalescer *c, coalesce_write_fn write, void *arg);

/* Are the IPv4 header's and the TCP, UDP, ICMP checksums right? True for what
 * has none, and for fragments, which cannot be checked. */
WARN_UNUSED bool coalesce_verify(const uint8_t *packet, size_t len);

#endif

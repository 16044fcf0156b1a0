/*
 * segment: a frame from the TUN interface, which may be a super-packet of up to
 * 64 KiB whose checksums are not done, into the packets it stands for.
 *
 *   | virtio_net_hdr |  | IP header | TCP or UDP header | payload ......... |
 *                                                        '- gso_size each -'
 *
 * Each packet gets the headers with lengths, IPv4 identification, sequence
 * number and flags moved on (as the kernel's tcp_gso_segment and
 * __udp_gso_segment do), whole checksums, and one copy of its payload.
 *
 * The header that came with the frame is believed only as far as the packet
 * agrees. Pure; the caller's memory.
 */
#ifndef ENGINE_LINUX_SEGMENT_H
#define ENGINE_LINUX_SEGMENT_H

#include "base/auto.h"
#include "base/ipnet.h"
#include "engine/linux/vnet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* IPv6 extension headers and all: longer ones come unsegmented. */
#define SEGMENT_HEADERS_MAX 256

struct segmenter {
	const uint8_t *payload; /* what is left of it; borrowed */
	size_t left;
	bool single, done;
	/* single: the packet, and where its checksum goes */
	bool checksum;
	size_t checksum_start, checksum_at;
	/* super-packet */
	enum ip_family family;
	bool udp;
	bool last_fin, last_psh, first_cwr;
	uint8_t header[SEGMENT_HEADERS_MAX];
	size_t header_len, l4, size;
	uint32_t sequence;
	uint16_t id;
};

/* Borrows PACKET until the last segment was taken. False: headers and lengths
 * that do not fit together; there is nothing to take then. */
WARN_UNUSED bool segment_begin(struct segmenter *s,
	const struct virtio_net_hdr *hdr, const uint8_t *packet, size_t len);
/* Length of the next packet; 0: there is none. */
size_t segment_next_len(const struct segmenter *s);
/* Writes it to DST. */
void segment_take(struct segmenter *s, uint8_t *dst);

#endif

/*
 * segment: see segment.h.
 */
#include "config.h"

#include "engine/linux/segment.h"

#include "engine/linux/checksum.h"

#include <netinet/in.h>
#include <string.h>

#include "base/banned.h"

#define TCP_FIN	       0x01
#define TCP_PSH	       0x08
#define TCP_CWR	       0x80
#define IP4_HEADER_MIN 20
#define IP6_HEADER     40
#define TCP_HEADER_MIN 20
#define UDP_HEADER     8

static void put16(uint8_t *at, size_t value)
{
	uint16_t be = htons((uint16_t)value);

	memcpy(at, &be, sizeof(be));
}

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* --- one packet, its checksum perhaps to be done --- */

static bool begin_single(
	struct segmenter *s, const struct virtio_net_hdr *hdr, size_t len)
{
	s->single = true;
	s->left = len;
	s->checksum = hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;
	if (!s->checksum)
		return true;
	s->checksum_start = hdr->csum_start;
	s->checksum_at = (size_t)hdr->csum_start + hdr->csum_offset;
	return s->checksum_at + 2 <= len;
}

/* The field holds the pseudo header's sum; a UDP checksum of 0 would say that
 * there is none (RFC 768). */
static void take_single(struct segmenter *s, uint8_t *dst)
{
	memcpy(dst, s->payload, s->left);
	if (s->checksum) {
		uint16_t sum = (uint16_t)~checksum_fold(checksum_add(0,
			dst + s->checksum_start, s->left - s->checksum_start));
		bool udp = s->checksum_at - s->checksum_start == 6;

		if (sum == 0 && udp)
			sum = 0xffff;
		memcpy(dst + s->checksum_at, &sum, sizeof(sum));
	}
	s->left = 0;
	s->done = true;
}

/* --- a super-packet --- */

/* Where the transport header begins, which HDR and the packet must agree on. */
static bool find_transport(struct segmenter *s,
	const struct virtio_net_hdr *hdr, const uint8_t *packet, size_t len)
{
	s->l4 = hdr->csum_start;
	if (packet[0] >> 4 == 4) {
		s->family = IP_V4;
		return len >= IP4_HEADER_MIN && s->l4 >= IP4_HEADER_MIN &&
			s->l4 == (size_t)(packet[0] & 0xf) * 4 &&
			packet[9] == (s->udp ? IPPROTO_UDP : IPPROTO_TCP);
	}
	/* Behind extension headers the kernel's word is taken for it. */
	s->family = IP_V6;
	return packet[0] >> 4 == 6 && len >= IP6_HEADER &&
		s->l4 >= IP6_HEADER &&
		(s->l4 > IP6_HEADER ||
			packet[6] == (s->udp ? IPPROTO_UDP : IPPROTO_TCP));
}

static bool begin_super(struct segmenter *s, const struct virtio_net_hdr *hdr,
	const uint8_t *packet, size_t len)
{
	size_t transport;

	switch (hdr->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
	case VIRTIO_NET_HDR_GSO_TCPV6:
		s->udp = false;
		break;
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		s->udp = true;
		break;
	default: /* UFO: we never offered it */
		return false;
	}
	if (!(hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) || hdr->gso_size == 0 ||
		!find_transport(s, hdr, packet, len))
		return false;
	if (s->l4 + (s->udp ? UDP_HEADER : TCP_HEADER_MIN) > len)
		return false;
	transport = s->udp ? UDP_HEADER : (size_t)(packet[s->l4 + 12] >> 4) * 4;
	s->header_len = s->l4 + transport;
	if (transport < UDP_HEADER || (!s->udp && transport < TCP_HEADER_MIN) ||
		s->header_len >= len || s->header_len > sizeof(s->header) ||
		s->header_len + hdr->gso_size > UINT16_MAX)
		return false;
	s->size = hdr->gso_size;
	s->payload += s->header_len;
	s->left = len - s->header_len;
	return true;
}

/* Takes out of the headers what differs from packet to packet. */
static void make_template(struct segmenter *s, const uint8_t *packet)
{
	uint8_t *l4 = s->header + s->l4;

	memcpy(s->header, packet, s->header_len);
	s->id = get16(packet + 4);
	if (s->family == IP_V4)
		memset(s->header + 10, 0, 2);
	if (s->udp) {
		memset(l4 + 6, 0, 2);
	} else {
		memcpy(&s->sequence, l4 + 4, sizeof(s->sequence));
		s->sequence = ntohl(s->sequence);
		memset(l4 + 16, 0, 2);
		s->first_cwr = l4[13] & TCP_CWR;
		s->last_fin = l4[13] & TCP_FIN;
		s->last_psh = l4[13] & TCP_PSH;
	}
}

bool segment_begin(struct segmenter *s, const struct virtio_net_hdr *hdr,
	const uint8_t *packet, size_t len)
{
	s->done = true;
	s->payload = packet;
	s->left = 0;
	if (len == 0 || len > UINT16_MAX)
		return false;
	if (hdr->gso_type == VIRTIO_NET_HDR_GSO_NONE) {
		if (!begin_single(s, hdr, len))
			return false;
	} else {
		s->single = false;
		if (!begin_super(s, hdr, packet, len))
			return false;
		make_template(s, packet);
	}
	s->done = false;
	return true;
}

static size_t next_payload(const struct segmenter *s)
{
	return s->left < s->size ? s->left : s->size;
}

size_t segment_next_len(const struct segmenter *s)
{
	if (s->done)
		return 0;
	return s->single ? s->left : s->header_len + next_payload(s);
}

static void write_ip_header(struct segmenter *s, uint8_t *dst, size_t len)
{
	uint16_t sum;

	if (s->family == IP_V6) {
		put16(dst + 4, len - IP6_HEADER);
		return;
	}
	put16(dst + 2, len);
	put16(dst + 4, s->id++);
	sum = (uint16_t)~checksum_fold(checksum_add(0, dst, s->l4));
	memcpy(dst + 10, &sum, sizeof(sum));
}

static void write_tcp_header(struct segmenter *s, uint8_t *l4, size_t payload)
{
	bool last = payload == s->left;
	uint32_t sequence = htonl(s->sequence);

	memcpy(l4 + 4, &sequence, sizeof(sequence));
	l4[13] &= (uint8_t) ~(TCP_CWR | TCP_FIN | TCP_PSH);
	if (s->first_cwr)
		l4[13] |= TCP_CWR;
	if (last)
		l4[13] |= (uint8_t)((s->last_fin ? TCP_FIN : 0) |
			(s->last_psh ? TCP_PSH : 0));
	s->first_cwr = false;
	s->sequence += (uint32_t)payload;
}

static void take_next(struct segmenter *s, uint8_t *dst)
{
	size_t payload = next_payload(s), len = s->header_len + payload;
	uint8_t *l4 = dst + s->l4;
	size_t transport = len - s->l4;
	uint64_t sum;
	uint16_t folded;

	memcpy(dst, s->header, s->header_len);
	write_ip_header(s, dst, len);
	if (s->udp)
		put16(l4 + 4, transport);
	else
		write_tcp_header(s, l4, payload);
	sum = checksum_pseudo(
		dst, s->family, s->udp ? IPPROTO_UDP : IPPROTO_TCP, transport);
	/* Headers are of even length: the sums join. */
	sum = checksum_add(sum, l4, s->header_len - s->l4);
	sum = checksum_copy(sum, dst + s->header_len, s->payload, payload);
	folded = (uint16_t)~checksum_fold(sum);
	if (s->udp && folded == 0)
		folded = 0xffff;
	memcpy(l4 + (s->udp ? 6 : 16), &folded, sizeof(folded));
	s->payload += payload;
	s->left -= payload;
	s->done = s->left == 0;
}

void segment_take(struct segmenter *s, uint8_t *dst)
{
	if (s->single)
		take_single(s, dst);
	else
		take_next(s, dst);
}

/*
 * coalesce: see coalesce.h.
 */
#include "config.h"

#include "engine/linux/coalesce.h"

#include "engine/linux/checksum.h"

#include <netinet/in.h>
#include <string.h>

#include "base/banned.h"

#define TCP_PSH	       0x08
#define TCP_ACK	       0x10
#define IP4_HEADER     20
#define IP6_HEADER     40
#define TCP_HEADER_MIN 20
#define UDP_HEADER     8
#define IP4_DF	       0x40 /* in byte 6 */

/* What a packet is to us. */
struct view {
	uint8_t *packet;
	size_t len;
	enum ip_family family;
	uint8_t protocol; /* 0: goes alone */
	size_t l4, header_len;
	uint32_t sequence;
	uint8_t flags;
};

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static void put16(uint8_t *at, size_t value)
{
	uint16_t be = htons((uint16_t)value);

	memcpy(at, &be, sizeof(be));
}

/* --- may it join a run? --- */

static bool is_run_tcp(struct view *v)
{
	const uint8_t *tcp = v->packet + v->l4;

	if (v->len < v->l4 + TCP_HEADER_MIN)
		return false;
	v->header_len = v->l4 + (size_t)(tcp[12] >> 4) * 4;
	v->sequence = get32(tcp + 4);
	v->flags = tcp[13];
	return v->header_len >= v->l4 + TCP_HEADER_MIN &&
		v->header_len < v->len && /* else a pure ACK, or a lie */
		(tcp[12] & 0xf) == 0 && (v->flags & ~TCP_PSH) == TCP_ACK;
}

static bool is_run_udp(struct view *v)
{
	const uint8_t *udp = v->packet + v->l4;

	v->header_len = v->l4 + UDP_HEADER;
	return v->len > v->header_len && get16(udp + 6) != 0 &&
		get16(udp + 4) == v->len - v->l4;
}

static struct view look_at(
	const struct coalescer *c, uint8_t *packet, size_t len)
{
	struct view v = { .packet = packet, .len = len };
	bool plain;

	if (packet[0] >> 4 == 4) {
		v.family = IP_V4;
		v.l4 = IP4_HEADER;
		v.protocol = packet[9];
		/* no options; neither a fragment nor the reserved bit */
		plain = packet[0] == 0x45 && (get16(packet + 6) & 0xbfff) == 0;
	} else {
		v.family = IP_V6;
		v.l4 = IP6_HEADER;
		v.protocol = packet[6];
		plain = true;
	}
	if (!plain ||
		!((v.protocol == IPPROTO_TCP && c->offloads & COALESCE_TCP &&
			  is_run_tcp(&v)) ||
			(v.protocol == IPPROTO_UDP &&
				c->offloads & COALESCE_UDP && is_run_udp(&v))))
		v.protocol = 0;
	return v;
}

static bool same_hosts(const struct coalesce_flow *f, const struct view *v)
{
	return f->family == v->family &&
		(f->family == IP_V4
				? memcmp(f->first + 12, v->packet + 12, 8) == 0
				: memcmp(f->first + 8, v->packet + 8, 32) == 0);
}

static bool same_flow(const struct coalesce_flow *f, const struct view *v)
{
	return f->protocol == v->protocol && same_hosts(f, v) &&
		memcmp(f->first + f->l4, v->packet + v->l4, 4) == 0;
}

/* But for length, identification and checksum. */
static bool same_ip_header(const struct coalesce_flow *f, const uint8_t *p)
{
	const uint8_t *h = f->first;

	if (f->family == IP_V6)
		return memcmp(h, p, 4) == 0 && memcmp(h + 6, p + 6, 2) == 0;
	return memcmp(h, p, 2) == 0 && memcmp(h + 6, p + 6, 4) == 0 &&
		/* Of what may not be fragmented it means nothing, RFC 6864. */
		(h[6] & IP4_DF || get16(p + 4) == (uint16_t)(f->id + f->count));
}

/* But for sequence, PSH and checksum. */
static bool same_tcp_header(const struct coalesce_flow *f, const uint8_t *p)
{
	const uint8_t *h = f->first + f->l4;
	size_t options = f->header_len - f->l4 - TCP_HEADER_MIN;

	p += f->l4;
	return memcmp(h + 8, p + 8, 5) == 0 && memcmp(h + 14, p + 14, 2) == 0 &&
		memcmp(h + 18, p + 18, 2 + options) == 0;
}

static bool joins(const struct coalesce_flow *f, const struct view *v)
{
	size_t payload = v->len - v->header_len;

	return !f->closed && f->header_len == v->header_len &&
		payload <= f->size && f->count < COALESCE_RUN_MAX &&
		f->header_len + f->total + payload <= UINT16_MAX &&
		same_ip_header(f, v->packet) &&
		(v->protocol == IPPROTO_UDP ||
			(v->sequence == f->next_sequence &&
				same_tcp_header(f, v->packet)));
}

/* --- runs --- */

static void add_payload(struct coalesce_flow *f, const struct view *v)
{
	size_t payload = v->len - v->header_len;

	f->iov[1 + f->count++] = (struct iovec){
		.iov_base = v->packet + v->header_len,
		.iov_len = payload,
	};
	f->total += payload;
	f->flags = v->flags;
	f->next_sequence = v->sequence + (uint32_t)payload;
	f->closed = payload < f->size || v->flags & TCP_PSH;
}

static void begin_run(struct coalesce_flow *f, const struct view *v)
{
	f->count = f->total = 0;
	f->family = v->family;
	f->protocol = v->protocol;
	f->l4 = v->l4;
	f->header_len = v->header_len;
	f->size = v->len - v->header_len;
	f->id = get16(v->packet + 4);
	f->first = v->packet;
	f->first_len = v->len;
	add_payload(f, v);
}

static void write_alone(
	uint8_t *packet, size_t len, coalesce_write_fn write, void *arg)
{
	static const struct virtio_net_hdr plain;
	const struct iovec iov = { packet, len };

	write(arg, &plain, &iov, 1);
}

/* Lengths and flags of the whole; the checksum of the pseudo header alone, as
 * NEEDS_CSUM wants it. */
static void make_header(struct coalesce_flow *f)
{
	size_t len = f->header_len + f->total;
	uint8_t *l4 = f->header + f->l4;
	bool udp = f->protocol == IPPROTO_UDP;
	uint16_t sum;

	memcpy(f->header, f->first, f->header_len);
	if (f->family == IP_V6) {
		put16(f->header + 4, len - IP6_HEADER);
	} else {
		put16(f->header + 2, len);
		memset(f->header + 10, 0, 2);
		sum = (uint16_t)~checksum_fold(
			checksum_add(0, f->header, IP4_HEADER));
		memcpy(f->header + 10, &sum, sizeof(sum));
	}
	if (udp)
		put16(l4 + 4, len - f->l4);
	else
		l4[13] = f->flags;
	sum = checksum_fold(checksum_pseudo(
		f->header, f->family, f->protocol, len - f->l4));
	memcpy(l4 + (udp ? 6 : 16), &sum, sizeof(sum));
}

static uint8_t gso_type(const struct coalesce_flow *f)
{
	if (f->protocol == IPPROTO_UDP)
		return VIRTIO_NET_HDR_GSO_UDP_L4;
	return f->family == IP_V4 ? VIRTIO_NET_HDR_GSO_TCPV4
				  : VIRTIO_NET_HDR_GSO_TCPV6;
}

static void end_run(struct coalesce_flow *f, coalesce_write_fn write, void *arg)
{
	struct virtio_net_hdr hdr = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = gso_type(f),
		/* exact: the kernel's linear part is made by it */
		.hdr_len = (uint16_t)f->header_len,
		.gso_size = (uint16_t)f->size,
		.csum_start = (uint16_t)f->l4,
		.csum_offset = f->protocol == IPPROTO_UDP ? 6 : 16,
	};

	if (f->count == 1) {
		write_alone(f->first, f->first_len, write, arg);
	} else {
		make_header(f);
		f->iov[0] = (struct iovec){ f->header, f->header_len };
		write(arg, &hdr, f->iov, 1 + f->count);
	}
	f->count = 0;
}

/* --- the coalescer --- */

void coalesce_init(struct coalescer *c, unsigned int offloads)
{
	c->offloads = offloads;
	c->last = 0;
	for (size_t i = 0; i < COALESCE_FLOWS; i++)
		c->flows[i].count = 0;
}

static struct coalesce_flow *find_flow(
	struct coalescer *c, const struct view *v)
{
	for (size_t i = 0; i < COALESCE_FLOWS; i++) {
		size_t at = (c->last + i) % COALESCE_FLOWS;

		if (c->flows[at].count && same_flow(&c->flows[at], v)) {
			c->last = at;
			return &c->flows[at];
		}
	}
	return NULL;
}

/* One not in use, else the one after the last: the longest untouched, or near
 * enough. */
static struct coalesce_flow *take_flow(
	struct coalescer *c, coalesce_write_fn write, void *arg)
{
	size_t at = (c->last + 1) % COALESCE_FLOWS;

	for (size_t i = 0; i < COALESCE_FLOWS; i++) {
		if (!c->flows[i].count) {
			at = i;
			break;
		}
	}
	if (c->flows[at].count)
		end_run(&c->flows[at], write, arg);
	c->last = at;
	return &c->flows[at];
}

static void add_alone(struct coalescer *c, const struct view *v,
	coalesce_write_fn write, void *arg)
{
	for (size_t i = 0; i < COALESCE_FLOWS; i++)
		if (c->flows[i].count && same_hosts(&c->flows[i], v))
			end_run(&c->flows[i], write, arg);
	write_alone(v->packet, v->len, write, arg);
}

void coalesce_add(struct coalescer *c, uint8_t *packet, size_t len,
	coalesce_write_fn write, void *arg)
{
	struct view v = look_at(c, packet, len);
	struct coalesce_flow *f;

	if (!v.protocol) {
		add_alone(c, &v, write, arg);
		return;
	}
	f = find_flow(c, &v);
	if (f && joins(f, &v)) {
		add_payload(f, &v);
		return;
	}
	if (f)
		end_run(f, write, arg);
	else
		f = take_flow(c, write, arg);
	begin_run(f, &v);
}

void coalesce_flush(struct coalescer *c, coalesce_write_fn write, void *arg)
{
	for (size_t i = 0; i < COALESCE_FLOWS; i++)
		if (c->flows[i].count)
			end_run(&c->flows[i], write, arg);
}

/* --- verifying --- */

static bool sums_up(uint64_t sum)
{
	return checksum_fold(sum) == 0xffff;
}

static bool verify_transport(const uint8_t *packet, size_t len,
	enum ip_family family, uint8_t protocol, size_t l4)
{
	const uint8_t *at = packet + l4;
	size_t left = len - l4;
	uint64_t sum = 0;

	switch (protocol) {
	case IPPROTO_UDP:
		if (left < UDP_HEADER)
			return false;
		if (get16(at + 6) == 0)
			return family == IP_V4; /* no checksum */
		break;
	case IPPROTO_TCP:
		if (left < TCP_HEADER_MIN)
			return false;
		break;
	case IPPROTO_ICMP:
		return sums_up(checksum_add(0, at, left));
	case IPPROTO_ICMPV6:
		break;
	default:
		return true;
	}
	sum = checksum_pseudo(packet, family, protocol, left);
	return sums_up(checksum_add(sum, at, left));
}

bool coalesce_verify(const uint8_t *packet, size_t len)
{
	size_t l4;

	if (packet[0] >> 4 == 6)
		return verify_transport(
			packet, len, IP_V6, packet[6], IP6_HEADER);
	l4 = (size_t)(packet[0] & 0xf) * 4;
	if (l4 < IP4_HEADER || l4 > len ||
		!sums_up(checksum_add(0, packet, l4)))
		return false;
	if (get16(packet + 6) & 0x3fff) /* a fragment */
		return true;
	return verify_transport(packet, len, IP_V4, packet[9], l4);
}

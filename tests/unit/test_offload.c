/*
 * segment, coalesce and checksum: against naive twins, and against each other:
 * what one makes of a super-packet, the other joins again.
 */
#include "config.h"
#include "rows.h"
#include "engine/linux/checksum.h"
#include "engine/linux/coalesce.h"
#include "engine/linux/segment.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"

/* --- checksum --- */

static uint16_t naive_sum(const uint8_t *b, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++) {
		sum += (uint32_t)b[i] << (i % 2 ? 0 : 8);
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return htons((uint16_t)sum);
}

static void test_checksum(void **state)
{
	static uint8_t bytes[65536];
	struct random random = random_start();

	(void)state;
	for (int round = 0; round < 2000; round++) {
		size_t len =
			random_below(&random, round % 50 ? 200 : sizeof(bytes));
		size_t at = random_below(&random, 9);

		if (at + len > sizeof(bytes))
			len -= at;
		for (size_t i = 0; i < len; i++)
			bytes[at + i] = round % 3 == 0
				? 0xff
				: (uint8_t)random_next(&random);
		assert_int_equal(
			checksum_fold(checksum_add(0, bytes + at, len)),
			naive_sum(bytes + at, len));
	}
}

/* --- frames --- */

struct flow {
	enum ip_family family;
	bool udp;
	uint8_t host;
	uint16_t port;
	size_t options; /* bytes of TCP options */
};

static void put16(uint8_t *at, size_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

/* A frame as the kernel gives it: pseudo header sum only. Returns its length. */
static size_t make_frame(uint8_t *ret, struct virtio_net_hdr *ret_hdr,
	const struct flow *f, uint32_t sequence, size_t payload, size_t mss,
	uint8_t flags, struct random *random)
{
	size_t ip = f->family == IP_V4 ? 20 : 40;
	size_t l4 = f->udp ? 8 : 20 + f->options;
	size_t len = ip + l4 + payload;
	uint8_t protocol = f->udp ? IPPROTO_UDP : IPPROTO_TCP;
	uint8_t *at = ret + ip;
	uint16_t sum;

	memset(ret, 0, ip + l4);
	for (size_t i = 0; i < payload; i++)
		ret[ip + l4 + i] = (uint8_t)random_next(random);
	if (f->family == IP_V4) {
		ret[0] = 0x45;
		put16(ret + 2, len);
		put16(ret + 4, sequence & 0xffff); /* id */
		ret[8] = 64;
		ret[9] = protocol;
		memcpy(ret + 12, (uint8_t[]){ 10, 0, 0, f->host, 10, 0, 1, 1 },
			8);
		sum = (uint16_t)~naive_sum(ret, 20);
		memcpy(ret + 10, &sum, 2);
	} else {
		ret[0] = 0x60;
		put16(ret + 4, len - 40);
		ret[6] = protocol;
		ret[7] = 64;
		ret[8] = 0xfd;
		ret[23] = f->host;
		ret[24] = 0xfd;
		ret[39] = 1;
	}
	put16(at, f->port);
	put16(at + 2, 443);
	if (f->udp) {
		put16(at + 4, len - ip);
	} else {
		put16(at + 4, sequence >> 16);
		put16(at + 6, sequence & 0xffff);
		at[11] = 7; /* ack */
		at[12] = (uint8_t)(l4 / 4 << 4);
		at[13] = flags;
		put16(at + 14, 512);
		memset(at + 20, 1, f->options); /* NOPs */
	}
	sum = checksum_fold(
		checksum_pseudo(ret, f->family, protocol, len - ip));
	memcpy(at + (f->udp ? 6 : 16), &sum, 2);
	*ret_hdr = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = payload <= mss   ? VIRTIO_NET_HDR_GSO_NONE
			: f->udp	     ? VIRTIO_NET_HDR_GSO_UDP_L4
			: f->family == IP_V4 ? VIRTIO_NET_HDR_GSO_TCPV4
					     : VIRTIO_NET_HDR_GSO_TCPV6,
		.gso_size = payload <= mss ? 0 : (uint16_t)mss,
		.csum_start = (uint16_t)ip,
		.csum_offset = f->udp ? 6 : 16,
	};
	return len;
}

/* --- what came of it --- */

#define PACKETS_MAX 2048
struct trace { /* packets, one behind the other */
	uint8_t bytes[1 << 21];
	size_t at[PACKETS_MAX + 1], count;
	size_t frames;
};

static void trace_frame(struct trace *t, const struct virtio_net_hdr *hdr,
	const uint8_t *packet, size_t len)
{
	struct segmenter s;
	size_t n;

	assert_true(segment_begin(&s, hdr, packet, len));
	while ((n = segment_next_len(&s)) > 0) {
		assert_true(t->count < PACKETS_MAX);
		assert_true(t->at[t->count] + n <= sizeof(t->bytes));
		segment_take(&s, t->bytes + t->at[t->count]);
		t->at[t->count + 1] = t->at[t->count] + n;
		t->count++;
	}
	t->frames++;
}

static void write_frame(void *arg, const struct virtio_net_hdr *hdr,
	const struct iovec *iov, size_t count)
{
	static uint8_t frame[65536];
	size_t len = 0;

	for (size_t i = 0; i < count; i++) {
		assert_true(len + iov[i].iov_len < sizeof(frame));
		memcpy(frame + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	if (hdr->gso_type != VIRTIO_NET_HDR_GSO_NONE) {
		assert_true(hdr->gso_size > 0 && hdr->hdr_len < len);
		assert_true(len - hdr->hdr_len > hdr->gso_size);
	} else {
		assert_int_equal(hdr->flags, 0);
	}
	trace_frame(arg, hdr, frame, len);
}

static const struct flow flows[] = {
	{ IP_V4, false, 2, 1001, 12 },
	{ IP_V4, false, 2, 1002, 0 },
	{ IP_V4, true, 2, 1001, 0 },
	{ IP_V6, false, 3, 1001, 12 },
	{ IP_V6, true, 3, 1003, 0 },
	{ IP_V4, false, 4, 1001, 40 },
	{ IP_V4, true, 5, 7, 0 },
	{ IP_V6, false, 6, 1, 0 },
	{ IP_V4, false, 7, 1, 0 },
	{ IP_V4, false, 8, 1, 0 },
	{ IP_V6, true, 9, 1, 0 },
};

/* Every packet of a super-packet is what the sender's stack would have made:
 * lengths, numbers, flags, checksums right, payload whole. */
static void test_segment(void **state)
{
	static uint8_t frame[65536];
	static struct trace t;
	struct random random = random_start();

	(void)state;
	for (int round = 0; round < 600; round++) {
		const struct flow *f = &flows[round % ARRAY_SIZE(flows)];
		size_t mss = round % 7 == 0 ? 1 + random_below(&random, 64)
					    : 500 + random_below(&random, 900);
		size_t payload =
			random_below(&random, round % 7 == 0 ? 8000 : 65000);
		uint32_t sequence = UINT32_MAX - 30000;
		size_t ip = f->family == IP_V4 ? 20 : 40, done = 0;
		size_t header = ip + (f->udp ? 8 : 20 + f->options);
		struct virtio_net_hdr hdr;
		size_t len;

		if (payload == 0 || payload / mss + 1 > PACKETS_MAX)
			continue;
		len = make_frame(frame, &hdr, f, sequence, payload, mss,
			0x99 /* CWR ACK PSH FIN */, &random);
		memset(&t.count, 0, sizeof(t.count));
		t.at[0] = 0;
		trace_frame(&t, &hdr, frame, len);
		assert_int_equal(
			t.count, hdr.gso_size ? (payload + mss - 1) / mss : 1);
		for (size_t i = 0; i < t.count; i++) {
			const uint8_t *p = t.bytes + t.at[i];
			size_t n = t.at[i + 1] - t.at[i] - header;
			bool last = i + 1 == t.count;

			assert_true(coalesce_verify(p, n + header));
			assert_memory_equal(
				p + header, frame + header + done, n);
			if (f->family == IP_V4)
				assert_int_equal(p[4] << 8 | p[5],
					((sequence & 0xffff) + i) & 0xffff);
			if (!f->udp) {
				uint32_t at = (uint32_t)p[ip + 4] << 24 |
					(uint32_t)p[ip + 5] << 16 |
					(uint32_t)p[ip + 6] << 8 | p[ip + 7];

				assert_int_equal(at, sequence + (uint32_t)done);
				assert_int_equal(p[ip + 13],
					0x10 | (i == 0 ? 0x80 : 0) |
						(last ? 0x09 : 0));
			}
			done += n;
		}
		assert_int_equal(done, payload);
	}
}

/* Headers that lie are refused, whatever they are, and nothing is read or
 * written where it should not be (run it under the sanitizers). */
static void test_hostile_frames(void **state)
{
	struct random random = random_start();

	(void)state;
	for (int round = 0; round < 200000; round++) {
		size_t len = 1 + random_below(&random, 200);
		uint8_t *frame = malloc(len), *out = malloc(len + 300);
		struct virtio_net_hdr hdr;
		struct segmenter s;
		size_t n, packets = 0;

		assert_true(frame && out);
		for (size_t i = 0; i < len; i++)
			frame[i] = (uint8_t)random_next(&random);
		frame[0] = round % 2 ? 0x45 : 0x60;
		if (len > 9)
			frame[round % 2 ? 9 : 6] = round % 3 ? 6 : 17;
		for (size_t i = 0; i < sizeof(hdr); i++)
			((uint8_t *)&hdr)[i] =
				(uint8_t)random_below(&random, i < 2 ? 6 : 60);
		if (round % 4)
			hdr.csum_start = round % 2 ? 20 : 40;
		if (segment_begin(&s, &hdr, frame, len)) {
			while ((n = segment_next_len(&s)) > 0) {
				assert_true(n <= len);
				segment_take(&s, out);
				assert_true(++packets <= len);
			}
		}
		free(frame);
		free(out);
	}
}

/* --- coalescing --- */

static const uint8_t *packet_at(const struct trace *t, size_t i, size_t *len)
{
	*len = t->at[i + 1] - t->at[i];
	return t->bytes + t->at[i];
}

/* Addresses, protocol and, where the next eight bytes are ports, the ports. */
static bool same_flow(const uint8_t *a, const uint8_t *b)
{
	bool v4 = a[0] >> 4 == 4;

	if (a[0] >> 4 != b[0] >> 4)
		return false;
	return v4 ? a[9] == b[9] && memcmp(a + 12, b + 12, 12) == 0
		  : a[6] == b[6] && memcmp(a + 8, b + 8, 36) == 0;
}

/* The packets of each flow of IN, in order, byte for byte in OUT. */
static void check_same(const struct trace *in, const struct trace *out)
{
	static bool used[PACKETS_MAX];

	assert_int_equal(in->count, out->count);
	memset(used, 0, sizeof(used));
	for (size_t i = 0; i < in->count; i++) {
		size_t len, got_len, k;
		const uint8_t *p = packet_at(in, i, &len), *got = NULL;

		for (k = 0; k < out->count; k++) {
			got = packet_at(out, k, &got_len);
			if (!used[k] && same_flow(p, got))
				break;
		}
		assert_true(k < out->count);
		used[k] = true;
		assert_int_equal(got_len, len);
		assert_memory_equal(got, p, len);
	}
}

/* Super-packets of several flows, cut, interleaved, some packets changed so
 * that they must not join, some left out: joined and cut again they are what
 * they were. */
static void test_round_trip(void **state)
{
	static uint8_t frame[65536];
	static struct trace in, out;
	struct random random = random_start();
	struct coalescer *c = calloc(1, sizeof(*c));
	size_t joined = 0;

	(void)state;
	assert_non_null(c);
	for (int round = 0; round < 300; round++) {
		static struct trace parts[4];
		size_t taken[4] = { 0 }, left = 0;

		in.count = out.count = out.frames = 0;
		in.at[0] = out.at[0] = 0;
		for (size_t i = 0; i < 4; i++) {
			struct virtio_net_hdr hdr;
			size_t len = make_frame(frame, &hdr,
				&flows[random_below(
					&random, ARRAY_SIZE(flows))],
				(uint32_t)random_next(&random),
				1 + random_below(&random, 20000), 1368, 0x18,
				&random);

			parts[i].count = 0;
			parts[i].at[0] = 0;
			trace_frame(&parts[i], &hdr, frame, len);
			left += parts[i].count;
		}
		coalesce_init(
			c, round % 5 == 0 ? 0 : COALESCE_TCP | COALESCE_UDP);
		while (left > 0) {
			size_t k = round % 2 ? random_below(&random, 4)
					     : (in.count / 9) % 4;
			uint64_t fate = random_below(&random, 40);
			const uint8_t *p;
			uint8_t *copy;
			size_t len;

			while (taken[k] == parts[k].count)
				k = (k + 1) % 4;
			p = packet_at(&parts[k], taken[k]++, &len);
			left--;
			if (fate == 0) /* lost on the way */
				continue;
			copy = in.bytes + in.at[in.count];
			memcpy(copy, p, len);
			if (fate == 1)
				copy[1] ^= 0x10; /* class */
			else if (fate == 2)
				copy[copy[0] >> 4 == 4 ? 8 : 7]--; /* TTL */
			else if (fate == 3 && copy[0] >> 4 == 4)
				copy[6] ^= 0x20; /* more fragments */
			if (fate <= 3 && copy[0] >> 4 == 4) {
				uint16_t sum;

				memset(copy + 10, 0, 2);
				sum = (uint16_t)~naive_sum(copy, 20);
				memcpy(copy + 10, &sum, 2);
			}
			in.at[in.count + 1] = in.at[in.count] + len;
			in.count++;
			coalesce_add(c, copy, len, write_frame, &out);
		}
		coalesce_flush(c, write_frame, &out);
		check_same(&in, &out);
		if (round % 5 == 0)
			assert_int_equal(out.frames, in.count);
		else
			joined += out.count - out.frames;
	}
	assert_true(joined > 1000);
	free(c);
}

/* A whole run in order becomes one frame. */
static void test_joins_all(void **state)
{
	static uint8_t frame[65536];
	static struct trace in, out;
	struct random random = random_start();
	struct coalescer *c = calloc(1, sizeof(*c));

	(void)state;
	assert_non_null(c);
	for (size_t i = 0; i < ARRAY_SIZE(flows); i++) {
		struct virtio_net_hdr hdr;
		size_t len = make_frame(frame, &hdr, &flows[i], 5, 45 * 1368,
			1368, 0x10, &random);

		in.count = out.count = out.frames = 0;
		in.at[0] = out.at[0] = 0;
		trace_frame(&in, &hdr, frame, len);
		assert_int_equal(in.count, 45);
		coalesce_init(c, COALESCE_TCP | COALESCE_UDP);
		for (size_t k = 0; k < in.count; k++)
			coalesce_add(c, in.bytes + in.at[k],
				in.at[k + 1] - in.at[k], write_frame, &out);
		assert_int_equal(out.frames, 0);
		coalesce_flush(c, write_frame, &out);
		assert_int_equal(out.frames, 1);
		check_same(&in, &out);
	}
	free(c);
}

static void test_verify(void **state)
{
	static uint8_t frame[65536];
	static struct trace t;
	struct random random = random_start();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(flows); i++) {
		struct virtio_net_hdr hdr;
		size_t len = make_frame(
			frame, &hdr, &flows[i], 5, 100, 1368, 0x10, &random);

		t.count = 0;
		t.at[0] = 0;
		trace_frame(&t, &hdr, frame, len);
		assert_true(coalesce_verify(t.bytes, len));
		for (size_t bit = 0; bit < 8 * 100; bit++) {
			uint8_t *at = t.bytes + len - 100 + bit / 8;

			*at ^= (uint8_t)(1 << bit % 8);
			assert_false(coalesce_verify(t.bytes, len));
			*at ^= (uint8_t)(1 << bit % 8);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_segment),
		cmocka_unit_test(test_hostile_frames),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_joins_all),
		cmocka_unit_test(test_verify),
	};

	return cmocka_run_group_tests_name("offload", tests, NULL, NULL);
}

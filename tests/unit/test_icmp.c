/*
 * icmp: which packets are answered (RFC 1122 3.2.2, RFC 4443 2.4), and answers
 * checked by a checksum of another make.
 */
#include "config.h"
#include "rows.h"
#include "engine/linux/icmp.h"

#include <string.h>

#include "base/auto.h"

#define SEC NSEC_PER_SEC

/* RFC 1071 by the book: 16-bit ones' complement additions, one at a time. */
static uint16_t naive_sum(const uint8_t *bytes, size_t len, uint16_t sum)
{
	for (size_t i = 0; i < len; i++) {
		uint16_t add =
			i % 2 == 0 ? (uint16_t)(bytes[i] << 8) : bytes[i];

		if (sum + add > 0xffff)
			sum = (uint16_t)(sum + add + 1);
		else
			sum = (uint16_t)(sum + add);
	}
	return sum;
}

enum { V4_UDP, V4_TCP, V4_ICMP, V6_UDP, V6_ICMP };

/* A plain packet of 100 bytes that may be answered; rows patch one byte. */
static size_t make_packet(int kind, uint8_t ret[static 2048])
{
	memset(ret, 0, 2048);
	switch (kind) {
	case V4_UDP:
	case V4_TCP:
	case V4_ICMP:
		ret[0] = 0x45;
		ret[3] = 100;
		ret[8] = 64;
		ret[9] = kind == V4_UDP ? 17 : kind == V4_TCP ? 6 : 1;
		memcpy(ret + 12, "\x0a\x02\x00\x01\x0a\x02\x00\x63", 8);
		ret[20] = kind == V4_ICMP ? 8 : 0; /* echo request */
		break;
	default:
		ret[0] = 0x60;
		ret[5] = 60;
		ret[6] = kind == V6_UDP ? 17 : 58;
		ret[7] = 64;
		ret[8] = 0xfd, ret[23] = 1;
		ret[24] = 0xfd, ret[39] = 0x63;
		ret[40] = kind == V6_ICMP ? 128 : 0; /* echo request */
	}
	for (size_t i = 44; i < 100; i++)
		ret[i] = (uint8_t)i;
	return 100;
}

#define YES(kind, at, value)                                                   \
	{                                                                      \
		(kind), (at), (value), 100, true, __LINE__                     \
	}
#define NO(kind, at, value)                                                    \
	{                                                                      \
		(kind), (at), (value), 100, false, __LINE__                    \
	}
#define CUT(kind, len, answered)                                               \
	{                                                                      \
		(kind), 0, -1, (len), (answered), __LINE__                     \
	}
static const struct row {
	int kind;
	size_t at;
	int value; /* -1: as it is */
	size_t len;
	bool answered;
	int line;
} rows[] = {
	YES(V4_UDP, 0, -1),
	YES(V4_TCP, 0, -1),
	YES(V4_ICMP, 0, -1),
	YES(V6_UDP, 0, -1),
	YES(V6_ICMP, 0, -1),
	/* not IP at all, or not whole */
	NO(V4_UDP, 0, 0x05),
	NO(V4_UDP, 0, 0x55),
	NO(V6_UDP, 0, 0x70),
	NO(V4_UDP, 0, 0x44),
	CUT(V4_UDP, 0, false),
	CUT(V4_UDP, 1, false),
	CUT(V4_UDP, 19, false),
	CUT(V4_UDP, 20, true),
	CUT(V6_UDP, 39, false),
	CUT(V6_UDP, 40, true),
	/* header of 60 bytes, in 100 and in 59 */
	YES(V4_UDP, 0, 0x4f),
	{ V4_UDP, 0, 0x4f, 59, false, __LINE__ },
	/* fragments: the first (more follow) yes, later ones no */
	YES(V4_UDP, 6, 0x20),
	YES(V4_UDP, 6, 0x40),
	NO(V4_UDP, 7, 1),
	NO(V4_UDP, 6, 0x21),
	/* sources that are no single host */
	NO(V4_UDP, 12, 0),
	NO(V4_UDP, 12, 127),
	NO(V4_UDP, 12, 224),
	NO(V4_UDP, 12, 255),
	YES(V4_UDP, 12, 223),
	NO(V6_UDP, 8, 0xff),
	/* groups */
	NO(V4_UDP, 16, 224),
	NO(V4_UDP, 16, 239),
	NO(V4_UDP, 16, 255),
	NO(V6_UDP, 24, 0xff),
	/* ICMP errors */
	NO(V4_ICMP, 20, 3),
	NO(V4_ICMP, 20, 4),
	NO(V4_ICMP, 20, 5),
	NO(V4_ICMP, 20, 11),
	NO(V4_ICMP, 20, 12),
	YES(V4_ICMP, 20, 0),
	YES(V4_ICMP, 20, 13),
	NO(V6_ICMP, 40, 1),
	NO(V6_ICMP, 40, 2),
	NO(V6_ICMP, 40, 127),
	NO(V6_ICMP, 40, 137),
	YES(V6_ICMP, 40, 129),
	CUT(V4_ICMP, 20, false),
	CUT(V6_ICMP, 40, false),
	CUT(V6_ICMP, 48, true),
	/* an extension header that hides UDP (17), then one that hides an
	 * ICMPv6 error (the row below has its own test) */
	YES(V6_UDP, 6, 59),
	YES(V6_UDP, 6, 50),
	NO(V6_UDP, 6, 58),
};

static void test_which(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t packet[2048], answer[ICMP_ANSWER_MAX];
		size_t len;

		(void)make_packet(rows[i].kind, packet);
		if (rows[i].value >= 0)
			packet[rows[i].at] = (uint8_t)rows[i].value;
		len = icmp_unreachable(packet, rows[i].len, answer);
		ROW_INT(&rows[i], len > 0, rows[i].answered);
	}
}

/* ::1 and :: are no hosts either. */
static void test_v6_loopback(void **state)
{
	uint8_t packet[2048], answer[ICMP_ANSWER_MAX];
	size_t len = make_packet(V6_UDP, packet);

	memset(packet + 8, 0, 16);
	assert_int_equal(icmp_unreachable(packet, len, answer), 0);
	packet[23] = 1;
	assert_int_equal(icmp_unreachable(packet, len, answer), 0);
	packet[23] = 2;
	assert_true(icmp_unreachable(packet, len, answer) > 0);
}

/* A chain: hop by hop, routing, destination options, fragment, then NEXT. */
static size_t make_chain(uint8_t next, uint8_t offset, uint8_t *ret)
{
	static const uint8_t headers[] = { 43, 60, 44 };

	(void)make_packet(V6_UDP, ret);
	ret[6] = 0;
	memset(ret + 40, 0, 60);
	ret[40] = headers[0];
	ret[48] = headers[1];
	ret[56] = headers[2];
	ret[57] = 1; /* 16 bytes of destination options */
	ret[72] = next;
	ret[75] = offset;
	return 100;
}

static void test_v6_chain(void **state)
{
	uint8_t packet[2048], answer[ICMP_ANSWER_MAX];
	size_t len = make_chain(58, 0, packet);

	packet[80] = 1; /* unreachable, behind four headers */
	assert_int_equal(icmp_unreachable(packet, len, answer), 0);
	packet[80] = 128;
	assert_true(icmp_unreachable(packet, len, answer) > 0);
	len = make_chain(17, 8, packet); /* a later fragment */
	assert_int_equal(icmp_unreachable(packet, len, answer), 0);
	len = make_chain(17, 1, packet); /* the first: only "more" is set */
	assert_true(icmp_unreachable(packet, len, answer) > 0);
	/* cut inside the chain: it could hide anything */
	for (size_t cut = 40; cut < 80; cut++)
		assert_int_equal(icmp_unreachable(packet, cut, answer), 0);
	/* headers that claim to go on for ever */
	len = make_chain(17, 0, packet);
	packet[41] = 255;
	assert_int_equal(icmp_unreachable(packet, len, answer), 0);
}

static void check_v4(const uint8_t *packet, size_t len)
{
	uint8_t answer[ICMP_ANSWER_MAX];
	size_t got = icmp_unreachable(packet, len, answer);
	size_t want = 28 + len < 576 ? 28 + len : 576;

	assert_int_equal(got, want);
	assert_int_equal(answer[0], 0x45);
	assert_int_equal(answer[2] << 8 | answer[3], want);
	assert_int_equal(answer[9], 1);
	assert_memory_equal(answer + 12, packet + 16, 4);
	assert_memory_equal(answer + 16, packet + 12, 4);
	assert_int_equal(answer[20], 3);
	assert_int_equal(answer[21], 1);
	assert_memory_equal(answer + 24, "\0\0\0\0", 4);
	assert_memory_equal(answer + 28, packet, want - 28);
	assert_int_equal(naive_sum(answer, 20, 0), 0xffff);
	assert_int_equal(naive_sum(answer + 20, want - 20, 0), 0xffff);
}

static void check_v6(const uint8_t *packet, size_t len)
{
	uint8_t answer[ICMP_ANSWER_MAX], pseudo[40] = { 0 };
	size_t got = icmp_unreachable(packet, len, answer);
	size_t want = 48 + len < 1280 ? 48 + len : 1280;

	assert_int_equal(got, want);
	assert_int_equal(answer[0], 0x60);
	assert_int_equal(answer[4] << 8 | answer[5], want - 40);
	assert_int_equal(answer[6], 58);
	assert_memory_equal(answer + 8, packet + 24, 16);
	assert_memory_equal(answer + 24, packet + 8, 16);
	assert_int_equal(answer[40], 1);
	assert_int_equal(answer[41], 3);
	assert_memory_equal(answer + 44, "\0\0\0\0", 4);
	assert_memory_equal(answer + 48, packet, want - 48);
	memcpy(pseudo, answer + 8, 32);
	pseudo[34] = (uint8_t)((want - 40) >> 8);
	pseudo[35] = (uint8_t)(want - 40);
	pseudo[39] = 58;
	assert_int_equal(naive_sum(answer + 40, want - 40,
				 naive_sum(pseudo, sizeof(pseudo), 0)),
		0xffff);
}

static void test_answers(void **state)
{
	struct random random = random_start();
	uint8_t packet[2048];

	for (size_t len = 100; len < sizeof(packet);
		len += 1 + random_below(&random, 40)) {
		(void)make_packet(V4_UDP, packet);
		for (size_t i = 24; i < len; i++)
			packet[i] = (uint8_t)random_next(&random);
		check_v4(packet, len);
		(void)make_packet(V6_UDP, packet);
		for (size_t i = 48; i < len; i++)
			packet[i] = (uint8_t)random_next(&random);
		check_v6(packet, len);
	}
}

/* Any bytes: no answer is longer than allowed, and nothing is read beyond the
 * end (the sanitizers watch a heap block of just that size). */
static void test_any_bytes(void **state)
{
	struct random random = random_start();
	uint8_t answer[ICMP_ANSWER_MAX];

	for (int round = 0; round < 20000; round++) {
		size_t len = random_below(&random, 96);
		uint8_t *packet = malloc(len + 1);

		assert_non_null(packet);
		for (size_t i = 0; i <= len; i++)
			packet[i] = (uint8_t)random_next(&random);
		packet = realloc(packet, len ? len : 1);
		assert_non_null(packet);
		if (len > 6 && round % 2) {
			packet[0] = 0x60;
			packet[6] = (uint8_t)(round % 61);
		} else if (len > 0) {
			packet[0] = 0x45;
		}
		assert_true(icmp_unreachable(packet, len, answer) <=
			(packet[0] >> 4 == 4 ? ICMP_V4_MAX : ICMP_V6_MAX));
		free(packet);
	}
}

static size_t take_all(struct icmp_limiter *limiter, int64_t ns)
{
	size_t n = 0;

	while (n < 1000 && icmp_limiter_take(limiter, (struct mono){ ns }))
		n++;
	return n;
}

static void test_limiter(void **state)
{
	struct icmp_limiter limiter;

	icmp_limiter_init(&limiter, (struct mono){ 5 * SEC });
	assert_int_equal(take_all(&limiter, 5 * SEC), ICMP_BURST);
	assert_int_equal(take_all(&limiter, 5 * SEC), 0);
	assert_int_equal(
		take_all(&limiter, 5 * SEC + SEC / ICMP_PER_SEC - 1), 0);
	assert_int_equal(take_all(&limiter, 5 * SEC + SEC / ICMP_PER_SEC), 1);
	assert_int_equal(take_all(&limiter, 5 * SEC + SEC / 4), 24);
	assert_int_equal(take_all(&limiter, 3600 * SEC), ICMP_BURST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_which),
		cmocka_unit_test(test_v6_loopback),
		cmocka_unit_test(test_v6_chain),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_limiter),
	};

	return cmocka_run_group_tests_name("icmp", tests, NULL, NULL);
}

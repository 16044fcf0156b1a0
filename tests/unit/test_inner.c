/* inner: headers, lengths, and every pair of outer and inner ECN bits. */
#include "config.h"

#include "tests/unit/coretest.h"

#include "engine/core/inner.h"

#include <string.h>

#include "base/banned.h"

struct family_row {
	uint8_t first;
	size_t len;
	enum ip_family want;
	int line;
};
static const struct family_row families[] = {
	{ 0x45, 0, IP_NONE, __LINE__ },
	{ 0x45, 1, IP_NONE, __LINE__ },
	{ 0x45, 19, IP_NONE, __LINE__ },
	{ 0x45, 20, IP_V4, __LINE__ },
	{ 0x4f, 20, IP_V4, __LINE__ },
	{ 0x60, 20, IP_NONE, __LINE__ },
	{ 0x60, 39, IP_NONE, __LINE__ },
	{ 0x60, 40, IP_V6, __LINE__ },
	{ 0x6f, 1400, IP_V6, __LINE__ },
	{ 0x00, 1400, IP_NONE, __LINE__ },
	{ 0x50, 1400, IP_NONE, __LINE__ },
	{ 0xf4, 1400, IP_NONE, __LINE__ },
};

static void test_family(void **state)
{
	uint8_t data[1400] = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		data[0] = families[i].first;
		ROW_EQUAL(&families[i], inner_family(data, families[i].len),
			families[i].want);
	}
}

struct length_row {
	uint8_t first;
	uint16_t field;	  /* as in the header */
	size_t len, want; /* 0: refused */
	int line;
};
static const struct length_row lengths[] = {
	{ 0x45, 20, 20, 20, __LINE__ },
	{ 0x45, 20, 32, 20, __LINE__ },
	{ 0x45, 100, 112, 100, __LINE__ },
	{ 0x45, 113, 112, 0, __LINE__ },
	{ 0x45, 19, 112, 0, __LINE__ },
	{ 0x45, 0, 112, 0, __LINE__ },
	{ 0x45, 0xffff, 112, 0, __LINE__ },
	{ 0x60, 0, 40, 40, __LINE__ },
	{ 0x60, 0, 48, 40, __LINE__ },
	{ 0x60, 8, 48, 48, __LINE__ },
	{ 0x60, 9, 48, 0, __LINE__ },
	{ 0x60, 0xffff, 48, 0, __LINE__ },
};

static void test_length(void **state)
{
	uint8_t data[128] = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		const struct length_row *row = &lengths[i];
		enum ip_family family = row->first == 0x45 ? IP_V4 : IP_V6;
		size_t at = family == IP_V4 ? 2 : 4, got = 0;

		memset(data, 0, sizeof(data));
		data[0] = row->first;
		data[at] = (uint8_t)(row->field >> 8);
		data[at + 1] = (uint8_t)row->field;
		ROW_EQUAL(row, inner_length(data, row->len, family, &got),
			row->want != 0);
		ROW_EQUAL(row, got, row->want);
	}
}

static void test_addresses(void **state)
{
	struct ipaddr src, dst;
	uint8_t data[128];

	(void)state;
	(void)test_packet(data, "10.1.2.3", "172.16.5.6", 60, 0, 0);
	assert_true(ipaddr_parse("10.1.2.3", &src));
	assert_true(ipaddr_parse("172.16.5.6", &dst));
	assert_memory_equal(inner_source(data, IP_V4), src.b, 4);
	assert_memory_equal(inner_destination(data, IP_V4), dst.b, 4);
	(void)test_packet(data, "fd00::1:2", "2001:db8::5", 60, 0, 0);
	assert_true(ipaddr_parse("fd00::1:2", &src));
	assert_true(ipaddr_parse("2001:db8::5", &dst));
	assert_memory_equal(inner_source(data, IP_V6), src.b, 16);
	assert_memory_equal(inner_destination(data, IP_V6), dst.b, 16);
}

enum { NOT, ECT1, ECT0, CE };

/* Out: ECN only, never DSCP, CE as ECT(0). In: RFC 6040 figure 4, except that
 * CE on a packet that is not ECN-capable does not drop it (kernel). */
struct ecn_row {
	uint8_t inner, outer_sent;
	uint8_t merged[4]; /* by outer: NOT, ECT1, ECT0, CE */
	int line;
};
static const struct ecn_row ecns[] = {
	{ NOT, NOT, { NOT, NOT, NOT, NOT }, __LINE__ },
	{ ECT1, ECT1, { ECT1, ECT1, ECT1, CE }, __LINE__ },
	{ ECT0, ECT0, { ECT0, ECT1, ECT0, CE }, __LINE__ },
	{ CE, ECT0, { CE, CE, CE, CE }, __LINE__ },
};

static uint8_t ds_of(const uint8_t *data, enum ip_family family)
{
	return family == IP_V4 ? data[1]
			       : (uint8_t)(data[0] << 4 | data[1] >> 4);
}

static void check_ecn(const struct ecn_row *row, const char *src,
	const char *dst, enum ip_family family)
{
	uint8_t data[64], before[64];

	for (unsigned int dscp = 0; dscp < 64; dscp++) {
		for (uint8_t outer = 0; outer < 4; outer++) {
			uint8_t ds = (uint8_t)(dscp << 2 | row->inner);
			/* What the path did to our DSCP must not matter. */
			uint8_t outer_ds = (uint8_t)((63 - dscp) << 2 | outer);

			(void)test_packet(
				data, src, dst, sizeof(data), ds, dscp);
			memcpy(before, data, sizeof(data));
			ROW_EQUAL(row, ecn_encapsulate(data, family),
				row->outer_sent);
			ROW_MEMORY(row, data, before, sizeof(data));
			ecn_decapsulate(data, family, outer_ds);
			ROW_EQUAL(row, ds_of(data, family),
				dscp << 2 | row->merged[outer]);
			if (family == IP_V4)
				ROW_TRUE(row, ipv4_checksum_ok(data));
			/* Nothing else moved. */
			before[0] = data[0];
			before[1] = data[1];
			if (family == IP_V4)
				memcpy(before + 10, data + 10, 2);
			ROW_MEMORY(row, data, before, sizeof(data));
		}
	}
}

static void test_ecn(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ecns); i++) {
		check_ecn(&ecns[i], "10.0.0.1", "10.0.0.2", IP_V4);
		check_ecn(&ecns[i], "fd00::1", "fd00::2", IP_V6);
	}
}

/* The incremental checksum over many headers, sums of 0 and ffff included. */
static void test_checksum(void **state)
{
	struct testrng rng = testrng_seeded();
	uint8_t data[20];
	char src[IPADDR_TEXT_SIZE];

	(void)state;
	for (int i = 0; i < 200000; i++) {
		uint64_t r = testrng_next(&rng);
		struct ipaddr addr = { IP_V4,
			{ (uint8_t)r, (uint8_t)(r >> 8), (uint8_t)(r >> 16),
				(uint8_t)(r >> 24) } };

		(void)test_packet(data, ipaddr_format(&addr, src), "10.0.0.2",
			20, ECT0, 0);
		ecn_decapsulate(data, IP_V4, i % 2 ? CE : ECT1);
		assert_true(ipv4_checksum_ok(data));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_family),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_ecn),
		cmocka_unit_test(test_checksum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* transport: padding, batches sealed and opened in place, limits, replays. */
#include "config.h"

#include "tests/unit/coretest.h"

#include "engine/core/limits.h"
#include "engine/core/messages.h"
#include "engine/core/transport.h"

#include <sodium.h>

#include <string.h>

#include "base/banned.h"

struct padding_row {
	size_t len;
	uint32_t mtu;
	size_t want;
	int line;
};
static const struct padding_row paddings[] = {
	{ 0, 1420, 0, __LINE__ },
	{ 1, 1420, 15, __LINE__ },
	{ 15, 1420, 1, __LINE__ },
	{ 16, 1420, 0, __LINE__ },
	{ 17, 1420, 15, __LINE__ },
	{ 1408, 1420, 0, __LINE__ },
	{ 1409, 1420, 11, __LINE__ }, /* 1424 would not fit: clamped */
	{ 1419, 1420, 1, __LINE__ },
	{ 1420, 1420, 0, __LINE__ },
	{ 1280, 1280, 0, __LINE__ },
	{ 1279, 1280, 1, __LINE__ },
	/* Above the MTU: as the last MTU-sized piece. */
	{ 1421, 1420, 15, __LINE__ },
	{ 2840, 1420, 0, __LINE__ },
	{ 2839, 1420, 1, __LINE__ },
	/* No MTU known. */
	{ 1409, 0, 15, __LINE__ },
	{ 65472, 0, 0, __LINE__ },
};

static void test_padding(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paddings); i++)
		ROW_EQUAL(&paddings[i],
			transport_padding(paddings[i].len, paddings[i].mtu),
			paddings[i].want);
	for (size_t len = 0; len < 5000; len++)
		for (uint32_t mtu = 0; mtu < 3000; mtu += 7)
			assert_true(transport_padding(len, mtu) < DATA_PADDING);
}

/* Two ends of one session. */
static struct keypair ends[2];

static struct aead *aead;

static void setup(void)
{
	if (!aead)
		aead = aead_new();
	assert_non_null(aead);
	memset(ends, 0, sizeof(ends));
	for (int i = 0; i < 2; i++) {
		memset(ends[i].session.sending_key, 1 + i, KEY_SIZE);
		memset(ends[i].session.receiving_key, 2 - i, KEY_SIZE);
		ends[i].session.remote_index = 0x11223344u + (uint32_t)i;
		ends[i].birthdate = test_now(0).mono;
		ends[i].sending_is_valid = true;
	}
}

#define SLOT (WG_HEADROOM + 1500 + WG_TAILROOM)
static uint8_t slots[WG_BATCH_MAX][SLOT];
static uint8_t plain[WG_BATCH_MAX][1500];
static size_t lens[WG_BATCH_MAX];

static void fill_batch(struct testrng *rng, struct wg_packet *p, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		memset(slots[i], 0xee, SLOT); /* dirty rooms */
		lens[i] = testrng_below(rng, 1421);
		randombytes_buf(plain[i], lens[i]);
		memcpy(slots[i] + WG_HEADROOM, plain[i], lens[i]);
		p[i] = (struct wg_packet){
			.data = slots[i] + WG_HEADROOM,
			.len = lens[i],
		};
	}
}

static void test_batches(void **state)
{
	struct testrng rng = testrng_seeded();
	static struct wg_packet p[WG_BATCH_MAX];
	enum transport_verdict v[WG_BATCH_MAX];
	uint64_t next = 0;

	(void)state;
	setup();
	for (int round = 0; round < 100; round++) {
		size_t count = 1 + testrng_below(&rng, WG_BATCH_MAX);

		fill_batch(&rng, p, count);
		assert_int_equal(
			wg_transport_seal(&ends[0], aead, p, count, 1420),
			count);
		for (size_t i = 0; i < count; i++) {
			const struct wg_message_data *header =
				(const void *)p[i].data;
			size_t padded =
				lens[i] + transport_padding(lens[i], 1420);

			assert_ptr_equal(p[i].data, slots[i]);
			assert_int_equal(p[i].len, 16 + padded + 16);
			assert_int_equal(le32_get(header->type), MESSAGE_DATA);
			assert_int_equal(
				le32_get(header->receiver_index), 0x11223344);
			assert_int_equal(le64_get(header->counter), next++);
			/* Nothing behind the tag was touched. */
			for (size_t j = p[i].len; j < SLOT; j++)
				if (j >= WG_HEADROOM + lens[i] + WG_TAILROOM)
					assert_int_equal(slots[i][j], 0xee);
		}
		wg_transport_open(&ends[1], aead, p, count, v);
		for (size_t i = 0; i < count; i++) {
			size_t padding = transport_padding(lens[i], 1420);

			assert_int_equal(v[i], TRANSPORT_OPENED);
			assert_int_equal(p[i].len, lens[i] + padding);
			assert_memory_equal(p[i].data, plain[i], lens[i]);
			/* Padding is zeros, not what lay there. */
			assert_true(
				sodium_is_zero(p[i].data + lens[i], padding));
		}
	}
}

/* Spoiled ones do not harm their neighbours; replays are judged in order. */
static void test_mixed_batch(void **state)
{
	enum { N = 40 };
	struct testrng rng = { 5 };
	static struct wg_packet p[N];
	enum transport_verdict v[N];

	(void)state;
	setup();
	fill_batch(&rng, p, N);
	assert_int_equal(wg_transport_seal(&ends[0], aead, p, N, 1420), N);
	slots[3][p[3].len - 1] ^= 0x80; /* tag */
	slots[7][20] ^= 1;		/* text, or tag of an empty one */
	slots[9][8] ^= 1;		/* counter */
	memcpy(slots[33], slots[32], SLOT);
	p[33].len = p[32].len;
	wg_transport_open(&ends[1], aead, p, N, v);
	for (size_t i = 0; i < N; i++) {
		bool spoiled = i == 3 || i == 7 || i == 9;

		assert_int_equal(v[i],
			spoiled		  ? TRANSPORT_BAD_TAG
				: i == 33 ? TRANSPORT_REPLAYED
					  : TRANSPORT_OPENED);
		if (!spoiled && i != 33)
			assert_memory_equal(p[i].data, plain[i], lens[i]);
	}
	/* A spoiled packet did not use its counter up: the true one opens. */
	setup();
	fill_batch(&rng, p, 1);
	assert_int_equal(wg_transport_seal(&ends[0], aead, p, 1, 1420), 1);
	slots[0][p[0].len - 1] ^= 1;
	memcpy(slots[1], slots[0], SLOT);
	p[1] = p[0];
	p[1].data = slots[1];
	slots[1][p[1].len - 1] ^= 1;
	wg_transport_open(&ends[1], aead, p, 2, v);
	assert_int_equal(v[0], TRANSPORT_BAD_TAG);
	assert_int_equal(v[1], TRANSPORT_OPENED);
}

/* Counters stop at the limit, never wrap, never repeat. */
static void test_counter_limit(void **state)
{
	struct testrng rng = { 6 };
	struct wg_packet p[8];
	enum transport_verdict v[8];

	(void)state;
	setup();
	ends[0].sending_counter = REJECT_AFTER_MESSAGES - 5;
	fill_batch(&rng, p, 8);
	assert_int_equal(wg_transport_seal(&ends[0], aead, p, 8, 1420), 5);
	assert_ptr_equal(p[4].data, slots[4]);
	assert_ptr_equal(p[5].data, slots[5] + WG_HEADROOM); /* untouched */
	assert_memory_equal(p[5].data, plain[5], lens[5]);
	assert_false(keypair_may_seal(&ends[0], test_now(0).mono));
	assert_int_equal(wg_transport_seal(&ends[0], aead, p + 5, 3, 1420), 0);
	assert_true(ends[0].sending_counter >= REJECT_AFTER_MESSAGES &&
		ends[0].sending_counter < UINT64_MAX - WG_BATCH_MAX);
	wg_transport_open(&ends[1], aead, p, 5, v);
	for (int i = 0; i < 5; i++)
		assert_int_equal(v[i], TRANSPORT_OPENED);
}

/* The two directions have different keys: an echo does not open. */
static void test_reflection(void **state)
{
	struct testrng rng = { 7 };
	struct wg_packet p[1];
	enum transport_verdict v[1];

	(void)state;
	setup();
	fill_batch(&rng, p, 1);
	assert_int_equal(wg_transport_seal(&ends[0], aead, p, 1, 1420), 1);
	wg_transport_open(&ends[0], aead, p, 1, v);
	assert_int_equal(v[0], TRANSPORT_BAD_TAG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_mixed_batch),
		cmocka_unit_test(test_counter_limit),
		cmocka_unit_test(test_reflection),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}

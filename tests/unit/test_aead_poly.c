/* The Poly1305 kernels of the AVX-512 backend, called directly: random keys and
 * texts never come near p, nor to the largest limbs. */
#include "config.h"

#include "tests/unit/coretest.h"

#include "engine/aead/avx512.h"
#include "engine/aead/backend.h"

#include <sodium.h>

#include <stdio.h>
#include <string.h>

#include "base/banned.h"

#define N 16

static uint8_t keys[N * 64] __attribute__((aligned(64)));
static uint8_t texts[N][2048 + 64];
static uint64_t lens[N];
static struct poly_group groups[2];

static void reference(size_t i, uint8_t *ret)
{
	static uint8_t padded[2048 + 32];
	uint64_t len = lens[i], end = (len + 15) / 16 * 16;

	memset(padded, 0, end + 16);
	memcpy(padded, texts[i], len);
	memcpy(padded + end + 8, &len, 8); /* x86 */
	(void)crypto_onetimeauth_poly1305(ret, padded, end + 16, keys + 64 * i);
}

enum kernel { LANES, GROUP, SCALAR, KERNELS };

static void compute(enum kernel kernel, uint8_t *tags)
{
	const uint8_t *at[N];

	for (size_t i = 0; i < N; i++)
		at[i] = texts[i];
	switch (kernel) {
	case LANES:
		for (size_t g = 0; g < N; g += 8)
			poly_lanes(keys + 64 * g, at + g, lens + g, 8,
				tags + 16 * g);
		break;
	case GROUP:
		poly_group_init(groups, keys, lens, N);
		for (size_t i = 0; i < N; i++)
			poly_group_add(&groups[i / 8], i % 8, at[i]);
		for (size_t g = 0; g < N; g += 8)
			poly_group_finish(&groups[g / 8], 8, tags + 16 * g);
		break;
	case SCALAR:
		for (size_t i = 0; i < N; i++)
			poly_scalar(
				keys + 64 * i, at[i], lens[i], tags + 16 * i);
		break;
	case KERNELS:
		break;
	}
}

static void check(void)
{
	uint8_t want[16], tags[N * 16] __attribute__((aligned(64)));

	for (enum kernel kernel = 0; kernel < KERNELS; kernel++) {
		memset(tags, 0, sizeof(tags));
		compute(kernel, tags);
		for (size_t i = 0; i < N; i++) {
			reference(i, want);
			assert_memory_equal(tags + 16 * i, want, 16);
		}
	}
}

/* r = 1: the sum of two blocks and the length is p - 5 to p + 6. */
static void test_near_p(void **state)
{
	struct testrng rng = testrng_seeded();
	typedef unsigned __int128 wide;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		for (size_t i = 0; i < N; i++) {
			int off = (int)((i + (size_t)round) % 12) - 5;
			uint64_t r[2] = { testrng_next(&rng),
				testrng_next(&rng) >> 1 };
			uint64_t s[2] = { testrng_next(&rng),
				testrng_next(&rng) };
			wide first = (wide)r[1] << 64 | r[0];
			wide second = (wide)0 - 5 + (wide)off -
				((wide)32 << 64) - first;

			memset(keys + 64 * i, 0, 64);
			keys[64 * i] = 1;
			memcpy(keys + 64 * i + 16, s, 16);
			lens[i] = 32;
			memcpy(texts[i], &first, 16);
			memcpy(texts[i] + 16, &second, 16);
		}
		check();
	}
}

static void extreme(struct testrng *rng, uint8_t *bytes, size_t len)
{
	uint64_t kind = testrng_below(rng, 4);

	for (size_t k = 0; k < len; k++)
		bytes[k] = kind == 0		? 0xff
			: kind == 1		? 0
			: kind == 2		? (uint8_t)testrng_next(rng)
			: testrng_next(rng) & 1 ? 0xff
						: 0;
}

static void test_extremes(void **state)
{
	struct testrng rng = testrng_seeded();

	(void)state;
	for (int round = 0; round < 1500; round++) {
		for (size_t i = 0; i < N; i++) {
			extreme(&rng, keys + 64 * i, 64);
			lens[i] = testrng_next(&rng) & 1
				? 1424
				: testrng_below(&rng, 2049);
			extreme(&rng, texts[i], lens[i]);
		}
		check();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_near_p),
		cmocka_unit_test(test_extremes),
	};

	if (!aead_avx512.usable()) {
		(void)printf("1..0 # SKIP this CPU has no AVX-512\n");
		return 0;
	}
	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}

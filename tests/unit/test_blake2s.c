/* blake2s: RFC 7693, the keyed mode, HMAC and KDF. */
#include "config.h"

#include "tests/unit/coretest.h"

#include "engine/core/blake2s.h"

#include <blake2.h>
#include <sodium.h>

#include <string.h>

#include "base/banned.h"

struct hash_row {
	const char *input_hex, *want_hex;
	int line;
};
static const struct hash_row hashes[] = {
	/* RFC 7693 appendix B: "abc" */
	{ "616263",
		"508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c866759"
		"82",
		__LINE__ },
	/* blake2.net testvectors: the empty input */
	{ "",
		"69217a3079908094e11121d042354a7c1f55b6482ca1a51e1b250dfd1ed0ee"
		"f9",
		__LINE__ },
};

static void test_hash(void **state)
{
	uint8_t in[64], want[HASH_SIZE], got[HASH_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++) {
		const struct hash_row *row = &hashes[i];
		size_t len = hex_decode(row->input_hex, in, sizeof(in));

		(void)hex_decode(row->want_hex, want, sizeof(want));
		/* Wherever it is cut in two. */
		for (size_t cut = 0; cut <= len; cut++) {
			hash_two(got, in, cut, in + cut, len - cut);
			ROW_MEMORY(row, got, want, sizeof(want));
		}
	}
}

/* RFC 7693 appendix E: the self-test of BLAKE2s over all shapes, hashed. */
static void selftest_seq(uint8_t *out, size_t len, uint32_t seed)
{
	uint32_t a = 0xDEAD4BAD * seed, b = 1, t;

	for (size_t i = 0; i < len; i++) {
		t = a + b;
		a = b;
		b = t;
		out[i] = (t >> 24) & 0xff;
	}
}

static void test_rfc7693_selftest(void **state)
{
	static const uint8_t lengths[] = { 16, 20, 28, 32 };
	static const uint16_t inputs[] = { 0, 3, 64, 65, 255, 1024 };
	/* Keyed and unkeyed results of all shapes, one after the other. */
	uint8_t all[ARRAY_SIZE(lengths) * ARRAY_SIZE(inputs) * 2 * 32];
	uint8_t in[1024], key[32], got[HASH_SIZE], want[HASH_SIZE];
	size_t at = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		size_t n = lengths[i];

		for (size_t j = 0; j < ARRAY_SIZE(inputs); j++) {
			selftest_seq(in, inputs[j], inputs[j]);
			(void)blake2s(all + at, in, NULL, n, inputs[j], 0);
			at += n;
			selftest_seq(key, n, (uint32_t)n);
			mac_two(all + at, n, key, n, in, inputs[j] / 2,
				in + inputs[j] / 2, inputs[j] - inputs[j] / 2);
			at += n;
		}
	}
	hash_two(got, all, at, NULL, 0);
	(void)hex_decode("6a411f08ce25adcdfb02aba641451cec53c598b24f4fc787fbdc8"
			 "8797f4c1dfe",
		want, sizeof(want));
	assert_memory_equal(got, want, sizeof(want));
}

struct kdf_row {
	const char *key, *input, *t1, *t2, *t3;
	int line;
};
/* The three sets of wireguard-go's kdf_test.go; computed again with Python's
 * hmac over hashlib.blake2s. */
static const struct kdf_row kdfs[] = {
	{ "746573742d6b6579", "746573742d696e707574",
		"6f0e5ad38daba1bea8a0d213688736f19763239305e0f58aba697f9ffc41c6"
		"33",
		"df1194df20802a4fe594cde27e92991c8cae66c366e8106aaa937a55fa371e"
		"8a",
		"fac6e2745a325f5dc5d11a5b165aad08b0ada28e7b4e666b7c077934a4d76c"
		"24",
		__LINE__ },
	{ "776972656775617264", "776972656775617264",
		"491d43bbfdaa8750aaf535e334ecbfe5129967cd64635101c566d4caefda96"
		"e8",
		"1e71a379baefd8a79aa4662212fcafe19a23e2b609a3db7d6bcba8f560e3d2"
		"5f",
		"31e1ae48bddfbe5de38f295e5452b1909a1b4e38e183926af3780b0c1e1f01"
		"60",
		__LINE__ },
	{ "", "",
		"8387b46bf43eccfcf349552a095d8315c4055beb90208fb1be23b894bc2ed5"
		"d0",
		"58a0e5f6faefccf4807bff1f05fa8a9217945762040bcec2f4b4a62bdfe0e8"
		"6e",
		"0ce6ea98ec548f8e281e93e32db65621c45eb18dc6f0a7ad94178610a2f733"
		"8e",
		__LINE__ },
};

static void test_kdf(void **state)
{
	uint8_t key[32], in[32], want[3][HASH_SIZE], got[3][HASH_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kdfs); i++) {
		const struct kdf_row *row = &kdfs[i];
		size_t key_len = hex_decode(row->key, key, sizeof(key));
		size_t len = hex_decode(row->input, in, sizeof(in));

		(void)hex_decode(row->t1, want[0], HASH_SIZE);
		(void)hex_decode(row->t2, want[1], HASH_SIZE);
		(void)hex_decode(row->t3, want[2], HASH_SIZE);
		for (int n = 1; n <= 3; n++) {
			memset(got, 0, sizeof(got));
			kdf(key, key_len, in, len, got[0],
				n > 1 ? got[1] : NULL, n > 2 ? got[2] : NULL);
			ROW_MEMORY(row, got, want, (size_t)n * HASH_SIZE);
			for (int rest = n; rest < 3; rest++)
				ROW_TRUE(row, key_is_zero(got[rest]));
		}
	}
}

/* The chaining key is replaced by the first output. */
static void test_kdf_in_place(void **state)
{
	uint8_t chain[HASH_SIZE] = { 1 }, in[5] = { 2 };
	uint8_t want[2][HASH_SIZE], got[HASH_SIZE];

	(void)state;
	kdf(chain, sizeof(chain), in, sizeof(in), want[0], want[1], NULL);
	kdf(chain, sizeof(chain), in, sizeof(in), chain, got, NULL);
	assert_memory_equal(chain, want[0], HASH_SIZE);
	assert_memory_equal(got, want[1], HASH_SIZE);
}

/* A key longer than a block is hashed first (RFC 2104). Computed with Python's
 * hmac over hashlib.blake2s: key 0..99, data "data". */
static void test_hmac_long_key(void **state)
{
	uint8_t key[100], got[HASH_SIZE], want[HASH_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	hmac(got, key, sizeof(key), "data", 4);
	(void)hex_decode("2624e61dfe9fcc84d3137a317c171ced634ef3fcd2fa3f5515940"
			 "906f4e38c48",
		want, sizeof(want));
	assert_memory_equal(got, want, sizeof(want));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_rfc7693_selftest),
		cmocka_unit_test(test_kdf),
		cmocka_unit_test(test_kdf_in_place),
		cmocka_unit_test(test_hmac_long_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* aead: the library against RFC 8439 (Wycheproof: test_vectors), our batches against
 * answers made by OpenSSL and against the library one packet at a time. */
#include "config.h"

#include "tests/unit/coretest.h"

#include "engine/core/aead.h"
#include "engine/core/messages.h"

#include <sodium.h>

#include <string.h>

#include "base/banned.h"

struct kat_row {
	const char *key;
	uint64_t counter;
	const char *plain, *sealed;
	int line;
};
/* ChaCha20Poly1305 of python3-cryptography (OpenSSL 3), nonce 0000 || le64. */
static const struct kat_row kats[] = {
	{ "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		UINT64_C(0x0), "", "10324f800a160bd9a1794255be7ec29d",
		__LINE__ },
	{ "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		UINT64_C(0x1), "000102030405060708090a0b0c0d0e0f",
		"9f56f15cb12fa91f21bfa4575e989788e73915bf40172754a9d4b59c77e338"
		"5b",
		__LINE__ },
	{ "8080808080808080808080808080808080808080808080808080808080808080",
		UINT64_C(0x102030405060708),
		"41414141414141414141414141414141414141414141414141414141414141"
		"41414141414141414141414141414141414141414141414141414141414141"
		"414141",
		"21f775c5f35967869bfb6e59d074481a83d758b5215eb248376023d3d84fbb"
		"db52f4bbf946febef5c679dcadd4bce7c451d19c68ca3da623ce7c93dd20d1"
		"ebfa2c54bf50480b71652513544bd84d072a59",
		__LINE__ },
	{ "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		UINT64_C(0xffffffffffffdffe),
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e"
		"1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d"
		"3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c"
		"5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b"
		"7c7d7e7f",
		"212b8a287f1f536459fd92567f5dd04edf8d596ec730e449f545141728062d"
		"8ab78010f04ad30d76992475405c8d3aaf60ae2485edfb773281614769b75c"
		"8bfc293a0364e0dfd53b670001b0a38a58493fc986d6a47c2a9bb162f1a379"
		"c674b92254dc5098eb95b696e72055f6dbeb68b31ba5363938d3324307a367"
		"949862a5e35fcbe9e56a791395d2eda2721ff92a",
		__LINE__ },
};

static void test_known_answers(void **state)
{
	uint8_t key[KEY_SIZE], plain[256], sealed[256], got[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kats); i++) {
		const struct kat_row *row = &kats[i];
		size_t len = hex_decode(row->plain, plain, sizeof(plain));
		struct aead_packet p = {
			.src = plain,
			.dst = got,
			.len = len,
			.counter = row->counter,
		};

		(void)hex_decode(row->key, key, sizeof(key));
		ROW_EQUAL(row, hex_decode(row->sealed, sealed, sizeof(sealed)),
			SEALED_SIZE(len));
		aead_seal(key, &p, 1);
		ROW_TRUE(row, p.ok);
		ROW_MEMORY(row, got, sealed, SEALED_SIZE(len));
		p.src = sealed;
		p.ok = false;
		aead_open(key, &p, 1);
		ROW_TRUE(row, p.ok);
		if (len)
			ROW_MEMORY(row, got, plain, len);
	}
}

/* RFC 8439 s2.8.2: the AEAD as noise uses it, with additional data. */
static void test_rfc8439(void **state)
{
	static const char text[] =
		"Ladies and Gentlemen of the class of '99: If I could offer "
		"you "
		"only one tip for the future, sunscreen would be it.";
	uint8_t key[KEY_SIZE], nonce[12], ad[12], tag[AEAD_TAG_SIZE];
	uint8_t out[sizeof(text) - 1 + AEAD_TAG_SIZE];
	size_t len = sizeof(text) - 1;

	(void)state;
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(0x80 + i);
	(void)hex_decode("070000004041424344454647", nonce, sizeof(nonce));
	(void)hex_decode("50515253c0c1c2c3c4c5c6c7", ad, sizeof(ad));
	(void)hex_decode("1ae10b594f09e26a7e902ecbd0600691", tag, sizeof(tag));
	(void)crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL,
		(const uint8_t *)text, len, ad, sizeof(ad), NULL, nonce, key);
	assert_memory_equal(out + len, tag, sizeof(tag));
	assert_int_equal(out[0], 0xd3);
}

/* Full batches in place, of every length there is room for, some spoiled. */
static void test_batches(void **state)
{
	struct testrng rng = testrng_seeded();
	static uint8_t buf[AEAD_BATCH_MAX][256 + AEAD_TAG_SIZE];
	static uint8_t plain[AEAD_BATCH_MAX][256];
	struct aead_packet p[AEAD_BATCH_MAX];
	bool spoiled[AEAD_BATCH_MAX];
	uint8_t key[KEY_SIZE];

	(void)state;
	for (int round = 0; round < 200; round++) {
		size_t count = 1 + testrng_below(&rng, AEAD_BATCH_MAX);
		uint64_t first = testrng_next(&rng);

		randombytes_buf(key, sizeof(key));
		for (size_t i = 0; i < count; i++) {
			uint8_t nonce[12] = { 0 }, want[256 + AEAD_TAG_SIZE];

			p[i] = (struct aead_packet){
				.src = buf[i],
				.dst = buf[i],
				.len = testrng_below(&rng, 257),
				.counter = first + i,
			};
			randombytes_buf(plain[i], p[i].len);
			memcpy(buf[i], plain[i], p[i].len);
			for (int j = 0; j < 8; j++)
				nonce[4 + j] =
					(uint8_t)(p[i].counter >> (8 * j));
			aead_seal(key, &p[i], 1);
			(void)crypto_aead_chacha20poly1305_ietf_encrypt(want,
				NULL, plain[i], p[i].len, NULL, 0, NULL, nonce,
				key);
			assert_memory_equal(
				buf[i], want, SEALED_SIZE(p[i].len));
			memcpy(buf[i], plain[i], p[i].len);
		}
		aead_seal(key, p, count);
		for (size_t i = 0; i < count; i++) {
			spoiled[i] = testrng_below(&rng, 4) == 0;
			if (spoiled[i])
				buf[i][testrng_below(
					&rng, SEALED_SIZE(p[i].len))] ^= 1;
		}
		aead_open(key, p, count);
		for (size_t i = 0; i < count; i++) {
			assert_int_equal(p[i].ok, !spoiled[i]);
			if (p[i].ok)
				assert_memory_equal(buf[i], plain[i], p[i].len);
			else
				assert_true(sodium_is_zero(buf[i], p[i].len));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_answers),
		cmocka_unit_test(test_rfc8439),
		cmocka_unit_test(test_batches),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}

/* aead: every backend that runs here against answers made by OpenSSL and against
 * libsodium one packet at a time: lengths, batches, counters, spoiled packets,
 * memory before and behind. */
#include "config.h"

#include "tests/unit/coretest.h"

#include "engine/aead/backend.h"

#include <sodium.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/banned.h"

#define TAG	AEAD_TAG_SIZE
#define LEN_MAX 2048
#define GUARD	96
#define ROOM	(LEN_MAX + TAG + 2 * GUARD)

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

static struct aead *use(const struct aead_backend *backend)
{
	struct aead *aead;

	aead_set_backend(backend);
	aead = aead_new();
	assert_non_null(aead);
	return aead;
}

#define EACH_BACKEND(b)                                                        \
	for (size_t i_ = 0; aead_backends[i_]; i_++)                           \
		for (const struct aead_backend *b = aead_backends[i_]; b;      \
			b = NULL)                                              \
			if (!b->usable())                                      \
				print_message(                                 \
					"# %s: not on this CPU\n", b->name);   \
			else

static void test_known_answers(void **state)
{
	uint8_t key[KEY_SIZE], plain[256], sealed[256], got[256];

	(void)state;
	EACH_BACKEND(b)
	{
		struct aead *aead = use(b);

		for (size_t i = 0; i < ARRAY_SIZE(kats); i++) {
			const struct kat_row *row = &kats[i];
			size_t len =
				hex_decode(row->plain, plain, sizeof(plain));
			struct aead_packet p = {
				.src = plain,
				.dst = got,
				.len = len,
				.counter = row->counter,
			};

			(void)hex_decode(row->key, key, sizeof(key));
			ROW_EQUAL(row,
				hex_decode(row->sealed, sealed, sizeof(sealed)),
				SEALED_SIZE(len));
			aead_seal(aead, key, &p, 1);
			ROW_MEMORY(row, got, sealed, SEALED_SIZE(len));
			p.src = sealed;
			p.ok = false;
			aead_open(aead, key, &p, 1);
			ROW_TRUE(row, p.ok);
			if (len)
				ROW_MEMORY(row, got, plain, len);
		}
		aead_free(aead);
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

/* --- against libsodium --- */

static void reference(const uint8_t *key, uint64_t counter, const uint8_t *text,
	size_t len, uint8_t *ret)
{
	uint8_t nonce[12] = { 0 };

	for (int i = 0; i < 8; i++)
		nonce[4 + i] = (uint8_t)(counter >> 8 * i);
	(void)crypto_aead_chacha20poly1305_ietf_encrypt(
		ret, NULL, text, len, NULL, 0, NULL, nonce, key);
}

static struct {
	uint8_t plain[AEAD_BATCH_MAX][LEN_MAX];
	uint8_t sealed[AEAD_BATCH_MAX][LEN_MAX + TAG];
	uint8_t work[AEAD_BATCH_MAX][ROOM];
} mem;

static void fill(struct testrng *rng, uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)testrng_next(rng);
}

static void check_canaries(size_t i, size_t len, uint8_t canary)
{
	for (size_t k = 0; k < GUARD; k++) {
		assert_int_equal(mem.work[i][k], canary);
		assert_int_equal(mem.work[i][GUARD + len + k], canary);
	}
}

enum place { ELSEWHERE, IN_PLACE };

/* COUNT packets of LENS from counter FIRST on, sealed and opened; one in six is
 * spoiled on the way. */
static void check(struct aead *aead, struct testrng *rng, const size_t *lens,
	size_t count, uint64_t first, enum place place)
{
	struct aead_packet p[AEAD_BATCH_MAX];
	bool spoiled[AEAD_BATCH_MAX];
	uint8_t key[KEY_SIZE];

	fill(rng, key, sizeof(key));
	for (size_t i = 0; i < count; i++) {
		uint8_t *work = mem.work[i] + GUARD;

		fill(rng, mem.plain[i], lens[i]);
		reference(key, first + i, mem.plain[i], lens[i], mem.sealed[i]);
		memset(mem.work[i], 0xa5, lens[i] + TAG + 2 * GUARD);
		if (place == IN_PLACE)
			memcpy(work, mem.plain[i], lens[i]);
		p[i] = (struct aead_packet){
			.src = place == IN_PLACE ? work : mem.plain[i],
			.dst = work,
			.len = lens[i],
			.counter = first + i,
		};
	}
	aead_seal(aead, key, p, count);
	for (size_t i = 0; i < count; i++) {
		assert_memory_equal(
			mem.work[i] + GUARD, mem.sealed[i], lens[i] + TAG);
		check_canaries(i, lens[i] + TAG, 0xa5);
	}

	for (size_t i = 0; i < count; i++) {
		uint8_t *work = mem.work[i] + GUARD;

		spoiled[i] = testrng_below(rng, 6) == 0;
		if (spoiled[i])
			mem.sealed[i][testrng_below(rng, lens[i] + TAG)] ^=
				(uint8_t)(1 << testrng_below(rng, 8));
		memset(mem.work[i], 0x5a, lens[i] + TAG + 2 * GUARD);
		if (place == IN_PLACE)
			memcpy(work, mem.sealed[i], lens[i] + TAG);
		p[i].src = place == IN_PLACE ? work : mem.sealed[i];
		p[i].dst = work;
		p[i].ok = spoiled[i];
	}
	aead_open(aead, key, p, count);
	for (size_t i = 0; i < count; i++) {
		const uint8_t *work = mem.work[i] + GUARD;

		assert_int_equal(p[i].ok, !spoiled[i]);
		if (!spoiled[i])
			assert_memory_equal(work, mem.plain[i], lens[i]);
		else if (place == IN_PLACE) /* untouched */
			assert_memory_equal(work, mem.sealed[i], lens[i]);
		for (size_t k = 0;
			spoiled[i] && place == ELSEWHERE && k < lens[i]; k++)
			assert_int_equal(work[k], 0x5a);
		check_canaries(i, lens[i] + TAG, 0x5a);
		for (size_t k = 0; place == ELSEWHERE && k < TAG; k++)
			assert_int_equal(work[lens[i] + k], 0x5a);
	}
}

static void test_all_lengths(void **state)
{
	struct testrng rng = testrng_seeded();

	(void)state;
	EACH_BACKEND(b)
	{
		struct aead *aead = use(b);

		for (size_t len = 0; len <= LEN_MAX; len++) {
			size_t count = 1 + len % 3;
			size_t lens[9] = { len, len, len, len, len, len, len,
				len, len };

			check(aead, &rng, lens, len % 7 ? count : 9,
				testrng_next(&rng), len % 2);
		}
		aead_free(aead);
	}
}

static void test_mixed_batches(void **state)
{
	struct testrng rng = testrng_seeded();

	(void)state;
	EACH_BACKEND(b)
	{
		struct aead *aead = use(b);

		for (int round = 0; round < 600; round++) {
			static const size_t most[] = { LEN_MAX, 200, 1500, 64 };
			size_t max = most[round % 4];
			size_t count = 1 + testrng_below(&rng, AEAD_BATCH_MAX);
			size_t lens[AEAD_BATCH_MAX];
			/* the low half of the counter runs over in the middle */
			uint64_t first = round % 3
				? testrng_next(&rng)
				: (testrng_next(&rng) & ~UINT64_C(0xffffffff)) -
					testrng_below(&rng, count + 1);

			for (size_t i = 0; i < count; i++)
				lens[i] = round % 5 == 0
					? max - 1
					: testrng_below(&rng, max);
			check(aead, &rng, lens, count, first,
				(enum place)(round / 2 % 2));
		}
		aead_free(aead);
	}
}

/* The largest there can be. */
static void test_long(void **state)
{
	static uint8_t plain[65535], sealed[65535 + TAG], got[65535 + TAG];
	struct testrng rng = testrng_seeded();
	uint8_t key[KEY_SIZE];

	(void)state;
	fill(&rng, key, sizeof(key));
	fill(&rng, plain, sizeof(plain));
	EACH_BACKEND(b)
	{
		struct aead *aead = use(b);

		for (size_t len = 60001; len <= 65535; len += 1383) {
			struct aead_packet p = { plain, got, len, 7, false };

			reference(key, 7, plain, len, sealed);
			aead_seal(aead, key, &p, 1);
			assert_memory_equal(got, sealed, len + TAG);
			p.src = sealed;
			aead_open(aead, key, &p, 1);
			assert_true(p.ok);
			assert_memory_equal(got, plain, len);
		}
		aead_free(aead);
	}
}

/* A page with nothing before and behind it. */
static uint8_t *lonely_page(void)
{
	uint8_t *m = mmap(
		NULL, 3 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(m != MAP_FAILED);
	assert_int_equal(mprotect(m + 4096, 4096, PROT_READ | PROT_WRITE), 0);
	return m + 4096;
}

static void test_guard_pages(void **state)
{
	enum { N = 9 };
	struct testrng rng = testrng_seeded();
	uint8_t *src[N], *dst[N], key[KEY_SIZE], want[LEN_MAX + TAG];

	(void)state;
	fill(&rng, key, sizeof(key));
	for (int i = 0; i < N; i++) {
		src[i] = lonely_page();
		dst[i] = lonely_page();
	}
	EACH_BACKEND(b)
	{
		struct aead *aead = use(b);

		for (size_t round = 0; round < 2 * LEN_MAX; round++) {
			size_t len = round / 2, count = 1 + len % N;
			bool at_end = round % 2;
			struct aead_packet p[N];

			for (size_t i = 0; i < count; i++) {
				size_t l =
					i ? testrng_below(&rng, len + 1) : len;

				p[i] = (struct aead_packet){
					.src = src[i] + (at_end ? 4096 - l : 0),
					.dst = dst[i] +
						(at_end ? 4096 - l - TAG : 0),
					.len = l,
					.counter = i,
				};
				fill(&rng, src[i] + (at_end ? 4096 - l : 0), l);
			}
			aead_seal(aead, key, p, count);
			for (size_t i = 0; i < count; i++) {
				reference(key, i, p[i].src, p[i].len, want);
				assert_memory_equal(
					p[i].dst, want, p[i].len + TAG);
				p[i].src = p[i].dst;
			}
			aead_open(aead, key, p, count);
			for (size_t i = 0; i < count; i++)
				assert_true(p[i].ok);
		}
		aead_free(aead);
	}
	for (int i = 0; i < N; i++) {
		(void)munmap(src[i] - 4096, 3 * 4096);
		(void)munmap(dst[i] - 4096, 3 * 4096);
	}
}

/* --- choosing --- */

static void seal_wrong(void *scratch, const uint8_t key[static KEY_SIZE],
	struct aead_packet *packets, size_t count)
{
	aead_sodium.seal(scratch, key, packets, count);
	packets[count - 1].dst[packets[count - 1].len] ^= 1;
}

static void open_all(void *scratch, const uint8_t key[static KEY_SIZE],
	struct aead_packet *packets, size_t count)
{
	aead_sodium.open(scratch, key, packets, count);
	for (size_t i = 0; i < count; i++)
		packets[i].ok = true;
}

static void test_self_test(void **state)
{
	struct aead_backend broken = aead_sodium;

	(void)state;
	EACH_BACKEND(b)
	{
		assert_true(aead_self_test(b));
	}
	assert_true(aead_self_test(&broken));
	broken.seal = seal_wrong;
	assert_false(aead_self_test(&broken));
	broken.seal = aead_sodium.seal;
	broken.open = open_all;
	assert_false(aead_self_test(&broken));
}

static void test_select(void **state)
{
	struct err err = { .msg = "" };

	(void)state;
	assert_int_equal(aead_select("rot13", &err), -EINVAL);
	assert_non_null(strstr(err.msg, "rot13"));
	assert_int_equal(aead_select("sodium", &err), 0);
	assert_string_equal(aead_selected(), "sodium");
	assert_int_equal(aead_select(NULL, &err), 0);
	/* the first that can run here */
	for (size_t i = 0; aead_backends[i]; i++) {
		if (!aead_backends[i]->usable())
			continue;
		assert_string_equal(aead_selected(), aead_backends[i]->name);
		break;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_answers),
		cmocka_unit_test(test_rfc8439),
		cmocka_unit_test(test_all_lengths),
		cmocka_unit_test(test_mixed_batches),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_guard_pages),
		cmocka_unit_test(test_self_test),
		cmocka_unit_test(test_select),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}

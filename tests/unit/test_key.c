/*
 * key: text forms, RFC 7748 and RFC 8032 vectors, tampered signatures.
 * Vectors: RFC 7748 s6.1 (both key pairs), RFC 8032 s7.1 (TEST 1-3).
 */
#include "config.h"
#include "rows.h"
#include "base/key.h"

#include <sodium.h>
#include <string.h>

/* 32 bytes 00..1f */
#define COUNTED_B64 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define COUNTED_HEX                                                            \
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define SAMPLE "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh"

static void from_hex(uint8_t *ret, size_t size, const char *hex)
{
	size_t len = 0;

	assert_int_equal(
		sodium_hex2bin(ret, size, hex, strlen(hex), NULL, &len, NULL),
		0);
	assert_int_equal(len, size);
}

static void test_text_forms(void **state)
{
	char b64[KEY_BASE64_SIZE], hex[KEY_HEX_SIZE];
	uint8_t key[KEY_SIZE], again[KEY_SIZE];
	struct random r = random_start();

	for (uint8_t i = 0; i < KEY_SIZE; i++)
		key[i] = i;
	assert_string_equal(key_format_base64(key, b64), COUNTED_B64);
	assert_string_equal(key_format_hex(key, hex), COUNTED_HEX);
	for (int i = 0; i < 1000; i++) {
		for (size_t j = 0; j < KEY_SIZE; j++)
			key[j] = (uint8_t)random_next(&r);
		assert_true(
			key_parse_base64(again, key_format_base64(key, b64)));
		assert_true(key_equal(key, again));
		memset(again, 0, sizeof(again));
		assert_true(key_parse_hex(again, key_format_hex(key, hex)));
		assert_true(key_equal(key, again));
	}
}

static const struct {
	const char *text;
	bool b64, hex;
	int line;
} text_rows[] = {
#define ROW(t, b, h)                                                           \
	{                                                                      \
		(t), (b), (h), __LINE__                                        \
	}
	ROW(COUNTED_B64, true, false),
	ROW(COUNTED_HEX, false, true),
	ROW("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
		false, true),
	ROW(SAMPLE "8=", true, false),
	ROW(SAMPLE "9=", false, false), /* low bits that no byte holds */
	ROW(SAMPLE "+=", false, false),
	ROW(SAMPLE "8", false, false),
	ROW(SAMPLE "==", false, false),
	ROW(SAMPLE "8==", false, false),
	ROW(SAMPLE "8=\n", false, false),
	ROW(SAMPLE "8=A", false, false),
	ROW(SAMPLE "8A", false, false),
	ROW(SAMPLE "8 ", false, false),
	ROW(SAMPLE "8AA=", false, false),
	ROW("-AECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", false, false),
	ROW("_AECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", false, false),
	ROW(" AECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", false, false),
	ROW("AAEC\nwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", false, false),
	ROW("A=ECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", false, false),
	ROW("", false, false),
	ROW("=", false, false),
	ROW("00", false, false),
	ROW(COUNTED_HEX "0", false, false),
	ROW(COUNTED_HEX "00", false, false),
	ROW("0g0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		false, false),
	ROW("0x0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		false, false),
	ROW("00:102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		false, false),
	ROW(" 00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		false, false),
};

static void test_text_refused(void **state)
{
	uint8_t untouched[KEY_SIZE], key[KEY_SIZE];

	memset(untouched, 0x5a, sizeof(untouched));
	for (size_t i = 0; i < ARRAY_SIZE(text_rows); i++) {
		memset(key, 0x5a, sizeof(key));
		ROW_INT(&text_rows[i], key_parse_base64(key, text_rows[i].text),
			text_rows[i].b64);
		if (!text_rows[i].b64)
			ROW_MEM(&text_rows[i], key, untouched, KEY_SIZE);
		memset(key, 0x5a, sizeof(key));
		ROW_INT(&text_rows[i], key_parse_hex(key, text_rows[i].text),
			text_rows[i].hex);
		if (!text_rows[i].hex)
			ROW_MEM(&text_rows[i], key, untouched, KEY_SIZE);
	}
}

static void test_zero_and_equal(void **state)
{
	uint8_t a[KEY_SIZE] = { 0 }, b[KEY_SIZE] = { 0 };

	assert_true(key_is_zero(a));
	for (size_t i = 0; i < KEY_SIZE * 8; i++) {
		a[i / 8] = (uint8_t)(1 << i % 8);
		assert_false(key_is_zero(a));
		assert_false(key_equal(a, b));
		a[i / 8] = 0;
	}
	assert_true(key_equal(a, b));
}

static void test_public_keys(void **state)
{
	static const struct {
		const char *sec, *pub;
		int line;
	} rows[] = {
		{ "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db9"
		  "2c2a",
			"8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a9"
			"8eaa9b4e6a",
			__LINE__ },
		{ "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88"
		  "e0eb",
			"de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e"
			"146f882b4f",
			__LINE__ },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char hex[KEY_HEX_SIZE];
		struct seckey sec;
		struct pubkey pub;

		ROW_TRUE(&rows[i], key_parse_hex(sec.b, rows[i].sec));
		pub = seckey_public(&sec);
		ROW_STR(&rows[i], key_format_hex(pub.b, hex), rows[i].pub);
		seckey_clamp(&sec); /* the function clamps; so it is the same */
		pub = seckey_public(&sec);
		ROW_STR(&rows[i], key_format_hex(pub.b, hex), rows[i].pub);
	}
}

static void test_generate(void **state)
{
	struct seckey a, b;
	struct signseed s, t;

	seckey_generate(&a);
	seckey_generate(&b);
	assert_false(key_equal(a.b, b.b));
	assert_int_equal(a.b[0] & 7, 0);
	assert_int_equal(a.b[31] & 0xc0, 0x40);
	seckey_wipe(&a);
	assert_true(key_is_zero(a.b));
	signseed_generate(&s);
	signseed_generate(&t);
	assert_false(key_equal(s.b, t.b));
	signseed_wipe(&s);
	assert_true(key_is_zero(s.b));
	memset(a.b, 0xff, sizeof(a.b));
	seckey_clamp(&a);
	assert_int_equal(a.b[0], 0xf8);
	assert_int_equal(a.b[31], 0x7f);
}

static const struct {
	const char *seed, *pub, *msg, *sig;
	int line;
} sign_rows[] = {
	{ "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
		"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f70751"
		"1a",
		"",
		"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901"
		"55"
		"5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a10"
		"0b",
		__LINE__ },
	{ "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
		"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af466"
		"0c",
		"72",
		"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69"
		"da"
		"085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c"
		"00",
		__LINE__ },
	{ "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
		"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb9115489080"
		"25",
		"af82",
		"6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3"
		"ac"
		"18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec4"
		"0a",
		__LINE__ },
};

static void test_signatures(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(sign_rows); i++) {
		size_t len = strlen(sign_rows[i].msg) / 2;
		uint8_t msg[3] = { 0 }, want[SIG_SIZE];
		char hex[KEY_HEX_SIZE];
		struct signature sig;
		struct signseed seed;
		struct signpub pub;

		from_hex(seed.b, sizeof(seed.b), sign_rows[i].seed);
		from_hex(msg, len, sign_rows[i].msg);
		from_hex(want, sizeof(want), sign_rows[i].sig);
		pub = signseed_public(&seed);
		ROW_STR(&sign_rows[i], key_format_hex(pub.b, hex),
			sign_rows[i].pub);
		sig = signseed_sign(&seed, msg, len);
		ROW_MEM(&sign_rows[i], sig.b, want, SIG_SIZE);
		ROW_TRUE(&sign_rows[i], signpub_verify(&pub, &sig, msg, len));
		ROW_TRUE(&sign_rows[i],
			!signpub_verify(&pub, &sig, msg, len + 1));
		for (size_t bit = 0; bit < SIG_SIZE * 8; bit++) {
			sig.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
			ROW_TRUE(&sign_rows[i],
				!signpub_verify(&pub, &sig, msg, len));
			sig.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		pub.b[3] ^= 1;
		ROW_TRUE(&sign_rows[i], !signpub_verify(&pub, &sig, msg, len));
	}
}

static void test_small_order_key_refused(void **state)
{
	/* the neutral element with R = neutral and S = 0 fits any message
	 * where the verifier does not refuse keys of small order */
	struct signpub pub = { { 1 } };
	struct signature sig = { { 1 } };

	assert_false(signpub_verify(&pub, &sig, (const uint8_t *)"any", 3));
}

static const struct {
	const char *text, *want; /* WANT NULL: refused */
	int line;
} url_rows[] = {
#undef ROW
#define ROW(t, w)                                                              \
	{                                                                      \
		(t), (w), __LINE__                                             \
	}
	ROW("", ""), ROW("Zg", "f"), /* RFC 4648 s10, without its padding */
	ROW("Zm8", "fo"), ROW("Zm9v", "foo"), ROW("Zm9vYmFy", "foobar"),
	ROW("-_-_", "\xfb\xff\xbf"), ROW("Zg==", NULL), ROW("Z", NULL),
	ROW("Zh", NULL), /* low bits that no byte holds */
	ROW("Zm9", NULL), ROW("Zm9vY", NULL), ROW("+/+/", NULL),
	ROW("Zm 9v", NULL), ROW("Zm9v\n", NULL),
	ROW("Zm9vYmFyYg", NULL), /* seven bytes: too long for CAP */
};

static void test_base64url(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(url_rows); i++) {
		char text[BASE64URL_SIZE(6)];
		uint8_t bytes[6];
		size_t len = 99;
		bool ok = base64url_decode(url_rows[i].text,
			strlen(url_rows[i].text), bytes, sizeof(bytes), &len);

		ROW_INT(&url_rows[i], ok, url_rows[i].want != NULL);
		if (!ok) {
			ROW_INT(&url_rows[i], len, 99);
			continue;
		}
		ROW_INT(&url_rows[i], len, strlen(url_rows[i].want));
		ROW_MEM(&url_rows[i], bytes, url_rows[i].want, len);
		ROW_STR(&url_rows[i],
			base64url_encode(bytes, len, text, sizeof(text)),
			url_rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_forms),
		cmocka_unit_test(test_text_refused),
		cmocka_unit_test(test_zero_and_equal),
		cmocka_unit_test(test_public_keys),
		cmocka_unit_test(test_generate),
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_small_order_key_refused),
		cmocka_unit_test(test_base64url),
	};

	if (sodium_init() < 0)
		return 99;
	return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}

/*
 * The signatures that all trust rests on, by published vectors: three of RFC
 * 8032 section 7.1 here, and Wycheproof's if the folder with them is there
 * (C2SP/wycheproof, testvectors_v1/ed25519_test.json).
 */
#include "config.h"
#include "base/key.h"

#include <jansson.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/banned.h"

#define MSG_MAX 8192

static size_t unhex(const char *hex, uint8_t *ret, size_t cap)
{
	size_t len = 0;

	assert_non_null(hex);
	assert_int_equal(
		sodium_hex2bin(ret, cap, hex, strlen(hex), NULL, &len, NULL),
		0);
	return len;
}

static void test_rfc8032(void **state)
{
	static const struct {
		int line;
		const char *seed, *pub, *msg, *sig;
	} rows[] = {
		{ __LINE__,
			"9d61b19deffd5a60ba844af492ec2cc4"
			"4449c5697b326919703bac031cae7f60",
			"d75a980182b10ab7d54bfed3c964073a"
			"0ee172f3daa62325af021a68f707511a",
			"",
			"e5564300c360ac729086e2cc806e828a"
			"84877f1eb8e5d974d873e06522490155"
			"5fb8821590a33bacc61e39701cf9b46b"
			"d25bf5f0595bbe24655141438e7a100b" },
		{ __LINE__,
			"4ccd089b28ff96da9db6c346ec114e0f"
			"5b8a319f35aba624da8cf6ed4fb8a6fb",
			"3d4017c3e843895a92b70aa74d1b7ebc"
			"9c982ccf2ec4968cc0cd55f12af4660c",
			"72",
			"92a009a9f0d4cab8720e820b5f642540"
			"a2b27b5416503f8fb3762223ebdb69da"
			"085ac1e43e15996e458f3613d0f11d8c"
			"387b2eaeb4302aeeb00d291612bb0c00" },
		{ __LINE__,
			"c5aa8df43f9f837bedb7442f31dcb7b1"
			"66d38535076f094b85ce3a2e0b4458f7",
			"fc51cd8e6218a1a38da47ed00230f058"
			"0816ed13ba3303ac5deb911548908025",
			"af82",
			"6291d657deec24024827e69c3abe01a3"
			"0ce548a284743a445e3680d7db5ac3ac"
			"18ff9b538d16f290ae67f760984dc659"
			"4a7c15e9716ed28dc027beceea1ec40a" },
	};
	int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct signseed seed;
		struct signpub pub, derived;
		struct signature sig, made;
		uint8_t msg[8];
		size_t len = unhex(rows[i].msg, msg, sizeof(msg));

		assert_int_equal(unhex(rows[i].seed, seed.b, KEY_SIZE), 32);
		assert_int_equal(unhex(rows[i].pub, pub.b, KEY_SIZE), 32);
		assert_int_equal(unhex(rows[i].sig, sig.b, SIG_SIZE), 64);
		derived = signseed_public(&seed);
		made = signseed_sign(&seed, msg, len);
		if (memcmp(derived.b, pub.b, KEY_SIZE) ||
			memcmp(made.b, sig.b, SIG_SIZE) ||
			!signpub_verify(&pub, &sig, msg, len)) {
			print_error("line %d\n", rows[i].line);
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/* A signature of any other length never gets as far as the verifier: our type
 * has 64 bytes, and envelopes are read to exactly that. */
static bool verifies(const struct signpub *pub, const json_t *test)
{
	static uint8_t msg[MSG_MAX];
	uint8_t sig_bytes[2 * SIG_SIZE];
	struct signature sig;
	size_t len = unhex(text_of(test, "msg"), msg, sizeof(msg));

	if (unhex(text_of(test, "sig"), sig_bytes, sizeof(sig_bytes)) !=
		SIG_SIZE)
		return false;
	memcpy(sig.b, sig_bytes, SIG_SIZE);
	return signpub_verify(pub, &sig, msg, len);
}

static void test_wycheproof(void **state)
{
	const char *dir = getenv("SRCDIR");
	char path[1024];
	json_t *root, *group, *test;
	size_t i, k, count = 0;
	int failed = 0;

	(void)snprintf(path, sizeof(path),
		"%s/../shared/vectors/wycheproof/ed25519_test.json",
		dir ? dir : ".");
	root = json_load_file(path, 0, NULL);
	if (!root) {
		print_message("# no vectors at ../shared\n");
		skip();
	}
	json_array_foreach(json_object_get(root, "testGroups"), i, group)
	{
		struct signpub pub;
		const json_t *key = json_object_get(group, "publicKey");

		assert_int_equal(
			unhex(text_of(key, "pk"), pub.b, sizeof(pub.b)), 32);
		json_array_foreach(json_object_get(group, "tests"), k, test)
		{
			bool want = !strcmp(text_of(test, "result"), "valid");

			count++;
			if (verifies(&pub, test) != want) {
				print_error("tcId %lld: %s\n",
					json_integer_value(
						json_object_get(test, "tcId")),
					text_of(test, "comment"));
				failed++;
			}
		}
	}
	json_decref(root);
	assert_int_equal(failed, 0);
	assert_true(count >= 150);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc8032),
		cmocka_unit_test(test_wycheproof),
	};

	if (sodium_init() < 0)
		return 99;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* token, bearer: texts that people carry, and slips of their hands. */
#include "config.h"
#include "meshproto/token.h"

#include "mesh_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/banned.h"

#define PREFIX "mesh_join_"

static struct join_token token_for(const char *url)
{
	struct join_token token = { .operator_key = fx_public(FX_OPERATOR),
		.delegate = fx_seed(FX_DELEGATE) };

	for (size_t i = 0; i < sizeof(token.pin); i++)
		token.pin[i] = (uint8_t)i;
	assert_true(str_copy(token.url, sizeof(token.url), url));
	return token;
}

static bool token_equal(const struct join_token *a, const struct join_token *b)
{
	return key_equal(a->operator_key.b, b->operator_key.b) &&
		key_equal(a->delegate.b, b->delegate.b) &&
		!memcmp(a->pin, b->pin, sizeof(a->pin)) &&
		!strcmp(a->url, b->url);
}

static void test_round_trip(void **state)
{
	char longest[TOKEN_URL_MAX + 1];
	const struct {
		int line;
		const char *url;
	} rows[] = {
		{ __LINE__, "https://h" },
		{ __LINE__, "https://mesh.example:7443" },
		{ __LINE__, "https://[2001:db8::1]:7443" },
		{ __LINE__, "https://mesh.example/under/a?path=1&b#c" },
		{ __LINE__, longest },
	};
	int failed = 0;

	memset(longest, 'h', TOKEN_URL_MAX);
	memcpy(longest, "https://", 8);
	longest[TOKEN_URL_MAX] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct join_token token = token_for(rows[i].url), back;
		char text[TOKEN_TEXT_MAX];
		struct err err = { 0 };

		if (join_token_format(&token, text, &err) != 0 ||
			join_token_parse(text, &back, &err) != 0 ||
			!token_equal(&token, &back)) {
			print_error("line %d: %s\n", rows[i].line, err.msg);
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

static void test_format_refuses(void **state)
{
	static const struct {
		int line;
		const char *url;
	} rows[] = {
		{ __LINE__, "" },
		{ __LINE__, "https://" },
		{ __LINE__, "http://mesh.example" },
		{ __LINE__, "HTTPS://mesh.example" },
		{ __LINE__, "mesh.example:7443" },
		{ __LINE__, "https://mesh example" },
		{ __LINE__, "https://mesh\nexample" },
		{ __LINE__, "https://mesh.example/\"" },
		{ __LINE__, "https://m\xc3\xa9sh.example" },
	};
	int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct join_token token = token_for(rows[i].url);
		char text[TOKEN_TEXT_MAX] = "untouched";
		struct err err = { 0 };

		if (join_token_format(&token, text, &err) != -EINVAL ||
			!*err.msg || strcmp(text, "untouched")) {
			print_error("line %d: %s\n", rows[i].line, text);
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

/* Bytes as a token, with a checksum that is right. */
static void pack(const uint8_t *bytes, size_t len, char *text, size_t size)
{
	uint8_t all[1024], hash[32];

	memcpy(all, bytes, len);
	crypto_generichash(hash, sizeof(hash), bytes, len, NULL, 0);
	memcpy(all + len, hash, 4);
	memcpy(text, PREFIX, strlen(PREFIX));
	(void)base64url_encode(
		all, len + 4, text + strlen(PREFIX), size - strlen(PREFIX));
}

static void test_layout(void **state)
{
	struct join_token token = token_for("https://h:1");
	char text[TOKEN_TEXT_MAX], want[TOKEN_TEXT_MAX];
	uint8_t bytes[256];

	bytes[0] = 1;
	memcpy(bytes + 1, token.operator_key.b, 32);
	memcpy(bytes + 33, token.delegate.b, 32);
	memcpy(bytes + 65, token.pin, 32);
	bytes[97] = 11;
	memcpy(bytes + 98, "https://h:1", 11);
	pack(bytes, 109, want, sizeof(want));
	assert_int_equal(join_token_format(&token, text, NULL), 0);
	assert_string_equal(text, want);
}

static void test_parse_refuses(void **state)
{
	/* changes of the bytes of test_layout's token, checksum made right */
	static const struct {
		int line;
		size_t at, len;
		uint8_t byte;
		const char *want;
	} rows[] = {
		{ __LINE__, 0, 109, 2, "is of version 2" },
		{ __LINE__, 0, 109, 0, "is of version 0" },
		{ __LINE__, 97, 109, 10, "does not have its length" },
		{ __LINE__, 97, 109, 12, "does not have its length" },
		{ __LINE__, 97, 109, 255, "does not have its length" },
		{ __LINE__, 97, 98, 0, "is none that begins with https" },
		{ __LINE__, 98, 109, 'x', "is none that begins with https" },
		{ __LINE__, 108, 109, 0, "is none that begins with https" },
		{ __LINE__, 108, 109, '\n', "is none that begins with https" },
		{ __LINE__, 0, 97, 1, "is cut short" },
		{ __LINE__, 0, 4, 1, "is cut short" },
		{ __LINE__, 0, 320, 1, "wrong character or length" },
	};
	static const struct {
		int line;
		const char *text, *want;
	} texts[] = {
		{ __LINE__, "", "is no join token" },
		{ __LINE__, "mesh_join", "is no join token" },
		{ __LINE__, "Mesh_join_AAAA", "is no join token" },
		{ __LINE__, " mesh_join_AAAA", "is no join token" },
		{ __LINE__, PREFIX, "is cut short" },
		{ __LINE__, PREFIX "AAAA", "is cut short" },
		{ __LINE__, PREFIX "AAAA=", "wrong character" },
		{ __LINE__, PREFIX "AA+A", "wrong character" },
		{ __LINE__, PREFIX "AAAA\n", "wrong character" },
		{ __LINE__,
			"mesh_api_0123456789abcdef_"
			"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
			"is a bearer token, not a join token" },
	};
	struct join_token token = token_for("https://h:1"), back;
	char text[TOKEN_TEXT_MAX + 512];
	int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t bytes[512] = { 1 };
		struct err err = { 0 };

		memcpy(bytes + 1, token.operator_key.b, 32);
		memcpy(bytes + 33, token.delegate.b, 32);
		memcpy(bytes + 65, token.pin, 32);
		bytes[97] = 11;
		memcpy(bytes + 98, "https://h:1", 11);
		bytes[rows[i].at] = rows[i].byte;
		pack(bytes, rows[i].len, text, sizeof(text));
		if (join_token_parse(text, &back, &err) != -EINVAL ||
			!strstr(err.msg, rows[i].want)) {
			print_error("line %d: %s\n", rows[i].line, err.msg);
			failed++;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct err err = { 0 };

		if (join_token_parse(texts[i].text, &back, &err) != -EINVAL ||
			!strstr(err.msg, texts[i].want)) {
			print_error("line %d: %s\n", texts[i].line, err.msg);
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

/* A wrong letter, two neighbours swapped, a letter lost or doubled: each one is
 * noticed, wherever it happens, and called what it is. */
static void test_typos(void **state)
{
	struct join_token token = token_for("https://mesh.example:7443"), back;
	char text[TOKEN_TEXT_MAX], typo[TOKEN_TEXT_MAX + 1];
	size_t start = strlen(PREFIX), len;
	int failed = 0;

	assert_int_equal(join_token_format(&token, text, NULL), 0);
	len = strlen(text);
	for (size_t i = start; i < len; i++) {
		for (int kind = 0; kind < 4; kind++) {
			struct err err = { 0 };

			memcpy(typo, text, len + 1);
			if (kind == 0) {
				typo[i] = typo[i] == 'A' ? 'B' : 'A';
			} else if (kind == 1 && i + 1 < len) {
				typo[i] = text[i + 1];
				typo[i + 1] = text[i];
			} else if (kind == 2) {
				memmove(typo + i, typo + i + 1, len - i);
			} else {
				memmove(typo + i + 1, typo + i, len + 1 - i);
			}
			if (!strcmp(typo, text))
				continue;
			if (join_token_parse(typo, &back, &err) != -EINVAL ||
				!strstr(err.msg, "the join token ")) {
				print_error("kind %d at %zu: %s\n", kind, i,
					err.msg);
				failed++;
			}
		}
	}
	assert_int_equal(failed, 0);
}

/* ---- bearers ---- */

#define ID     "0123456789abcdef"
#define SECRET "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

static void test_bearer_round_trip(void **state)
{
	static const char *const kinds[] = { "join", "api", "agent" };
	char text[BEARER_TEXT_SIZE], want[BEARER_TEXT_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct bearer bearer = { .id = ID }, back;

		assert_true(
			str_copy(bearer.kind, sizeof(bearer.kind), kinds[i]));
		for (size_t k = 0; k < sizeof(bearer.secret); k++)
			bearer.secret[k] = (uint8_t)k;
		(void)snprintf(
			want, sizeof(want), "mesh_%s_" ID "_" SECRET, kinds[i]);
		assert_string_equal(bearer_format(&bearer, text), want);
		assert_true(bearer_parse(text, &back));
		assert_string_equal(back.kind, kinds[i]);
		assert_string_equal(back.id, ID);
		assert_memory_equal(
			back.secret, bearer.secret, sizeof(back.secret));
	}
}

static void test_bearer_refuses(void **state)
{
	static const struct {
		int line;
		const char *text;
	} rows[] = {
		{ __LINE__, "" },
		{ __LINE__, "mesh_" },
		{ __LINE__, "mesh_root_" ID "_" SECRET },
		{ __LINE__, "mesh_api" ID "_" SECRET },
		{ __LINE__, "mesh_API_" ID "_" SECRET },
		{ __LINE__, "mesh__" ID "_" SECRET },
		{ __LINE__, "mesh_agents_" ID "_" SECRET },
		{ __LINE__, "api_" ID "_" SECRET },
		{ __LINE__, " mesh_api_" ID "_" SECRET },
		{ __LINE__, "mesh_api_" ID "_" SECRET " " },
		{ __LINE__, "mesh_api_" ID "_" SECRET "=" },
		{ __LINE__, "mesh_api_" ID "_" SECRET "A" },
		{ __LINE__, "mesh_api_" ID "0_" SECRET },
		{ __LINE__, "mesh_api_0123456789ABCDEF_" SECRET },
		{ __LINE__, "mesh_api_0123456789abcde_" SECRET },
		{ __LINE__, "mesh_api_" ID SECRET },
		{ __LINE__, "mesh_api_" ID "_" },
		/* 43 letters, the last with bits that no 32 bytes have */
		{ __LINE__,
			"mesh_api_" ID
			"_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9" },
		{ __LINE__,
			"mesh_api_" ID
			"_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh/" },
	};
	int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bearer bearer;

		if (bearer_parse(rows[i].text, &bearer)) {
			print_error("line %d\n", rows[i].line);
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

/* The coordinator learns the bearer and nothing of the seed: it is keyed
 * BLAKE2b of two labels. Fixed, for tokens outlive programs; by Python's
 * hashlib.blake2b(label, key=bytes(range(32)), digest_size=16 and 32). */
static void test_bearer_of_delegate(void **state)
{
	struct signseed seed, other;
	struct bearer bearer, again;
	char text[BEARER_TEXT_SIZE];

	for (size_t i = 0; i < sizeof(seed.b); i++)
		seed.b[i] = (uint8_t)i;
	bearer_of_delegate(&seed, &bearer);
	assert_string_equal(bearer_format(&bearer, text),
		"mesh_join_d4829c8dbfb6c145_"
		"huMavBatnHNtIh0JiuBPQWwl1ss9dhSbJM6tUvDS0v4");
	other = seed;
	other.b[31] ^= 1;
	bearer_of_delegate(&other, &again);
	assert_string_not_equal(bearer.id, again.id);
	assert_memory_not_equal(
		bearer.secret, again.secret, sizeof(bearer.secret));
	assert_memory_not_equal(bearer.secret, seed.b, sizeof(bearer.secret));
}

static void test_bearer_generate(void **state)
{
	struct bearer a, b, back;
	char text[BEARER_TEXT_SIZE];

	bearer_generate("agent", &a);
	bearer_generate("agent", &b);
	assert_string_not_equal(a.id, b.id);
	assert_memory_not_equal(a.secret, b.secret, sizeof(a.secret));
	assert_true(bearer_parse(bearer_format(&a, text), &back));
	assert_memory_equal(a.secret, back.secret, sizeof(a.secret));
	bearer_wipe(&a);
	assert_true(key_is_zero(a.secret));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_format_refuses),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_typos),
		cmocka_unit_test(test_bearer_round_trip),
		cmocka_unit_test(test_bearer_refuses),
		cmocka_unit_test(test_bearer_of_delegate),
		cmocka_unit_test(test_bearer_generate),
	};

	if (sodium_init() < 0)
		return 99;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* noise: X25519 through the one place where keys meet, and handshakes that must
 * and must not come to terms. Whole ones against vectors: test_vectors. */
#include "config.h"

#include "tests/unit/coretest.h"

#include "engine/core/messages.h"
#include "engine/core/noise.h"

#include <sodium.h>

#include <string.h>

#include "base/banned.h"

static bool dh(const uint8_t *secret, const uint8_t *public,
	uint8_t ret[static KEY_SIZE])
{
	struct noise_identity identity = { .present = true };
	struct noise_remote remote = { .computed = false };
	bool usable;

	memcpy(identity.secret.b, secret, KEY_SIZE);
	memcpy(remote.public.b, public, KEY_SIZE);
	usable = noise_prepare(&remote, &identity);
	memcpy(ret, remote.static_static, KEY_SIZE);
	return usable;
}

struct dh_row {
	const char *secret, *public, *want; /* NULL: refused */
	int line;
};
static const struct dh_row dhs[] = {
	/* RFC 7748 s5.2 */
	{ "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
		"e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c"
		"4c",
		"c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a285"
		"52",
		__LINE__ },
	{ "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
		"e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a4"
		"93",
		"95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac79"
		"57",
		__LINE__ },
	/* Points of small order: 0, 1, p-1, p, and one of order 8 */
	{ "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
		"00000000000000000000000000000000000000000000000000000000000000"
		"00",
		NULL, __LINE__ },
	{ "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
		"01000000000000000000000000000000000000000000000000000000000000"
		"00",
		NULL, __LINE__ },
	{ "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		"7f",
		NULL, __LINE__ },
	{ "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		"7f",
		NULL, __LINE__ },
	{ "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b8"
		"00",
		NULL, __LINE__ },
};

static void test_dh(void **state)
{
	uint8_t secret[KEY_SIZE], public[KEY_SIZE], want[KEY_SIZE];
	uint8_t got[KEY_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(dhs); i++) {
		const struct dh_row *row = &dhs[i];

		(void)hex_decode(row->secret, secret, sizeof(secret));
		(void)hex_decode(row->public, public, sizeof(public));
		ROW_EQUAL(row, dh(secret, public, got), row->want != NULL);
		memset(want, 0, sizeof(want));
		if (row->want)
			(void)hex_decode(row->want, want, sizeof(want));
		ROW_MEMORY(row, got, want, sizeof(want));
	}
}

/* RFC 7748 s5.2: k and u fed back 1 and 1000 times. */
static void test_dh_iterated(void **state)
{
	uint8_t k[KEY_SIZE] = { 9 }, u[KEY_SIZE] = { 9 }, r[KEY_SIZE];
	uint8_t want[KEY_SIZE];

	(void)state;
	for (int i = 1; i <= 1000; i++) {
		assert_true(dh(k, u, r));
		memcpy(u, k, sizeof(u));
		memcpy(k, r, sizeof(k));
		if (i == 1) {
			(void)hex_decode("422c8e7a6227d7bca1350b3e2bb7279f7897b"
					 "87bb6854b783c60e80311ae3079",
				want, sizeof(want));
			assert_memory_equal(k, want, sizeof(want));
		}
	}
	(void)hex_decode("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb"
			 "94d99532c51",
		want, sizeof(want));
	assert_memory_equal(k, want, sizeof(want));
}

/* --- handshakes --- */

struct party {
	struct noise noise;
	struct noise_identity identity;
	struct noise_remote remote;
	struct seckey ephemeral;
	uint8_t forth[KEY_SIZE], back[KEY_SIZE];
};

static void party_init(struct party *p, const struct seckey *secret,
	const struct seckey *ephemeral, const struct pubkey *remote,
	const struct psk *psk)
{
	*p = (struct party){
		.identity = { .secret = *secret,
			.public = seckey_public(secret),
			.present = true },
		.remote = { .public = *remote, .psk = *psk },
		.ephemeral = *ephemeral,
	};
	assert_true(noise_prepare(&p->remote, &p->identity));
}

/* What must not come to terms: each row spoils one thing of the responder. */
struct spoil_row {
	const char *what;
	bool prologue, psk, static_key;
	bool initiation_fails;
	int line;
};
static const struct spoil_row spoils[] = {
	{ "nothing", false, false, false, false, __LINE__ },
	{ "prologue", true, false, false, true, __LINE__ },
	{ "static key", false, false, true, true, __LINE__ },
	{ "psk", false, true, false, false, __LINE__ },
};

static void test_disagreement(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(spoils); i++) {
		const struct spoil_row *row = &spoils[i];
		struct seckey s[2] = { { { 8 } }, { { 16 } } };
		struct seckey eph[2] = { { { 24 } }, { { 32 } } };
		struct pubkey pub[2], e, re, claimed;
		struct psk psk = { { 1 } };
		struct party a, b;
		uint8_t st[48], pl[28], ok, text[12] = "0123456789a";

		for (int j = 0; j < 2; j++) {
			seckey_clamp(&s[j]);
			seckey_clamp(&eph[j]);
			pub[j] = seckey_public(&s[j]);
		}
		party_init(&a, &s[0], &eph[0], &pub[1], &psk);
		psk.b[0] ^= row->psk;
		s[1].b[5] ^= row->static_key;
		party_init(&b, &s[1], &eph[1], &pub[0], &psk);
		noise_begin(&a.noise, "one", 3, &pub[1]);
		noise_begin(&b.noise, row->prologue ? "two" : "one", 3,
			&b.identity.public);
		ROW_TRUE(row,
			noise_write_initiation(&a.noise, &a.identity, &a.remote,
				&a.ephemeral, text, 12, &e, st, pl));
		ok = noise_read_initiation_static(
			     &b.noise, &b.identity, &e, st, &claimed) &&
			noise_read_initiation_payload(
				&b.noise, &b.remote, pl, 12, text);
		ROW_EQUAL(row, !ok, row->initiation_fails);
		if (!ok)
			continue;
		ROW_TRUE(row,
			noise_write_response(&b.noise, &b.remote, &e,
				&b.ephemeral, NULL, 0, &re, pl));
		ROW_EQUAL(row,
			noise_read_response(&a.noise, &a.identity, &a.remote,
				&a.ephemeral, &re, pl, 0, NULL),
			!row->psk);
	}
}

/* An ephemeral of small order is refused wherever keys meet. */
static void test_low_order_ephemeral(void **state)
{
	static const struct pubkey small = { { 1 } };
	struct seckey s[2] = { { { 8 } }, { { 16 } } };
	struct psk psk = { { 0 } };
	struct pubkey pub[2], e, claimed;
	struct party a, b;
	uint8_t st[48] = { 0 }, pl[28] = { 0 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		seckey_clamp(&s[i]);
		pub[i] = seckey_public(&s[i]);
	}
	party_init(&a, &s[0], &s[1], &pub[1], &psk);
	party_init(&b, &s[1], &s[0], &pub[0], &psk);
	noise_begin(&b.noise, "", 0, &pub[1]);
	assert_false(noise_read_initiation_static(
		&b.noise, &b.identity, &small, st, &claimed));
	noise_begin(&b.noise, "", 0, &pub[1]);
	assert_false(noise_write_response(
		&b.noise, &b.remote, &small, &b.ephemeral, NULL, 0, &e, pl));
	noise_begin(&a.noise, "", 0, &pub[1]);
	assert_false(noise_read_response(&a.noise, &a.identity, &a.remote,
		&a.ephemeral, &small, pl, 0, NULL));
	/* And a static key of small order makes the peer unusable. */
	a.remote.public = small;
	noise_forget(&a.remote);
	assert_false(noise_prepare(&a.remote, &a.identity));
	noise_begin(&a.noise, "", 0, &small);
	assert_false(noise_write_initiation(&a.noise, &a.identity, &a.remote,
		&a.ephemeral, "", 0, &e, st, pl));
	assert_false(noise_read_initiation_payload(
		&a.noise, &a.remote, pl, 0, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dh),
		cmocka_unit_test(test_dh_iterated),
		cmocka_unit_test(test_disagreement),
		cmocka_unit_test(test_low_order_ephemeral),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}

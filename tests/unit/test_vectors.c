/* Published collections of test vectors, read with jansson: Wycheproof for
 * X25519 and the AEADs, and Noise handshakes. They are not part of the tree:
 * ../shared/vectors or MESH_VECTORS; without them there is nothing to run. */
#include "config.h"

#include "tests/unit/coretest.h"

#include "engine/core/messages.h"
#include "engine/core/noise.h"

#include <jansson.h>
#include <sodium.h>

#include <stdio.h>
#include <string.h>

#include "base/banned.h"

typedef void (*vector_fn)(const json_t *group, const json_t *test);

static const char *vector_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	if (!text)
		fail_msg("vector without \"%s\"", key);
	return text;
}

static int vector_int(const json_t *object, const char *key)
{
	return (int)json_integer_value(json_object_get(object, key));
}

static size_t vector_bytes(
	const json_t *object, const char *key, uint8_t *ret, size_t cap)
{
	return hex_decode(vector_text(object, key), ret, cap);
}

static json_t *load_file(const char *name)
{
	const char *path = vector_path(name);
	json_error_t error;
	json_t *root;

	assert_non_null(path);
	root = json_load_file(path, 0, &error);
	if (!root)
		fail_msg("%s:%d: %s", path, error.line, error.text);
	return root;
}

static void wycheproof_each(const char *name, vector_fn fn)
{
	json_t *root = load_file(name), *group, *test;
	size_t i, j, count = 0;

	json_array_foreach(json_object_get(root, "testGroups"), i, group)
	{
		json_array_foreach(json_object_get(group, "tests"), j, test)
		{
			fn(group, test);
			count++;
		}
	}
	printf("# %s: %zu vectors\n", name, count);
	assert_int_equal(count, vector_int(root, "numberOfTests"));
	json_decref(root);
}

static void noise_vectors_each(
	const char *name, void (*fn)(const json_t *vector))
{
	json_t *root = load_file(name), *vector;
	size_t i, count = 0;

	json_array_foreach(json_object_get(root, "vectors"), i, vector)
	{
		fn(vector);
		count++;
	}
	printf("# %s: %zu vectors\n", name, count);
	assert_true(count > 0);
	json_decref(root);
}

/* --- X25519 --- */

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

/* An all-zero result must fail in our wrapper; all else must match. */
static void wycheproof_dh(const json_t *group, const json_t *test)
{
	uint8_t secret[KEY_SIZE], public[KEY_SIZE], want[KEY_SIZE];
	uint8_t got[KEY_SIZE];
	bool zero;

	(void)group;
	(void)vector_bytes(test, "private", secret, sizeof(secret));
	(void)vector_bytes(test, "public", public, sizeof(public));
	(void)vector_bytes(test, "shared", want, sizeof(want));
	zero = sodium_is_zero(want, sizeof(want));
	if (dh(secret, public, got) == zero ||
		memcmp(got, want, sizeof(want)) != 0)
		fail_msg("tcId %d", vector_int(test, "tcId"));
}

static void test_dh_wycheproof(void **state)
{
	(void)state;
	wycheproof_each("wycheproof/x25519_test.json", wycheproof_dh);
}

/* --- AEAD --- */

struct wycheproof_case {
	uint8_t key[KEY_SIZE], nonce[XNONCE_SIZE], ad[2048], msg[2048];
	uint8_t sealed[2064], got[2064];
	size_t ad_len, msg_len, sealed_len;
	bool valid;
};

static bool load(const json_t *group, const json_t *test, int nonce_bits,
	struct wycheproof_case *c)
{
	if (vector_int(group, "ivSize") != nonce_bits)
		return false; /* a length our type does not have */
	(void)vector_bytes(test, "key", c->key, sizeof(c->key));
	(void)vector_bytes(test, "iv", c->nonce, sizeof(c->nonce));
	c->ad_len = vector_bytes(test, "aad", c->ad, sizeof(c->ad));
	c->msg_len = vector_bytes(test, "msg", c->msg, sizeof(c->msg));
	c->sealed_len = vector_bytes(test, "ct", c->sealed, sizeof(c->sealed));
	c->sealed_len += vector_bytes(test, "tag", c->sealed + c->sealed_len,
		sizeof(c->sealed) - c->sealed_len);
	c->valid = strcmp(vector_text(test, "result"), "valid") == 0;
	return true;
}

static void judge(const json_t *test, const struct wycheproof_case *c,
	bool sealed_same, bool opened)
{
	bool ok = opened == c->valid && (sealed_same || !c->valid) &&
		(!opened || memcmp(c->got, c->msg, c->msg_len) == 0);

	if (!ok)
		fail_msg("tcId %d", vector_int(test, "tcId"));
}

static void wycheproof_chacha(const json_t *group, const json_t *test)
{
	static struct wycheproof_case c;
	bool same, opened;

	if (!load(group, test, 96, &c))
		return;
	(void)crypto_aead_chacha20poly1305_ietf_encrypt(c.got, NULL, c.msg,
		c.msg_len, c.ad, c.ad_len, NULL, c.nonce, c.key);
	same = memcmp(c.got, c.sealed, c.sealed_len) == 0;
	opened = crypto_aead_chacha20poly1305_ietf_decrypt(c.got, NULL, NULL,
			 c.sealed, c.sealed_len, c.ad, c.ad_len, c.nonce,
			 c.key) == 0;
	judge(test, &c, same, opened);
}

static void wycheproof_xchacha(const json_t *group, const json_t *test)
{
	static struct wycheproof_case c;
	bool same, opened;

	if (!load(group, test, 192, &c))
		return;
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(c.got, NULL, c.msg,
		c.msg_len, c.ad, c.ad_len, NULL, c.nonce, c.key);
	same = memcmp(c.got, c.sealed, c.sealed_len) == 0;
	opened = crypto_aead_xchacha20poly1305_ietf_decrypt(c.got, NULL, NULL,
			 c.sealed, c.sealed_len, c.ad, c.ad_len, c.nonce,
			 c.key) == 0;
	judge(test, &c, same, opened);
}

static void test_wycheproof_chacha(void **state)
{
	(void)state;
	wycheproof_each(
		"wycheproof/chacha20_poly1305_test.json", wycheproof_chacha);
}

static void test_wycheproof_xchacha(void **state)
{
	(void)state;
	wycheproof_each(
		"wycheproof/xchacha20_poly1305_test.json", wycheproof_xchacha);
}

/* --- handshakes --- */

#define PAYLOAD_MAX 64

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

static void expect(const json_t *message, const uint8_t *got, size_t len)
{
	uint8_t want[256];

	assert_int_equal(
		vector_bytes(message, "ciphertext", want, sizeof(want)), len);
	assert_memory_equal(got, want, len);
}

static void check_transport(const json_t *message, uint8_t *key, uint64_t n)
{
	uint8_t payload[PAYLOAD_MAX], out[PAYLOAD_MAX + AEAD_TAG_SIZE];
	uint8_t nonce[12] = { 0, 0, 0, 0, (uint8_t)n };
	size_t len = vector_bytes(message, "payload", payload, sizeof(payload));

	(void)crypto_aead_chacha20poly1305_ietf_encrypt(
		out, NULL, payload, len, NULL, 0, NULL, nonce, key);
	expect(message, out, SEALED_SIZE(len));
}

static void check_vector(const json_t *v)
{
	const json_t *messages = json_object_get(v, "messages");
	uint8_t prologue[64], payload[PAYLOAD_MAX], got[PAYLOAD_MAX];
	uint8_t out[256], hash[HASH_SIZE];
	struct seckey si, sr, ei, er;
	struct pubkey e, re, claimed, pi, pr;
	struct party a, b;
	struct psk psk;
	size_t prologue_len, len, n;

	assert_string_equal(vector_text(v, "protocol_name"),
		"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s");
	prologue_len =
		vector_bytes(v, "init_prologue", prologue, sizeof(prologue));
	assert_int_equal(
		hex_decode(json_string_value(json_array_get(
				   json_object_get(v, "init_psks"), 0)),
			psk.b, sizeof(psk.b)),
		sizeof(psk.b));
	(void)vector_bytes(v, "init_static", si.b, sizeof(si.b));
	(void)vector_bytes(v, "init_ephemeral", ei.b, sizeof(ei.b));
	(void)vector_bytes(v, "resp_static", sr.b, sizeof(sr.b));
	(void)vector_bytes(v, "resp_ephemeral", er.b, sizeof(er.b));
	(void)vector_bytes(v, "init_remote_static", pr.b, sizeof(pr.b));
	pi = seckey_public(&si);
	party_init(&a, &si, &ei, &pr, &psk);
	party_init(&b, &sr, &er, &pi, &psk);
	assert_memory_equal(b.identity.public.b, pr.b, KEY_SIZE);
	noise_begin(&a.noise, prologue, prologue_len, &pr);
	noise_begin(&b.noise, prologue, prologue_len, &b.identity.public);

	/* -> e, es, s, ss, payload */
	len = vector_bytes(json_array_get(messages, 0), "payload", payload,
		sizeof(payload));
	assert_true(noise_write_initiation(&a.noise, &a.identity, &a.remote,
		&a.ephemeral, payload, len, &e, out + 32, out + 80));
	memcpy(out, e.b, 32);
	expect(json_array_get(messages, 0), out, 80 + SEALED_SIZE(len));
	assert_true(noise_read_initiation_static(
		&b.noise, &b.identity, &e, out + 32, &claimed));
	assert_memory_equal(claimed.b, pi.b, KEY_SIZE);
	assert_true(noise_read_initiation_payload(
		&b.noise, &b.remote, out + 80, len, got));
	assert_memory_equal(got, payload, len);

	/* <- e, ee, se, psk, payload */
	len = vector_bytes(json_array_get(messages, 1), "payload", payload,
		sizeof(payload));
	assert_true(noise_write_response(&b.noise, &b.remote, &e, &b.ephemeral,
		payload, len, &re, out + 32));
	memcpy(out, re.b, 32);
	expect(json_array_get(messages, 1), out, 32 + SEALED_SIZE(len));
	assert_true(noise_read_response(&a.noise, &a.identity, &a.remote,
		&a.ephemeral, &re, out + 32, len, got));
	assert_memory_equal(got, payload, len);

	(void)vector_bytes(v, "handshake_hash", hash, sizeof(hash));
	assert_memory_equal(a.noise.hash, hash, sizeof(hash));
	assert_memory_equal(b.noise.hash, hash, sizeof(hash));

	/* Split: the rest goes forth and back in turn. */
	noise_split(&a.noise, a.forth, a.back);
	noise_split(&b.noise, b.forth, b.back);
	assert_memory_equal(a.forth, b.forth, KEY_SIZE);
	assert_memory_equal(a.back, b.back, KEY_SIZE);
	for (n = 2; n < json_array_size(messages); n++)
		check_transport(json_array_get(messages, n),
			n % 2 ? a.back : a.forth, n / 2 - 1);
}

static void test_handshake_vectors(void **state)
{
	(void)state;
	noise_vectors_each(
		"noise/ikpsk2_25519_chachapoly_blake2s.json", check_vector);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dh_wycheproof),
		cmocka_unit_test(test_wycheproof_chacha),
		cmocka_unit_test(test_wycheproof_xchacha),
		cmocka_unit_test(test_handshake_vectors),
	};

	if (!vector_path("README.md")) {
		printf("1..0 # SKIP no vectors: set MESH_VECTORS\n");
		return 0;
	}
	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}

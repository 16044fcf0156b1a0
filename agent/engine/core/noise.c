#include "config.h"

#include "engine/core/noise.h"
#include "engine/core/messages.h"

#include <sodium.h>

#include <string.h>

#include "base/banned.h"

static const char construction[] = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";

/* Every handshake cipher key seals once, so its nonce is always 0. */
static const uint8_t nonce_zero[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];

/* The one place where two keys meet. */
static bool dh(uint8_t ret[static KEY_SIZE], const struct seckey *ours,
	const struct pubkey *theirs)
{
	/* An all-zero result (a low-order point) is refused. */
	return crypto_scalarmult_curve25519(ret, ours->b, theirs->b) == 0 &&
		!key_is_zero(ret);
}

void noise_forget(struct noise_remote *remote)
{
	sodium_memzero(remote->static_static, sizeof(remote->static_static));
	remote->computed = remote->usable = false;
}

bool noise_prepare(
	struct noise_remote *remote, const struct noise_identity *identity)
{
	if (remote->computed)
		return remote->usable;
	noise_forget(remote);
	remote->computed = true;
	remote->usable = identity->present &&
		dh(remote->static_static, &identity->secret, &remote->public);
	if (!remote->usable)
		sodium_memzero(
			remote->static_static, sizeof(remote->static_static));
	return remote->usable;
}

static void mix_hash(struct noise *n, const void *data, size_t len)
{
	hash_two(n->hash, n->hash, sizeof(n->hash), data, len);
}

static void mix_key(struct noise *n, uint8_t key[static KEY_SIZE],
	const uint8_t input[static KEY_SIZE])
{
	kdf(n->chaining_key, sizeof(n->chaining_key), input, KEY_SIZE,
		n->chaining_key, key, NULL);
}

static bool mix_dh(struct noise *n, uint8_t key[static KEY_SIZE],
	const struct seckey *ours, const struct pubkey *theirs)
{
	uint8_t shared[KEY_SIZE];
	bool ok = dh(shared, ours, theirs);

	if (ok)
		mix_key(n, key, shared);
	sodium_memzero(shared, sizeof(shared));
	return ok;
}

static void mix_psk(
	struct noise *n, uint8_t key[static KEY_SIZE], const struct psk *psk)
{
	uint8_t t[HASH_SIZE];

	kdf(n->chaining_key, sizeof(n->chaining_key), psk->b, sizeof(psk->b),
		n->chaining_key, t, key);
	mix_hash(n, t, sizeof(t));
	sodium_memzero(t, sizeof(t));
}

/* Token e of a psk handshake: public keys go into the chain as well. */
static void mix_ephemeral(struct noise *n, const struct pubkey *e)
{
	mix_hash(n, e->b, sizeof(e->b));
	kdf(n->chaining_key, sizeof(n->chaining_key), e->b, sizeof(e->b),
		n->chaining_key, NULL, NULL);
}

static void encrypt_and_hash(struct noise *n, const uint8_t *key,
	const void *plain, size_t len, uint8_t *ret)
{
	(void)crypto_aead_chacha20poly1305_ietf_encrypt(ret, NULL, plain, len,
		n->hash, sizeof(n->hash), NULL, nonce_zero, key);
	mix_hash(n, ret, SEALED_SIZE(len));
}

static bool decrypt_and_hash(struct noise *n, const uint8_t *key,
	const uint8_t *sealed, size_t len, void *ret)
{
	if (crypto_aead_chacha20poly1305_ietf_decrypt(ret, NULL, NULL, sealed,
		    SEALED_SIZE(len), n->hash, sizeof(n->hash), nonce_zero,
		    key) != 0)
		return false;
	mix_hash(n, sealed, SEALED_SIZE(len));
	return true;
}

void noise_begin(struct noise *n, const void *prologue, size_t len,
	const struct pubkey *responder)
{
	hash_two(n->chaining_key, construction, sizeof(construction) - 1, NULL,
		0);
	memcpy(n->hash, n->chaining_key, sizeof(n->hash));
	mix_hash(n, prologue, len);
	/* <- s */
	mix_hash(n, responder->b, sizeof(responder->b));
}

bool noise_write_initiation(struct noise *n,
	const struct noise_identity *identity,
	const struct noise_remote *remote, const struct seckey *ephemeral,
	const void *payload, size_t len, struct pubkey *ret_ephemeral,
	uint8_t *ret_static, uint8_t *ret_payload)
{
	uint8_t key[KEY_SIZE];
	bool ok = false;

	if (!remote->usable)
		return false;

	/* e */
	*ret_ephemeral = seckey_public(ephemeral);
	mix_ephemeral(n, ret_ephemeral);

	/* es */
	if (!mix_dh(n, key, ephemeral, &remote->public))
		goto out;

	/* s */
	encrypt_and_hash(n, key, identity->public.b, KEY_SIZE, ret_static);

	/* ss */
	mix_key(n, key, remote->static_static);

	/* payload */
	encrypt_and_hash(n, key, payload, len, ret_payload);
	ok = true;
out:
	sodium_memzero(key, sizeof(key));
	return ok;
}

bool noise_read_initiation_static(struct noise *n,
	const struct noise_identity *identity, const struct pubkey *ephemeral,
	const uint8_t *encrypted_static, struct pubkey *ret_static)
{
	uint8_t key[KEY_SIZE];
	bool ok;

	/* e */
	mix_ephemeral(n, ephemeral);

	/* es */
	ok = mix_dh(n, key, &identity->secret, ephemeral);

	/* s */
	ok = ok &&
		decrypt_and_hash(
			n, key, encrypted_static, KEY_SIZE, ret_static->b);
	sodium_memzero(key, sizeof(key));
	return ok;
}

bool noise_read_initiation_payload(struct noise *n,
	const struct noise_remote *remote, const uint8_t *encrypted, size_t len,
	void *ret_payload)
{
	uint8_t key[KEY_SIZE];
	bool ok;

	if (!remote->usable)
		return false;

	/* ss */
	mix_key(n, key, remote->static_static);

	/* payload */
	ok = decrypt_and_hash(n, key, encrypted, len, ret_payload);
	sodium_memzero(key, sizeof(key));
	return ok;
}

bool noise_write_response(struct noise *n, const struct noise_remote *remote,
	const struct pubkey *e, const struct seckey *ephemeral,
	const void *payload, size_t len, struct pubkey *ret_ephemeral,
	uint8_t *ret_payload)
{
	uint8_t key[KEY_SIZE];
	bool ok = false;

	/* e */
	*ret_ephemeral = seckey_public(ephemeral);
	mix_ephemeral(n, ret_ephemeral);

	/* ee */
	if (!mix_dh(n, key, ephemeral, e))
		goto out;

	/* se */
	if (!mix_dh(n, key, ephemeral, &remote->public))
		goto out;

	/* psk */
	mix_psk(n, key, &remote->psk);

	/* payload */
	encrypt_and_hash(n, key, payload, len, ret_payload);
	ok = true;
out:
	sodium_memzero(key, sizeof(key));
	return ok;
}

bool noise_read_response(struct noise *n, const struct noise_identity *identity,
	const struct noise_remote *remote, const struct seckey *ephemeral,
	const struct pubkey *e, const uint8_t *encrypted, size_t len,
	void *ret_payload)
{
	uint8_t key[KEY_SIZE];
	bool ok = false;

	/* e */
	mix_ephemeral(n, e);

	/* ee */
	if (!mix_dh(n, key, ephemeral, e))
		goto out;

	/* se */
	if (!mix_dh(n, key, &identity->secret, e))
		goto out;

	/* psk */
	mix_psk(n, key, &remote->psk);

	/* payload */
	ok = decrypt_and_hash(n, key, encrypted, len, ret_payload);
out:
	sodium_memzero(key, sizeof(key));
	return ok;
}

void noise_split(const struct noise *n, uint8_t ret_forth[static KEY_SIZE],
	uint8_t ret_back[static KEY_SIZE])
{
	kdf(n->chaining_key, sizeof(n->chaining_key), NULL, 0, ret_forth,
		ret_back, NULL);
}

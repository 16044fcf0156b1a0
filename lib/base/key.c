#include "config.h"
#include "base/key.h"

#include <sodium.h>
#include <string.h>

#include "base/banned.h"

#define KEY_BASE64_LEN (KEY_BASE64_SIZE - 1)
#define KEY_HEX_LEN    (KEY_HEX_SIZE - 1)

_Static_assert(KEY_BASE64_SIZE ==
		sodium_base64_ENCODED_LEN(
			KEY_SIZE, sodium_base64_VARIANT_ORIGINAL),
	"base64 text of a key");
_Static_assert(crypto_scalarmult_BYTES == KEY_SIZE &&
		crypto_sign_SEEDBYTES == KEY_SIZE &&
		crypto_sign_PUBLICKEYBYTES == KEY_SIZE &&
		crypto_sign_BYTES == SIG_SIZE,
	"X25519 and Ed25519 sizes");

/* libsodium takes a char with the high bit for a digit where char is signed. */
static bool is_ascii(const char *text, size_t len)
{
	unsigned int seen = 0;

	for (size_t i = 0; i < len; i++)
		seen |= (unsigned char)text[i];
	return seen < 0x80;
}

bool key_parse_base64(uint8_t ret[static KEY_SIZE], const char *text)
{
	uint8_t key[KEY_SIZE];
	size_t len = 0;
	bool ok;

	if (strnlen(text, KEY_BASE64_SIZE) != KEY_BASE64_LEN ||
		!is_ascii(text, KEY_BASE64_LEN))
		return false;
	ok = sodium_base642bin(key, sizeof(key), text, KEY_BASE64_LEN, NULL,
		     &len, NULL, sodium_base64_VARIANT_ORIGINAL) == 0 &&
		len == KEY_SIZE;
	if (ok)
		memcpy(ret, key, KEY_SIZE);
	sodium_memzero(key, sizeof(key));
	return ok;
}

const char *key_format_base64(
	const uint8_t key[static KEY_SIZE], char buf[static KEY_BASE64_SIZE])
{
	return sodium_bin2base64(buf, KEY_BASE64_SIZE, key, KEY_SIZE,
		sodium_base64_VARIANT_ORIGINAL);
}

bool key_parse_hex(uint8_t ret[static KEY_SIZE], const char *text)
{
	uint8_t key[KEY_SIZE];
	size_t len = 0;
	bool ok;

	if (strnlen(text, KEY_HEX_SIZE) != KEY_HEX_LEN)
		return false;
	ok = sodium_hex2bin(key, sizeof(key), text, KEY_HEX_LEN, NULL, &len,
		     NULL) == 0 &&
		len == KEY_SIZE;
	if (ok)
		memcpy(ret, key, KEY_SIZE);
	sodium_memzero(key, sizeof(key));
	return ok;
}

const char *key_format_hex(
	const uint8_t key[static KEY_SIZE], char buf[static KEY_HEX_SIZE])
{
	return sodium_bin2hex(buf, KEY_HEX_SIZE, key, KEY_SIZE);
}

bool key_is_zero(const uint8_t key[static KEY_SIZE])
{
	return sodium_is_zero(key, KEY_SIZE) == 1;
}

bool key_equal(
	const uint8_t a[static KEY_SIZE], const uint8_t b[static KEY_SIZE])
{
	return sodium_memcmp(a, b, KEY_SIZE) == 0;
}

void seckey_generate(struct seckey *ret_key)
{
	randombytes_buf(ret_key->b, sizeof(ret_key->b));
	seckey_clamp(ret_key);
}

void seckey_clamp(struct seckey *key)
{
	key->b[0] &= 248;
	key->b[31] = (key->b[31] & 127) | 64;
}

struct pubkey seckey_public(const struct seckey *key)
{
	struct pubkey pub;

	(void)crypto_scalarmult_base(pub.b, key->b);
	return pub;
}

void seckey_wipe(struct seckey *key)
{
	sodium_memzero(key, sizeof(*key));
}

void signseed_generate(struct signseed *ret_seed)
{
	randombytes_buf(ret_seed->b, sizeof(ret_seed->b));
}

struct signpub signseed_public(const struct signseed *seed)
{
	uint8_t secret[crypto_sign_SECRETKEYBYTES];
	struct signpub pub;

	(void)crypto_sign_seed_keypair(pub.b, secret, seed->b);
	sodium_memzero(secret, sizeof(secret));
	return pub;
}

struct signature signseed_sign(
	const struct signseed *seed, const uint8_t *msg, size_t len)
{
	uint8_t secret[crypto_sign_SECRETKEYBYTES];
	struct signpub pub;
	struct signature sig;

	(void)crypto_sign_seed_keypair(pub.b, secret, seed->b);
	(void)crypto_sign_detached(sig.b, NULL, msg, len, secret);
	sodium_memzero(secret, sizeof(secret));
	return sig;
}

bool signpub_verify(const struct signpub *pub, const struct signature *sig,
	const uint8_t *msg, size_t len)
{
	return crypto_sign_verify_detached(sig->b, msg, len, pub->b) == 0;
}

void signseed_wipe(struct signseed *seed)
{
	sodium_memzero(seed, sizeof(*seed));
}

const char *base64url_encode(
	const uint8_t *bytes, size_t len, char *buf, size_t size)
{
	BUG_ON(size < BASE64URL_SIZE(len));
	return sodium_bin2base64(buf, size, bytes, len,
		sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

bool base64url_decode(const char *text, size_t text_len, uint8_t *ret,
	size_t cap, size_t *ret_len)
{
	size_t len = 0;

	if (!is_ascii(text, text_len) ||
		sodium_base642bin(ret, cap, text, text_len, NULL, &len, NULL,
			sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0) {
		sodium_memzero(ret, cap);
		return false;
	}
	*ret_len = len;
	return true;
}

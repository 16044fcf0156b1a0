#include "config.h"

#include "engine/core/blake2s.h"

#include "base/auto.h"

#include <blake2.h>
#include <sodium.h>

#include <string.h>

#include "base/banned.h"

/* libb2 reports lengths out of range only; ours are constants. */
static void update(blake2s_state *st, const void *data, size_t len)
{
	if (len)
		BUG_ON(blake2s_update(st, data, len) != 0);
}

void hash_two(uint8_t ret[static HASH_SIZE], const void *a, size_t a_len,
	const void *b, size_t b_len)
{
	blake2s_state st;

	BUG_ON(blake2s_init(&st, HASH_SIZE) != 0);
	update(&st, a, a_len);
	update(&st, b, b_len);
	BUG_ON(blake2s_final(&st, ret, HASH_SIZE) != 0);
	sodium_memzero(&st, sizeof(st));
}

void mac_two(uint8_t *ret, size_t ret_len, const uint8_t *key, size_t key_len,
	const void *a, size_t a_len, const void *b, size_t b_len)
{
	blake2s_state st;

	BUG_ON(blake2s_init_key(&st, ret_len, key, key_len) != 0);
	update(&st, a, a_len);
	update(&st, b, b_len);
	BUG_ON(blake2s_final(&st, ret, ret_len) != 0);
	sodium_memzero(&st, sizeof(st));
}

void hmac(uint8_t ret[static HASH_SIZE], const uint8_t *key, size_t key_len,
	const void *data, size_t len)
{
	struct {
		uint8_t block[BLAKE2S_BLOCKBYTES];
		uint8_t inner[HASH_SIZE];
	} secret = { 0 };

	if (key_len > sizeof(secret.block))
		hash_two(secret.block, key, key_len, NULL, 0);
	else if (key_len)
		memcpy(secret.block, key, key_len);
	for (size_t i = 0; i < sizeof(secret.block); i++)
		secret.block[i] ^= 0x36;
	hash_two(secret.inner, secret.block, sizeof(secret.block), data, len);
	for (size_t i = 0; i < sizeof(secret.block); i++)
		secret.block[i] ^= 0x36 ^ 0x5c;
	hash_two(ret, secret.block, sizeof(secret.block), secret.inner,
		sizeof(secret.inner));
	sodium_memzero(&secret, sizeof(secret));
}

void kdf(const uint8_t *key, size_t key_len, const void *input,
	size_t input_len, uint8_t *ret1, uint8_t *ret2, uint8_t *ret3)
{
	struct {
		uint8_t prk[HASH_SIZE];
		uint8_t t[HASH_SIZE + 1]; /* T(n) || n+1 */
	} secret;
	uint8_t *rets[] = { ret1, ret2, ret3 };

	hmac(secret.prk, key, key_len, input, input_len);
	for (size_t i = 0; i < ARRAY_SIZE(rets) && rets[i]; i++) {
		size_t before = i ? HASH_SIZE : 0; /* T(0) is empty */

		secret.t[before] = (uint8_t)(i + 1);
		hmac(secret.t, secret.prk, sizeof(secret.prk), secret.t,
			before + 1);
		memcpy(rets[i], secret.t, HASH_SIZE);
	}
	sodium_memzero(&secret, sizeof(secret));
}

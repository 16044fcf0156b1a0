/*
 * blake2s: HASH, MAC, HMAC and KDF of the paper (WP 5.4), all over BLAKE2s
 * (RFC 7693) as libb2 has it. The only file that knows libb2.
 *
 * HMAC is the generic construction of RFC 2104 around unkeyed BLAKE2s, which is
 * what Noise asks for; MAC is BLAKE2s' own keyed mode.
 */
#ifndef ENGINE_CORE_BLAKE2S_H
#define ENGINE_CORE_BLAKE2S_H

#include <stddef.h>
#include <stdint.h>

#define HASH_SIZE 32

/* HASH(a || b); B may be NULL with length 0. */
void hash_two(uint8_t ret[static HASH_SIZE], const void *a, size_t a_len,
	const void *b, size_t b_len);
/* MAC(key, a || b) cut to RET_LEN <= 32 by BLAKE2s' own length parameter. */
void mac_two(uint8_t *ret, size_t ret_len, const uint8_t *key, size_t key_len,
	const void *a, size_t a_len, const void *b, size_t b_len);
void hmac(uint8_t ret[static HASH_SIZE], const uint8_t *key, size_t key_len,
	const void *data, size_t len);

/* KDF_n(key, input): HKDF with an empty info. A ret that is NULL ends the
 * chain: kdf(k, in, &a, NULL, NULL) is KDF_1. RETs may alias KEY. */
void kdf(const uint8_t *key, size_t key_len, const void *input,
	size_t input_len, uint8_t *ret1, uint8_t *ret2, uint8_t *ret3);

#endif

/*
 * key: every kind of key is its own type, so that one cannot stand for
 * another. Text goes through libsodium's constant-time codecs. A parser here
 * writes exactly the key's bytes or nothing.
 */
#ifndef BASE_KEY_H
#define BASE_KEY_H

#include "base/auto.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_SIZE	32
#define KEY_BASE64_SIZE 45 /* 44 characters and the 0 */
#define KEY_HEX_SIZE	65
#define SIG_SIZE	64

struct pubkey { /* Curve25519, RFC 7748 */
	uint8_t b[KEY_SIZE];
};
struct seckey { /* clamped Curve25519 scalar */
	uint8_t b[KEY_SIZE];
};
struct psk {
	uint8_t b[KEY_SIZE];
};
struct signpub { /* Ed25519, RFC 8032 */
	uint8_t b[KEY_SIZE];
};
struct signseed { /* the 32 bytes an Ed25519 key grows from */
	uint8_t b[KEY_SIZE];
};
struct signature {
	uint8_t b[SIG_SIZE];
};

/* 44 characters of standard base64 with its one '=', as wg(8). Strict: unused
 * low bits must be 0. */
WARN_UNUSED bool key_parse_base64(
	uint8_t ret[static KEY_SIZE], const char *text);
const char *key_format_base64(
	const uint8_t key[static KEY_SIZE], char buf[static KEY_BASE64_SIZE]);
/* 64 hex digits of either case, as the UAPI. */
WARN_UNUSED bool key_parse_hex(uint8_t ret[static KEY_SIZE], const char *text);
const char *key_format_hex(
	const uint8_t key[static KEY_SIZE], char buf[static KEY_HEX_SIZE]);
bool key_is_zero(const uint8_t key[static KEY_SIZE]); /* constant time */
bool key_equal(const uint8_t a[static KEY_SIZE],
	const uint8_t b[static KEY_SIZE]); /* constant time */

/* Fresh random scalar, clamped. Callers have called sodium_init(). */
void seckey_generate(struct seckey *ret_key);
void seckey_clamp(struct seckey *key);
struct pubkey seckey_public(const struct seckey *key);
void seckey_wipe(struct seckey *key);
AUTO_DEFINE_VALUE(struct seckey, seckey_wipe)

void signseed_generate(struct signseed *ret_seed);
struct signpub signseed_public(const struct signseed *seed);
struct signature signseed_sign(
	const struct signseed *seed, const uint8_t *msg, size_t len);
WARN_UNUSED bool signpub_verify(const struct signpub *pub,
	const struct signature *sig, const uint8_t *msg, size_t len);
void signseed_wipe(struct signseed *seed);
AUTO_DEFINE_VALUE(struct signseed, signseed_wipe)

/* base64url without padding, for tokens. Encoders return BUF; buf holds
 * BASE64URL_SIZE(len). The decoder wants exact alphabet, no padding, and
 * writes the length; false if it does not fit CAP, RET is then all 0. */
#define BASE64URL_SIZE(len) ((((len) + 2) / 3) * 4 + 1)
const char *base64url_encode(
	const uint8_t *bytes, size_t len, char *buf, size_t size);
WARN_UNUSED bool base64url_decode(const char *text, size_t text_len,
	uint8_t *ret, size_t cap, size_t *ret_len);

#endif

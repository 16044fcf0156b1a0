/*
 * noise: Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s (Noise revision 34; WP 5.4) as
 * pure functions: keys, ephemeral and payload come in, message fields and the
 * two transport keys come out.
 *
 *   <- s                          noise_begin
 *   -> e, es, s, ss, payload      noise_write_initiation
 *                                 noise_read_initiation_static, _payload
 *   <- e, ee, se, psk, payload    noise_write_response, noise_read_response
 *   split                         noise_split
 *
 * A reader works on a copy of the state and keeps it only if the answer was
 * true: after false the state is of no use.
 *
 * Knows nothing of message headers, indices, macs, timestamps, peers or time.
 */
#ifndef ENGINE_CORE_NOISE_H
#define ENGINE_CORE_NOISE_H

#include "base/auto.h"
#include "base/key.h"
#include "engine/core/blake2s.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct noise {
	uint8_t hash[HASH_SIZE];
	uint8_t chaining_key[HASH_SIZE];
};

struct noise_identity { /* us */
	struct seckey secret;
	struct pubkey public;
	bool present;
};

struct noise_remote { /* what is known of a peer for long */
	struct pubkey public;
	struct psk psk;
	uint8_t static_static[KEY_SIZE]; /* DH(our secret, their public) */
	bool computed;			 /* with our present identity */
	bool usable;			 /* static_static is not degenerate */
};

/* DH(identity, remote->public), once for all handshakes and not before the
 * first: ten thousand peers configured are not a second of X25519. False
 * without an identity or if the result is all zero. */
WARN_UNUSED bool noise_prepare(
	struct noise_remote *remote, const struct noise_identity *identity);
/* Our identity changed. */
void noise_forget(struct noise_remote *remote);

void noise_begin(struct noise *n, const void *prologue, size_t len,
	const struct pubkey *responder);

WARN_UNUSED bool noise_write_initiation(struct noise *n,
	const struct noise_identity *identity,
	const struct noise_remote *remote, const struct seckey *ephemeral,
	const void *payload, size_t len, struct pubkey *ret_ephemeral,
	uint8_t *ret_static, uint8_t *ret_payload);
/* RET_STATIC is authenticated only once the payload was read. */
WARN_UNUSED bool noise_read_initiation_static(struct noise *n,
	const struct noise_identity *identity, const struct pubkey *ephemeral,
	const uint8_t *encrypted_static, struct pubkey *ret_static);
/* LEN: of the plaintext. */
WARN_UNUSED bool noise_read_initiation_payload(struct noise *n,
	const struct noise_remote *remote, const uint8_t *encrypted, size_t len,
	void *ret_payload);

/* Responder; E is the initiator's ephemeral. */
WARN_UNUSED bool noise_write_response(struct noise *n,
	const struct noise_remote *remote, const struct pubkey *e,
	const struct seckey *ephemeral, const void *payload, size_t len,
	struct pubkey *ret_ephemeral, uint8_t *ret_payload);
/* Initiator; EPHEMERAL is the one its initiation was written with. */
WARN_UNUSED bool noise_read_response(struct noise *n,
	const struct noise_identity *identity,
	const struct noise_remote *remote, const struct seckey *ephemeral,
	const struct pubkey *e, const uint8_t *encrypted, size_t len,
	void *ret_payload);

/* The key from initiator to responder, and back. */
void noise_split(const struct noise *n, uint8_t ret_forth[static KEY_SIZE],
	uint8_t ret_back[static KEY_SIZE]);

#endif

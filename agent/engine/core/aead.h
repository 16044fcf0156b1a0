/*
 * aead: ChaCha20-Poly1305 (RFC 8439) over a batch of packets of one key, the
 * shape in which faster backends work. Nonce: four zero bytes and the counter,
 * little-endian (WP 5.4.6). No additional data.
 */
#ifndef ENGINE_CORE_AEAD_H
#define ENGINE_CORE_AEAD_H

#include "base/key.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Packets in one call; 16 lanes twice, and 1280 bytes of the caller's stack. */
#define AEAD_BATCH_MAX 32

struct aead_packet {
	const uint8_t *src; /* seal: LEN bytes; open: LEN + AEAD_TAG_SIZE */
	uint8_t *dst;	    /* may be SRC */
	size_t len;	    /* of the plaintext */
	uint64_t counter;
	bool ok; /* out, open: the tag was right; else DST holds zeros */
};

void aead_seal(const uint8_t key[static KEY_SIZE], struct aead_packet *packets,
	size_t count);
void aead_open(const uint8_t key[static KEY_SIZE], struct aead_packet *packets,
	size_t count);

#endif

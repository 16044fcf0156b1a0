/*
 * aead: ChaCha20-Poly1305 (RFC 8439) over a batch of packets of one key: what
 * transport does 45 times in a row is asked for once, so that a backend may work
 * on any block of any packet side by side.
 *
 * Nonce: four zero bytes and the counter, little-endian (WP 5.4.6). No
 * additional data. In place or not; packets of one call must not overlap.
 *
 * One backend serves the whole process: chosen once, by what the CPU can do,
 * and only if it passes its test (aead_select).
 *
 * No branch and no address depends on a key, a text or a tag; only on lengths
 * and on whether a tag was right. Keys and keystream are wiped from the scratch
 * memory before a call returns.
 */
#ifndef ENGINE_AEAD_AEAD_H
#define ENGINE_AEAD_AEAD_H

#include "base/auto.h"
#include "base/err.h"
#include "base/key.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AEAD_TAG_SIZE  16
#define AEAD_BATCH_MAX 64 /* packets in one call */

struct aead_packet {
	const uint8_t *src; /* seal: LEN bytes; open: LEN + AEAD_TAG_SIZE */
	uint8_t *dst; /* seal: LEN + AEAD_TAG_SIZE; open: LEN; may be SRC */
	size_t len;   /* of the plaintext */
	uint64_t counter;
	bool ok; /* out, open: the tag was right; else DST was not touched */
};

/* The backend NAME, or NULL: the best that this CPU can run and that passes its
 * test. Once, before any thread; without it the first aead_new() chooses.
 * -EINVAL: there is none of that name here; -EIO: it fails its test. */
WARN_UNUSED int aead_select(const char *name, struct err *err);
const char *aead_selected(void);

struct aead;		     /* the scratch memory of one thread */
struct aead *aead_new(void); /* NULL: out of memory */
void aead_free(struct aead *aead);
AUTO_DEFINE(struct aead, aead_free)

void aead_seal(struct aead *aead, const uint8_t key[static KEY_SIZE],
	struct aead_packet *packets, size_t count);
void aead_open(struct aead *aead, const uint8_t key[static KEY_SIZE],
	struct aead_packet *packets, size_t count);

#endif

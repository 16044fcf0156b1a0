/*
 * avx512: the parts of the batch kernel. Only files that are built for AVX-512
 * include this.
 *
 * A packet's ciphertext is the XOR with ChaCha20 blocks 1, 2, ..., its one-time
 * Poly1305 key the first half of block 0. A lane is any block of any packet: 32
 * lanes make a pass, first the blocks 0 of all packets, then the data of one
 * packet after the other, so no lane is wasted, whatever the lengths are.
 *
 *   avx512.c         batches into passes, the order of everything, wiping
 *   avx512_chacha.c  a pass: 32 or 16 lanes of 20 rounds
 *   avx512_poly.c    Poly1305 of up to 8 packets
 */
#ifndef ENGINE_AEAD_AVX512_H
#define ENGINE_AEAD_AVX512_H

#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- ChaCha20 --- */

#define PASS_LANES 32
#define BLOCK_SIZE 64

/* What all lanes of a batch share: key, constants, the high half of the counter
 * (batches are split where that changes). `first' are words 1, 5, 9, 13, 3, 7,
 * 11, 15 after the first column round: two of its four columns hold nothing
 * that differs from lane to lane. */
struct chacha_key {
	uint32_t words[16]; /* 12 and 14 differ: unused */
	uint32_t first[16];
};

/* One pass: per lane its block number, the low half of the counter, and what is
 * XORed to where. Runs of lanes are written with whole vectors: slack behind. */
struct lanes {
	uint32_t block[48], counter[48];
	const uint8_t *src[40];
	uint8_t *dst[40];
	uint64_t mask[40]; /* bytes of the block that are the packet's */
	size_t count;
	size_t short_count; /* lanes whose mask is not full */
	uint8_t short_lanes[40];
} __attribute__((aligned(64)));

void chacha_key_init(struct chacha_key *k, const uint8_t key[static 32],
	uint32_t counter_high);
/* 17 to 32 lanes, 1 to 16 lanes. Lanes up to the next 16 are filled in. */
void chacha_pass32(const struct chacha_key *k, const struct lanes *l);
void chacha_pass16(const struct chacha_key *k, const struct lanes *l);

/* --- Poly1305 --- */

/* A key of 32 bytes (r, s) is the head of each 64-byte KEYS block. LENS: bytes
 * of ciphertext; the length block is added. Tags: 16 bytes each. */

/* Power of r in each 64-bit lane: limbs of 44, 44 and 42 bits, and 20 times
 * limbs 1 and 2. */
struct power {
	__m512i r0, r1, r2, s1, s2;
};
struct poly_group {	   /* 8 packets whose powers are made at once */
	struct power r[9]; /* r^1 to r^8; the first is not used */
	struct power p[4]; /* r^8, r^16, r^24, r^32 */
	__m512i q[3][8], sum[4][8], s0, s1;
	uint64_t len[8];
};

/* A: COUNT <= 8 packets side by side, one in each lane: for short ones. */
void poly_lanes(const uint8_t *keys, const uint8_t *const *texts,
	const uint64_t *lens, size_t count, uint8_t *tags);
/* B: each packet alone, eight of its blocks in a vector: for long ones. Powers
 * of COUNT <= 16 packets, two groups, then packet by packet, then the tags. */
void poly_group_init(struct poly_group *groups, const uint8_t *keys,
	const uint64_t *lens, size_t count);
void poly_group_add(struct poly_group *group, size_t i, const uint8_t *text);
void poly_group_finish(struct poly_group *group, size_t count, uint8_t *tags);
/* C: one, without vectors. */
void poly_scalar(
	const uint8_t *key, const uint8_t *text, uint64_t len, uint8_t *tag);

#endif

/*
 * avx512_chacha: ChaCha20 (RFC 8439 s2.3) in vectors of 16 lanes: word w of 16
 * states is one register, so a state is 16 registers and two groups, A and B,
 * fill all 32.
 *
 * The compiler is kept from spilling by three one-instruction operations that
 * work in place, in the order written here: eight stages of A, then eight of B,
 * so that one group's latency hides behind the other (measured: 582 cycles for
 * 20 rounds of 32 lanes on Zen 5 where the ports allow 480).
 */
#include "config.h"

#include "engine/aead/avx512.h"

#include <string.h>

#include "base/banned.h"

typedef __m512i vec;

#define ADD(x, y) __asm__ volatile("vpaddd %1,%0,%0" : "+v"(x) : "v"(y))
#define XOR(x, y) __asm__ volatile("vpxord %1,%0,%0" : "+v"(x) : "v"(y))
#define ROL(x, n) __asm__ volatile("vprold %1,%0,%0" : "+v"(x) : "n"(n))

/* A stage: the same operation in all four quarter rounds. */
#define ADD4(g, a, b, c, d, e, f, h, i)                                        \
	ADD(g##a, g##e);                                                       \
	ADD(g##b, g##f);                                                       \
	ADD(g##c, g##h);                                                       \
	ADD(g##d, g##i)
#define XOR4(g, a, b, c, d, e, f, h, i)                                        \
	XOR(g##a, g##e);                                                       \
	XOR(g##b, g##f);                                                       \
	XOR(g##c, g##h);                                                       \
	XOR(g##d, g##i)
#define ROL4(g, a, b, c, d, n)                                                 \
	ROL(g##a, n);                                                          \
	ROL(g##b, n);                                                          \
	ROL(g##c, n);                                                          \
	ROL(g##d, n)

#define COLUMNS_1_4(g)                                                         \
	ADD4(g, 0, 1, 2, 3, 4, 5, 6, 7);                                       \
	XOR4(g, 12, 13, 14, 15, 0, 1, 2, 3);                                   \
	ROL4(g, 12, 13, 14, 15, 16);                                           \
	ADD4(g, 8, 9, 10, 11, 12, 13, 14, 15)
#define COLUMNS_5_8(g)                                                         \
	XOR4(g, 4, 5, 6, 7, 8, 9, 10, 11);                                     \
	ROL4(g, 4, 5, 6, 7, 12);                                               \
	ADD4(g, 0, 1, 2, 3, 4, 5, 6, 7);                                       \
	XOR4(g, 12, 13, 14, 15, 0, 1, 2, 3)
#define COLUMNS_9_12(g)                                                        \
	ROL4(g, 12, 13, 14, 15, 8);                                            \
	ADD4(g, 8, 9, 10, 11, 12, 13, 14, 15);                                 \
	XOR4(g, 4, 5, 6, 7, 8, 9, 10, 11);                                     \
	ROL4(g, 4, 5, 6, 7, 7)
#define DIAGONALS_1_4(g)                                                       \
	ADD4(g, 0, 1, 2, 3, 5, 6, 7, 4);                                       \
	XOR4(g, 15, 12, 13, 14, 0, 1, 2, 3);                                   \
	ROL4(g, 15, 12, 13, 14, 16);                                           \
	ADD4(g, 10, 11, 8, 9, 15, 12, 13, 14)
#define DIAGONALS_5_8(g)                                                       \
	XOR4(g, 5, 6, 7, 4, 10, 11, 8, 9);                                     \
	ROL4(g, 5, 6, 7, 4, 12);                                               \
	ADD4(g, 0, 1, 2, 3, 5, 6, 7, 4);                                       \
	XOR4(g, 15, 12, 13, 14, 0, 1, 2, 3)
#define DIAGONALS_9_12(g)                                                      \
	ROL4(g, 15, 12, 13, 14, 8);                                            \
	ADD4(g, 10, 11, 8, 9, 15, 12, 13, 14);                                 \
	XOR4(g, 5, 6, 7, 4, 10, 11, 8, 9);                                     \
	ROL4(g, 5, 6, 7, 4, 7)

#define DOUBLE_ROUND_2(a, b)                                                   \
	COLUMNS_1_4(a);                                                        \
	COLUMNS_5_8(a);                                                        \
	COLUMNS_1_4(b);                                                        \
	COLUMNS_5_8(b);                                                        \
	COLUMNS_9_12(a);                                                       \
	DIAGONALS_1_4(a);                                                      \
	COLUMNS_9_12(b);                                                       \
	DIAGONALS_1_4(b);                                                      \
	DIAGONALS_5_8(a);                                                      \
	DIAGONALS_9_12(a);                                                     \
	DIAGONALS_5_8(b);                                                      \
	DIAGONALS_9_12(b)
#define DOUBLE_ROUND_1(a)                                                      \
	COLUMNS_1_4(a);                                                        \
	COLUMNS_5_8(a);                                                        \
	COLUMNS_9_12(a);                                                       \
	DIAGONALS_1_4(a);                                                      \
	DIAGONALS_5_8(a);                                                      \
	DIAGONALS_9_12(a)

/* The first column round: columns 0 and 2 only (struct chacha_key). */
#define FIRST_COLUMNS(g)                                                       \
	ADD(g##0, g##4);                                                       \
	ADD(g##2, g##6);                                                       \
	XOR(g##12, g##0);                                                      \
	XOR(g##14, g##2);                                                      \
	ROL(g##12, 16);                                                        \
	ROL(g##14, 16);                                                        \
	ADD(g##8, g##12);                                                      \
	ADD(g##10, g##14);                                                     \
	XOR(g##4, g##8);                                                       \
	XOR(g##6, g##10);                                                      \
	ROL(g##4, 12);                                                         \
	ROL(g##6, 12);                                                         \
	ADD(g##0, g##4);                                                       \
	ADD(g##2, g##6);                                                       \
	XOR(g##12, g##0);                                                      \
	XOR(g##14, g##2);                                                      \
	ROL(g##12, 8);                                                         \
	ROL(g##14, 8);                                                         \
	ADD(g##8, g##12);                                                      \
	ADD(g##10, g##14);                                                     \
	XOR(g##4, g##8);                                                       \
	XOR(g##6, g##10);                                                      \
	ROL(g##4, 7);                                                          \
	ROL(g##6, 7)

/* --- into and out of the registers --- */

#define SET(x)	      _mm512_set1_epi32((int)(x))
#define SUM(a, b)     _mm512_add_epi32(a, b)
#define LOW32(a, b)   _mm512_unpacklo_epi32(a, b)
#define HIGH32(a, b)  _mm512_unpackhi_epi32(a, b)
#define LOW64(a, b)   _mm512_unpacklo_epi64(a, b)
#define HIGH64(a, b)  _mm512_unpackhi_epi64(a, b)
#define PICK(a, b, i) _mm512_shuffle_i32x4(a, b, i)

#define DECLARE(g)                                                             \
	vec g##0, g##1, g##2, g##3, g##4, g##5, g##6, g##7, g##8, g##9, g##10, \
		g##11, g##12, g##13, g##14, g##15
#define FILL(g, at)                                                            \
	g##0 = SET(k->words[0]);                                               \
	g##4 = SET(k->words[4]);                                               \
	g##8 = SET(k->words[8]);                                               \
	g##12 = _mm512_load_si512(l->block + (at));                            \
	g##2 = SET(k->words[2]);                                               \
	g##6 = SET(k->words[6]);                                               \
	g##10 = SET(k->words[10]);                                             \
	g##14 = _mm512_load_si512(l->counter + (at));                          \
	g##1 = SET(k->first[1]);                                               \
	g##5 = SET(k->first[5]);                                               \
	g##9 = SET(k->first[9]);                                               \
	g##13 = SET(k->first[13]);                                             \
	g##3 = SET(k->first[3]);                                               \
	g##7 = SET(k->first[7]);                                               \
	g##11 = SET(k->first[11]);                                             \
	g##15 = SET(k->first[15])

/* Adds the input and transposes four words: lanes 0..3 of each 128 bits. */
#define QUAD(g, a, b, c, d)                                                    \
	do {                                                                   \
		vec x0, x1, x2, x3;                                            \
		g##a = SUM(g##a, SET(k->words[a]));                            \
		g##b = SUM(g##b, SET(k->words[b]));                            \
		x0 = LOW32(g##a, g##b);                                        \
		x1 = HIGH32(g##a, g##b);                                       \
		g##c = SUM(g##c, SET(k->words[c]));                            \
		g##d = SUM(g##d, SET(k->words[d]));                            \
		x2 = LOW32(g##c, g##d);                                        \
		x3 = HIGH32(g##c, g##d);                                       \
		g##a = LOW64(x0, x2);                                          \
		g##b = HIGH64(x0, x2);                                         \
		g##c = LOW64(x1, x3);                                          \
		g##d = HIGH64(x1, x3);                                         \
	} while (0)
/* The same of words 12 to 15; word 13, the four zero bytes, is 0. */
#define LAST_QUAD(g, at)                                                       \
	do {                                                                   \
		vec x0, x1, x2, x3;                                            \
		g##12 = SUM(g##12, _mm512_load_si512(l->block + (at)));        \
		x0 = LOW32(g##12, g##13);                                      \
		x1 = HIGH32(g##12, g##13);                                     \
		g##14 = SUM(g##14, _mm512_load_si512(l->counter + (at)));      \
		g##15 = SUM(g##15, SET(k->words[15]));                         \
		x2 = LOW32(g##14, g##15);                                      \
		x3 = HIGH32(g##14, g##15);                                     \
		g##12 = LOW64(x0, x2);                                         \
		g##13 = HIGH64(x0, x2);                                        \
		g##14 = LOW64(x1, x3);                                         \
		g##15 = HIGH64(x1, x3);                                        \
	} while (0)
#define PUT(v, i)                                                              \
	do {                                                                   \
		__mmask64 m = _cvtu64_mask64(l->mask[i]);                      \
		vec text = _mm512_maskz_loadu_epi8(m, l->src[i]);              \
		_mm512_mask_storeu_epi8(                                       \
			l->dst[i], m, _mm512_xor_si512(text, v));              \
	} while (0)
#define PUT4(a, b, c, d, at)                                                   \
	do {                                                                   \
		vec x0 = PICK(a, b, 0x88), x1 = PICK(a, b, 0xdd);              \
		vec y0 = PICK(c, d, 0x88), y1 = PICK(c, d, 0xdd);              \
		PUT(PICK(x0, y0, 0x88), at);                                   \
		PUT(PICK(x1, y1, 0x88), (at) + 4);                             \
		PUT(PICK(x0, y0, 0xdd), (at) + 8);                             \
		PUT(PICK(x1, y1, 0xdd), (at) + 12);                            \
	} while (0)
#define EMPTY(g, at)                                                           \
	QUAD(g, 0, 1, 2, 3);                                                   \
	QUAD(g, 4, 5, 6, 7);                                                   \
	QUAD(g, 8, 9, 10, 11);                                                 \
	LAST_QUAD(g, at);                                                      \
	PUT4(g##0, g##4, g##8, g##12, at);                                     \
	PUT4(g##1, g##5, g##9, g##13, (at) + 1);                               \
	PUT4(g##2, g##6, g##10, g##14, (at) + 2);                              \
	PUT4(g##3, g##7, g##11, g##15, (at) + 3)

void chacha_pass32(const struct chacha_key *k, const struct lanes *l)
{
	DECLARE(a);
	DECLARE(b);

	FILL(a, 0);
	FILL(b, 16);
	FIRST_COLUMNS(a);
	FIRST_COLUMNS(b);
	DIAGONALS_1_4(a);
	DIAGONALS_1_4(b);
	DIAGONALS_5_8(a);
	DIAGONALS_5_8(b);
	DIAGONALS_9_12(a);
	DIAGONALS_9_12(b);
	for (int i = 0; i < 9; i++) {
		DOUBLE_ROUND_2(a, b);
	}
	EMPTY(a, 0);
	EMPTY(b, 16);
}

void chacha_pass16(const struct chacha_key *k, const struct lanes *l)
{
	DECLARE(a);

	FILL(a, 0);
	FIRST_COLUMNS(a);
	DIAGONALS_1_4(a);
	DIAGONALS_5_8(a);
	DIAGONALS_9_12(a);
	for (int i = 0; i < 9; i++) {
		DOUBLE_ROUND_1(a);
	}
	EMPTY(a, 0);
}

/* --- the key --- */

static uint32_t rotate(uint32_t x, int n)
{
	return x << n | x >> (32 - n);
}

static void quarter_round(uint32_t *x, int a, int b, int c, int d)
{
	x[a] += x[b];
	x[d] = rotate(x[d] ^ x[a], 16);
	x[c] += x[d];
	x[b] = rotate(x[b] ^ x[c], 12);
	x[a] += x[b];
	x[d] = rotate(x[d] ^ x[a], 8);
	x[c] += x[d];
	x[b] = rotate(x[b] ^ x[c], 7);
}

/* x86 is little-endian, as the wire is. */
void chacha_key_init(struct chacha_key *k, const uint8_t key[static 32],
	uint32_t counter_high)
{
	static const uint32_t constants[4] = { 0x61707865, 0x3320646e,
		0x79622d32, 0x6b206574 };

	memcpy(k->words, constants, sizeof(constants));
	memcpy(k->words + 4, key, 32);
	k->words[12] = k->words[13] = k->words[14] = 0;
	k->words[15] = counter_high;
	memcpy(k->first, k->words, sizeof(k->first));
	quarter_round(k->first, 1, 5, 9, 13);
	quarter_round(k->first, 3, 7, 11, 15);
}

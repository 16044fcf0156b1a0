/*
 * avx512_poly: Poly1305 (RFC 8439 s2.5) with 52-bit multiply-add (IFMA): numbers
 * below 2^130 in three limbs of 44, 44 and 42 bits, eight numbers side by side.
 *
 * Bounds. A product of numbers a and b with limbs a0..a2, b0..b2 is, modulo
 * 2^130 - 5,
 *
 *   d0 = a0 b0 + 20 a1 b2 + 20 a2 b1             each a sum of low and of high
 *   d1 = a0 b1 +    a1 b0 + 20 a2 b2             52-bit halves; a high half
 *   d2 = a0 b2 +    a1 b1 +    a2 b0             counts 2^52 = 2^8 2^44
 *
 * as 2^132 = 4 2^130 = 20. carry() leaves h0 < 2^44, h1 < 2^44 + 2^9, h2 < 2^42:
 *   factors   a: a number and a block, limbs < 2^45.1, 2^45.1, 2^42.6;
 *             b: limbs < 2^44.1, 2^44.1, 2^42; 20 b1 < 2^48.4, 20 b2 < 2^46.4:
 *             all below 2^52, as IFMA wants them
 *   low       each half < 2^52; at most four vectors of three products:
 *             l0, l1, l2 < 12 2^52 < 2^55.6
 *   high      h0 < 4 (2^37.2 + 2^39.5 + 2^39.0) < 2^42.6
 *             h1 < 4 (2^37.2 + 2^37.2 + 2^37.0) < 2^40.8
 *             h2 < 4 (2^35.1 + 2^37.2 + 2^34.7) < 2^39.7
 *   carry     t1 = l1 + 2^8 h0 + 2^11.6 < 2^55.7, t2 = l2 + 2^8 h1 + .. < 2^55.7
 *             c = (t2 >> 42) + 2^10 h2 < 2^49.8, x0 + 5 c < 2^52.2
 *             h1 gains less than 2^52.2 / 2^44 = 2^8.2
 * Nothing comes near 64 bits. tests/unit/test_aead.c drives the kernels with the
 * extremes: keys and texts of ones, sums next to p.
 *
 * A long text is summed in eight lanes, each every eighth block, by powers of
 * r^8; the last product has r^8 .. r^1 in its lanes, which are then added.
 */
#include "config.h"

#include "engine/aead/avx512.h"

#include <string.h>

#include "base/banned.h"

typedef __m512i vec;

#define M44	      _mm512_set1_epi64((INT64_C(1) << 44) - 1)
#define M42	      _mm512_set1_epi64((INT64_C(1) << 42) - 1)
#define ADD(a, b)     _mm512_add_epi64(a, b)
#define AND(a, b)     _mm512_and_si512(a, b)
#define OR(a, b)      _mm512_or_si512(a, b)
#define SRL(a, n)     _mm512_srli_epi64(a, n)
#define SLL(a, n)     _mm512_slli_epi64(a, n)
#define LO(s, a, b)   _mm512_madd52lo_epu64(s, a, b)
#define HI(s, a, b)   _mm512_madd52hi_epu64(s, a, b)
#define LOW64(a, b)   _mm512_unpacklo_epi64(a, b)
#define HIGH64(a, b)  _mm512_unpackhi_epi64(a, b)
#define PICK(a, b, i) _mm512_shuffle_i32x4(a, b, i)
/* The bit above the 16 bytes of a block: 2^128 = 2^40 in limb 2. */
#define BLOCK_BIT _mm512_set1_epi64(INT64_C(1) << 40)

#define INLINE	  static inline __attribute__((always_inline))

struct acc {
	vec l0, l1, l2, h0, h1, h2;
};

INLINE struct acc acc_zero(void)
{
	vec z = _mm512_setzero_si512();

	return (struct acc){ z, z, z, z, z, z };
}

INLINE void mul(struct acc *a, vec m0, vec m1, vec m2, vec r0, vec r1, vec r2,
	vec s1, vec s2)
{
	a->l0 = LO(a->l0, m0, r0);
	a->h0 = HI(a->h0, m0, r0);
	a->l1 = LO(a->l1, m0, r1);
	a->h1 = HI(a->h1, m0, r1);
	a->l2 = LO(a->l2, m0, r2);
	a->h2 = HI(a->h2, m0, r2);
	a->l0 = LO(a->l0, m1, s2);
	a->h0 = HI(a->h0, m1, s2);
	a->l1 = LO(a->l1, m1, r0);
	a->h1 = HI(a->h1, m1, r0);
	a->l2 = LO(a->l2, m1, r1);
	a->h2 = HI(a->h2, m1, r1);
	a->l0 = LO(a->l0, m2, s1);
	a->h0 = HI(a->h0, m2, s1);
	a->l1 = LO(a->l1, m2, s2);
	a->h1 = HI(a->h1, m2, s2);
	a->l2 = LO(a->l2, m2, r0);
	a->h2 = HI(a->h2, m2, r0);
}

INLINE void mul_power(
	struct acc *a, vec m0, vec m1, vec m2, const struct power *p)
{
	mul(a, m0, m1, m2, p->r0, p->r1, p->r2, p->s1, p->s2);
}

INLINE void carry(const struct acc *a, vec *h0, vec *h1, vec *h2)
{
	vec x0 = AND(a->l0, M44);
	vec t1 = ADD(ADD(a->l1, SLL(a->h0, 8)), SRL(a->l0, 44));
	vec x1 = AND(t1, M44);
	vec t2 = ADD(ADD(a->l2, SLL(a->h1, 8)), SRL(t1, 44));
	vec c = ADD(SRL(t2, 42), SLL(a->h2, 10));

	*h2 = AND(t2, M42);
	x0 = ADD(ADD(x0, c), SLL(c, 2));
	*h0 = AND(x0, M44);
	*h1 = ADD(x1, SRL(x0, 44));
}

INLINE void acc_add(struct acc *a, const struct acc *b)
{
	a->l0 = ADD(a->l0, b->l0);
	a->l1 = ADD(a->l1, b->l1);
	a->l2 = ADD(a->l2, b->l2);
	a->h0 = ADD(a->h0, b->h0);
	a->h1 = ADD(a->h1, b->h1);
	a->h2 = ADD(a->h2, b->h2);
}

INLINE vec times20(vec r)
{
	return ADD(SLL(r, 4), SLL(r, 2));
}

INLINE void power_mul(
	struct power *ret, const struct power *a, const struct power *b)
{
	struct acc x = acc_zero();

	mul_power(&x, a->r0, a->r1, a->r2, b);
	carry(&x, &ret->r0, &ret->r1, &ret->r2);
	ret->s1 = times20(ret->r1);
	ret->s2 = times20(ret->r2);
}

/* 128 bits into limbs. */
INLINE void split(vec lo, vec hi, vec *m0, vec *m1, vec *m2)
{
	*m0 = AND(lo, M44);
	*m1 = AND(_mm512_shrdi_epi64(lo, hi, 44), M44);
	*m2 = SRL(hi, 24);
}

/* Rows into columns, 8 x 8 words of 64 bits. */
INLINE void transpose(vec *v)
{
	vec a0 = LOW64(v[0], v[1]), a1 = HIGH64(v[0], v[1]);
	vec a2 = LOW64(v[2], v[3]), a3 = HIGH64(v[2], v[3]);
	vec a4 = LOW64(v[4], v[5]), a5 = HIGH64(v[4], v[5]);
	vec a6 = LOW64(v[6], v[7]), a7 = HIGH64(v[6], v[7]);
	vec b0 = PICK(a0, a2, 0x88), b2 = PICK(a0, a2, 0xdd);
	vec c0 = PICK(a4, a6, 0x88), c2 = PICK(a4, a6, 0xdd);
	vec b1 = PICK(a1, a3, 0x88), b3 = PICK(a1, a3, 0xdd);
	vec c1 = PICK(a5, a7, 0x88), c3 = PICK(a5, a7, 0xdd);

	v[0] = PICK(b0, c0, 0x88);
	v[4] = PICK(b0, c0, 0xdd);
	v[2] = PICK(b2, c2, 0x88);
	v[6] = PICK(b2, c2, 0xdd);
	v[1] = PICK(b1, c1, 0x88);
	v[5] = PICK(b1, c1, 0xdd);
	v[3] = PICK(b3, c3, 0x88);
	v[7] = PICK(b3, c3, 0xdd);
}

/* r, clamped (RFC 8439 s2.5), and s of 8 packets. */
INLINE void load_keys(const uint8_t *keys, struct power *r, vec *s0, vec *s1)
{
	vec v[8], lo, hi;

	for (int i = 0; i < 8; i++)
		v[i] = _mm512_loadu_si512(keys + 64 * i);
	transpose(v);
	lo = AND(v[0], _mm512_set1_epi64(INT64_C(0x0ffffffc0fffffff)));
	hi = AND(v[1], _mm512_set1_epi64(INT64_C(0x0ffffffc0ffffffc)));
	split(lo, hi, &r->r0, &r->r1, &r->r2);
	r->s1 = times20(r->r1);
	r->s2 = times20(r->r2);
	*s0 = v[2];
	*s1 = v[3];
}

/* The length block (no additional data), the full reduction, plus s. */
INLINE void finish(vec h0, vec h1, vec h2, const uint64_t *lens,
	const struct power *r, vec s0, vec s1, uint8_t *tags)
{
	const vec first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
	const vec second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
	vec len = _mm512_loadu_si512(lens);
	struct acc a = acc_zero();
	vec c, g0, g1, g2, lo, hi, even, odd;
	__mmask8 below, over;

	/* low half 0; high half, bits 64.., LEN */
	h1 = ADD(h1, AND(SLL(len, 20), M44));
	h2 = ADD(h2, OR(SRL(len, 24), BLOCK_BIT));
	mul_power(&a, h0, h1, h2, r);
	carry(&a, &h0, &h1, &h2);
	/* twice round, so that every limb is within its bits */
	c = SRL(h1, 44);
	h1 = AND(h1, M44);
	h2 = ADD(h2, c);
	c = SRL(h2, 42);
	h2 = AND(h2, M42);
	h0 = ADD(h0, ADD(c, SLL(c, 2)));
	c = SRL(h0, 44);
	h0 = AND(h0, M44);
	h1 = ADD(h1, c);
	c = SRL(h1, 44);
	h1 = AND(h1, M44);
	h2 = ADD(h2, c);
	/* h - p, taken if it is not negative */
	g0 = ADD(h0, _mm512_set1_epi64(5));
	c = SRL(g0, 44);
	g0 = AND(g0, M44);
	g1 = ADD(h1, c);
	c = SRL(g1, 44);
	g1 = AND(g1, M44);
	g2 = _mm512_sub_epi64(ADD(h2, c), _mm512_set1_epi64(INT64_C(1) << 42));
	below = _mm512_movepi64_mask(g2);
	h0 = _mm512_mask_mov_epi64(g0, below, h0);
	h1 = _mm512_mask_mov_epi64(g1, below, h1);
	h2 = _mm512_mask_mov_epi64(g2, below, h2);
	lo = ADD(OR(h0, SLL(h1, 44)), s0);
	over = _mm512_cmplt_epu64_mask(lo, s0);
	hi = ADD(OR(SRL(h1, 20), SLL(h2, 24)), s1);
	hi = _mm512_mask_add_epi64(hi, over, hi, _mm512_set1_epi64(1));
	even = LOW64(lo, hi);
	odd = HIGH64(lo, hi);
	_mm512_storeu_si512(tags, _mm512_permutex2var_epi64(even, first, odd));
	_mm512_storeu_si512(
		tags + 64, _mm512_permutex2var_epi64(even, second, odd));
}

/* The bytes of [AT, AT + 64) that are within [0, LEN). AT may be negative: texts
 * are padded in front, with blocks that are 0 and have no bit 128. */
INLINE uint64_t mask_at(int64_t at, int64_t len)
{
	int64_t left = len - at;
	uint64_t mask = at >= 0 ? UINT64_MAX
		: at <= -64	? 0
				: UINT64_MAX << -at;

	if (left < 64)
		mask &= left <= 0 ? 0 : UINT64_MAX >> (64 - left);
	return mask;
}

static uint64_t padded(uint64_t len)
{
	return (len + 15) & ~UINT64_C(15);
}

/* --- A: a packet in each lane, four blocks of each a step --- */

struct column { /* where step 0 begins in each text */
	const uint8_t *text[8];
	int64_t len[8], at[8];
};

INLINE void load_step(
	const struct column *col, bool whole, vec v[8], __mmask8 present[4])
{
	for (int k = 0; k < 4; k++)
		present[k] = whole ? 0xff : 0;
	for (int i = 0; i < 8; i++) {
		int64_t at = col->at[i];

		if (whole) {
			v[i] = _mm512_loadu_si512(col->text[i] + at);
			continue;
		}
		v[i] = _mm512_maskz_loadu_epi8(
			_cvtu64_mask64(mask_at(at, col->len[i])),
			col->text[i] + at);
		for (int k = 0; k < 4; k++)
			present[k] |=
				(__mmask8)((at + 16 * k >= 0 &&
						   at + 16 * k < col->len[i])
					<< i);
	}
}

void poly_lanes(const uint8_t *keys, const uint8_t *const *texts,
	const uint64_t *lens, size_t count, uint8_t *tags)
{
	struct power r1, r2, r3, r4;
	struct column col;
	uint64_t len[8], longest = 0;
	vec s0, s1, h0, h1, h2;
	bool same = true;
	int64_t steps;

	load_keys(keys, &r1, &s0, &s1);
	power_mul(&r2, &r1, &r1);
	power_mul(&r3, &r2, &r1);
	power_mul(&r4, &r2, &r2);
	for (size_t i = 0; i < 8; i++) {
		size_t k = i < count ? i : count - 1;

		len[i] = lens[k];
		col.text[i] = texts[k];
		col.len[i] = (int64_t)lens[k];
		longest = len[i] > longest ? len[i] : longest;
		same &= len[i] == len[0];
	}
	steps = (int64_t)((padded(longest) + 63) / 64);
	for (size_t i = 0; i < 8; i++)
		col.at[i] = (int64_t)padded(len[i]) - 64 * steps;
	h0 = h1 = h2 = _mm512_setzero_si512();
	for (int64_t t = 0; t < steps; t++) {
		struct acc a = acc_zero(), b = acc_zero();
		__mmask8 present[4];
		vec v[8], m0, m1, m2;

		load_step(&col, same && t > 0 && t < steps - 1, v, present);
		transpose(v);
#define BIT(k) _mm512_maskz_mov_epi64(present[k], BLOCK_BIT)
		split(v[2], v[3], &m0, &m1, &m2);
		mul_power(&a, m0, m1, OR(m2, BIT(1)), &r3);
		split(v[4], v[5], &m0, &m1, &m2);
		mul_power(&b, m0, m1, OR(m2, BIT(2)), &r2);
		split(v[6], v[7], &m0, &m1, &m2);
		mul_power(&a, m0, m1, OR(m2, BIT(3)), &r1);
		split(v[0], v[1], &m0, &m1, &m2);
		h0 = ADD(h0, m0);
		h1 = ADD(h1, m1);
		h2 = ADD(h2, OR(m2, BIT(0)));
#undef BIT
		mul_power(&b, h0, h1, h2, &r4);
		acc_add(&a, &b);
		carry(&a, &h0, &h1, &h2);
		for (size_t i = 0; i < 8; i++)
			col.at[i] += 64;
	}
	finish(h0, h1, h2, len, &r1, s0, s1, tags);
}

/* --- B: one packet, eight blocks in a vector, four vectors a step --- */

INLINE void keep_powers(struct poly_group *g, const struct power r[9])
{
	/* vectors hold the blocks in the order 0 4 1 5 2 6 3 7 */
	static const uint8_t order[8] = { 8, 4, 7, 3, 6, 2, 5, 1 };

	for (int i = 0; i < 8; i++) {
		g->q[0][i] = r[order[i]].r0;
		g->q[1][i] = r[order[i]].r1;
		g->q[2][i] = r[order[i]].r2;
	}
	for (int limb = 0; limb < 3; limb++)
		transpose(g->q[limb]);
}

/* Both groups' powers are made in turns: one hides the other's latency. */
void poly_group_init(struct poly_group *groups, const uint8_t *keys,
	const uint64_t *lens, size_t count)
{
	/* r[d] = r[x] r[y] */
	static const uint8_t products[7][3] = { { 2, 1, 1 }, { 4, 2, 2 },
		{ 3, 2, 1 }, { 8, 4, 4 }, { 5, 4, 1 }, { 6, 4, 2 },
		{ 7, 4, 3 } };
	size_t n = count > 8 ? 2 : 1;
	uint64_t longest = 0;

	for (size_t i = 0; i < 8 * n; i++) {
		uint64_t len = i < count ? lens[i] : 0;

		groups[i / 8].len[i % 8] = len;
		longest = len > longest ? len : longest;
	}
	for (size_t g = 0; g < n; g++)
		load_keys(keys + 512 * g, &groups[g].r[1], &groups[g].s0,
			&groups[g].s1);
	for (size_t i = 0; i < 7; i++) {
		const uint8_t *d = products[i];

		for (size_t g = 0; g < n; g++) {
			struct power *r = groups[g].r;

			power_mul(&r[d[0]], &r[d[1]], &r[d[2]]);
		}
	}
	for (size_t g = 0; g < n; g++) {
		struct power *p = groups[g].p;

		p[0] = groups[g].r[8];
		if (longest > 128)
			power_mul(&p[1], &p[0], &p[0]);
		if (longest > 256) {
			power_mul(&p[3], &p[1], &p[1]);
			power_mul(&p[2], &p[1], &p[0]);
		}
		keep_powers(&groups[g], groups[g].r);
	}
}

struct text {
	const uint8_t *bytes;
	int64_t at, len, vectors; /* vectors of 128 bytes, padded in front */
};

INLINE void take(struct text *t, vec *m0, vec *m1, vec *m2)
{
	vec x = _mm512_loadu_si512(t->bytes + t->at);
	vec y = _mm512_loadu_si512(t->bytes + t->at + 64);

	split(LOW64(x, y), HIGH64(x, y), m0, m1, m2);
	*m2 = OR(*m2, BLOCK_BIT);
	t->at += 128;
}

/* The first or the last vector, which may be part padding. */
INLINE void take_end(struct text *t, vec *m0, vec *m1, vec *m2)
{
	const vec begins = _mm512_setr_epi64(0, 64, 16, 80, 32, 96, 48, 112);
	vec x = _mm512_maskz_loadu_epi8(
		_cvtu64_mask64(mask_at(t->at, t->len)), t->bytes + t->at);
	vec y = _mm512_maskz_loadu_epi8(
		_cvtu64_mask64(mask_at(t->at + 64, t->len)),
		t->bytes + t->at + 64);
	__mmask8 present = _mm512_cmpge_epi64_mask(
		ADD(begins, _mm512_set1_epi64(t->at)), _mm512_setzero_si512());

	split(LOW64(x, y), HIGH64(x, y), m0, m1, m2);
	*m2 = OR(*m2, _mm512_maskz_mov_epi64(present, BLOCK_BIT));
	t->at += 128;
}

/* Power K of packet I in all lanes. */
#define LANE(v, i) _mm512_set1_epi64(((const long long *)(const void *)&(v))[i])
#define MUL_BY(a, k)                                                           \
	mul(a, m0, m1, m2, LANE(p[k].r0, i), LANE(p[k].r1, i),                 \
		LANE(p[k].r2, i), LANE(p[k].s1, i), LANE(p[k].s2, i))

struct sum {
	vec h0, h1, h2;
};

/* FIRST vectors, 1 to 4, so that what is left is steps of four. */
INLINE void begin(const struct power *p, size_t i, struct text *t,
	struct sum *h, int64_t first)
{
	struct acc a = acc_zero(), b = acc_zero();
	vec m0, m1, m2;

	take_end(t, &m0, &m1, &m2);
	if (first == 4) {
		MUL_BY(&a, 2);
		take(t, &m0, &m1, &m2);
	}
	if (first >= 3) {
		MUL_BY(&b, 1);
		take(t, &m0, &m1, &m2);
	}
	if (first >= 2) {
		MUL_BY(&a, 0);
		if (t->vectors == first)
			take_end(t, &m0, &m1, &m2);
		else
			take(t, &m0, &m1, &m2);
	}
	acc_add(&a, &b);
	carry(&a, &h->h0, &h->h1, &h->h2);
	h->h0 = ADD(h->h0, m0);
	h->h1 = ADD(h->h1, m1);
	h->h2 = ADD(h->h2, m2);
}

INLINE void step(const struct power *p, size_t i, struct text *t, struct sum *h,
	bool last)
{
	struct acc a = acc_zero(), b = acc_zero();
	vec m0, m1, m2;

	take(t, &m0, &m1, &m2);
	MUL_BY(&a, 2);
	take(t, &m0, &m1, &m2);
	MUL_BY(&b, 1);
	take(t, &m0, &m1, &m2);
	MUL_BY(&a, 0);
	acc_add(&a, &b);
	b = acc_zero();
	m0 = h->h0;
	m1 = h->h1;
	m2 = h->h2;
	MUL_BY(&b, 3);
	acc_add(&a, &b);
	carry(&a, &h->h0, &h->h1, &h->h2);
	if (last)
		take_end(t, &m0, &m1, &m2);
	else
		take(t, &m0, &m1, &m2);
	h->h0 = ADD(h->h0, m0);
	h->h1 = ADD(h->h1, m1);
	h->h2 = ADD(h->h2, m2);
}

void poly_group_add(struct poly_group *g, size_t i, const uint8_t *bytes)
{
	struct text t = { .bytes = bytes, .len = (int64_t)g->len[i] };
	vec z = _mm512_setzero_si512();
	struct sum h = { z, z, z };
	struct acc a = acc_zero();
	vec r1 = g->q[1][i], r2 = g->q[2][i];

	t.vectors = (int64_t)(padded(g->len[i]) + 127) / 128;
	t.at = (int64_t)padded(g->len[i]) - 128 * t.vectors;
	if (t.vectors) {
		int64_t first = t.vectors % 4 ? t.vectors % 4 : 4;

		begin(g->p, i, &t, &h, first);
		for (int64_t k = first; k < t.vectors; k += 4)
			step(g->p, i, &t, &h, k + 4 == t.vectors);
	}
	mul(&a, h.h0, h.h1, h.h2, g->q[0][i], r1, r2, times20(r1), times20(r2));
	g->sum[0][i] = a.l0;
	g->sum[1][i] = ADD(a.l1, SLL(a.h0, 8));
	g->sum[2][i] = ADD(a.l2, SLL(a.h1, 8));
	g->sum[3][i] = a.h2;
}

/* The eight lanes of each of eight vectors added up. */
INLINE vec add_lanes(const vec v[8])
{
	vec x0 = ADD(LOW64(v[0], v[1]), HIGH64(v[0], v[1]));
	vec x1 = ADD(LOW64(v[2], v[3]), HIGH64(v[2], v[3]));
	vec x2 = ADD(LOW64(v[4], v[5]), HIGH64(v[4], v[5]));
	vec x3 = ADD(LOW64(v[6], v[7]), HIGH64(v[6], v[7]));
	vec y0 = ADD(PICK(x0, x1, 0x88), PICK(x0, x1, 0xdd));
	vec y1 = ADD(PICK(x2, x3, 0x88), PICK(x2, x3, 0xdd));

	return ADD(PICK(y0, y1, 0x88), PICK(y0, y1, 0xdd));
}

void poly_group_finish(struct poly_group *g, size_t count, uint8_t *tags)
{
	struct acc a = acc_zero();
	vec h0, h1, h2;

	for (size_t i = count; i < 8; i++)
		for (int k = 0; k < 4; k++)
			g->sum[k][i] = _mm512_setzero_si512();
	a.l0 = add_lanes(g->sum[0]);
	a.l1 = add_lanes(g->sum[1]);
	a.l2 = add_lanes(g->sum[2]);
	a.h2 = add_lanes(g->sum[3]);
	carry(&a, &h0, &h1, &h2);
	finish(h0, h1, h2, g->len, &g->r[1], g->s0, g->s1, tags);
}

/* --- C: without vectors --- */

struct limbs {
	uint64_t h0, h1, h2;
};

static const uint64_t mask44 = (UINT64_C(1) << 44) - 1;
static const uint64_t mask42 = (UINT64_C(1) << 42) - 1;

static void add_block(struct limbs *h, uint64_t lo, uint64_t hi)
{
	h->h0 += lo & mask44;
	h->h1 += (lo >> 44 | hi << 20) & mask44;
	h->h2 += hi >> 24 | UINT64_C(1) << 40;
}

static void mul_scalar(struct limbs *h, uint64_t r0, uint64_t r1, uint64_t r2)
{
	typedef unsigned __int128 wide;
	uint64_t s1 = r1 * 20, s2 = r2 * 20, c;
	wide d0 = (wide)h->h0 * r0 + (wide)h->h1 * s2 + (wide)h->h2 * s1;
	wide d1 = (wide)h->h0 * r1 + (wide)h->h1 * r0 + (wide)h->h2 * s2;
	wide d2 = (wide)h->h0 * r2 + (wide)h->h1 * r1 + (wide)h->h2 * r0;

	c = (uint64_t)(d0 >> 44);
	h->h0 = (uint64_t)d0 & mask44;
	d1 += c;
	c = (uint64_t)(d1 >> 44);
	h->h1 = (uint64_t)d1 & mask44;
	d2 += c;
	c = (uint64_t)(d2 >> 42);
	h->h2 = (uint64_t)d2 & mask42;
	h->h0 += c * 5;
	c = h->h0 >> 44;
	h->h0 &= mask44;
	h->h1 += c;
}

static void reduce(struct limbs *h)
{
	uint64_t c = h->h1 >> 44, g0, g1, g2, keep;

	h->h1 &= mask44;
	h->h2 += c;
	c = h->h2 >> 42;
	h->h2 &= mask42;
	h->h0 += c * 5;
	c = h->h0 >> 44;
	h->h0 &= mask44;
	h->h1 += c;
	c = h->h1 >> 44;
	h->h1 &= mask44;
	h->h2 += c;
	g0 = h->h0 + 5;
	g1 = h->h1 + (g0 >> 44);
	g2 = h->h2 + (g1 >> 44) - (UINT64_C(1) << 42);
	keep = (g2 >> 63) - 1; /* all ones if h >= p */
	h->h0 = (h->h0 & ~keep) | (g0 & mask44 & keep);
	h->h1 = (h->h1 & ~keep) | (g1 & mask44 & keep);
	h->h2 = (h->h2 & ~keep) | (g2 & keep);
}

void poly_scalar(
	const uint8_t *key, const uint8_t *text, uint64_t len, uint8_t *tag)
{
	uint64_t k[4], block[2], lo, hi, out[2];
	struct limbs h = { 0, 0, 0 };
	uint64_t r0, r1, r2;
	unsigned __int128 sum;

	memcpy(k, key, sizeof(k));
	lo = k[0] & UINT64_C(0x0ffffffc0fffffff);
	hi = k[1] & UINT64_C(0x0ffffffc0ffffffc);
	r0 = lo & mask44;
	r1 = (lo >> 44 | hi << 20) & mask44;
	r2 = hi >> 24;
	for (uint64_t left = len; left > 0;) {
		size_t n = left < 16 ? (size_t)left : 16;

		block[0] = block[1] = 0;
		memcpy(block, text, n);
		add_block(&h, block[0], block[1]);
		mul_scalar(&h, r0, r1, r2);
		text += n;
		left -= n;
	}
	add_block(&h, 0, len);
	mul_scalar(&h, r0, r1, r2);
	reduce(&h);
	sum = (unsigned __int128)(h.h0 | h.h1 << 44) + k[2];
	out[0] = (uint64_t)sum;
	out[1] = (h.h1 >> 20 | h.h2 << 24) + k[3] + (uint64_t)(sum >> 64);
	memcpy(tag, out, sizeof(out));
}

/*
 * avx512: the batch kernel's backend: which lanes make a pass, when what is
 * authenticated, and what is wiped.
 *
 *   seal   keys and data in passes; Poly1305 of the packets that a pass has
 *          finished, while their ciphertext is in the nearest cache
 *   open   passes with keys first; Poly1305 and the tags; then data, of packets
 *          whose tag was right and of no others. Data lanes that share a pass
 *          with keys leave their keystream aside until the tag is known.
 *
 * The next pass's table is written before the present pass runs: vector loads of
 * what was just stored in pieces would stall.
 *
 * For speed, not for being right: packets want 128 mapped bytes before and 64
 * behind them; a masked access that reaches over into an unmapped page takes a
 * detour through microcode (twice the time of a packet).
 */
#include "config.h"

#include "engine/aead/avx512.h"
#include "engine/aead/backend.h"

#include <sodium.h>

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

struct cursor {	      /* how far the lanes have got */
	size_t key;   /* packets whose block 0 has a lane */
	size_t data;  /* packet whose data is next, */
	uint64_t off; /* from this byte on */
};

struct scratch {
	uint8_t keys[AEAD_BATCH_MAX * BLOCK_SIZE];
	uint8_t tags[AEAD_BATCH_MAX * AEAD_TAG_SIZE];
	uint8_t stream[PASS_LANES * BLOCK_SIZE];
	struct poly_group groups[2];
	struct lanes lanes[2];
	struct chacha_key key;
	uint64_t lens[AEAD_BATCH_MAX];
	const uint8_t *texts[AEAD_BATCH_MAX];
	size_t authenticated; /* packets whose text is summed */
	size_t powers;	      /* packets whose powers are made */
} __attribute__((aligned(64)));

static const uint8_t zeros[BLOCK_SIZE] __attribute__((aligned(64)));

/* --- lanes --- */

static void lanes_init(struct lanes *l)
{
	for (size_t i = 0; i < 40; i++)
		l->mask[i] = UINT64_MAX;
	l->short_count = 0;
}

/* COUNT lanes from AT on: blocks from BLOCK on of one packet. Whole vectors are
 * stored: what is behind is written by the next run, or is slack. */
static void put_run(struct lanes *l, size_t at, size_t count, uint32_t block,
	uint32_t counter, const uint8_t *src, uint8_t *dst)
{
	const __m512i steps = _mm512_setr_epi32(
		0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	const __m512i strides =
		_mm512_setr_epi64(0, 64, 128, 192, 256, 320, 384, 448);
	const __m512i eight = _mm512_set1_epi64(512);
	__m512i b = _mm512_add_epi32(_mm512_set1_epi32((int)block), steps);
	__m512i c = _mm512_set1_epi32((int)counter);
	__m512i s = _mm512_add_epi64(
		_mm512_set1_epi64((long long)(uintptr_t)src), strides);
	__m512i d = _mm512_add_epi64(
		_mm512_set1_epi64((long long)(uintptr_t)dst), strides);

	_mm512_storeu_si512(l->block + at, b);
	_mm512_storeu_si512(l->counter + at, c);
	if (count > 16) {
		b = _mm512_add_epi32(b, _mm512_set1_epi32(16));
		_mm512_storeu_si512(l->block + at + 16, b);
		_mm512_storeu_si512(l->counter + at + 16, c);
	}
	for (size_t i = 0;;) {
		_mm512_storeu_si512(l->src + at + i, s);
		_mm512_storeu_si512(l->dst + at + i, d);
		i += 8;
		if (i >= count)
			break;
		s = _mm512_add_epi64(s, eight);
		d = _mm512_add_epi64(d, eight);
	}
}

static void put_short(struct lanes *l, size_t at, uint64_t mask)
{
	l->mask[at] = mask;
	l->short_lanes[l->short_count++] = (uint8_t)at;
}

/* Key lanes while there are any, then data of packets below COUNT that are OK.
 * Returns how many of the lanes are keys'. */
static size_t fill(struct scratch *x, struct lanes *l, struct cursor *c,
	const struct aead_packet *packets, size_t keys, size_t count)
{
	size_t i = 0, key_lanes;

	for (size_t k = 0; k < l->short_count; k++)
		l->mask[l->short_lanes[k]] = UINT64_MAX;
	l->short_count = 0;
	for (; i < PASS_LANES && c->key < keys; i++, c->key++) {
		l->block[i] = 0;
		l->counter[i] = (uint32_t)packets[c->key].counter;
		l->src[i] = zeros;
		l->dst[i] = x->keys + BLOCK_SIZE * c->key;
	}
	key_lanes = i;
	while (i < PASS_LANES && c->data < count) {
		const struct aead_packet *p = &packets[c->data];
		size_t want, run;

		if (!p->ok || p->len == 0) {
			c->data++;
			c->off = 0;
			continue;
		}
		want = (size_t)((p->len - c->off + BLOCK_SIZE - 1) /
			BLOCK_SIZE);
		run = want < PASS_LANES - i ? want : PASS_LANES - i;
		put_run(l, i, run, (uint32_t)(c->off / BLOCK_SIZE) + 1,
			(uint32_t)p->counter, p->src + c->off, p->dst + c->off);
		i += run;
		c->off += BLOCK_SIZE * run;
		if (run == want && p->len % BLOCK_SIZE)
			put_short(l, i - 1,
				UINT64_MAX >>
					(BLOCK_SIZE - p->len % BLOCK_SIZE));
		if (run == want) {
			c->data++;
			c->off = 0;
		}
	}
	l->count = i;
	/* Padding lanes read and write nothing, at addresses that are mapped
	 * and may be written. */
	for (; i % 16; i++) {
		l->block[i] = l->counter[i] = 0;
		l->src[i] = zeros;
		l->dst[i] = (uint8_t *)l->block;
		put_short(l, i, 0);
	}
	return key_lanes;
}

static void run_pass(const struct scratch *x, const struct lanes *l)
{
	if (l->count > 16)
		chacha_pass32(&x->key, l);
	else if (l->count)
		chacha_pass16(&x->key, l);
}

/* --- Poly1305: which kernel --- */

/* Cycles of each kernel for packets FROM..FROM+COUNT, measured on Zen 5; only
 * their order matters. */
enum kernel { LANES, GROUP, SCALAR };
static enum kernel choose(const struct scratch *x, size_t from, size_t count)
{
	uint64_t longest = 0, total = 0, lanes, group, scalar;

	for (size_t i = from; i < from + count; i++) {
		total += x->lens[i];
		longest = x->lens[i] > longest ? x->lens[i] : longest;
	}
	lanes = 250 + longest * 9 / 8;
	group = 220 + 40 * count + total / 9;
	scalar = 60 * count + total * 4 / 5;
	if (scalar < 300 + 20 * count)
		return SCALAR;
	return lanes < group ? LANES : GROUP;
}

static size_t rest_of_8(size_t from, size_t count)
{
	return count - from < 8 ? count - from : 8;
}

/* Powers of the group that begins at FROM, and of the next if it is one too. */
static void make_powers(struct scratch *x, size_t from, size_t count)
{
	size_t n = count - from;

	if (n > 8 &&
		(from & 8 ||
			choose(x, from + 8, rest_of_8(from + 8, count)) !=
				GROUP))
		n = 8;
	if (n > 16)
		n = 16;
	poly_group_init(&x->groups[from / 8 % 2], x->keys + BLOCK_SIZE * from,
		x->lens + from, n);
	x->powers = from + n;
}

/* Sums up texts of packets below READY, at most LIMIT or a group more; returns
 * how many packets have their tag. */
static size_t authenticate(
	struct scratch *x, size_t count, size_t ready, size_t limit)
{
	size_t end = x->authenticated + limit < ready ? x->authenticated + limit
						      : ready;

	while (x->authenticated < end) {
		size_t at = x->authenticated, from = at & ~(size_t)7;
		size_t n = rest_of_8(from, count);
		struct poly_group *group = &x->groups[from / 8 % 2];
		uint8_t *tags = x->tags + AEAD_TAG_SIZE * from;

		if (at == from && at >= x->powers) {
			enum kernel kernel = choose(x, from, n);

			if (kernel != GROUP && ready < from + n)
				break; /* all eight at once */
			if (kernel == LANES)
				poly_lanes(x->keys + BLOCK_SIZE * from,
					x->texts + from, x->lens + from, n,
					tags);
			for (size_t i = from; kernel == SCALAR && i < from + n;
				i++)
				poly_scalar(x->keys + BLOCK_SIZE * i,
					x->texts[i], x->lens[i],
					x->tags + AEAD_TAG_SIZE * i);
			if (kernel != GROUP) {
				x->authenticated = from + n;
				continue;
			}
			make_powers(x, from, count);
		}
		poly_group_add(group, at % 8, x->texts[at]);
		x->authenticated++;
		if (x->authenticated == from + n)
			poly_group_finish(group, n, tags);
	}
	return x->authenticated == count ? count
					 : x->authenticated & ~(size_t)7;
}

/* --- a batch whose counters share their high half --- */

static void begin(struct scratch *x, const uint8_t *key,
	const struct aead_packet *packets, size_t count)
{
	chacha_key_init(&x->key, key, (uint32_t)(packets[0].counter >> 32));
	for (size_t i = 0; i < count; i++)
		x->lens[i] = packets[i].len;
	x->authenticated = x->powers = 0;
}

/* Of what was used: keys, keystream, powers. The tables hold addresses. */
static void wipe(struct scratch *x, size_t count)
{
	sodium_memzero(x->keys, BLOCK_SIZE * count);
	sodium_memzero(x->stream, sizeof(x->stream));
	sodium_memzero(&x->key, sizeof(x->key));
	sodium_memzero(x->groups,
		x->powers > 8	    ? sizeof(x->groups)
			: x->powers ? sizeof(x->groups[0])
				    : 0);
}

static void seal_part(struct scratch *x, const uint8_t *key,
	struct aead_packet *packets, size_t count)
{
	struct cursor c = { 0, 0, 0 };
	size_t tagged = 0;
	unsigned int now = 0;

	begin(x, key, packets, count);
	for (size_t i = 0; i < count; i++) {
		x->texts[i] = packets[i].dst;
		packets[i].ok = true;
	}
	lanes_init(&x->lanes[0]);
	lanes_init(&x->lanes[1]);
	(void)fill(x, &x->lanes[0], &c, packets, count, count);
	for (;;) {
		size_t done = c.data, end = 0;
		bool has_keys = c.key >= count;

		(void)fill(x, &x->lanes[!now], &c, packets, count, count);
		run_pass(x, &x->lanes[now]);
		now = !now;
		if (!has_keys)
			continue;
		end = authenticate(x, count, done, AEAD_BATCH_MAX);
		for (; tagged < end; tagged++)
			memcpy(packets[tagged].dst + packets[tagged].len,
				x->tags + AEAD_TAG_SIZE * tagged,
				AEAD_TAG_SIZE);
		if (tagged >= count)
			break;
	}
	wipe(x, count);
}

/* Looks at the tags of packets [*CHECKED, ...) as far as they are summed up. */
static void check_tags(struct scratch *x, struct aead_packet *packets,
	size_t count, size_t limit, size_t *checked)
{
	size_t end = authenticate(x, count, count, limit);

	for (; *checked < end; (*checked)++) {
		struct aead_packet *p = &packets[*checked];
		__m128i theirs = _mm_loadu_si128(
			(const __m128i *)(const void *)(p->src + p->len));
		__m128i ours = _mm_loadu_si128(
			(const __m128i *)(const void *)(x->tags +
				AEAD_TAG_SIZE * *checked));
		__m128i differ = _mm_xor_si128(theirs, ours);

		p->ok = _mm_testz_si128(differ, differ);
	}
}

struct put_off { /* data lanes of a pass with keys */
	const uint8_t *src[PASS_LANES];
	uint8_t *dst[PASS_LANES];
	uint64_t mask[PASS_LANES];
	uint8_t packet[PASS_LANES];
	size_t count;
};

static void put_off_data(struct scratch *x, struct lanes *l, size_t first,
	const struct aead_packet *packets, struct put_off *ret)
{
	size_t packet = 0;
	uint64_t off = 0;

	ret->count = l->count - first;
	for (size_t i = 0; i < ret->count; i++) {
		while (off >= packets[packet].len) {
			packet++;
			off = 0;
		}
		off += BLOCK_SIZE;
		ret->src[i] = l->src[first + i];
		ret->dst[i] = l->dst[first + i];
		ret->mask[i] = l->mask[first + i];
		ret->packet[i] = (uint8_t)packet;
		l->src[first + i] = zeros;
		l->dst[first + i] = x->stream + BLOCK_SIZE * i;
		l->mask[first + i] = UINT64_MAX;
	}
}

static void open_put_off(const struct scratch *x, const struct put_off *off,
	const struct aead_packet *packets)
{
	for (size_t i = 0; i < off->count; i++) {
		__mmask64 m = _cvtu64_mask64(off->mask[i]);
		__m512i text, stream;

		if (!packets[off->packet[i]].ok)
			continue;
		text = _mm512_maskz_loadu_epi8(m, off->src[i]);
		stream = _mm512_loadu_si512(x->stream + BLOCK_SIZE * i);
		_mm512_mask_storeu_epi8(
			off->dst[i], m, _mm512_xor_si512(text, stream));
	}
}

static void open_part(struct scratch *x, const uint8_t *key,
	struct aead_packet *packets, size_t count)
{
	struct lanes *l = &x->lanes[0];
	struct cursor c = { 0, 0, 0 };
	struct put_off off = { .count = 0 };
	size_t checked = 0, looked = 0;
	int64_t waiting;

	begin(x, key, packets, count);
	for (size_t i = 0; i < count; i++) {
		x->texts[i] = packets[i].src;
		packets[i].ok = true; /* as far as fill() is concerned */
	}
	lanes_init(l);
	while (c.key < count) {
		size_t keys = fill(x, l, &c, packets, count, count);

		if (l->count > keys)
			put_off_data(x, l, keys, packets, &off);
		run_pass(x, l);
	}
	if (off.count) {
		size_t last = off.packet[off.count - 1];

		while (checked <= last)
			check_tags(x, packets, count, 8, &checked);
		open_put_off(x, &off, packets);
	}
	/* Lanes of packets that were found authentic and are not open yet: a
	 * pass is run when they fill one. */
	waiting = -(int64_t)(c.off / BLOCK_SIZE);
	looked = c.data;
	for (;;) {
		for (; looked < checked; looked++)
			if (packets[looked].ok)
				waiting += (int64_t)((packets[looked].len +
							     BLOCK_SIZE - 1) /
					BLOCK_SIZE);
		if (waiting < PASS_LANES && checked < count) {
			check_tags(x, packets, count, 1, &checked);
			continue;
		}
		(void)fill(x, l, &c, packets, count, checked);
		if (l->count == 0)
			break;
		waiting -= (int64_t)l->count;
		run_pass(x, l);
	}
	wipe(x, count);
}

/* --- the backend --- */

typedef void (*part_fn)(struct scratch *x, const uint8_t *key,
	struct aead_packet *packets, size_t count);

static void in_parts(struct scratch *x, const uint8_t *key,
	struct aead_packet *packets, size_t count, part_fn part)
{
	for (size_t from = 0; from < count;) {
		size_t to = from + 1;

		while (to < count &&
			packets[to].counter >> 32 ==
				packets[from].counter >> 32)
			to++;
		part(x, key, packets + from, to - from);
		from = to;
	}
}

static void seal(void *scratch, const uint8_t key[static KEY_SIZE],
	struct aead_packet *packets, size_t count)
{
	in_parts(scratch, key, packets, count, seal_part);
}

static void open_packets(void *scratch, const uint8_t key[static KEY_SIZE],
	struct aead_packet *packets, size_t count)
{
	in_parts(scratch, key, packets, count, open_part);
}

/* The CPU has it and the system keeps its registers: both are looked at. */
static bool usable(void)
{
	__builtin_cpu_init();
	return __builtin_cpu_supports("avx512f") &&
		__builtin_cpu_supports("avx512bw") &&
		__builtin_cpu_supports("avx512dq") &&
		__builtin_cpu_supports("avx512vl") &&
		__builtin_cpu_supports("avx512ifma") &&
		__builtin_cpu_supports("avx512vbmi2");
}

static void *new_scratch(void)
{
	struct scratch *x = aligned_alloc(64, sizeof(*x));

	if (x)
		memset(x, 0, sizeof(*x));
	return x;
}

static void free_scratch(void *scratch)
{
	if (scratch)
		sodium_memzero(scratch, sizeof(struct scratch));
	free(scratch);
}

const struct aead_backend aead_avx512 = {
	.name = "avx512",
	.usable = usable,
	.new_scratch = new_scratch,
	.free_scratch = free_scratch,
	.seal = seal,
	.open = open_packets,
};

/* handshake: timestamps that only rise, initiations judged, halves that do not
 * disturb each other, and no state after a message that was not authentic. */
#include "config.h"

#include "tests/unit/coretest.h"

#include "engine/core/handshake.h"
#include "engine/core/limits.h"

#include <sodium.h>

#include <string.h>

#include "base/banned.h"

#define S NSEC_PER_SEC
#define G TIMESTAMP_GRAIN_NS

struct stamp_row {
	int64_t wall, previous, want;
	int line;
};
static const struct stamp_row stamps[] = {
	{ 0, 0, G, __LINE__ }, /* never the zero that means none */
	{ 5 * S, 0, 5 * S, __LINE__ },
	{ 5 * S + 1, 0, 5 * S, __LINE__ },
	{ 5 * S + G - 1, 0, 5 * S, __LINE__ },
	{ 5 * S + G, 0, 5 * S + G, __LINE__ },
	{ 5 * S + 999999999, 0, 5 * S + 59 * G, __LINE__ },
	/* The same grain again, and a clock that went back. */
	{ 5 * S + 7, 5 * S, 5 * S + G, __LINE__ },
	{ 4 * S, 5 * S, 5 * S + G, __LINE__ },
	{ -1000 * S, 5 * S, 5 * S + G, __LINE__ },
	/* Over the end of a second. */
	{ 4 * S, 5 * S + 59 * G, 6 * S, __LINE__ },
	{ 6 * S, 5 * S + 59 * G, 6 * S, __LINE__ },
	/* The year 2200 and no further, unless a stamp must rise. */
	{ INT64_MAX, 0, TIMESTAMP_MAX_NS, __LINE__ },
	{ INT64_MAX, TIMESTAMP_MAX_NS, TIMESTAMP_MAX_NS + G, __LINE__ },
};

static void test_timestamp_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(stamps); i++) {
		const struct stamp_row *row = &stamps[i];
		struct wall got =
			handshake_timestamp((struct wall){ row->wall },
				(struct wall){ row->previous });

		ROW_TRUE(row, got.ns == row->want);
	}
}

/* However the clock jumps, each is above the one before, and whitened. */
static void test_timestamps_rise(void **state)
{
	struct testrng rng = testrng_seeded();
	uint8_t last[TAI64N_SIZE] = { 0 }, next[TAI64N_SIZE];
	struct wall t = { 0 };

	(void)state;
	for (int i = 0; i < 100000; i++) {
		struct wall clock = { (int64_t)(testrng_next(&rng) >> 3) };

		if (testrng_below(&rng, 3))
			clock.ns =
				t.ns + (int64_t)testrng_below(&rng, 2 * G) - G;
		if (testrng_below(&rng, 1000) == 0)
			t.ns = 0; /* another peer */
		if (t.ns == 0)
			memset(last, 0, sizeof(last));
		t = handshake_timestamp(clock, t);
		tai64n_encode(next, t);
		assert_true(memcmp(next, last, sizeof(last)) > 0);
		assert_int_equal(t.ns % S % G, 0);
		memcpy(last, next, sizeof(last));
	}
}

/* TAI64N of 1970-01-01 and of a known second (cr.yp.to/libtai/tai64.html: 0x40
 * 000000 2a2b2c2d is 1992-06-02 08:07:09 TAI, 08:06:43 UTC then; we and the
 * kernel take TAI - UTC as 10 s always, so ours is ten seconds after UTC). */
static void test_tai64n(void **state)
{
	uint8_t got[TAI64N_SIZE], want[TAI64N_SIZE];

	(void)state;
	tai64n_encode(got, (struct wall){ 0 });
	(void)hex_decode("400000000000000a00000000", want, sizeof(want));
	assert_memory_equal(got, want, sizeof(want));
	tai64n_encode(got, (struct wall){ (INT64_C(0x2a2b2c2d) - 10) * S + G });
	(void)hex_decode("400000002a2b2c2d01000000", want, sizeof(want));
	assert_memory_equal(got, want, sizeof(want));
}

/* --- two parties --- */

struct party {
	struct noise_identity identity;
	struct handshake hs;
	struct index_table table;
};
struct world {
	struct testrng rng;
	struct wg_rng wg;
	struct party a, b;
};

static void setup(struct world *w)
{
	struct party *parties[] = { &w->a, &w->b };

	*w = (struct world){ .rng = { 11 } };
	w->wg = testrng_wg(&w->rng);
	for (int i = 0; i < 2; i++) {
		struct party *p = parties[i];

		w->wg.fill(w->wg.arg, p->identity.secret.b, KEY_SIZE);
		seckey_clamp(&p->identity.secret);
		p->identity.public = seckey_public(&p->identity.secret);
		p->identity.present = true;
		assert_int_equal(index_reserve(&p->table, 8), 0);
	}
	handshake_init(&w->a.hs, &w->b.identity.public);
	handshake_init(&w->b.hs, &w->a.identity.public);
	/* or it would be done with the first message */
	assert_true(noise_prepare(&w->a.hs.remote, &w->a.identity));
	assert_true(noise_prepare(&w->b.hs.remote, &w->b.identity));
}

static void teardown(struct world *w)
{
	handshake_clear(&w->a.hs, &w->a.table);
	handshake_clear(&w->b.hs, &w->b.table);
	index_release(&w->a.table);
	index_release(&w->b.table);
}

static void initiate(struct world *w, struct party *p, double sec,
	struct wg_message_initiation *ret)
{
	struct wall wall = handshake_timestamp(
		test_now(sec).wall, p->hs.last_sent_timestamp);

	assert_true(handshake_create_initiation(
		&p->hs, &p->identity, &p->table, NULL, &w->wg, wall, ret));
}

static enum initiation_verdict consume(
	struct party *p, const struct wg_message_initiation *m, double sec)
{
	struct opened_initiation opened;

	if (!handshake_open_initiation(&p->identity, m, &opened))
		return INITIATION_BAD;
	if (!key_equal(opened.static_key.b, p->hs.remote.public.b))
		return INITIATION_BAD;
	return handshake_accept_initiation(
		&p->hs, &p->identity, &opened, test_now(sec).mono);
}

static void respond(struct world *w, struct party *p,
	struct wg_message_response *ret, struct session *ret_session)
{
	assert_true(handshake_create_response(
		&p->hs, &p->table, NULL, &w->wg, ret, ret_session));
}

static void expect_match(const struct session *i, const struct session *r)
{
	assert_memory_equal(i->sending_key, r->receiving_key, KEY_SIZE);
	assert_memory_equal(i->receiving_key, r->sending_key, KEY_SIZE);
	assert_memory_not_equal(i->sending_key, i->receiving_key, KEY_SIZE);
	assert_true(i->i_am_the_initiator);
	assert_false(r->i_am_the_initiator);
}

static void test_session(void **state)
{
	struct wg_message_initiation m;
	struct wg_message_response r;
	struct session si, sr;
	struct world w;

	(void)state;
	setup(&w);
	initiate(&w, &w.a, 0, &m);
	assert_int_equal(consume(&w.b, &m, 0), INITIATION_ACCEPTED);
	respond(&w, &w.b, &r, &sr);
	assert_int_equal(le32_get(r.receiver_index), le32_get(m.sender_index));
	assert_true(
		handshake_consume_response(&w.a.hs, &w.a.identity, &r, &si));
	expect_match(&si, &sr);
	assert_int_equal(si.remote_index, le32_get(r.sender_index));
	assert_int_equal(sr.remote_index, le32_get(m.sender_index));
	/* Both halves are used up, and hold no secrets. */
	assert_false(
		handshake_consume_response(&w.a.hs, &w.a.identity, &r, &si));
	assert_false(handshake_create_response(
		&w.b.hs, &w.b.table, NULL, &w.wg, &r, &sr));
	assert_true(key_is_zero(w.a.hs.initiator.ephemeral.b));
	assert_true(sodium_is_zero(
		(uint8_t *)&w.a.hs.initiator.noise, sizeof(struct noise)));
	assert_true(sodium_is_zero(
		(uint8_t *)&w.b.hs.responder.noise, sizeof(struct noise)));
	teardown(&w);
}

/* What the responder makes of initiations made at SENT and coming at COMES. */
struct judge_row {
	double sent, comes;
	bool again; /* the same bytes as the row before */
	enum initiation_verdict want;
	int line;
};
static const struct judge_row judged[] = {
	{ 0, 0, false, INITIATION_ACCEPTED, __LINE__ },
	{ 0, 1, true, INITIATION_REPLAYED, __LINE__ },
	{ 10, 2, false, INITIATION_ACCEPTED, __LINE__ },
	{ 20, 2.0199, false, INITIATION_FLOODED, __LINE__ },
	{ 20, 2.0201, true, INITIATION_ACCEPTED, __LINE__ }, /* not spent */
	{ 20, 99, true, INITIATION_REPLAYED, __LINE__ },
	{ 19, 100, false, INITIATION_ACCEPTED, __LINE__ }, /* see below */
	{ 1e9, 101, false, INITIATION_ACCEPTED, __LINE__ },
	{ 1e9, 102, true, INITIATION_REPLAYED, __LINE__ },
};

/* A clock that goes back at 19 does not matter: the sender's stamps rise. */
static void test_judged(void **state)
{
	struct wg_message_initiation m;
	struct world w;

	(void)state;
	setup(&w);
	for (size_t i = 0; i < ARRAY_SIZE(judged); i++) {
		if (!judged[i].again)
			initiate(&w, &w.a, judged[i].sent, &m);
		ROW_EQUAL(&judged[i], consume(&w.b, &m, judged[i].comes),
			judged[i].want);
	}
	teardown(&w);
}

/* An older one that was held back on the way. */
static void test_older_refused(void **state)
{
	struct wg_message_initiation first, second;
	struct world w;

	(void)state;
	setup(&w);
	initiate(&w, &w.a, 0, &first);
	initiate(&w, &w.a, 6, &second);
	assert_int_equal(consume(&w.b, &second, 7), INITIATION_ACCEPTED);
	assert_int_equal(consume(&w.b, &first, 8), INITIATION_REPLAYED);
	teardown(&w);
}

/* Initiations that cross: both are answered, both answers are taken. */
static void test_crossing(void **state)
{
	struct wg_message_initiation ma, mb;
	struct wg_message_response ra, rb;
	struct session sa[2], sb[2];
	struct world w;

	(void)state;
	setup(&w);
	initiate(&w, &w.a, 0, &ma);
	initiate(&w, &w.b, 0, &mb);
	assert_int_equal(consume(&w.a, &mb, 0.1), INITIATION_ACCEPTED);
	assert_int_equal(consume(&w.b, &ma, 0.1), INITIATION_ACCEPTED);
	respond(&w, &w.a, &ra, &sa[0]);
	respond(&w, &w.b, &rb, &sb[0]);
	assert_true(handshake_consume_response(
		&w.a.hs, &w.a.identity, &rb, &sa[1]));
	assert_true(handshake_consume_response(
		&w.b.hs, &w.b.identity, &ra, &sb[1]));
	expect_match(&sa[1], &sb[0]);
	expect_match(&sb[1], &sa[0]);
	teardown(&w);
}

/* No bit of the noise part may differ, and the state is as before. */
static void test_initiation_bits(void **state)
{
	struct wg_message_initiation m, bad;
	struct handshake before;
	struct world w;

	(void)state;
	setup(&w);
	initiate(&w, &w.a, 0, &m);
	before = w.b.hs;
	for (size_t bit = 8 * offsetof(struct wg_message_initiation, ephemeral);
		bit < 8 * offsetof(struct wg_message_initiation, macs); bit++) {
		bad = m;
		((uint8_t *)&bad)[bit / 8] ^= (uint8_t)(1 << bit % 8);
		/* X25519 does not see the highest bit; the hash does. */
		assert_int_equal(consume(&w.b, &bad, 0), INITIATION_BAD);
		assert_memory_equal(&w.b.hs, &before, sizeof(before));
	}
	assert_int_equal(consume(&w.b, &m, 0), INITIATION_ACCEPTED);
	teardown(&w);
}

static void test_response_bits(void **state)
{
	struct wg_message_initiation m;
	struct wg_message_response r, bad;
	struct session si, sr;
	struct handshake before;
	struct world w;

	(void)state;
	setup(&w);
	initiate(&w, &w.a, 0, &m);
	assert_int_equal(consume(&w.b, &m, 0), INITIATION_ACCEPTED);
	respond(&w, &w.b, &r, &sr);
	before = w.a.hs;
	for (size_t bit = 8 * offsetof(struct wg_message_response, ephemeral);
		bit < 8 * offsetof(struct wg_message_response, macs); bit++) {
		bad = r;
		((uint8_t *)&bad)[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(handshake_consume_response(
			&w.a.hs, &w.a.identity, &bad, &si));
		assert_memory_equal(&w.a.hs, &before, sizeof(before));
	}
	assert_true(
		handshake_consume_response(&w.a.hs, &w.a.identity, &r, &si));
	expect_match(&si, &sr);
	teardown(&w);
}

/* Keys with which there can be no handshake. */
static void test_degenerate(void **state)
{
	static const struct pubkey small = { { 1 } };
	struct noise_identity nobody = { .present = false };
	struct wg_message_initiation m;
	struct opened_initiation opened;
	struct world w;

	(void)state;
	setup(&w);
	handshake_init(&w.a.hs, &small);
	assert_false(handshake_create_initiation(&w.a.hs, &w.a.identity,
		&w.a.table, NULL, &w.wg, test_now(0).wall, &m));
	handshake_init(&w.a.hs, &w.b.identity.public);
	assert_false(handshake_create_initiation(&w.a.hs, &nobody, &w.a.table,
		NULL, &w.wg, test_now(0).wall, &m));
	assert_int_equal(w.a.hs.initiator.entry.kind, INDEX_FREE);
	handshake_init(&w.a.hs, &w.b.identity.public);
	initiate(&w, &w.a, 0, &m);
	assert_false(handshake_open_initiation(&nobody, &m, &opened));
	m.ephemeral = small;
	assert_false(handshake_open_initiation(&w.b.identity, &m, &opened));
	teardown(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timestamp_rows),
		cmocka_unit_test(test_timestamps_rise),
		cmocka_unit_test(test_tai64n),
		cmocka_unit_test(test_session),
		cmocka_unit_test(test_judged),
		cmocka_unit_test(test_older_refused),
		cmocka_unit_test(test_crossing),
		cmocka_unit_test(test_initiation_bits),
		cmocka_unit_test(test_response_bits),
		cmocka_unit_test(test_degenerate),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}

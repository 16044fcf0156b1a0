/* keyring: the state table of its header, row by row; keys wiped the moment
 * they leave; and what age and counters allow. */
#include "config.h"

#include "tests/unit/coretest.h"

#include "engine/core/keyring.h"
#include "engine/core/limits.h"

#include <sodium.h>

#include <string.h>

#include "base/banned.h"

/* Sessions are named by letters, which are the bytes of their keys too. */
struct fixture {
	struct testrng rng;
	struct wg_rng wg;
	struct index_table table;
	struct retirement retirement; /* no workers: at once */
	struct keypair_pool pool;
	struct keyring ring;
	struct keypair *made[8]; /* in order, to see them wiped */
	uint32_t index[8];
	char name[8];
	size_t count;
};

static void setup(struct fixture *f)
{
	*f = (struct fixture){ .rng = { 3 } };
	f->wg = testrng_wg(&f->rng);
	assert_int_equal(index_reserve(&f->table, 16), 0);
	keypair_pool_init(&f->pool, &f->table, &f->retirement);
	assert_int_equal(keypair_pool_reserve(&f->pool, KEYPAIRS_PER_PEER), 0);
}

static void teardown(struct fixture *f)
{
	keyring_clear(&f->ring, &f->pool);
	assert_int_equal(f->pool.in_use, 0);
	keypair_pool_release(&f->pool);
	index_release(&f->table);
}

static void make(struct fixture *f, char name, bool initiator)
{
	struct index_entry from = { 0 };
	struct session session = { .i_am_the_initiator = initiator,
		.remote_index = (uint32_t)name };
	struct mono now = test_now(0).mono;

	memset(session.sending_key, name, KEY_SIZE);
	memset(session.receiving_key, name, KEY_SIZE);
	index_insert(&f->table, &f->wg, &from, INDEX_HANDSHAKE, NULL);
	f->index[f->count] = from.index;
	f->name[f->count] = name;
	f->made[f->count++] = initiator
		? keyring_on_initiator_done(
			  &f->ring, &f->pool, &session, &from, now)
		: keyring_on_responder_done(
			  &f->ring, &f->pool, &session, &from, now);
	assert_int_equal(from.kind, INDEX_FREE);
}

static char name_of(const struct keypair *kp)
{
	return kp ? (char)kp->session.sending_key[0] : '-';
}

/* Steps: an upper case letter is a session we initiated, a lower case one we
 * answered; '!' opens the first packet on NEXT; '?' one on CURRENT. */
struct row {
	const char *steps;
	const char *want; /* previous, current, next */
	int line;
};
static const struct row rows[] = {
	{ "", "---", __LINE__ },
	{ "A", "-A-", __LINE__ },
	{ "a", "--a", __LINE__ },
	{ "a!", "-a-", __LINE__ },
	{ "ab", "--b", __LINE__ },
	{ "AB", "AB-", __LINE__ },
	{ "ABC", "BC-", __LINE__ },
	{ "Aa", "-Aa", __LINE__ },
	{ "Aa?", "-Aa", __LINE__ },
	{ "Aa!", "Aa-", __LINE__ },
	{ "Aab", "-Ab", __LINE__ },
	{ "ABa", "-Ba", __LINE__ }, /* a new next costs the previous */
	{ "ABa!", "Ba-", __LINE__ },
	{ "AaB", "aB-", __LINE__ }, /* initiations that crossed */
	{ "aB", "aB-", __LINE__ },
	{ "aBC", "BC-", __LINE__ },
	{ "aBb", "-Bb", __LINE__ },
	{ "aBb!c!", "bc-", __LINE__ },
	{ "a!b!c!", "bc-", __LINE__ },
	{ "a!BcD", "cD-", __LINE__ },
};

static void check_row(const struct row *row)
{
	struct fixture f;
	const char *s;
	char got[4] = "---";

	setup(&f);
	for (s = row->steps; *s; s++) {
		struct keypair *kp = *s == '!' ? f.ring.next : f.ring.current;

		if (*s == '!' || *s == '?')
			ROW_EQUAL(row,
				keyring_on_first_open(&f.ring, &f.pool, kp),
				*s == '!');
		else
			make(&f, *s, *s < 'a');
	}
	got[0] = name_of(f.ring.previous);
	got[1] = name_of(f.ring.current);
	got[2] = name_of(f.ring.next);
	ROW_MEMORY(row, got, row->want, 3);
	/* What is kept is found by its index; what left is wiped and is not. */
	for (size_t i = 0; i < f.count; i++) {
		struct index_entry *entry = index_find(&f.table, f.index[i]);
		bool kept = memchr(got, f.name[i], 3) != NULL;

		ROW_EQUAL(row, entry != NULL, kept);
		if (entry)
			ROW_EQUAL(row, entry->kind, INDEX_KEYPAIR);
	}
	ROW_EQUAL(row, f.pool.in_use,
		(got[0] != '-') + (got[1] != '-') + (got[2] != '-'));
	teardown(&f);
}

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&rows[i]);
}

static bool is_wiped(const struct keypair *kp)
{
	return sodium_is_zero(
		       (const uint8_t *)&kp->session, sizeof(kp->session)) &&
		sodium_is_zero(
			(const uint8_t *)&kp->replay, sizeof(kp->replay));
}

static void test_wiped_at_once(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	make(&f, 'A', true);
	make(&f, 'B', true);
	assert_false(is_wiped(f.made[0]));
	assert_int_equal(replay_check(&f.made[0]->replay, 5), REPLAY_FRESH);
	make(&f, 'a', false); /* A leaves */
	assert_true(f.made[2] == f.made[0] || is_wiped(f.made[0]));
	assert_null(index_find(&f.table, f.index[0]));
	/* Memory given out again starts clean. */
	assert_int_equal(replay_check(&f.made[2]->replay, 5), REPLAY_FRESH);
	assert_int_equal(f.made[2]->sending_counter, 0);
	keyring_clear(&f.ring, &f.pool);
	for (size_t i = 0; i < f.count; i++) {
		assert_true(is_wiped(f.made[i]));
		assert_null(index_find(&f.table, f.index[i]));
	}
	teardown(&f);
}

struct limit_row {
	double age_sec;
	uint64_t sent, received; /* next counters */
	bool valid, seal, open;
	int line;
};
static const struct limit_row limits[] = {
	{ 0, 0, 0, true, true, true, __LINE__ },
	{ 179.999, 5, 5, true, true, true, __LINE__ },
	{ 180, 5, 5, true, false, false, __LINE__ },
	{ 1e6, 5, 5, true, false, false, __LINE__ },
	{ 0, REKEY_AFTER_MESSAGES, 0, true, true, true, __LINE__ },
	{ 0, REJECT_AFTER_MESSAGES - 1, 0, true, true, true, __LINE__ },
	{ 0, REJECT_AFTER_MESSAGES, 0, true, false, true, __LINE__ },
	{ 0, 0, REJECT_AFTER_MESSAGES - 1, true, true, true, __LINE__ },
	{ 0, 0, 0, false, false, true, __LINE__ }, /* identity changed */
};

static void test_limits(void **state)
{
	struct fixture f;

	(void)state;
	assert_false(keypair_may_seal(NULL, test_now(0).mono));
	assert_false(keypair_may_open(NULL, test_now(0).mono));
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		const struct limit_row *row = &limits[i];
		struct mono now = test_now(row->age_sec).mono;
		struct keypair *kp;

		setup(&f);
		make(&f, 'A', true);
		kp = f.ring.current;
		kp->sending_counter = row->sent;
		kp->replay.next = row->received;
		if (!row->valid)
			keyring_expire(&f.ring);
		ROW_EQUAL(row, keypair_may_seal(kp, now), row->seal);
		ROW_EQUAL(row, keypair_may_open(kp, now), row->open);
		teardown(&f);
	}
}

/* The pool grows by chunks, hands out each keypair once, takes all back. */
static void test_pool(void **state)
{
	enum { MANY = 500 };
	static struct keypair *taken[MANY];
	struct session session = { .remote_index = 1 };
	struct mono now = test_now(0).mono;
	struct fixture f;

	(void)state;
	setup(&f);
	assert_int_equal(index_reserve(&f.table, MANY), 0);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < MANY; i++) {
			struct index_entry from = { 0 };

			assert_int_equal(
				keypair_pool_reserve(&f.pool, i + 1), 0);
			index_insert(
				&f.table, &f.wg, &from, INDEX_HANDSHAKE, NULL);
			taken[i] = keypair_make(&f.pool, &session, &from, now);
			taken[i]->sending_counter = i;
		}
		assert_int_equal(f.pool.in_use, MANY);
		for (size_t i = 0; i < MANY; i++) {
			assert_int_equal(taken[i]->sending_counter, i);
			keypair_drop(&f.pool, &taken[i]);
			assert_null(taken[i]);
		}
		assert_int_equal(f.pool.in_use, 0);
	}
	assert_true(f.pool.capacity < 2 * MANY);
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_wiped_at_once),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_pool),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}

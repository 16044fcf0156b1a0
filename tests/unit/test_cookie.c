/* cookie: macs, cookies that are bound to address, port and time, and replies
 * that answer only the last message sent. */
#include "config.h"

#include "tests/unit/coretest.h"

#include "engine/core/blake2s.h"
#include "engine/core/cookie.h"
#include "engine/core/limits.h"

#include <sodium.h>

#include <string.h>

#include "base/banned.h"

struct fixture {
	struct testrng rng;
	struct wg_rng wg;
	struct now now;
	struct pubkey key; /* the responder's */
	struct cookie_checker checker;
	struct cookie_jar jar; /* the initiator's for it */
	struct wg_message_initiation message;
	struct endpoint from;
};

static void setup(struct fixture *f)
{
	*f = (struct fixture){ .rng = { 42 }, .now = test_now(0) };
	f->wg = testrng_wg(&f->rng);
	f->wg.fill(f->wg.arg, f->key.b, sizeof(f->key.b));
	f->wg.fill(f->wg.arg, (uint8_t *)&f->message, sizeof(f->message));
	cookie_checker_set_key(&f->checker, &f->key);
	cookie_jar_init(&f->jar, &f->key);
	f->from = test_endpoint("192.0.2.7:4000");
}

static void add_macs(struct fixture *f)
{
	cookie_add_macs(&f->jar, &f->message, sizeof(f->message), f->now.mono);
}

static bool mac1_ok(struct fixture *f)
{
	return cookie_check_mac1(&f->checker, &f->message, sizeof(f->message));
}

static bool mac2_ok(struct fixture *f, const char *from)
{
	struct endpoint ep = test_endpoint(from);

	return cookie_check_mac2(&f->checker, &f->message, sizeof(f->message),
		&ep, f->now.mono, &f->wg);
}

static void make_reply(struct fixture *f, struct wg_message_cookie *ret)
{
	cookie_create_reply(&f->checker, &f->message, sizeof(f->message),
		&f->from, f->now.mono, &f->wg, ret);
}

/* WP 5.4.4 spelled out with the library alone. */
static void test_mac1_definition(void **state)
{
	uint8_t key[HASH_SIZE], want[COOKIE_SIZE];
	struct fixture f;

	(void)state;
	setup(&f);
	add_macs(&f);
	hash_two(key, "mac1----", 8, f.key.b, sizeof(f.key.b));
	mac_two(want, sizeof(want), key, sizeof(key), &f.message, 116, NULL, 0);
	assert_memory_equal(f.message.macs.mac1, want, sizeof(want));
	assert_true(sodium_is_zero(f.message.macs.mac2, COOKIE_SIZE));
}

/* Every bit before mac2 counts; none of mac2 does. */
static void test_mac1_bits(void **state)
{
	struct fixture f;
	uint8_t *bytes = (uint8_t *)&f.message;

	(void)state;
	setup(&f);
	add_macs(&f);
	assert_true(mac1_ok(&f));
	for (size_t bit = 0; bit < 8 * sizeof(f.message); bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(mac1_ok(&f),
			bit / 8 >= sizeof(f.message) - COOKIE_SIZE);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	f.key.b[0] ^= 1;
	cookie_checker_set_key(&f.checker, &f.key);
	assert_false(mac1_ok(&f));
}

static void test_cookie_round(void **state)
{
	struct wg_message_cookie reply;
	struct fixture f;

	(void)state;
	setup(&f);
	add_macs(&f);
	assert_false(mac2_ok(&f, "192.0.2.7:4000"));
	make_reply(&f, &reply);
	assert_int_equal(le32_get(reply.type), MESSAGE_COOKIE);
	assert_memory_equal(
		reply.receiver_index.b, f.message.sender_index.b, 4);
	assert_true(cookie_consume_reply(&f.jar, &reply, f.now.mono));
	/* One reply a message. */
	assert_false(cookie_consume_reply(&f.jar, &reply, f.now.mono));
	add_macs(&f);
	assert_true(mac1_ok(&f));
	assert_true(mac2_ok(&f, "192.0.2.7:4000"));
	/* Bound to address and port. */
	assert_false(mac2_ok(&f, "192.0.2.7:4001"));
	assert_false(mac2_ok(&f, "192.0.2.8:4000"));
	assert_false(mac2_ok(&f, "[::ffff:192.0.2.7]:4000"));
	/* And to the message. */
	f.message.ephemeral.b[3] ^= 4;
	assert_false(mac2_ok(&f, "192.0.2.7:4000"));
}

static void test_ipv6_whole_address(void **state)
{
	struct wg_message_cookie reply;
	struct fixture f;

	(void)state;
	setup(&f);
	f.from = test_endpoint("[2001:db8::7]:4000");
	add_macs(&f);
	make_reply(&f, &reply);
	assert_true(cookie_consume_reply(&f.jar, &reply, f.now.mono));
	add_macs(&f);
	assert_true(mac2_ok(&f, "[2001:db8::7]:4000"));
	assert_false(mac2_ok(&f, "[2001:db8::8]:4000"));
	assert_false(mac2_ok(&f, "[2001:db9::7]:4000"));
}

/* When a cookie, given at 0, stops being sent and being taken. */
struct age_row {
	double sec;
	bool sent;     /* mac2 is filled in at SEC */
	bool accepted; /* and right */
	int line;
};
static const struct age_row ages[] = {
	{ 0, true, true, __LINE__ },
	{ 100, true, true, __LINE__ },
	{ 114.9, true, true, __LINE__ },
	{ 115.1, false, false, __LINE__ }, /* 120 s less 5 s of latency */
	{ 130, false, false, __LINE__ },
};

static void test_age(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ages); i++) {
		const struct age_row *row = &ages[i];
		struct wg_message_cookie reply;
		struct fixture f;

		setup(&f);
		add_macs(&f);
		make_reply(&f, &reply);
		ROW_TRUE(row, cookie_consume_reply(&f.jar, &reply, f.now.mono));
		now_add(&f.now, row->sec);
		add_macs(&f);
		ROW_EQUAL(row,
			!sodium_is_zero(f.message.macs.mac2, COOKIE_SIZE),
			row->sent);
		ROW_EQUAL(row, mac2_ok(&f, "192.0.2.7:4000"), row->accepted);
	}
}

/* The secret changes at 120 s even if the cookie is still being sent. */
static void test_secret_rotates(void **state)
{
	struct wg_message_cookie reply;
	struct fixture f;

	(void)state;
	setup(&f);
	add_macs(&f);
	make_reply(&f, &reply); /* the secret is born */
	now_add(&f.now, 60);
	add_macs(&f);
	make_reply(&f, &reply);
	assert_true(cookie_consume_reply(&f.jar, &reply, f.now.mono));
	now_add(&f.now, 59.9);
	add_macs(&f);
	assert_true(mac2_ok(&f, "192.0.2.7:4000"));
	now_add(&f.now, 0.2);
	add_macs(&f);
	assert_false(sodium_is_zero(f.message.macs.mac2, COOKIE_SIZE));
	assert_false(mac2_ok(&f, "192.0.2.7:4000"));
}

/* No bit of a reply may be wrong, and it must answer the last message. */
static void test_forged_replies(void **state)
{
	struct wg_message_cookie reply, bad;
	struct fixture f;

	(void)state;
	setup(&f);
	make_reply(&f, &reply);
	assert_false(cookie_consume_reply(&f.jar, &reply, f.now.mono));
	add_macs(&f);
	make_reply(&f, &reply);
	for (size_t bit = 8 * offsetof(struct wg_message_cookie, nonce);
		bit < 8 * sizeof(reply); bit++) {
		bad = reply;
		((uint8_t *)&bad)[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(cookie_consume_reply(&f.jar, &bad, f.now.mono));
		assert_false(f.jar.has_cookie);
	}
	f.message.ephemeral.b[0] ^= 1;
	add_macs(&f); /* a newer message: the reply is stale */
	assert_false(cookie_consume_reply(&f.jar, &reply, f.now.mono));
	make_reply(&f, &reply);
	assert_true(cookie_consume_reply(&f.jar, &reply, f.now.mono));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mac1_definition),
		cmocka_unit_test(test_mac1_bits),
		cmocka_unit_test(test_cookie_round),
		cmocka_unit_test(test_ipv6_whole_address),
		cmocka_unit_test(test_age),
		cmocka_unit_test(test_secret_rotates),
		cmocka_unit_test(test_forged_replies),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}

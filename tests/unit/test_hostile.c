/*
 * hostile: what strangers may send and what must come of it: nothing. Every bit
 * of every message flipped, every length cut, every first byte; the peer's
 * whole state is compared byte by byte (threats 3 F4, 4.3 S5). And from set-up
 * on nothing is allocated, whatever happens (threats 1.4 point 3).
 */
#include "config.h"

#include "tests/unit/coretest.h"

#include "engine/core/limits.h"
#include "engine/core/messages.h"
#include "engine/core/peer.h"
#include "engine/core/state.h"

#include <sodium.h>

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* --- allocations, counted by the linker's --wrap --- */

static bool counting;
static size_t allocations;
static size_t fail_at; /* the n-th from now fails; 0: none does */

static bool fails(void)
{
	allocations += counting;
	return fail_at && --fail_at == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}
void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}
void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}
void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return fails() ? NULL : __real_reallocarray(p, n, size);
}

/* --- the state that must not move --- */

struct snapshot {
	struct wg_peer peer;
	struct keypair current, next;
	bool has_current, has_next;
	size_t keypairs, handshakes, replies;
	struct mono deadline;
};

static void take(struct pair *pair, int side, struct snapshot *ret)
{
	const struct wg_device *dev = pair->side[side].dev;
	const struct keyring *ring = &pair->side[side].peer->keyring;

	memset(ret, 0, sizeof(*ret));
	/* Kept from the first message on, true or not: not state, a cache. */
	assert_true(noise_prepare(
		&pair->side[side].peer->handshake.remote, &dev->identity));
	memcpy(&ret->peer, pair->side[side].peer, sizeof(ret->peer));
	ret->has_current = ring->current != NULL;
	ret->has_next = ring->next != NULL;
	if (ring->current)
		memcpy(&ret->current, ring->current, sizeof(ret->current));
	if (ring->next)
		memcpy(&ret->next, ring->next, sizeof(ret->next));
	ret->keypairs = dev->keypairs.in_use;
	ret->handshakes = dev->handshakes.len;
	ret->replies = dev->replies_len;
	ret->deadline = wg_device_deadline(dev);
}

/* D from a stranger's address changes nothing at TO and is not answered. */
static void expect_nothing(struct pair *pair, int to, const struct datagram *d)
{
	static struct snapshot before, after;
	struct side *side = &pair->side[to];
	struct datagram copy = *d, answer;
	const struct wg_path path = { .remote = {
					      .addr = { IP_V4,
						      { 203, 0, 113, 66 } },
					      .port = 666,
				      } };
	struct wg_packet p = {
		.data = datagram_data(&copy),
		.len = d->len,
		.ds = 3,
		.path = &path,
	};

	take(pair, to, &before);
	wg_device_open(side->dev, &pair->now, &p, 1);
	assert_true(p.verdict == WG_DROPPED || p.verdict == WG_CONSUMED);
	(void)wg_device_work(side->dev, &pair->now, SIZE_MAX);
	assert_false(pair_poll(pair, to, &answer));
	take(pair, to, &after);
	assert_memory_equal(&before, &after, sizeof(before));
}

/* The true one still does what it should after all that. */
static void flip_all(struct pair *pair, int to, const struct datagram *d,
	size_t first_byte, size_t end_byte)
{
	struct datagram bad = *d;

	for (size_t bit = 8 * first_byte; bit < 8 * end_byte; bit++) {
		datagram_data(&bad)[bit / 8] ^= (uint8_t)(1 << bit % 8);
		expect_nothing(pair, to, &bad);
		datagram_data(&bad)[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void cut_and_stretch(struct pair *pair, int to, const struct datagram *d)
{
	struct datagram bad = *d;

	for (size_t len = 0; len < d->len; len++) {
		bad.len = len;
		expect_nothing(pair, to, &bad);
	}
	for (size_t more = 1; more <= 16; more++) {
		memset(datagram_data(&bad) + d->len, 0, more);
		bad.len = d->len + more;
		expect_nothing(pair, to, &bad);
	}
}

/* ALICE's initiation in D; nothing has happened yet. */
static void begin(struct pair *pair, struct datagram *d)
{
	pair_init(pair, 1);
	pair_introduce(pair, ALICE);
	pair_introduce(pair, BOB);
	wg_peer_initiate(
		pair->side[ALICE].dev, &pair->now, pair->side[ALICE].peer);
	assert_true(pair_poll(pair, ALICE, d));
}

/* The same by one who knows the public key and makes mac1 right. The sender's
 * index is his to choose in either message (WP 5.4): bytes 4 to 8. */
static void flip_and_mac(struct pair *pair, int to, const struct datagram *d)
{
	struct datagram bad = *d;
	struct cookie_jar jar;

	cookie_jar_init(&jar, &pair->side[to].public);
	for (size_t bit = 0; bit < 8 * (d->len - sizeof(struct wg_macs));
		bit++) {
		if (bit / 8 >= 4 && bit / 8 < 8)
			continue;
		datagram_data(&bad)[bit / 8] ^= (uint8_t)(1 << bit % 8);
		cookie_add_macs(
			&jar, datagram_data(&bad), d->len, pair->now.mono);
		expect_nothing(pair, to, &bad);
		datagram_data(&bad)[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

#define MAC2_AT(message) (sizeof(message) - COOKIE_SIZE)

static void test_initiation(void **state)
{
	struct pair pair;
	struct datagram d;

	(void)state;
	begin(&pair, &d);
	flip_all(&pair, BOB, &d, 0, MAC2_AT(struct wg_message_initiation));
	flip_and_mac(&pair, BOB, &d);
	cut_and_stretch(&pair, BOB, &d);
	/* Nobody asks for mac2 now: whatever it is. */
	datagram_data(&d)[147] ^= 1;
	assert_int_equal(pair_deliver(&pair, BOB, &d), WG_CONSUMED);
	assert_true(pair_poll(&pair, BOB, &d));
	assert_int_equal(datagram_type(&d), MESSAGE_RESPONSE);
	pair_release(&pair);
}

static void test_response(void **state)
{
	struct pair pair;
	struct datagram d;

	(void)state;
	begin(&pair, &d);
	assert_int_equal(pair_deliver(&pair, BOB, &d), WG_CONSUMED);
	assert_true(pair_poll(&pair, BOB, &d));
	flip_all(&pair, ALICE, &d, 0, MAC2_AT(struct wg_message_response));
	flip_and_mac(&pair, ALICE, &d);
	cut_and_stretch(&pair, ALICE, &d);
	assert_int_equal(pair_deliver(&pair, ALICE, &d), WG_CONSUMED);
	assert_true(pair_poll(&pair, ALICE, &d));
	assert_int_equal(datagram_type(&d), MESSAGE_DATA);
	assert_true(pair_info(&pair, ALICE).has_session);
	pair_release(&pair);
}

static void test_cookie(void **state)
{
	struct wg_device *bob;
	struct pair pair;
	struct datagram d;
	struct wg_message_cookie reply;

	(void)state;
	begin(&pair, &d);
	bob = pair.side[BOB].dev;
	cookie_create_reply(&bob->checker, datagram_data(&d), d.len,
		&pair.side[ALICE].endpoint, pair.now.mono, &bob->rng, &reply);
	memcpy(datagram_data(&d), &reply, sizeof(reply));
	d.len = sizeof(reply);
	flip_all(&pair, ALICE, &d, 0, sizeof(reply));
	cut_and_stretch(&pair, ALICE, &d);
	assert_false(pair.side[ALICE].peer->jar.has_cookie);
	assert_int_equal(pair_deliver(&pair, ALICE, &d), WG_CONSUMED);
	assert_true(pair.side[ALICE].peer->jar.has_cookie);
	pair_release(&pair);
}

/* The first one after the handshake, at a responder that has no proof yet. */
static void test_keepalive(void **state)
{
	struct pair pair;
	struct datagram d;

	(void)state;
	begin(&pair, &d);
	for (int to = BOB, i = 0; i < 2; i++, to = !to) {
		assert_int_equal(pair_deliver(&pair, to, &d), WG_CONSUMED);
		assert_true(pair_poll(&pair, to, &d));
	}
	assert_int_equal(d.len, KEEPALIVE_SIZE);
	flip_all(&pair, BOB, &d, 0, KEEPALIVE_SIZE);
	cut_and_stretch(&pair, BOB, &d);
	assert_false(pair_info(&pair, BOB).has_session);
	assert_int_equal(pair_deliver(&pair, BOB, &d), WG_CONSUMED);
	assert_true(pair_info(&pair, BOB).has_session);
	pair_release(&pair);
}

static void test_data(void **state)
{
	struct pair pair;
	struct datagram d;

	(void)state;
	pair_init(&pair, 1);
	pair_connect(&pair);
	assert_int_equal(pair_seal(&pair, ALICE, &d), WG_SEND);
	flip_all(&pair, BOB, &d, 0, d.len);
	cut_and_stretch(&pair, BOB, &d);
	assert_int_equal(pair_deliver(&pair, BOB, &d), WG_DELIVER);
	pair_release(&pair);
}

/* Everything seen so far again, in every state, from somewhere else. */
static void test_replays(void **state)
{
	enum { MAX = 12 };
	static struct datagram seen[MAX];
	struct pair pair;
	size_t count = 0;
	bool quiet = false;

	(void)state;
	begin(&pair, &seen[count++]);
	for (int to = BOB; !quiet && count < MAX - 4; to = !to) {
		struct datagram d = seen[count - 1];

		(void)pair_deliver(&pair, to, &d);
		quiet = !pair_poll(&pair, to, &seen[count]);
		count += !quiet;
	}
	for (int i = 0; i < 2; i++) {
		struct datagram d;

		assert_int_equal(pair_seal(&pair, i, &seen[count]), WG_SEND);
		d = seen[count++];
		assert_int_equal(pair_deliver(&pair, !i, &d), WG_DELIVER);
	}
	assert_true(count >= 5);
	for (int age = 0; age < 3; age++) {
		for (size_t i = 0; i < count; i++) {
			expect_nothing(&pair, ALICE, &seen[i]);
			expect_nothing(&pair, BOB, &seen[i]);
		}
		pair_sleep(&pair, 100);
	}
	pair_release(&pair);
}

/* Every first byte at every length, over noise and over zeros. */
static void test_first_bytes(void **state)
{
	static struct snapshot before, after;
	static uint8_t buf[2048 + 16];
	static const struct wg_path path;
	struct testrng rng = testrng_seeded();
	struct datagram answer;
	struct pair pair;

	(void)state;
	pair_init(&pair, 1);
	pair_connect(&pair);
	take(&pair, BOB, &before);
	for (unsigned int first = 0; first < 256; first++) {
		for (size_t len = 0; len <= 2048; len++) {
			struct wg_packet p = {
				.data = buf, .len = len, .path = &path
			};

			for (size_t i = 0; i < 160; i += 8) {
				uint64_t r = testrng_next(&rng);

				memcpy(buf + i, &r, sizeof(r));
			}
			buf[0] = (uint8_t)first;
			if (len % 2) /* let the type be right more often */
				memset(buf + 1, 0, 3);
			wg_device_open(pair.side[BOB].dev, &pair.now, &p, 1);
			assert_int_equal(p.verdict, WG_DROPPED);
		}
		assert_false(wg_device_work(pair.side[BOB].dev, &pair.now, 1));
		assert_false(pair_poll(&pair, BOB, &answer));
		take(&pair, BOB, &after);
		assert_memory_equal(&before, &after, sizeof(before));
	}
	pair_release(&pair);
}

/* Under load an answer is never longer than what it answers. */
static void test_no_amplification(void **state)
{
	struct pair pair;
	struct datagram d, reply;
	struct cookie_jar jar;

	(void)state;
	pair_init(&pair, 1);
	cookie_jar_init(&jar, &pair.side[BOB].public);
	d.len = sizeof(struct wg_message_response);
	memset(datagram_data(&d), 0, sizeof(struct wg_message_initiation));
	for (int i = 0; i < 600; i++) {
		const struct wg_path path = { .remote = test_endpoint(
						      "203.0.113.9:9") };
		struct wg_packet p = { .data = datagram_data(&d),
			.path = &path };
		bool odd = i % 2;

		p.len = odd ? sizeof(struct wg_message_response)
			    : sizeof(struct wg_message_initiation);
		p.data[0] = odd ? MESSAGE_RESPONSE : MESSAGE_INITIATION;
		cookie_add_macs(&jar, p.data, p.len, pair.now.mono);
		wg_device_open(pair.side[BOB].dev, &pair.now, &p, 1);
		if (pair_poll(&pair, BOB, &reply)) {
			assert_int_equal(datagram_type(&reply), MESSAGE_COOKIE);
			assert_true(reply.len <= p.len);
			assert_true(endpoint_equal(
				&reply.path.remote, &p.path->remote));
			assert_false(pair_poll(&pair, BOB, &reply));
		}
	}
	assert_int_equal(wg_device_counters(pair.side[BOB].dev)->cookies_sent,
		600 - HANDSHAKE_QUEUE_LOADED);
	pair_release(&pair);
}

/* A life with everything in it, and malloc is not asked once. */
static void test_no_allocation(void **state)
{
	struct pair pair;
	struct datagram d;
	struct cookie_jar jar;
	struct wg_message_initiation m = { .type = le32_make(1) };
	void *volatile probe;

	(void)state;
	pair_init(&pair, 1);
	wg_peer_set_keepalive(
		pair.side[ALICE].dev, &pair.now, pair.side[ALICE].peer, 25);
	counting = true;
	free(probe = malloc(1));
	assert_int_equal(allocations, 1); /* the counter counts */
	allocations = 0;
	for (int i = 0; i < 300; i++) /* staged, beyond the limit */
		assert_int_equal(pair_seal(&pair, ALICE, &d), WG_NO_ENDPOINT);
	pair_introduce(&pair, ALICE);
	pair_pump(&pair);
	for (int i = 0; i < 2000; i++) { /* some rekeys */
		if (pair_seal(&pair, i % 2, &d) == WG_SEND && i % 50)
			(void)pair_deliver(&pair, !(i % 2), &d);
		pair_run(&pair, 0.5);
	}
	assert_true(pair.side[ALICE].sessions >= 3);
	cookie_jar_init(&jar, &pair.side[BOB].public);
	for (int i = 0; i < 6000; i++) { /* a flood */
		const struct wg_path path = {
			.remote = pair.side[ALICE].endpoint
		};
		struct wg_packet p = {
			.data = (uint8_t *)&m, .len = sizeof(m), .path = &path
		};

		m.ephemeral.b[0] = (uint8_t)i;
		cookie_add_macs(&jar, &m, sizeof(m), pair.now.mono);
		wg_device_open(pair.side[BOB].dev, &pair.now, &p, 1);
		if (i % 100 == 0) {
			(void)wg_device_work(pair.side[BOB].dev, &pair.now, 5);
			while (pair_poll(&pair, BOB, &d))
				;
		}
	}
	pair_run(&pair, 1000); /* sessions die and are made anew */
	counting = false;
	assert_int_equal(allocations, 0);
	pair_release(&pair);
}

/* What an owner does: true if all of it went well. */
static bool configure(struct wg_device **ret_dev)
{
	struct testrng state = { 9 };
	const struct wg_rng rng = testrng_wg(&state);
	const struct now now = test_now(0);
	const struct seckey secret = { { 8 } };
	struct wg_peer *peer = NULL;
	struct pubkey key;

	*ret_dev = wg_device_new(&rng, &now);
	if (!*ret_dev)
		return false;
	wg_device_set_seckey(*ret_dev, &now, &secret);
	for (uint8_t i = 0; i < 70; i++) { /* past every first size */
		const struct ipnet net = { { IP_V4, { 10, i } },
			(uint8_t)(16 + i % 3) };

		memset(key.b, i + 1, sizeof(key.b));
		if (wg_device_add_peer(*ret_dev, &now, &key, &peer) < 0)
			return false;
		if (wg_device_add_allowedip(*ret_dev, peer, &net) < 0)
			return false;
	}
	return true;
}

/* The n-th allocation fails, for every n: an error and not more. The sanitizer
 * sees what leaks; what was configured before still works. */
static void test_out_of_memory(void **state)
{
	const struct now now = test_now(0);
	struct wg_device *dev;
	bool done = false;
	size_t n;

	(void)state;
	for (n = 1; !done; n++) {
		struct wg_peer *peer = NULL;
		struct pubkey key = { { 200 } };

		fail_at = n;
		done = configure(&dev);
		assert_true(done || !fail_at);
		fail_at = 0;
		if (!dev)
			continue;
		/* Memory is back, and so is the device. */
		assert_int_equal(wg_device_add_peer(dev, &now, &key, &peer), 0);
		assert_ptr_equal(wg_device_find_peer(dev, &key), peer);
		wg_device_free(dev);
	}
	assert_true(n > 100); /* that many were tried */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_initiation),
		cmocka_unit_test(test_response),
		cmocka_unit_test(test_cookie),
		cmocka_unit_test(test_keepalive),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_replays),
		cmocka_unit_test(test_first_bytes),
		cmocka_unit_test(test_no_amplification),
		cmocka_unit_test(test_no_allocation),
		cmocka_unit_test(test_out_of_memory),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}

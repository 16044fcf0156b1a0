/* path: endpoints that move, sources that stick, and what is inside the packets. */
#include "config.h"

#include "tests/unit/coretest.h"

#include "engine/core/limits.h"
#include "engine/core/messages.h"
#include "engine/core/peer.h"
#include "engine/core/state.h"

#include <sodium.h>

#include <string.h>

#include "base/banned.h"

static void test_roams_by_data(void **state)
{
	SETUP(pair);
	struct datagram d, replay;

	pair_connect(&pair);
	assert_int_equal(pair_seal(&pair, ALICE, &d), WG_SEND);
	replay = d;
	pair_expect_delivery(&pair, BOB, &d);
	pair.side[BOB].moves = 0;
	pair_move(&pair, ALICE, "198.51.100.1:77");
	pair_exchange(&pair, ALICE);
	assert_true(pair_is_at(&pair, BOB, "198.51.100.1:77"));
	pair_expect_silence(&pair, BOB);
	assert_int_equal(pair.side[BOB].moves, 1);
	/* Both families, and BOB's next goes there. */
	pair_move(&pair, ALICE, "[2001:db8::1]:78");
	pair_exchange(&pair, ALICE);
	assert_int_equal(pair_seal(&pair, BOB, &d), WG_SEND);
	assert_true(endpoint_equal(&d.path.remote, &pair.side[ALICE].endpoint));
	/* Somebody else's echo of it moves nothing, nor does a spoiled one. */
	pair_move(&pair, ALICE, "203.0.113.66:66");
	d = replay;
	assert_int_equal(pair_deliver(&pair, BOB, &d), WG_DROPPED);
	assert_int_equal(pair_counters(&pair, BOB)->replayed_counter, 1);
	assert_int_equal(pair_seal(&pair, ALICE, &d), WG_SEND);
	datagram_data(&d)[d.len - 1] ^= 1;
	assert_int_equal(pair_deliver(&pair, BOB, &d), WG_DROPPED);
	assert_int_equal(pair_counters(&pair, BOB)->bad_tag, 1);
	assert_true(pair_is_at(&pair, BOB, "[2001:db8::1]:78"));
	pair_release(&pair);
}

static void test_roams_by_handshake(void **state)
{
	SETUP(pair);
	struct datagram d, old;

	pair_connect(&pair);
	pair_sleep(&pair, 130);
	assert_int_equal(pair_seal(&pair, ALICE, &d), WG_SEND);
	pair_expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	old = d;
	pair_move(&pair, ALICE, "198.51.100.1:77");
	(void)pair_deliver(&pair, BOB, &d);
	assert_true(pair_is_at(&pair, BOB, "198.51.100.1:77"));
	pair_expect_out(&pair, BOB, MESSAGE_RESPONSE, 92, &d);
	pair_move(&pair, BOB, "198.51.100.2:78");
	(void)pair_deliver(&pair, ALICE, &d);
	assert_true(pair_is_at(&pair, ALICE, "198.51.100.2:78"));
	/* The same initiation again, from elsewhere. */
	pair_move(&pair, ALICE, "203.0.113.66:66");
	(void)pair_deliver(&pair, BOB, &old);
	assert_int_equal(pair_counters(&pair, BOB)->replayed_timestamp, 1);
	assert_true(pair_is_at(&pair, BOB, "198.51.100.1:77"));
	pair_release(&pair);
}

/* The source is learned from what came, used, and forgotten when there is no
 * answer. */
static void test_sticky_source(void **state)
{
	SETUP(pair);
	struct side *a = &pair.side[ALICE];
	struct datagram d;

	pair_connect(&pair);
	assert_int_equal(pair_seal(&pair, ALICE, &d), WG_SEND); /* lost */
	assert_true(ipaddr_equal(&d.path.local, &a->endpoint.addr));
	assert_int_equal(d.path.ifindex, 7);
	/* New handshake timer, then the retransmission: both without. */
	for (int i = 0; i < 2; i++) {
		while (!pair_poll(&pair, ALICE, &d)) {
			pair.now.mono = wg_device_deadline(a->dev);
			wg_device_tick(a->dev, &pair.now);
			assert_true(a->peer->path.ifindex == 7 ||
				!list_empty(&a->dev->pending));
		}
		assert_int_equal(datagram_type(&d), MESSAGE_INITIATION);
		assert_int_equal(d.path.local.family, IP_NONE);
		assert_int_equal(d.path.ifindex, 0);
		if (i == 0) { /* learned again, by a packet of BOB's */
			assert_int_equal(pair_seal(&pair, BOB, &d), WG_SEND);
			pair_expect_delivery(&pair, ALICE, &d);
			assert_int_equal(a->peer->path.ifindex, 7);
		}
	}
	/* Configuring an endpoint forgets it too. */
	assert_int_equal(pair_seal(&pair, BOB, &d), WG_SEND);
	pair_expect_delivery(&pair, ALICE, &d);
	pair_introduce(&pair, ALICE);
	assert_int_equal(pair_seal(&pair, ALICE, &d), WG_SEND);
	assert_int_equal(d.path.ifindex, 0);
	pair_release(&pair);
}

/* The longest prefix of the whole device decides whose a source is. */
struct source_row {
	const char *source;
	enum wg_verdict want;
	int line;
};
static const struct source_row sources[] = {
	{ "10.0.0.1", WG_DELIVER, __LINE__ },
	{ "fd00::1", WG_DELIVER, __LINE__ },
	{ "10.0.0.9", WG_DROPPED, __LINE__ },  /* nobody's */
	{ "10.9.0.1", WG_DELIVER, __LINE__ },  /* in ALICE's /16 */
	{ "10.9.5.1", WG_DROPPED, __LINE__ },  /* in it, but CAROL's /24 */
	{ "fd00:9::1", WG_DROPPED, __LINE__ }, /* CAROL's */
};

static void test_source_check(void **state)
{
	SETUP(pair);
	struct side *b = &pair.side[BOB];
	struct pubkey key = { { 33 } };
	struct wg_peer *carol;
	struct ipnet net;

	pair_connect(&pair);
	assert_int_equal(
		wg_device_add_peer(b->dev, &pair.now, &key, &carol), 0);
	net = test_net("10.9.0.0/16");
	assert_int_equal(wg_device_add_allowedip(b->dev, b->peer, &net), 0);
	net = test_net("10.9.5.0/24");
	assert_int_equal(wg_device_add_allowedip(b->dev, carol, &net), 0);
	net = test_net("fd00:9::/32");
	assert_int_equal(wg_device_add_allowedip(b->dev, carol, &net), 0);
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		const struct source_row *row = &sources[i];
		bool v6 = strchr(row->source, ':') != NULL;
		struct datagram d;
		struct wg_packet p = { .data = datagram_data(&d) };
		uint64_t dropped = pair_counters(&pair, BOB)->wrong_source;

		p.len = test_packet(p.data, row->source,
			v6 ? "fd00::2" : "10.0.0.2", 80, 0, 0);
		wg_device_seal(pair.side[ALICE].dev, &pair.now, &p, 1);
		ROW_EQUAL(row, p.verdict, WG_SEND);
		memmove(datagram_data(&d), p.data, p.len);
		d.len = p.len;
		d.ds = 0;
		ROW_EQUAL(row, pair_open(&pair, BOB, &d, &p), row->want);
		ROW_EQUAL(row,
			pair_counters(&pair, BOB)->wrong_source - dropped,
			row->want == WG_DROPPED);
	}
	pair_release(&pair);
}

/* Padding is cut by the packet's own length; a lying length is dropped. */
static void test_inner_length(void **state)
{
	SETUP(pair);
	struct datagram d;
	struct wg_packet p;

	pair_connect(&pair);
	for (int lie = 0; lie < 2; lie++) {
		p = (struct wg_packet){ .data = datagram_data(&d) };
		p.len = test_packet(p.data, "10.0.0.1", "10.0.0.2", 65, 0, 0);
		if (lie)
			p.data[3] = 81; /* 80 are sealed */
		wg_device_seal(pair.side[ALICE].dev, &pair.now, &p, 1);
		memmove(datagram_data(&d), p.data, p.len);
		d.len = p.len;
		d.ds = 0;
		assert_int_equal(pair_open(&pair, BOB, &d, &p),
			lie ? WG_DROPPED : WG_DELIVER);
		if (!lie)
			assert_int_equal(p.len, 65);
	}
	assert_int_equal(pair_counters(&pair, BOB)->bad_inner, 1);
	pair_release(&pair);
}

static void test_ecn_through(void **state)
{
	SETUP(pair);
	struct datagram d;
	struct wg_packet p = { .data = datagram_data(&d) };

	pair_connect(&pair);
	p.len = test_packet(p.data, "10.0.0.1", "10.0.0.2", 65, 0xb8 | 2, 0);
	wg_device_seal(pair.side[ALICE].dev, &pair.now, &p, 1);
	assert_int_equal(p.ds, 2);
	memmove(datagram_data(&d), p.data, p.len);
	d.len = p.len;
	d.ds = 3; /* the path was congested */
	assert_int_equal(pair_open(&pair, BOB, &d, &p), WG_DELIVER);
	assert_int_equal(p.data[1], 0xb8 | 3);
	assert_true(ipv4_checksum_ok(p.data));
	/* The same over staging. */
	pair_sleep(&pair, 200);
	p = (struct wg_packet){ .data = datagram_data(&d) };
	p.len = test_packet(p.data, "fd00::1", "fd00::2", 65, 0xb8 | 1, 0);
	wg_device_seal(pair.side[ALICE].dev, &pair.now, &p, 1);
	assert_int_equal(p.verdict, WG_STAGED);
	pair_expect_out(&pair, ALICE, MESSAGE_INITIATION, 148, &d);
	(void)pair_deliver(&pair, BOB, &d);
	pair_expect_out(&pair, BOB, MESSAGE_RESPONSE, 92, &d);
	(void)pair_deliver(&pair, ALICE, &d);
	pair_expect_out(&pair, ALICE, MESSAGE_DATA, 32 + 80, &d);
	assert_int_equal(d.ds, 1);
	pair_release(&pair);
}

/* A batch of all kinds at once, runs and strays. */
static void test_mixed_batches(void **state)
{
	SETUP(pair);
	enum { N = WG_BATCH_MAX };
	static uint8_t buf[N][WG_HEADROOM + 200 + WG_TAILROOM];
	static struct wg_packet p[N];
	struct wg_path path;
	uint8_t want[200];

	pair_connect(&pair);
	for (uint32_t i = 0; i < N; i++) {
		const char *dst = i % 7 == 3 ? "10.0.0.77"
			: i % 5 == 2	     ? "fd00::2"
					     : "10.0.0.2";

		p[i] = (struct wg_packet){ .data = buf[i] + WG_HEADROOM };
		p[i].len = test_packet(p[i].data,
			*dst == 'f' ? "fd00::1" : "10.0.0.1", dst, 60 + i, 0,
			i);
		if (i % 11 == 5)
			p[i].data[0] = 0;
	}
	wg_device_seal(pair.side[ALICE].dev, &pair.now, p, N);
	for (uint32_t i = 0; i < N; i++) {
		assert_int_equal(p[i].verdict,
			i % 11 == 5	     ? WG_DROPPED
				: i % 7 == 3 ? WG_NO_PEER
					     : WG_SEND);
		if (i % 13 == 1)
			p[i].data[p[i].len - 1] ^= 1;
		p[i].path = &path;
	}
	path = (struct wg_path){ .remote = pair.side[ALICE].endpoint };
	wg_device_open(pair.side[BOB].dev, &pair.now, p, N);
	for (uint32_t i = 0; i < N; i++) {
		bool good = i % 11 != 5 && i % 7 != 3 && i % 13 != 1;

		assert_int_equal(p[i].verdict == WG_DELIVER, good);
		if (!good)
			continue;
		(void)test_packet(want, i % 5 == 2 ? "fd00::1" : "10.0.0.1",
			i % 5 == 2 ? "fd00::2" : "10.0.0.2", 60 + i, 0, i);
		assert_int_equal(p[i].len, 60 + i);
		assert_memory_equal(p[i].data, want, 60 + i);
	}
	pair_release(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roams_by_data),
		cmocka_unit_test(test_roams_by_handshake),
		cmocka_unit_test(test_sticky_source),
		cmocka_unit_test(test_source_check),
		cmocka_unit_test(test_inner_length),
		cmocka_unit_test(test_ecn_through),
		cmocka_unit_test(test_mixed_batches),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}

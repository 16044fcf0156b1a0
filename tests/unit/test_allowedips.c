/* allowedips: rows as the kernel's selftest asks them, then at random against
 * a plain list, with removals and moves between peers. */
#include "config.h"

#include "tests/unit/coretest.h"

#include "engine/core/allowedips.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* Peers are only addresses to the table. */
#define PEERS 16
static char peer_marks[PEERS];
static struct list owned[PEERS];

static struct wg_peer *peer(int i)
{
	return i < 0 ? NULL : (struct wg_peer *)(void *)&peer_marks[i];
}

static void lists_init(void)
{
	for (int i = 0; i < PEERS; i++)
		list_init(&owned[i]);
}

static struct wg_peer *find(
	const struct allowedips *t, const struct ipaddr *addr)
{
	return addr->family == IP_V4 ? allowedips_find4(t, addr->b)
				     : allowedips_find6(t, addr->b);
}

enum op { ADD, DEL, CLEAR, FIND };
struct row {
	enum op op;
	int peer; /* FIND: the owner, -1 for none */
	const char *net;
	int line;
};
#define R(op, p, net)                                                          \
	{                                                                      \
		op, p, net, __LINE__                                           \
	}
static const struct row rows[] = {
	R(FIND, -1, "10.0.0.1"),
	R(FIND, -1, "::1"),
	R(ADD, 0, "192.168.4.0/24"),
	R(ADD, 1, "192.168.4.4/32"),
	R(ADD, 2, "192.168.0.0/16"),
	R(ADD, 3, "192.95.5.64/27"),
	R(ADD, 2, "192.95.5.65/27"), /* the same prefix: it moves */
	R(ADD, 4, "0.0.0.0/0"),
	R(ADD, 6, "64.15.112.0/20"),
	R(ADD, 7, "64.15.123.211/25"),
	R(FIND, 0, "192.168.4.20"),
	R(FIND, 0, "192.168.4.0"),
	R(FIND, 1, "192.168.4.4"),
	R(FIND, 2, "192.168.200.182"),
	R(FIND, 2, "192.95.5.68"),
	R(FIND, 4, "192.95.5.96"),
	R(FIND, 6, "64.15.116.26"),
	R(FIND, 7, "64.15.123.128"),
	R(FIND, 6, "64.15.123.127"),
	R(FIND, 4, "255.255.255.255"),
	R(FIND, 4, "0.0.0.0"),
	/* The families do not mix: 4's default is not 6's. */
	R(FIND, -1, "::"),
	R(ADD, 3, "2607:5300:6000:6b00::/64"),
	R(ADD, 4, "2607:5300:6000:6b00::c05f:543/128"),
	R(ADD, 5, "::/0"),
	R(ADD, 6, "2404:6800::/32"),
	R(ADD, 7, "2404:6800:4004:800::/54"),
	R(ADD, 8, "2404:6800:4004:800:dead:beef:dead:beef/64"),
	R(ADD, 9, "2404:6800:4004:806:dead:beef:dead:beef/128"),
	R(FIND, 3, "2607:5300:6000:6b00::c02e:1ee"),
	R(FIND, 4, "2607:5300:6000:6b00::c05f:543"),
	R(FIND, 5, "2607:5300:6000:6b01::1"),
	R(FIND, 6, "2404:6800:4004:1806::1006"),
	R(FIND, 7, "2404:6800:4004:806:0:1234:0:5678"),
	R(FIND, 5, "2404:67ff:4004:806:0:1234:0:5678"),
	R(FIND, 8, "2404:6800:4004:800:f4f4:f4f4:f4f4:f4f4"),
	R(FIND, 9, "2404:6800:4004:806:dead:beef:dead:beef"),
	/* Removal: only by its owner, only exactly. */
	R(DEL, 5, "192.168.4.4/32"),
	R(FIND, 1, "192.168.4.4"),
	R(DEL, 1, "192.168.4.4/31"),
	R(FIND, 1, "192.168.4.4"),
	R(DEL, 1, "192.168.4.4/32"),
	R(FIND, 0, "192.168.4.4"),
	R(DEL, 1, "192.168.4.4/32"),
	/* Host bits do not matter here either. */
	R(DEL, 0, "192.168.4.77/24"),
	R(FIND, 2, "192.168.4.4"),
	R(CLEAR, 2, NULL),
	R(FIND, 4, "192.168.4.4"),
	R(FIND, 4, "192.95.5.68"),
	R(CLEAR, 4, NULL),
	R(FIND, -1, "192.168.4.4"),
	R(FIND, 3, "2607:5300:6000:6b00::c05f:543"),
	R(FIND, 7, "64.15.123.128"),
	R(CLEAR, 5, NULL),
	R(FIND, -1, "1::1"),
	/* Splits at the first bit, and hosts side by side. */
	R(ADD, 1, "0.0.0.0/1"),
	R(ADD, 2, "128.0.0.0/1"),
	R(FIND, 1, "127.255.255.255"),
	R(FIND, 2, "128.0.0.0"),
	R(ADD, 3, "255.255.255.254/32"),
	R(ADD, 4, "255.255.255.255/32"),
	R(FIND, 3, "255.255.255.254"),
	R(FIND, 4, "255.255.255.255"),
	R(FIND, 2, "255.255.255.253"),
	R(DEL, 3, "255.255.255.254/32"),
	R(FIND, 2, "255.255.255.254"),
	R(FIND, 4, "255.255.255.255"),
};

static void run_row(struct allowedips *t, const struct row *row)
{
	struct ipnet net = { 0 };

	if (row->net)
		ROW_TRUE(row, ipnet_parse(row->net, &net));
	switch (row->op) {
	case ADD:
		ROW_EQUAL(row,
			allowedips_add(
				t, &net, peer(row->peer), &owned[row->peer]),
			0);
		break;
	case DEL:
		allowedips_remove(t, &net, peer(row->peer));
		break;
	case CLEAR:
		allowedips_clear(t, &owned[row->peer]);
		ROW_TRUE(row, list_empty(&owned[row->peer]));
		break;
	case FIND:
		ROW_TRUE(row, find(t, &net.addr) == peer(row->peer));
		break;
	}
}

static void test_rows(void **state)
{
	struct allowedips t = { 0 };

	(void)state;
	lists_init();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		run_row(&t, &rows[i]);
	allowedips_release(&t);
}

static void expect_order(int i, const char *const *want, size_t count)
{
	size_t n = 0;

	list_for_each(pos, &owned[i]) {
		char text[IPNET_TEXT_SIZE];
		struct ipnet net = allowedips_net(pos);

		assert_true(n < count);
		assert_string_equal(ipnet_format(&net, text), want[n++]);
	}
	assert_int_equal(n, count);
}

/* As added; adding again moves to the end; host bits are gone. */
static void test_order(void **state)
{
	static const char *const first[] = { "10.1.2.0/24", "fd00::/8",
		"10.0.0.0/8", "::1/128" };
	static const char *const then[] = { "fd00::/8", "10.0.0.0/8", "::1/128",
		"10.1.2.0/24" };
	static const char *const moved[] = { "fd00::/8", "::1/128",
		"10.1.2.0/24" };
	static const char *const other[] = { "10.0.0.0/8" };
	struct allowedips t = { 0 };
	struct ipnet net;

	(void)state;
	lists_init();
	net = test_net("10.1.2.3/24");
	assert_int_equal(allowedips_add(&t, &net, peer(0), &owned[0]), 0);
	for (size_t i = 1; i < ARRAY_SIZE(first); i++) {
		net = test_net(first[i]);
		assert_int_equal(
			allowedips_add(&t, &net, peer(0), &owned[0]), 0);
	}
	expect_order(0, first, ARRAY_SIZE(first));
	net = test_net("10.1.2.77/24");
	assert_int_equal(allowedips_add(&t, &net, peer(0), &owned[0]), 0);
	expect_order(0, then, ARRAY_SIZE(then));
	net = test_net("10.0.0.0/8");
	assert_int_equal(allowedips_add(&t, &net, peer(1), &owned[1]), 0);
	expect_order(0, moved, ARRAY_SIZE(moved));
	expect_order(1, other, ARRAY_SIZE(other));
	allowedips_release(&t);
}

static void test_bad_prefixes(void **state)
{
	struct allowedips t = { 0 };
	struct ipnet bad[] = {
		{ { IP_V4, { 10 } }, 33 },
		{ { IP_V6, { 0xfd } }, 129 },
		{ { IP_NONE, { 0 } }, 0 },
	};

	(void)state;
	lists_init();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(
			allowedips_add(&t, &bad[i], peer(0), &owned[0]),
			-EINVAL);
		allowedips_remove(&t, &bad[i], peer(0));
	}
	assert_null(t.root4);
	assert_null(t.root6);
}

/* --- the naive twin --- */

struct twin {
	struct ipnet net[4096];
	int owner[4096];
	size_t len;
};

static int twin_find(const struct twin *tw, const struct ipaddr *addr)
{
	int best_len = -1, best = -1;

	for (size_t i = 0; i < tw->len; i++) {
		if (tw->net[i].prefix_len > best_len &&
			ipnet_contains_addr(&tw->net[i], addr)) {
			best_len = tw->net[i].prefix_len;
			best = tw->owner[i];
		}
	}
	return best;
}

static size_t twin_at(const struct twin *tw, const struct ipnet *net)
{
	size_t i = 0;

	while (i < tw->len && !ipnet_equal(&tw->net[i], net))
		i++;
	return i;
}

static void twin_drop(struct twin *tw, size_t i)
{
	tw->len--;
	tw->net[i] = tw->net[tw->len];
	tw->owner[i] = tw->owner[tw->len];
}

static struct ipaddr random_addr(struct testrng *rng, const struct twin *tw)
{
	struct ipaddr addr = { 0 };
	size_t bytes;

	/* Mostly near what is in the table already. */
	if (tw->len && testrng_below(rng, 4)) {
		addr = tw->net[testrng_below(rng, tw->len)].addr;
	} else {
		addr.family = testrng_below(rng, 2) ? IP_V4 : IP_V6;
		bytes = ip_bits(addr.family) / 8;
		for (size_t i = 0; i < bytes; i++)
			addr.b[i] = (uint8_t)testrng_next(rng);
	}
	bytes = ip_bits(addr.family) / 8;
	for (uint64_t n = testrng_below(rng, 4); n > 0; n--)
		addr.b[testrng_below(rng, bytes)] ^=
			(uint8_t)(1 << testrng_below(rng, 8));
	return addr;
}

static void test_twin(void **state)
{
	enum { STEPS = 6000, LOOKUPS = 40 };
	struct testrng rng = testrng_seeded();
	struct twin *tw = calloc(1, sizeof(*tw));
	struct allowedips t = { 0 };

	(void)state;
	assert_non_null(tw);
	lists_init();
	for (int step = 0; step < STEPS; step++) {
		struct ipnet net = { .addr = random_addr(&rng, tw) };
		int p = (int)testrng_below(&rng, PEERS);
		uint64_t what = testrng_below(&rng, 100);
		size_t at;

		net.prefix_len = (uint8_t)testrng_below(
			&rng, ip_bits(net.addr.family) + 1u);
		if (what < 35 && tw->len) { /* take away one that is there */
			at = testrng_below(&rng, tw->len);
			net = tw->net[at];
			allowedips_remove(&t, &net, peer(tw->owner[at]));
			twin_drop(tw, at);
		} else if (what < 36) { /* or all of a peer */
			allowedips_clear(&t, &owned[p]);
			for (size_t i = tw->len; i-- > 0;)
				if (tw->owner[i] == p)
					twin_drop(tw, i);
		} else if (what < 40) { /* or one that may not be there */
			struct ipnet masked = net;

			ipnet_mask(&masked);
			at = twin_at(tw, &masked);
			allowedips_remove(&t, &net, peer(p));
			if (at < tw->len && tw->owner[at] == p)
				twin_drop(tw, at);
		} else {
			assert_int_equal(
				allowedips_add(&t, &net, peer(p), &owned[p]),
				0);
			ipnet_mask(&net);
			at = twin_at(tw, &net);
			tw->net[at] = net;
			tw->owner[at] = p;
			tw->len += at == tw->len;
		}
		for (int i = 0; i < LOOKUPS; i++) {
			struct ipaddr addr = random_addr(&rng, tw);

			assert_ptr_equal(
				find(&t, &addr), peer(twin_find(tw, &addr)));
		}
	}
	/* Lists and trie agree on what there is. */
	for (int p = 0; p < PEERS; p++) {
		size_t mine = 0, listed = 0;

		for (size_t i = 0; i < tw->len; i++)
			mine += tw->owner[i] == p;
		list_for_each(pos, &owned[p]) {
			struct ipnet net = allowedips_net(pos);
			size_t at = twin_at(tw, &net);

			assert_true(at < tw->len && tw->owner[at] == p);
			listed++;
		}
		assert_int_equal(mine, listed);
	}
	/* Nothing is left when all have gone: no glue stays. */
	for (int p = 0; p < PEERS; p++)
		allowedips_clear(&t, &owned[p]);
	assert_null(t.root4);
	assert_null(t.root6);
	free(tw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_bad_prefixes),
		cmocka_unit_test(test_twin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

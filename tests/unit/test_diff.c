/*
 * diff: rows, and at random: the change, applied by a plain twin of an engine
 * to what there was, gives what was wanted, and disturbs nothing else.
 */
#include "config.h"
#include "wgconf_fixture.h"

#include "wgconf/diff.h"

#include <string.h>

#define A(rest)	 "public_key=" KEY_A "\n" rest
#define B(rest)	 "public_key=" KEY_B "\n" rest
#define C(rest)	 "public_key=" KEY_C "\n" rest
#define KEY_A	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define KEY_B	 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define KEY_C	 "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define NET(n)	 "allowed_ip=10." #n ".0.0/16\n"
#define LOSE(n)	 "allowed_ip=-10." #n ".0.0/16\n"
#define REPLACE	 "replace_allowed_ips=true\n"
#define UPDATE	 "update_only=true\n"
#define EP(n)	 "endpoint=1.2.3.4:" #n "\n"
#define ALIVE(n) "persistent_keepalive_interval=" #n "\n"

struct tcase {
	int line;
	unsigned int flags;
	const char *have, *want, *change; /* GET, SET, SET without "set=1" */
};
#define T(flags, have, want, change)                                           \
	{                                                                      \
		__LINE__, flags, have, want, change                            \
	}
static const struct tcase cases[] = {
	T(0, "", "", ""),
	T(0, "listen_port=5\n", "", ""),
	T(0, "listen_port=5\n", "listen_port=5\n", ""),
	T(0, "listen_port=5\n", "listen_port=0\n", "listen_port=0\n"),
	T(0, "", "fwmark=0\n", ""),
	T(0, "fwmark=1\n", "fwmark=2\nlisten_port=0\n", "fwmark=2\n"),
	T(0, "", "private_key=" KEY_A "\n", "private_key=" KEY_A "\n"),
	T(0, "private_key=" KEY_A "\n", "private_key=" KEY_A "\n", ""),
	/* Peers come and go, and are told no more than is new. */
	T(0, A(""), "", A("remove=true\n")),
	T(0, "", A(REPLACE EP(5) NET(1)), A(EP(5) NET(1))),
	T(0, A(NET(1)), A(REPLACE NET(1)), ""),
	T(0, A(NET(1)), A(NET(1)), ""),
	T(0, A(EP(5)), A(EP(5) ALIVE(0)), ""),
	T(0, A(EP(5) ALIVE(9)), A(EP(6)), A(UPDATE EP(6))),
	T(DIFF_KEEP_ENDPOINTS, A(EP(5)), A(EP(6)), ""),
	T(DIFF_KEEP_ENDPOINTS, A(""), A(EP(6)), A(UPDATE EP(6))),
	T(DIFF_KEEP_ENDPOINTS, "", A(EP(6)), A(EP(6))),
	T(0, A("preshared_key=" KEY_B "\n"), A(""), ""),
	T(0, A("preshared_key=" KEY_B "\n"),
		A("preshared_key=" KEY_C "\n" ALIVE(5)),
		A(UPDATE "preshared_key=" KEY_C "\n" ALIVE(5))),
	/* Prefixes. */
	T(0, A(NET(1) NET(2)), A(NET(1)), A(UPDATE LOSE(2))),
	T(DIFF_WHOLE_ALLOWEDIPS, A(NET(1) NET(2)), A(NET(1) NET(3)),
		A(UPDATE REPLACE NET(1) NET(3))),
	T(0, A(NET(1)), A(NET(1) NET(2)), A(UPDATE NET(2))),
	T(DIFF_WHOLE_ALLOWEDIPS, A(NET(1)), A(NET(1) NET(2)), A(UPDATE NET(2))),
	T(0, A(NET(1)) B(""), A("") B(NET(1)), B(UPDATE NET(1))),
	T(0, A(NET(1)) B(NET(2)), A(NET(2)) B(NET(1)),
		A(UPDATE NET(2)) B(UPDATE NET(1))),
	T(0, A(NET(1)), B(NET(1)), A("remove=true\n") B(NET(1))),
	T(0, A(NET(1) NET(2)) B(NET(3)), C(NET(3)) B(NET(1)),
		A("remove=true\n") C(NET(3)) B(UPDATE NET(1))),
	T(0, A(NET(1) NET(2)) B(""), B(NET(3)) A(NET(1)),
		A(UPDATE LOSE(2)) B(UPDATE NET(3))),
	/* Host bits mean nothing. */
	T(0, A(NET(1)), A("allowed_ip=10.1.2.3/16\n"), ""),
	/* Named twice: the last word counts. */
	T(0, "", A(NET(1)) B(NET(1)), A("") B(NET(1))),
	T(0, A(NET(1)) B(""), A(NET(1)) B(NET(1)), B(UPDATE NET(1))),
	T(0, A(EP(5)), A(EP(6)) A(EP(5)), ""),
	T(0, "", A(NET(1)) A(NET(2)), A(NET(1) NET(2))),
	T(0, "", A(NET(1)) A(REPLACE NET(2)), A(NET(2))),
	T(0, "", A(NET(1)) B(NET(1)) A(REPLACE), A("") B(NET(1))),
	T(0, "", B(NET(1)) A(NET(1)) A(REPLACE), B("") A("")),
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct tcase *row = &cases[i];
		AUTO(wgconf_device_free)
		struct wgconf_device *have = uapi_device(UAPI_GET, row->have);
		AUTO(wgconf_device_free)
		struct wgconf_device *want = uapi_device(UAPI_SET, row->want);
		AUTO(wgconf_device_free) struct wgconf_device *change = NULL;
		AUTO(buf_release) struct buf text = BUF_INIT(65536);

		ROW_INT(row, wgconf_diff(have, want, row->flags, &change), 0);
		uapi_format_set(change, &text);
		ROW_STR(row, buf_str(&text) + strlen("set=1\n"), row->change);
		ROW_INT(row, wgconf_diff_empty(change), row->change[0] == 0);
	}
}

/* What setconf over HAVE gives, but that fields WANT is silent about stay. */
static struct wgconf_device *naive_result(
	const struct wgconf_device *have, const struct wgconf_device *want)
{
	struct wgconf_device *dev = copy_device(have);

	apply_device(dev, want);
	list_for_each_safe(node, &dev->peers) {
		struct wgconf_peer *peer =
			LIST_ENTRY(node, struct wgconf_peer, node);
		wgconf_allowedips_clear(peer);
		if (!wgconf_peer_find(want, &peer->pubkey))
			wgconf_peer_free(peer);
	}
	list_for_each(node, &want->peers)
		apply_peer(dev, LIST_ENTRY(node, struct wgconf_peer, node));
	return dev;
}

/* A configuration: it removes nothing and is not "only if it is there". */
static struct wgconf_device *random_want(struct random *r)
{
	struct wgconf_device *want = random_change(r);

	want->flags &= ~WGDEV_REPLACE_PEERS;
	list_for_each(node, &want->peers) {
		struct wgconf_peer *peer =
			LIST_ENTRY(node, struct wgconf_peer, node);
		peer->flags &= ~(WGPEER_REMOVE | WGPEER_UPDATE_ONLY);
		list_for_each(ip, &peer->allowedips)
			LIST_ENTRY(ip, struct wgconf_allowedip, node)->remove =
				false;
	}
	return want;
}

/* A prefix that two peers who stay hand over is always somebody's. */
static void check_handover(const struct wgconf_device *now,
	const struct wgconf_device *have, const struct wgconf_device *result)
{
	list_for_each(node, &have->peers) {
		const struct wgconf_peer *before =
			LIST_ENTRY(node, struct wgconf_peer, node);
		if (!wgconf_peer_find(result, &before->pubkey))
			continue;
		list_for_each(ip, &before->allowedips) {
			const struct ipnet *net =
				&LIST_ENTRY(ip, struct wgconf_allowedip, node)
					 ->net;
			if (owner_of(result, net))
				assert_non_null(owner_of(now, net));
		}
	}
}

static void test_against_naive(void **state)
{
	struct random r = random_start();

	for (int round = 0; round < 20000; round++) {
		AUTO(wgconf_device_free)
		struct wgconf_device *have = random_state(&r);
		AUTO(wgconf_device_free)
		struct wgconf_device *want = random_want(&r);
		AUTO(wgconf_device_free)
		struct wgconf_device *result = naive_result(have, want);
		AUTO(wgconf_device_free)
		struct wgconf_device *now = copy_device(have);
		AUTO(wgconf_device_free) struct wgconf_device *change = NULL;
		AUTO(wgconf_device_free) struct wgconf_device *rest = NULL;
		unsigned int flags =
			random_below(&r, 2) ? DIFF_WHOLE_ALLOWEDIPS : 0;

		assert_int_equal(wgconf_diff(have, want, flags, &change), 0);
		apply_device(now, change);
		list_for_each(node, &change->peers) {
			const struct wgconf_peer *peer =
				LIST_ENTRY(node, struct wgconf_peer, node);
			if (peer->flags & WGPEER_REMOVE)
				assert_null(
					wgconf_peer_find(want, &peer->pubkey));
			apply_peer(now, peer);
			if (!flags)
				check_handover(now, have, result);
		}
		sort_device(now);
		sort_device(result);
		assert_true(same_device(now, result));
		/* Done is done. */
		assert_int_equal(wgconf_diff(now, want, flags, &rest), 0);
		assert_true(wgconf_diff_empty(rest));
	}
}

/* Ten thousand peers with two prefixes each take no quadratic time. */
static void test_large(void **state)
{
	struct wgconf_device *sides[2];
	struct wgconf_device *change;

	for (int side = 0; side < 2; side++) {
		struct wgconf_device *dev = wgconf_device_new();

		assert_non_null(dev);
		for (uint32_t i = 0; i < 10000; i++) {
			uint32_t n = side ? 9999 - i : i;
			struct pubkey key = { { (uint8_t)n,
				(uint8_t)(n >> 8) } };
			struct ipnet net = {
				{ IP_V4,
					{ 10, (uint8_t)(n >> 8), (uint8_t)n } },
				24
			};
			struct wgconf_peer *peer = wgconf_peer_add(dev, &key);

			assert_non_null(peer);
			assert_non_null(wgconf_allowedip_add(peer, &net));
			net.addr.b[0] = (uint8_t)(11 + side * (n == 77));
			assert_non_null(wgconf_allowedip_add(peer, &net));
		}
		sides[side] = dev;
	}
	assert_int_equal(wgconf_diff(sides[0], sides[1], 0, &change), 0);
	/* One prefix leaves peer 77, one comes. */
	assert_ptr_equal(change->peers.next->next->next, &change->peers);
	wgconf_device_free(change);
	wgconf_device_free(sides[0]);
	wgconf_device_free(sides[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_against_naive),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests_name("diff", tests, NULL, NULL);
}

/* ipnet, endpoint: text forms both ways, and the arithmetic of prefixes
 * against one that looks at single bits. */
#include "config.h"
#include "rows.h"
#include "base/endpoint.h"
#include "base/ipnet.h"

#include <string.h>

static const struct {
	const char *text, *want; /* WANT NULL: refused */
	int line;
} net_rows[] = {
#define SAME(t)                                                                \
	{                                                                      \
		(t), (t), __LINE__                                             \
	}
#define AS(t, w)                                                               \
	{                                                                      \
		(t), (w), __LINE__                                             \
	}
#define BAD(t)                                                                 \
	{                                                                      \
		(t), NULL, __LINE__                                            \
	}
	SAME("0.0.0.0/0"),
	SAME("10.0.0.1/8"),
	SAME("255.255.255.255/32"),
	AS("10.0.0.1", "10.0.0.1/32"),
	SAME("::/0"),
	SAME("fd00:1:2::5/48"),
	AS("fd00::1", "fd00::1/128"),
	AS("FD00:0:0:0::1", "fd00::1/128"),
	AS("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1/128"),
	AS("::ffff:1.2.3.4/96", "::ffff:1.2.3.4/96"),
	BAD(""),
	BAD("/"),
	BAD("/24"),
	BAD("10.0.0.1/"),
	BAD("10.0.0.1/33"),
	BAD("10.0.0.1/-1"),
	BAD("10.0.0.1/+8"),
	BAD("10.0.0.1/ 8"),
	BAD("10.0.0.1/08"),
	BAD("10.0.0.1/8 "),
	BAD("10.0.0.1/8/8"),
	BAD("10.0.0.1/256"),
	BAD("10.0.0.1/4294967304"),
	BAD("10.0.0.1/255.0.0.0"),
	BAD("10.0.0"),
	BAD("10.0.0.1.2"),
	BAD("10.0.0.256"),
	BAD("10.0.0.01"),
	BAD("010.0.0.1"),
	BAD("0x0a.0.0.1"),
	BAD("10..0.1"),
	BAD("10.0.0.1."),
	BAD(" 10.0.0.1"),
	BAD("1"),
	BAD("167772161"),
	BAD("host"),
	BAD("fd00::1/129"),
	BAD("fd00::1%1/64"),
	BAD("fd00:::1"),
	BAD("fd00::1::2"),
	BAD("1:2:3:4:5:6:7:8:9"),
	BAD("12345::"),
	BAD("[::1]"),
	BAD(":"),
	BAD("::ffff:1.2.3.256"),
	BAD("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aa"),
	BAD("0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/1"),
};

static void test_net_text(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(net_rows); i++) {
		struct ipnet net = { .prefix_len = 77 }, again;
		char text[IPNET_TEXT_SIZE];
		bool ok = ipnet_parse(net_rows[i].text, &net);

		ROW_INT(&net_rows[i], ok, net_rows[i].want != NULL);
		if (!ok) {
			ROW_INT(&net_rows[i], net.prefix_len, 77);
			continue;
		}
		ROW_STR(&net_rows[i], ipnet_format(&net, text),
			net_rows[i].want);
		ROW_TRUE(&net_rows[i], ipnet_parse(text, &again));
		ROW_TRUE(&net_rows[i], ipnet_equal(&net, &again));
	}
}

static bool bit(const struct ipaddr *addr, unsigned int n)
{
	return addr->b[n / 8] >> (7 - n % 8) & 1;
}

static bool naive_contains(const struct ipnet *net, const struct ipaddr *addr)
{
	if (net->addr.family != addr->family)
		return false;
	for (unsigned int i = 0; i < net->prefix_len; i++) {
		if (bit(&net->addr, i) != bit(addr, i))
			return false;
	}
	return true;
}

static struct ipnet random_net(struct random *r)
{
	struct ipnet net = { .addr.family =
				     random_below(r, 2) ? IP_V4 : IP_V6 };
	uint8_t bits = ip_bits(net.addr.family);

	/* few different bytes, so that prefixes do meet */
	for (int i = 0; i < bits / 8; i++)
		net.addr.b[i] = (uint8_t)(random_below(r, 2) * 0x80 +
			random_below(r, 2));
	net.prefix_len = (uint8_t)random_below(r, bits + 1u);
	if (random_below(r, 2))
		net.prefix_len %= 18;
	return net;
}

static void test_prefixes_against_bits(void **state)
{
	struct random r = random_start();
	int contained = 0;

	for (int i = 0; i < 50000; i++) {
		struct ipnet a = random_net(&r), b = random_net(&r), m = a;
		bool a_in_b = naive_contains(&b, &a.addr) &&
			b.prefix_len <= a.prefix_len;
		bool b_in_a = naive_contains(&a, &b.addr) &&
			a.prefix_len <= b.prefix_len;

		assert_int_equal(ipnet_contains_addr(&a, &b.addr),
			naive_contains(&a, &b.addr));
		assert_int_equal(ipnet_contains(&b, &a), a_in_b);
		assert_int_equal(ipnet_overlaps(&a, &b), a_in_b || b_in_a);
		contained += a_in_b;
		ipnet_mask(&m);
		assert_true(ipnet_is_masked(&m));
		for (unsigned int n = 0; n < ip_bits(a.addr.family); n++)
			assert_int_equal(bit(&m.addr, n),
				n < a.prefix_len && bit(&a.addr, n));
		assert_int_equal(
			ipnet_is_masked(&a), ipaddr_equal(&a.addr, &m.addr));
	}
	assert_true(contained > 100); /* the twin was put to a test */
}

static void test_order(void **state)
{
	/* in their order; every pair is compared both ways */
	static const char *const texts[] = { "0.0.0.0/0", "0.0.0.0/32",
		"10.0.0.0/8", "10.0.0.0/9", "10.0.0.1/8", "255.0.0.0/8", "::/0",
		"::/128", "::1/128", "fd00::/8" };
	struct ipnet nets[ARRAY_SIZE(texts)];

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_true(ipnet_parse(texts[i], &nets[i]));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(texts); j++) {
			int order = ipnet_compare(&nets[i], &nets[j]);

			assert_int_equal(order < 0, i < j);
			assert_int_equal(order > 0, i > j);
			assert_int_equal(
				ipnet_equal(&nets[i], &nets[j]), i == j);
		}
	}
}

static void test_nothing(void **state)
{
	struct ipaddr none = { 0 };
	struct ipnet net = { 0 };
	struct ipaddr addr;
	char text[IPADDR_TEXT_SIZE];

	assert_false(ipnet_contains_addr(&net, &none));
	assert_int_equal(ip_bits(IP_NONE), 0);
	assert_string_equal(ipaddr_format(&none, text), "(none)");
	assert_true(ipaddr_parse("10.1.2.3", &addr));
	net = ipnet_host(&addr);
	assert_int_equal(net.prefix_len, 32);
	assert_true(ipnet_contains_addr(&net, &addr));
}

static const struct {
	const char *text, *want;
	int line;
} endpoint_rows[] = {
	SAME("1.2.3.4:51820"),
	SAME("1.2.3.4:1"),
	SAME("1.2.3.4:65535"),
	SAME("[fd00::1]:51820"),
	SAME("[fe80::1%3]:51820"),
	SAME("[fe80::1%4294967295]:1"),
	AS("[FE80::0:1%3]:51820", "[fe80::1%3]:51820"),
	SAME("[::ffff:1.2.3.4]:5"),
	BAD(""),
	BAD(":"),
	BAD(":51820"),
	BAD("1.2.3.4"),
	BAD("1.2.3.4:"),
	BAD("1.2.3.4:0"),
	BAD("1.2.3.4:65536"),
	BAD("1.2.3.4:080"),
	BAD("1.2.3.4:-1"),
	BAD("1.2.3.4:+1"),
	BAD("1.2.3.4:1 "),
	BAD("1.2.3.4: 1"),
	BAD("1.2.3.4:http"),
	BAD("1.2.3.4/24:1"),
	BAD("1.2.3:1"),
	BAD("host:51820"),
	BAD("fd00::1:51820"),
	BAD("[fd00::1]"),
	BAD("[fd00::1]51820"),
	BAD("[fd00::1:51820"),
	BAD("fd00::1]:51820"),
	BAD("[]:51820"),
	BAD("[:51820"),
	BAD("]:51820"),
	BAD("[1.2.3.4]:51820"),
	BAD("[fe80::1%]:1"),
	BAD("[fe80::1%0]:1"),
	BAD("[fe80::1%03]:1"),
	BAD("[fe80::1%eth0]:1"),
	BAD("[fe80::1%4294967296]:1"),
	BAD("[fe80::1%3%3]:1"),
	BAD("[%3]:1"),
	BAD("1.2.3.4%3:1"),
	BAD("[[::1]]:1"),
	BAD("[00000000000000000000000000000000000000000000000000000000000000000"
	    "00000000000000000]:1"),
};

static void test_endpoint_text(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(endpoint_rows); i++) {
		struct endpoint ep = { .port = 7 }, again;
		char text[ENDPOINT_TEXT_SIZE];
		bool ok = endpoint_parse(endpoint_rows[i].text, &ep);

		ROW_INT(&endpoint_rows[i], ok, endpoint_rows[i].want != NULL);
		if (!ok) {
			ROW_INT(&endpoint_rows[i], ep.port, 7);
			continue;
		}
		ROW_STR(&endpoint_rows[i], endpoint_format(&ep, text),
			endpoint_rows[i].want);
		ROW_TRUE(&endpoint_rows[i], endpoint_parse(text, &again));
		ROW_TRUE(&endpoint_rows[i], endpoint_equal(&ep, &again));
	}
}

static void test_endpoint_equal(void **state)
{
	static const char *const texts[] = { "1.2.3.4:1", "1.2.3.4:2",
		"1.2.3.5:1", "[fe80::1%3]:1", "[fe80::1%4]:1", "[fe80::1]:1" };
	struct endpoint eps[ARRAY_SIZE(texts) + 1] = { 0 }; /* last: unknown */
	char text[ENDPOINT_TEXT_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_true(endpoint_parse(texts[i], &eps[i]));
	for (size_t i = 0; i < ARRAY_SIZE(eps); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(eps); j++)
			assert_int_equal(
				endpoint_equal(&eps[i], &eps[j]), i == j);
		assert_int_equal(
			endpoint_known(&eps[i]), i < ARRAY_SIZE(texts));
	}
	assert_string_equal(
		endpoint_format(&eps[ARRAY_SIZE(texts)], text), "(none)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_net_text),
		cmocka_unit_test(test_prefixes_against_bits),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_endpoint_text),
		cmocka_unit_test(test_endpoint_equal),
	};

	return cmocka_run_group_tests_name("ipnet", tests, NULL, NULL);
}

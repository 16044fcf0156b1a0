/* Which prefixes a mesh may have, and which are chosen for it. */
#include "config.h"

#include "meshd/ctl/prefix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/banned.h"

static const struct {
	enum ip_family family;
	const char *text;
	bool ok;
	int line;
} typed[] = {
#define GOOD(family, text)                                                     \
	{                                                                      \
		family, text, true, __LINE__                                   \
	}
#define BAD(family, text)                                                      \
	{                                                                      \
		family, text, false, __LINE__                                  \
	}
	GOOD(IP_V4, "10.0.0.0/8"),
	GOOD(IP_V4, "10.7.0.0/16"),
	GOOD(IP_V4, "172.16.0.0/12"),
	GOOD(IP_V4, "192.168.4.0/24"),
	GOOD(IP_V4, "100.64.0.0/10"),
	GOOD(IP_V4, "100.127.255.248/29"),
	GOOD(IP_V6, "fd00::/8"),
	GOOD(IP_V6, "fd12:3456:789a::/48"),
	GOOD(IP_V6, "fd12::8/125"),
	BAD(IP_V4, ""),
	BAD(IP_V4, "/"),
	BAD(IP_V4, "nonsense"),
	BAD(IP_V4, "10.7.0.0"), /* no length */
	BAD(IP_V4, "10.7.0.0/"),
	BAD(IP_V4, "10.7.0.0/33"),
	BAD(IP_V4, "10.7.0.0/-1"),
	BAD(IP_V4, "10.7.0.0/16x"),
	BAD(IP_V4, "300.1.2.0/24"),
	BAD(IP_V4, "10.7.0.1/16"), /* host bits */
	BAD(IP_V4, "8.8.8.0/24"),  /* somebody's */
	BAD(IP_V4, "0.0.0.0/0"),
	BAD(IP_V4, "0.0.0.0/8"),
	BAD(IP_V4, "127.0.0.0/8"),
	BAD(IP_V4, "169.254.0.0/16"),
	BAD(IP_V4, "224.0.0.0/8"),
	BAD(IP_V4, "172.32.0.0/16"), /* next to a private one */
	BAD(IP_V4, "100.128.0.0/16"),
	BAD(IP_V4, "100.0.0.0/8"), /* more than a private one */
	BAD(IP_V4, "10.7.0.0/30"), /* two hosts */
	BAD(IP_V4, "10.7.0.0/32"),
	BAD(IP_V4, "fd00::/48"), /* the other family */
	BAD(IP_V6, "10.7.0.0/16"),
	BAD(IP_V6, "fc00::/48"), /* RFC 4193: L must be 1 */
	BAD(IP_V6, "fc00::/7"),
	BAD(IP_V6, "2001:db8::/48"),
	BAD(IP_V6, "fe80::/64"),
	BAD(IP_V6, "::/0"),
	BAD(IP_V6, "fd00::1/48"),
	BAD(IP_V6, "fd00::/129"),
	BAD(IP_V6, "fd00::/126"),
};

static void test_typed(void **state)
{
	int wrong = 0;

	for (size_t i = 0; i < ARRAY_SIZE(typed); i++) {
		struct ipnet untouched = { .prefix_len = 77 };
		struct ipnet net = untouched;
		struct err err = { 0 };
		int r = prefix_parse(
			typed[i].family, typed[i].text, &net, &err);
		char text[IPNET_TEXT_SIZE];
		bool right;

		if (typed[i].ok)
			right = r == 0 &&
				strcmp(ipnet_format(&net, text),
					typed[i].text) == 0;
		else
			right = r == -EINVAL &&
				strstr(err.msg, typed[i].text) &&
				ipnet_equal(&net, &untouched);
		if (!right) {
			print_error("row at line %d: %d %s\n", typed[i].line, r,
				err.msg);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

/* splitmix64 (Vigna, public domain): the same choices every run. */
static uint64_t next_random(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static void test_chosen(void **state)
{
	uint64_t seed = 20261122;
	bool seen[256] = { false };
	size_t distinct = 0;

	print_message("# seed %llu\n", (unsigned long long)seed);
	for (int i = 0; i < 10000; i++) {
		uint64_t bytes = next_random(&seed);
		uint8_t random[PREFIX_RANDOM_SIZE];
		struct ipnet v4, v6, parsed;
		char text[IPNET_TEXT_SIZE];

		memcpy(random, &bytes, sizeof(random));
		v4 = prefix_choose(IP_V4, random);
		v6 = prefix_choose(IP_V6, random);
		/* what is chosen is what may be typed */
		assert_int_equal(prefix_parse(IP_V4, ipnet_format(&v4, text),
					 &parsed, NULL),
			0);
		assert_true(ipnet_equal(&parsed, &v4));
		assert_int_equal(prefix_parse(IP_V6, ipnet_format(&v6, text),
					 &parsed, NULL),
			0);
		assert_true(ipnet_equal(&parsed, &v6));
		assert_int_equal(v4.prefix_len, 16);
		assert_int_equal(v6.prefix_len, 48);
		assert_int_equal(v4.addr.b[0], 100);
		assert_in_range(v4.addr.b[1], 64, 127);
		assert_int_equal(v6.addr.b[0], 0xfd);
		assert_memory_equal(v6.addr.b + 1, random, 5);
		distinct += !seen[v4.addr.b[1]];
		seen[v4.addr.b[1]] = true;
	}
	assert_int_equal(distinct, 64); /* every /16 can be chosen */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_typed),
		cmocka_unit_test(test_chosen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

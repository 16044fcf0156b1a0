/* Which hints are tried, which addresses are told, who is behind a NAT. */
#include "config.h"
#include "agent/candidates.h"
#include "mesh_fixture.h"
#include "rows.h"

#include <string.h>

#include "base/banned.h"

static void test_usable(void **state)
{
	static const struct {
		const char *endpoint;
		bool usable;
		int line;
	} rows[] = {
		{ "10.0.0.1:51820", true, __LINE__ },
		{ "192.168.1.7:1", true, __LINE__ },
		{ "203.0.113.9:65535", true, __LINE__ },
		{ "[2001:db8::1]:51820", true, __LINE__ },
		{ "[fd99::1]:51820", true, __LINE__ },
		{ "100.65.0.1:51820", true, __LINE__ },
		/* nobody else is there */
		{ "127.0.0.1:51820", false, __LINE__ },
		{ "127.255.0.1:51820", false, __LINE__ },
		{ "0.0.0.0:51820", false, __LINE__ },
		{ "169.254.1.1:51820", false, __LINE__ },
		{ "224.0.0.1:51820", false, __LINE__ },
		{ "255.255.255.255:51820", false, __LINE__ },
		{ "[::]:51820", false, __LINE__ },
		{ "[::1]:51820", false, __LINE__ },
		{ "[fe80::1%2]:51820", false, __LINE__ },
		{ "[ff02::1]:51820", false, __LINE__ },
		{ "[::ffff:10.0.0.1]:51820", false, __LINE__ },
		/* the tunnel would carry itself */
		{ "100.64.1.1:51820", false, __LINE__ },
		{ "[fd00:1::1:1]:51820", false, __LINE__ },
	};
	struct record rec = fx_mesh();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct endpoint ep;

		ROW_TRUE(&rows[i], endpoint_parse(rows[i].endpoint, &ep));
		ROW_INT(&rows[i], candidate_usable(&ep, &rec.as_mesh),
			rows[i].usable);
		ep.port = 0;
		ROW_TRUE(&rows[i], !candidate_usable(&ep, &rec.as_mesh));
	}
	assert_false(candidate_usable(&(struct endpoint){ .port = 1 }, NULL));
}

static size_t parse_addrs(const char *text, struct ipaddr addrs[static 8])
{
	size_t count = 0;

	while (*text) {
		size_t len = strcspn(text, " ");
		AUTO(free_ptr) char *word = strndup(text, len);

		assert_true(ipaddr_parse(word, &addrs[count++]));
		text += len + (text[len] == ' ');
	}
	return count;
}

static void test_own(void **state)
{
	static const struct {
		const char *addrs;
		size_t cap;
		const char *told; /* endpoints, each behind a blank */
		int line;
	} rows[] = {
		{ "10.0.0.1 fd99::1", 16, " 10.0.0.1:7 [fd99::1]:7", __LINE__ },
		{ "10.0.0.1 10.0.0.1", 16, " 10.0.0.1:7", __LINE__ },
		{ "100.64.1.1 fe80::1 10.0.0.1", 16, " 10.0.0.1:7", __LINE__ },
		{ "10.0.0.1 10.0.0.2 10.0.0.3", 2, " 10.0.0.1:7 10.0.0.2:7",
			__LINE__ },
		{ "", 16, "", __LINE__ },
	};
	struct record rec = fx_mesh();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(buf_release) struct buf told = BUF_INIT(4096);
		struct endpoint endpoints[16];
		char text[ENDPOINT_TEXT_SIZE];
		struct ipaddr addrs[8];
		size_t count = parse_addrs(rows[i].addrs, addrs);

		count = candidates_own(
			addrs, count, 7, &rec.as_mesh, endpoints, rows[i].cap);
		for (size_t j = 0; j < count; j++)
			buf_addf(&told, " %s",
				endpoint_format(&endpoints[j], text));
		ROW_STR(&rows[i], buf_str(&told), rows[i].told);
	}
}

static void test_behind_nat(void **state)
{
	static const struct {
		const char *seen, *own;
		bool behind;
		int line;
	} rows[] = {
		{ "203.0.113.9:7", "10.0.0.1", true, __LINE__ },
		{ "10.0.0.1:7", "10.0.0.1", false, __LINE__ },
		{ "[2001:db8::1]:7", "10.0.0.1 2001:db8::1", false, __LINE__ },
		/* the coordinator is on this host, and has seen nothing */
		{ "127.0.0.1:7", "10.0.0.1", false, __LINE__ },
		{ NULL, "10.0.0.1", false, __LINE__ },
		{ "203.0.113.9:7", "", true, __LINE__ },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ipaddr own[8];
		struct endpoint seen;
		size_t count = parse_addrs(rows[i].own, own);

		if (rows[i].seen)
			ROW_TRUE(&rows[i], endpoint_parse(rows[i].seen, &seen));
		ROW_INT(&rows[i],
			candidates_behind_nat(
				&seen, rows[i].seen ? 1 : 0, own, count),
			rows[i].behind);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usable),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_behind_nat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

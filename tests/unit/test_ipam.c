/* ipam: tables of what is picked, and a naive book at random. */
#include "config.h"
#include "rows.h"
#include "base/auto.h"
#include "meshd/ipam.h"

#include <errno.h>
#include <string.h>

static struct ipnet net_of(const char *text)
{
	struct ipnet net;

	assert_true(ipnet_parse(text, &net));
	return net;
}

static struct ipaddr addr_of(const char *text)
{
	struct ipaddr addr = { .family = IP_NONE };

	if (*text)
		assert_true(ipaddr_parse(text, &addr));
	return addr;
}

static const char *text_of(const struct ipaddr *addr)
{
	static char buf[IPADDR_TEXT_SIZE];

	return addr->family == IP_NONE ? "" : ipaddr_format(addr, buf);
}

static void test_range(void **state)
{
	static const struct {
		const char *prefix, *first, *last;
		int line;
	} rows[] = {
		{ "100.64.0.0/16", "100.64.0.1", "100.64.255.254", __LINE__ },
		{ "10.0.0.0/30", "10.0.0.1", "10.0.0.2", __LINE__ },
		{ "10.0.0.0/31", "10.0.0.0", "10.0.0.1", __LINE__ },
		{ "10.0.0.7/32", "10.0.0.7", "10.0.0.7", __LINE__ },
		{ "10.1.2.3/24", "10.1.2.1", "10.1.2.254", __LINE__ },
		{ "0.0.0.0/0", "0.0.0.1", "255.255.255.254", __LINE__ },
		{ "fd00:1::/48", "fd00:1::1",
			"fd00:1:0:ffff:ffff:ffff:ffff:ffff", __LINE__ },
		{ "fd00::/126", "fd00::1", "fd00::3", __LINE__ },
		{ "fd00::/127", "fd00::", "fd00::1", __LINE__ },
		{ "fd00::9/128", "fd00::9", "fd00::9", __LINE__ },
	};
	struct ipnet none = { .addr.family = IP_NONE };
	struct ipaddr first, last;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ipnet net = net_of(rows[i].prefix);

		ROW_TRUE(&rows[i], ipam_range(&net, &first, &last));
		ROW_STR(&rows[i], text_of(&first), rows[i].first);
		ROW_STR(&rows[i], text_of(&last), rows[i].last);
	}
	assert_false(ipam_range(&none, &first, &last));
}

/* A book that remembers every address in order of its use. */
#define BOOK_MAX 64
struct book {
	struct {
		struct ipaddr addr;
		bool held;
		uint64_t freed_at;
	} used[BOOK_MAX];
	size_t count;
	uint64_t clock;
	int fail; /* what each look-up answers, if not 0 */
};

static bool within(const struct ipaddr *first, const struct ipaddr *addr,
	const struct ipaddr *last)
{
	return ipaddr_compare(first, addr) <= 0 &&
		ipaddr_compare(addr, last) <= 0;
}

static int highest(void *arg, const struct ipaddr *first,
	const struct ipaddr *last, struct ipaddr *ret_addr, struct err *err)
{
	struct book *book = arg;

	*ret_addr = (struct ipaddr){ .family = IP_NONE };
	for (size_t i = 0; i < book->count; i++) {
		const struct ipaddr *addr = &book->used[i].addr;

		if (within(first, addr, last) &&
			(ret_addr->family == IP_NONE ||
				ipaddr_compare(addr, ret_addr) > 0))
			*ret_addr = *addr;
	}
	return book->fail;
}

static int each_used(void *arg, const struct ipaddr *first,
	const struct ipaddr *last, ipam_used_fn fn, void *fn_arg,
	struct err *err)
{
	struct book *book = arg;
	struct ipaddr after = { .family = IP_NONE };

	for (;;) {
		struct ipaddr *next = NULL;

		for (size_t i = 0; i < book->count; i++) {
			struct ipaddr *addr = &book->used[i].addr;

			if (within(first, addr, last) &&
				(after.family == IP_NONE ||
					ipaddr_compare(addr, &after) > 0) &&
				(!next || ipaddr_compare(addr, next) < 0))
				next = addr;
		}
		if (!next || !fn(fn_arg, next))
			return book->fail;
		after = *next;
	}
}

static int longest_free(void *arg, const struct ipaddr *first,
	const struct ipaddr *last, struct ipaddr *ret_addr, struct err *err)
{
	struct book *book = arg;
	uint64_t oldest = UINT64_MAX;

	*ret_addr = (struct ipaddr){ .family = IP_NONE };
	for (size_t i = 0; i < book->count; i++)
		if (!book->used[i].held && book->used[i].freed_at < oldest &&
			within(first, &book->used[i].addr, last)) {
			oldest = book->used[i].freed_at;
			*ret_addr = book->used[i].addr;
		}
	return book->fail;
}

static struct ipam_book interface_of(struct book *book)
{
	return (struct ipam_book){ highest, each_used, longest_free, book };
}

static void put(struct book *book, const char *text, bool held)
{
	assert_true(book->count < BOOK_MAX);
	book->used[book->count].addr = addr_of(text);
	book->used[book->count].held = held;
	book->used[book->count++].freed_at = book->clock++;
}

static void test_pick(void **state)
{
	/* held and freed: with spaces between, freed in the order written */
	static const struct {
		const char *prefix, *held, *freed, *want;
		int line;
	} rows[] = {
		{ "10.0.0.0/29", "", "", "10.0.0.1", __LINE__ },
		{ "10.0.0.0/29", "10.0.0.1", "", "10.0.0.2", __LINE__ },
		/* never used goes before free again */
		{ "10.0.0.0/29", "10.0.0.2", "10.0.0.1", "10.0.0.3", __LINE__ },
		{ "10.0.0.0/29", "", "10.0.0.5", "10.0.0.6", __LINE__ },
		/* the highest is taken: the lowest gap */
		{ "10.0.0.0/29", "10.0.0.6", "", "10.0.0.1", __LINE__ },
		{ "10.0.0.0/29", "10.0.0.1 10.0.0.3 10.0.0.6", "10.0.0.2",
			"10.0.0.4", __LINE__ },
		/* no gap: what was freed first */
		{ "10.0.0.0/29", "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.6",
			"10.0.0.5 10.0.0.4", "10.0.0.5", __LINE__ },
		{ "10.0.0.0/30", "10.0.0.1 10.0.0.2", "", "", __LINE__ },
		{ "10.0.0.7/32", "", "", "10.0.0.7", __LINE__ },
		{ "10.0.0.7/32", "10.0.0.7", "", "", __LINE__ },
		{ "10.0.0.7/32", "", "10.0.0.7", "10.0.0.7", __LINE__ },
		/* what lies outside is another's business */
		{ "10.0.0.0/30", "10.0.0.9 10.0.0.0", "", "10.0.0.1",
			__LINE__ },
		{ "fd00::/126", "fd00::1 fd00::2", "", "fd00::3", __LINE__ },
		{ "fd00::/126", "fd00::1 fd00::2 fd00::3", "", "", __LINE__ },
		{ "255.255.255.252/30", "255.255.255.253 255.255.255.254", "",
			"", __LINE__ },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127",
			"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe "
			"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
			"", "", __LINE__ },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct book book = { 0 };
		struct ipam_book interface = interface_of(&book);
		struct ipnet net = net_of(rows[i].prefix);
		struct ipaddr got = { .family = IP_NONE };
		struct err err = { 0 };
		const char *at[] = { rows[i].held, rows[i].freed };
		char word[64];
		int r;

		for (size_t part = 0; part < 2; part++)
			for (const char *p = at[part]; *p;) {
				size_t len = strcspn(p, " ");

				memcpy(word, p, len);
				word[len] = 0;
				put(&book, word, part == 0);
				p += len + (p[len] == ' ');
			}
		r = ipam_pick(&interface, &net, &got, &err);
		ROW_INT(&rows[i], r, rows[i].want[0] ? 0 : -ENOSPC);
		ROW_STR(&rows[i], text_of(&got), rows[i].want);
		if (r < 0)
			ROW_TRUE(&rows[i], strstr(err.msg, "taken"));
	}
}

static void test_book_fails(void **state)
{
	struct book book = { .fail = -EIO };
	struct ipam_book interface = interface_of(&book);
	struct ipnet net = net_of("10.0.0.0/29");
	struct ipaddr got;

	assert_int_equal(ipam_pick(&interface, &net, &got, NULL), -EIO);
}

/* 30 addresses, held and freed at random: one is found exactly while one is
 * not held, never a held one, never a used one while a fresh one is left, and
 * else the one that was free the longest. */
static void test_against_naive(void **state)
{
	struct random r = random_start();
	struct ipnet net = net_of("10.0.0.0/27");
	static struct book book;
	struct ipam_book interface = interface_of(&book);

	for (int step = 0; step < 20000; step++) {
		struct ipaddr got = { 0 }, oldest;
		size_t held = 0, at;
		int found;

		for (size_t i = 0; i < book.count; i++)
			held += book.used[i].held;
		if (held > 0 && random_below(&r, 100) < 48) {
			at = (size_t)random_below(&r, book.count);
			if (book.used[at].held) {
				book.used[at].held = false;
				book.used[at].freed_at = book.clock++;
			}
			continue;
		}
		found = ipam_pick(&interface, &net, &got, NULL);
		assert_int_equal(found, held == 30 ? -ENOSPC : 0);
		if (found < 0)
			continue;
		for (at = 0; at < book.count; at++)
			if (ipaddr_equal(&book.used[at].addr, &got))
				break;
		if (at == book.count) {
			assert_true(ipnet_contains_addr(&net, &got));
			assert_true(got.b[3] != 0 && got.b[3] != 31);
			book.used[book.count++].addr = got;
		} else {
			assert_int_equal(book.count, 30);
			assert_int_equal(longest_free(&book, &net.addr, &got,
						 &oldest, NULL),
				0);
			assert_false(book.used[at].held);
			for (size_t i = 0; i < book.count; i++)
				assert_true(book.used[i].held || i == at ||
					book.used[i].freed_at >
						book.used[at].freed_at);
		}
		book.used[at].held = true;
	}
	assert_int_equal(book.count, 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_pick),
		cmocka_unit_test(test_book_fails),
		cmocka_unit_test(test_against_naive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * source: what the kernel of this host says about paths on its loopback
 * interface, and when it is asked again.
 */
#include "config.h"
#include "rows.h"
#include "engine/linux/source.h"
#include "os/netlink.h"

#include <string.h>

#include "base/auto.h"

#define LO UINT32_MAX /* stands for the index of the loopback interface */

static const struct row {
	const char *remote, *local;
	uint32_t ifindex, scope_id;
	bool holds;
	int line;
} rows[] = {
	{ "127.0.0.1", "127.0.0.1", LO, 0, true, __LINE__ },
	{ "127.0.0.2", "127.0.0.9", LO, 0, true, __LINE__ },
	/* came in by another interface than it would leave by */
	{ "127.0.0.1", "127.0.0.1", 4711, 0, false, __LINE__ },
	/* RFC 5737: not ours */
	{ "127.0.0.1", "192.0.2.1", LO, 0, false, __LINE__ },
	/* nothing is known, so nothing is asked */
	{ "127.0.0.1", "192.0.2.1", 0, 0, true, __LINE__ },
	/* link-local peers name their interface */
	{ "fe80::1", "fe80::2", 7, 7, true, __LINE__ },
	{ "fe80::1", "fe80::2", 7, 8, false, __LINE__ },
};

static uint32_t loopback(void)
{
	AUTO(netlink_free) struct netlink *nl = netlink_new(NULL);
	uint32_t index = 0;

	assert_non_null(nl);
	assert_int_equal(netlink_link_index(nl, "lo", &index, NULL), 0);
	return index;
}

static struct wg_path path_of(const struct row *row)
{
	struct wg_path path;

	memset(&path, 0, sizeof(path));
	ROW_TRUE(row, ipaddr_parse(row->remote, &path.remote.addr));
	ROW_TRUE(row, ipaddr_parse(row->local, &path.local));
	path.remote.port = 9;
	path.remote.scope_id = row->scope_id;
	path.ifindex = row->ifindex == LO ? loopback() : row->ifindex;
	return path;
}

static void test_rows(void **state)
{
	static struct source source;

	assert_int_equal(source_init(&source, NULL), 0);
	/* twice: asked, and remembered */
	for (size_t i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i % ARRAY_SIZE(rows)];
		struct wg_path path = path_of(row);

		ROW_INT(row, source_holds(&source, &path), row->holds);
	}
	source_release(&source);
}

static struct source_entry *only_entry(struct source *source)
{
	struct source_entry *found = NULL;

	for (size_t i = 0; i < SOURCE_SLOTS; i++) {
		if (source->entries[i].generation == 0)
			continue;
		assert_null(found);
		found = &source->entries[i];
	}
	assert_non_null(found);
	return found;
}

/* An answer is kept until there is news, and not a packet longer. */
static void test_forget(void **state)
{
	static struct source source;
	struct wg_path path = path_of(&rows[0]);

	assert_int_equal(source_init(&source, NULL), 0);
	assert_true(source_holds(&source, &path));
	only_entry(&source)->holds = false; /* as if routes had changed */
	assert_false(source_holds(&source, &path));
	path.remote.port++; /* the port is nothing to a route */
	assert_false(source_holds(&source, &path));
	source_forget(&source, 0);
	assert_true(source_holds(&source, &path));
	source.generation = UINT32_MAX; /* the count comes round */
	source_forget(&source, 0);
	assert_int_not_equal(source.generation, 0);
	assert_true(source_holds(&source, &path));
	source_release(&source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_forget),
	};

	return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}

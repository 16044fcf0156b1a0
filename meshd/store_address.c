/* store_address: who holds which address, and who once did (store.h). */
#include "config.h"

#include "meshd/store_db.h"

#include <errno.h>
#include <string.h>

#include "base/banned.h"

static size_t addr_len(const struct ipaddr *addr)
{
	return ip_bits(addr->family) / 8;
}

static void bind_addr(struct store *store, sqlite3_stmt *query, int index,
	const struct ipaddr *addr)
{
	store_bind_u64(store, query, index, addr->family == IP_V4 ? 4 : 6);
	store_bind_blob(store, query, index + 1, addr->b, addr_len(addr));
}

static bool read_addr(sqlite3_stmt *query, int column, struct ipaddr *ret_addr)
{
	struct ipaddr addr = { 0 };
	size_t len = (size_t)sqlite3_column_bytes(query, column);

	if (len != 4 && len != 16)
		return false;
	addr.family = len == 4 ? IP_V4 : IP_V6;
	if (!store_read_blob(query, column, addr.b, len))
		return false;
	*ret_addr = addr;
	return true;
}

/* FIRST <= address <= LAST are parameters 1 to 3 of QUERY. */
static void bind_range(struct store *store, sqlite3_stmt *query,
	const struct ipaddr *first, const struct ipaddr *last)
{
	bind_addr(store, query, 1, first);
	store_bind_blob(store, query, 3, last->b, addr_len(last));
}

static int one_of_range(struct store *store, const char *sql,
	const struct ipaddr *first, const struct ipaddr *last,
	struct ipaddr *ret_addr, struct err *err)
{
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);
	int r;

	bind_range(store, query, first, last);
	r = store_row(store, query, err);
	if (r < 0)
		return r;
	if (r == 0)
		*ret_addr = (struct ipaddr){ .family = IP_NONE };
	else if (!read_addr(query, 0, ret_addr))
		return store_malformed("address", err);
	return 0;
}

static int book_highest(void *arg, const struct ipaddr *first,
	const struct ipaddr *last, struct ipaddr *ret_addr, struct err *err)
{
	static const char sql[] =
		"SELECT address FROM address WHERE family = ? "
		"AND address BETWEEN ? AND ? ORDER BY address DESC LIMIT 1";

	return one_of_range(arg, sql, first, last, ret_addr, err);
}

static int book_longest_free(void *arg, const struct ipaddr *first,
	const struct ipaddr *last, struct ipaddr *ret_addr, struct err *err)
{
	static const char sql[] =
		"SELECT address FROM address WHERE node IS NULL AND family = ? "
		"AND address BETWEEN ? AND ? ORDER BY freed_at LIMIT 1";

	return one_of_range(arg, sql, first, last, ret_addr, err);
}

static int book_each_used(void *arg, const struct ipaddr *first,
	const struct ipaddr *last, ipam_used_fn fn, void *fn_arg,
	struct err *err)
{
	static const char sql[] =
		"SELECT address FROM address WHERE family = ? "
		"AND address BETWEEN ? AND ? ORDER BY address";
	struct store *store = arg;
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);
	struct ipaddr addr;
	int r;

	bind_range(store, query, first, last);
	while ((r = store_row(store, query, err)) > 0) {
		if (!read_addr(query, 0, &addr))
			return store_malformed("address", err);
		if (!fn(fn_arg, &addr))
			return 0;
	}
	return r;
}

struct ipam_book store_address_book(struct store *store)
{
	return (struct ipam_book){ .highest = book_highest,
		.each_used = book_each_used,
		.longest_free = book_longest_free,
		.arg = store };
}

int store_address_hold(struct store *store, const struct ipaddr *addr,
	const struct node_id *node, struct err *err)
{
	static const char sql[] =
		"INSERT INTO address (family, address, node) VALUES (?, ?, ?) "
		"ON CONFLICT DO UPDATE SET node = excluded.node, "
		"freed_at = NULL WHERE node IS NULL OR node = excluded.node";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);
	char text[IPADDR_TEXT_SIZE];
	int changes, r;

	bind_addr(store, query, 1, addr);
	store_bind_blob(store, query, 3, node->b, sizeof(node->b));
	r = store_done(store, query, &changes, err);
	if (r < 0)
		return r;
	return changes == 1 ? 0
			    : err_set(err, -EEXIST, "another node holds %s",
				      ipaddr_format(addr, text));
}

int store_address_free_all(struct store *store, const struct node_id *node,
	struct wall now, struct err *err)
{
	static const char sql[] =
		"UPDATE address SET node = NULL, freed_at = ? WHERE node = ?";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);

	store_bind_wall(store, query, 1, now);
	store_bind_blob(store, query, 2, node->b, sizeof(node->b));
	return store_done(store, query, NULL, err);
}

int store_address_forget6(
	struct store *store, const struct node_id *node, struct err *err)
{
	static const char sql[] =
		"DELETE FROM address WHERE node = ? AND family = 6";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);

	store_bind_blob(store, query, 1, node->b, sizeof(node->b));
	return store_done(store, query, NULL, err);
}

int store_address_list(struct store *store, const struct node_id *node,
	struct ipnet *ret_addrs, size_t *ret_count, struct err *err)
{
	static const char sql[] = "SELECT address FROM address WHERE node = ? "
				  "ORDER BY family, address LIMIT ?";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);
	struct ipaddr addr;
	size_t count = 0;
	int r;

	store_bind_blob(store, query, 1, node->b, sizeof(node->b));
	store_bind_u64(store, query, 2, RECORD_ADDRESSES_MAX);
	while ((r = store_row(store, query, err)) > 0) {
		if (!read_addr(query, 0, &addr))
			return store_malformed("address", err);
		ret_addrs[count++] = ipnet_host(&addr);
	}
	if (r == 0)
		*ret_count = count;
	return r;
}

/*
 * store_node: nodes, from reservation to tombstone (store.h).
 *   reserved -> member    store_node_admit     key and credential are known
 *   reserved -> (deleted) store_node_release   it ran out, or starts over
 *   member   -> removed   store_node_remove    for good; name and key are free
 */
#include "config.h"

#include "meshd/store_db.h"

#include <errno.h>
#include <string.h>

#include "base/banned.h"

#define COLUMNS                                                                \
	"id, state, identity, name, token, reserved_until, joined_at, "        \
	"removed_at, public_key, credential_id, credential_hash"

static const struct {
	enum node_state state;
	const char *name;
} states[] = {
	{ NODE_RESERVED, "reserved" },
	{ NODE_MEMBER, "member" },
	{ NODE_REMOVED, "removed" },
};

static bool read_state(
	sqlite3_stmt *query, int column, enum node_state *ret_state)
{
	const char *name = (const char *)sqlite3_column_text(query, column);

	for (size_t i = 0; name && i < ARRAY_SIZE(states); i++)
		if (strcmp(states[i].name, name) == 0) {
			*ret_state = states[i].state;
			return true;
		}
	return false;
}

static int read_row(
	sqlite3_stmt *query, struct node_row *ret_row, struct err *err)
{
	struct node_row row = { 0 };

	if (!store_read_blob(query, 0, row.id.b, sizeof(row.id.b)) ||
		!read_state(query, 1, &row.state) ||
		!store_read_blob(
			query, 2, row.identity.b, sizeof(row.identity.b)) ||
		!store_read_str(query, 3, row.name, sizeof(row.name)) ||
		!store_read_str(query, 4, row.token, sizeof(row.token)) ||
		!store_read_blob(
			query, 8, row.public_key.b, sizeof(row.public_key.b)) ||
		!store_read_str(query, 9, row.credential_id,
			sizeof(row.credential_id)) ||
		!store_read_blob(query, 10, row.credential_hash.b,
			sizeof(row.credential_hash.b)))
		return store_malformed("node", err);
	row.reserved_until = store_read_wall(query, 5);
	row.joined = store_read_wall(query, 6);
	row.removed = store_read_wall(query, 7);
	*ret_row = row;
	return 0;
}

/* The one row of QUERY, whose parameters are bound. */
static int find(struct store *store, sqlite3_stmt *query,
	struct node_row *ret_row, struct err *err)
{
	int r = store_row(store, query, err);

	if (r < 0)
		return r;
	if (r == 0)
		return err_set(err, -ENOENT, "no such node");
	return read_row(query, ret_row, err);
}

static void bind_node(struct store *store, sqlite3_stmt *query, int index,
	const struct node_id *id)
{
	store_bind_blob(store, query, index, id->b, sizeof(id->b));
}

int store_node_find(struct store *store, const struct node_id *id,
	struct node_row *ret_row, struct err *err)
{
	static const char sql[] = "SELECT " COLUMNS " FROM node WHERE id = ?";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);

	bind_node(store, query, 1, id);
	return find(store, query, ret_row, err);
}

int store_node_find_name(struct store *store, const char *name,
	struct node_row *ret_row, struct err *err)
{
	static const char sql[] = "SELECT " COLUMNS " FROM node "
				  "WHERE name = ? AND state <> 'removed'";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);

	store_bind_str(store, query, 1, name);
	return find(store, query, ret_row, err);
}

int store_node_find_credential(struct store *store, const char *credential_id,
	struct node_row *ret_row, struct err *err)
{
	static const char sql[] =
		"SELECT " COLUMNS " FROM node WHERE credential_id = ?";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);

	store_bind_str(store, query, 1, credential_id);
	return find(store, query, ret_row, err);
}

int store_node_find_key(struct store *store, const struct pubkey *key,
	struct node_row *ret_row, struct err *err)
{
	static const char sql[] = "SELECT " COLUMNS " FROM node "
				  "WHERE public_key = ? AND state <> 'removed'";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);

	store_bind_blob(store, query, 1, key->b, sizeof(key->b));
	return find(store, query, ret_row, err);
}

int store_node_list(
	struct store *store, struct node_rows *rows, struct err *err)
{
	static const char sql[] = "SELECT " COLUMNS " FROM node "
				  "WHERE state = 'member' ORDER BY name";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);
	int r;

	while ((r = store_row(store, query, err)) > 0) {
		struct node_row row;

		r = read_row(query, &row, err);
		if (r < 0)
			return r;
		if (node_rows_add(rows, &row) < 0)
			return err_set(err, -ENOMEM, "out of memory");
	}
	return r;
}

int store_node_count(struct store *store, uint32_t *ret_count, struct err *err)
{
	static const char sql[] =
		"SELECT count(*) FROM node WHERE state = 'member'";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);
	int r = store_row(store, query, err);

	if (r < 0)
		return r;
	*ret_count = (uint32_t)store_read_u64(query, 0);
	return 0;
}

int store_node_last_joined(
	struct store *store, struct wall *ret_at, struct err *err)
{
	static const char sql[] = "SELECT max(joined_at) FROM node";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);
	int r = store_row(store, query, err);

	if (r < 0)
		return r;
	*ret_at = store_read_wall(query, 0);
	return 0;
}

int store_node_reserve(
	struct store *store, const struct node_row *row, struct err *err)
{
	static const char sql[] =
		"INSERT INTO node (id, state, identity, name, token, "
		"reserved_until) VALUES (?, 'reserved', ?, ?, ?, ?)";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);

	bind_node(store, query, 1, &row->id);
	store_bind_blob(
		store, query, 2, row->identity.b, sizeof(row->identity.b));
	store_bind_str(store, query, 3, row->name);
	store_bind_str(store, query, 4, row->token[0] ? row->token : NULL);
	store_bind_wall(store, query, 5, row->reserved_until);
	return store_done(store, query, NULL, err);
}

int store_node_extend(struct store *store, const struct node_id *id,
	struct wall until, struct err *err)
{
	static const char sql[] = "UPDATE node SET reserved_until = ? "
				  "WHERE id = ? AND state = 'reserved'";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);

	store_bind_wall(store, query, 1, until);
	bind_node(store, query, 2, id);
	return store_done_one(store, query, err);
}

static int give_back_use(
	struct store *store, const struct node_id *id, struct err *err)
{
	static const char sql[] =
		"UPDATE token SET uses = uses - 1 WHERE uses > 0 AND id = "
		"(SELECT token FROM node WHERE id = ? AND state = 'reserved')";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);

	bind_node(store, query, 1, id);
	return store_done(store, query, NULL, err);
}

static int delete_reservation(
	struct store *store, const struct node_id *id, struct err *err)
{
	static const char sql[] =
		"DELETE FROM node WHERE id = ? AND state = 'reserved'";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);

	bind_node(store, query, 1, id);
	return store_done_one(store, query, err);
}

int store_node_release(struct store *store, const struct node_id *id,
	struct wall now, struct err *err)
{
	int r = give_back_use(store, id, err);

	/* Of IPv6 there are too many to come round to them again: rows of
	 * addresses that nobody used would only pile up. */
	if (r == 0)
		r = store_address_forget6(store, id, err);
	if (r == 0)
		r = store_address_free_all(store, id, now, err);
	if (r == 0)
		r = delete_reservation(store, id, err);
	return r;
}

/* The reservation that ran out first; -ENOENT when there is none. */
static int next_expired(struct store *store, struct wall now,
	struct node_id *ret_id, struct err *err)
{
	static const char sql[] =
		"SELECT id FROM node WHERE state = 'reserved' "
		"AND reserved_until <= ? ORDER BY reserved_until LIMIT 1";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);
	int r;

	store_bind_wall(store, query, 1, now);
	r = store_row(store, query, err);
	if (r < 0)
		return r;
	if (r == 0)
		return -ENOENT;
	return store_read_blob(query, 0, ret_id->b, sizeof(ret_id->b))
		? 0
		: store_malformed("node", err);
}

int store_node_expire(struct store *store, struct wall now, struct err *err)
{
	struct node_id id;
	int r;

	while ((r = next_expired(store, now, &id, err)) == 0) {
		r = store_node_release(store, &id, now, err);
		if (r < 0)
			return r;
	}
	return r == -ENOENT ? 0 : r;
}

int store_node_admit(
	struct store *store, const struct node_row *row, struct err *err)
{
	static const char sql[] =
		"UPDATE node SET state = 'member', reserved_until = NULL, "
		"joined_at = ?, public_key = ?, credential_id = ?, "
		"credential_hash = ? WHERE id = ? AND state = 'reserved'";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);

	store_bind_wall(store, query, 1, row->joined);
	store_bind_blob(
		store, query, 2, row->public_key.b, sizeof(row->public_key.b));
	store_bind_str(store, query, 3, row->credential_id);
	store_bind_blob(store, query, 4, row->credential_hash.b,
		sizeof(row->credential_hash.b));
	bind_node(store, query, 5, &row->id);
	return store_done_one(store, query, err);
}

int store_node_rename(struct store *store, const struct node_id *id,
	const char *name, struct err *err)
{
	static const char sql[] = "UPDATE node SET name = ? "
				  "WHERE id = ? AND state = 'member'";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);

	store_bind_str(store, query, 1, name);
	bind_node(store, query, 2, id);
	return store_done_one(store, query, err);
}

int store_node_remove(struct store *store, const struct node_id *id,
	struct wall now, struct err *err)
{
	static const char sql[] =
		"UPDATE node SET state = 'removed', removed_at = ? "
		"WHERE id = ? AND state = 'member'";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);
	struct msg_node_endpoints nowhere = { .node = *id };
	int r;

	store_bind_wall(store, query, 1, now);
	bind_node(store, query, 2, id);
	r = store_done_one(store, query, err);
	if (r == 0)
		r = store_endpoint_put(store, &nowhere, 0, err);
	if (r == 0)
		r = store_address_free_all(store, id, now, err);
	return r;
}

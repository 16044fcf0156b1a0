/* store_endpoint: where each node was last known to be (store.h). */
#include "config.h"

#include "meshd/store_db.h"

#include <errno.h>

#include "base/banned.h"

static int forget(
	struct store *store, const struct node_id *node, struct err *err)
{
	static const char sql[] = "DELETE FROM endpoint WHERE node = ?";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);

	store_bind_blob(store, query, 1, node->b, sizeof(node->b));
	return store_done(store, query, NULL, err);
}

static int insert(struct store *store, const struct node_id *node,
	size_t position, const struct endpoint *ep, struct err *err)
{
	static const char sql[] = "INSERT INTO endpoint (node, position, "
				  "endpoint) VALUES (?, ?, ?)";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);
	char text[ENDPOINT_TEXT_SIZE];

	store_bind_blob(store, query, 1, node->b, sizeof(node->b));
	store_bind_u64(store, query, 2, position);
	store_bind_str(store, query, 3, endpoint_format(ep, text));
	return store_done(store, query, NULL, err);
}

static int set_serial(struct store *store, const struct node_id *node,
	uint64_t serial, struct err *err)
{
	static const char sql[] =
		"UPDATE node SET endpoint_serial = ? WHERE id = ?";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);

	store_bind_u64(store, query, 1, serial);
	store_bind_blob(store, query, 2, node->b, sizeof(node->b));
	return store_done_one(store, query, err);
}

int store_endpoint_put(struct store *store, const struct msg_node_endpoints *at,
	uint64_t serial, struct err *err)
{
	int r = forget(store, &at->node, err);

	for (size_t i = 0; r == 0 && i < at->count; i++)
		r = insert(store, &at->node, i, &at->endpoints[i], err);
	if (r == 0)
		r = set_serial(store, &at->node, serial, err);
	return r;
}

/* What does not parse is left out: a hint less. */
static void read_endpoint(
	sqlite3_stmt *query, int column, struct msg_node_endpoints *at)
{
	char text[ENDPOINT_TEXT_SIZE];

	if (at->count < MSG_ENDPOINTS_MAX &&
		store_read_str(query, column, text, sizeof(text)) &&
		endpoint_parse(text, &at->endpoints[at->count]))
		at->count++;
}

int store_endpoint_find(struct store *store, const struct node_id *node,
	struct msg_node_endpoints *ret_at, struct err *err)
{
	static const char sql[] = "SELECT endpoint FROM endpoint "
				  "WHERE node = ? ORDER BY position";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);
	struct msg_node_endpoints at = { .node = *node };
	int r;

	store_bind_blob(store, query, 1, node->b, sizeof(node->b));
	while ((r = store_row(store, query, err)) > 0)
		read_endpoint(query, 0, &at);
	if (r == 0)
		*ret_at = at;
	return r;
}

int store_endpoint_list(struct store *store, uint64_t since,
	struct endpoint_rows *rows, struct err *err)
{
	/* A node without any still has its row: it had some before. */
	static const char sql[] =
		"SELECT id, endpoint_serial, endpoint FROM node "
		"LEFT JOIN endpoint ON endpoint.node = node.id "
		"WHERE endpoint_serial > ? AND state = 'member' "
		"ORDER BY endpoint_serial, id, position";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);
	struct endpoint_row *row = NULL;
	int r;

	store_bind_u64(store, query, 1, since);
	while ((r = store_row(store, query, err)) > 0) {
		struct node_id id;

		if (!store_read_blob(query, 0, id.b, sizeof(id.b)))
			return store_malformed("endpoint", err);
		if (!row || !node_id_equal(&row->at.node, &id))
			row = endpoint_rows_add(
				rows, &id, store_read_u64(query, 1));
		if (!row)
			return err_set(err, -ENOMEM, "out of memory");
		read_endpoint(query, 2, &row->at);
	}
	return r;
}

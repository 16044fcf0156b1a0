/* store_mesh: the one mesh, and its serial (store.h). */
#include "config.h"

#include "meshd/store_db.h"

#include <errno.h>

#include "base/banned.h"

int store_mesh_load(
	struct store *store, struct mesh_row *ret_row, struct err *err)
{
	static const char sql[] =
		"SELECT id, operator_key, serial, created_at FROM mesh";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);
	int r = store_row(store, query, err);
	struct mesh_row row = { 0 };

	if (r < 0)
		return r;
	if (r == 0)
		return err_set(err, -ENOENT, "there is no mesh yet");
	if (!store_read_blob(query, 0, row.id.b, sizeof(row.id.b)) ||
		!store_read_blob(query, 1, row.operator_key.b,
			sizeof(row.operator_key.b)))
		return store_malformed("mesh", err);
	row.serial = store_read_u64(query, 2);
	row.created = store_read_wall(query, 3);
	*ret_row = row;
	return 0;
}

int store_mesh_insert(
	struct store *store, const struct mesh_row *row, struct err *err)
{
	static const char sql[] = "INSERT INTO mesh (one, id, operator_key, "
				  "serial, created_at) VALUES (1, ?, ?, ?, ?)";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);

	store_bind_blob(store, query, 1, row->id.b, sizeof(row->id.b));
	store_bind_blob(store, query, 2, row->operator_key.b,
		sizeof(row->operator_key.b));
	store_bind_u64(store, query, 3, row->serial);
	store_bind_wall(store, query, 4, row->created);
	return store_done(store, query, NULL, err);
}

int store_serial_next(struct store *store, const struct now *now,
	uint64_t *ret_serial, struct err *err)
{
	static const char sql[] =
		"UPDATE mesh SET serial = max(serial + 1, ?) RETURNING serial";
	AUTO(store_query_reset)
	sqlite3_stmt *query = store_query(store, sql, err);
	int64_t floor_ms = now->wall.ns / NSEC_PER_MSEC;
	int r;

	if (store->serial_first != 0 || floor_ms < 0)
		floor_ms = 0;
	store_bind_u64(store, query, 1, (uint64_t)floor_ms);
	r = store_row(store, query, err);
	if (r < 0)
		return r;
	if (r == 0)
		return err_set(err, -ENOENT, "there is no mesh yet");
	*ret_serial = store_read_u64(query, 0);
	if (store->serial_first == 0)
		store->serial_first = *ret_serial;
	return 0;
}

bool store_serial_is_ours(const struct store *store, uint64_t since)
{
	bool at_open =
		store->serial_at_open != 0 && since == store->serial_at_open;
	bool later = store->serial_first != 0 && since >= store->serial_first;

	return at_open || later;
}

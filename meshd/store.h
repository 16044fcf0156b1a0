/*
 * store: the coordinator's memory across restarts: one SQLite database, one
 * file of this module an aggregate (store_node.c, store_token.c, ...). No SQL
 * stands anywhere else. Values go in and out; nothing is borrowed.
 *
 * Durable: WAL with synchronous=FULL, so what was committed survives a power
 * cut. One writer: a lock file keeps a second meshd off the directory. All
 * files are 0600 from their first byte.
 *
 * A change is one transaction, from store_begin() to store_commit(); what
 * several readers must agree on belongs into one as well:
 *
 *	AUTO(store_rollback) struct store *tx = NULL;
 *	r = store_begin(store, &tx, err);
 *	...
 *	return store_commit(&tx, err);
 *
 * All functions answer 0 or -errno with ERR: -ENOENT for what is not there
 * (ret_ untouched), -EEXIST where the database says that it must be unique,
 * -ENOSPC, -EIO and the like when the disk refuses. Called from the main
 * thread only.
 */
#ifndef MESHD_STORE_H
#define MESHD_STORE_H

#include "meshd/ipam.h"
#include "meshd/model.h"

struct store;

#define STORE_FILE	"mesh.db"
#define STORE_LOCK_FILE "meshd.lock"

/* DIR is made 0700 if it is missing; -EBUSY when another meshd holds it. */
WARN_UNUSED int store_open(
	const char *dir, struct store **ret_store, struct err *err);
void store_free(struct store *store);
AUTO_DEFINE(struct store, store_free)

/* BEGIN IMMEDIATE: from here on nobody else writes. */
WARN_UNUSED int store_begin(
	struct store *store, struct store **ret_tx, struct err *err);
/* Takes *TX, whatever happens: a commit that fails has rolled back. */
WARN_UNUSED int store_commit(struct store **tx, struct err *err);
void store_rollback(struct store *tx); /* NULL is fine */
AUTO_DEFINE(struct store, store_rollback)

/* ---- mesh ---- */

WARN_UNUSED int store_mesh_load(
	struct store *store, struct mesh_row *ret_row, struct err *err);
WARN_UNUSED int store_mesh_insert(
	struct store *store, const struct mesh_row *row, struct err *err);
/*
 * The serial of the change that is being made. It rises by one, but the first
 * after a start is at least the wall clock's milliseconds: a database that was
 * put back from a backup never says a serial again that agents heard from its
 * lost future.
 */
WARN_UNUSED int store_serial_next(struct store *store, const struct now *now,
	uint64_t *ret_serial, struct err *err);
/* Whether an agent that says it has SINCE can be given a delta: the serial at
 * the start, or one handed out since. */
bool store_serial_is_ours(const struct store *store, uint64_t since);

/* ---- record ---- */

/* Replaces the one of its type and subject. SERIAL 0: nobody is told yet. */
WARN_UNUSED int store_record_put(struct store *store, const struct record *rec,
	const struct envelope *env, uint64_t serial, struct err *err);
/* Gives a record that nobody was told of its SERIAL; others keep theirs. */
WARN_UNUSED int store_record_tell(struct store *store, enum record_type type,
	const struct subject *subject, uint64_t serial, struct err *err);
/* Nobody is told of it from now on; it is kept. */
WARN_UNUSED int store_record_untell(struct store *store, enum record_type type,
	const struct subject *subject, struct err *err);
WARN_UNUSED int store_record_find(struct store *store, enum record_type type,
	const struct subject *subject, struct record_row *ret_row,
	struct err *err); /* the envelope is the caller's */
WARN_UNUSED int store_record_delete(struct store *store, enum record_type type,
	const struct subject *subject, struct err *err);
enum store_records {
	STORE_RECORDS_TOLD, /* those with a serial above SINCE */
	STORE_RECORDS_ALL,  /* also those that nobody is told of */
};
/* Adds to ROWS in order of serial. */
WARN_UNUSED int store_record_list(struct store *store, enum store_records which,
	uint64_t since, struct record_rows *rows, struct err *err);

/* ---- token ---- */

WARN_UNUSED int store_token_insert(
	struct store *store, const struct token_row *row, struct err *err);
WARN_UNUSED int store_token_find(struct store *store, const char *id,
	struct token_row *ret_row, struct err *err);
/* Calls FN for each, oldest first, uses without those of reservations that
 * have run out. FN answers 0 or -errno, which ends it. */
WARN_UNUSED int store_token_each(struct store *store, struct wall now,
	int (*fn)(void *arg, const struct token_row *row), void *arg,
	struct err *err);
/* Whether there is any token or node. */
WARN_UNUSED int store_token_any(
	struct store *store, bool *ret_any, struct err *err);
/* How many of its reservations are open; those that ran out count until
 * store_node_expire(). */
WARN_UNUSED int store_token_reserved(struct store *store, const char *id,
	uint64_t *ret_count, struct err *err);
/* One use less, if the token is valid at NOW and has one left; else -EDQUOT.
 * The check and the act are one statement. */
WARN_UNUSED int store_token_consume(
	struct store *store, const char *id, struct wall now, struct err *err);
/* Again is fine; -ENOENT. */
WARN_UNUSED int store_token_revoke(
	struct store *store, const char *id, struct wall now, struct err *err);

/* ---- node ---- */

WARN_UNUSED int store_node_find(struct store *store, const struct node_id *id,
	struct node_row *ret_row, struct err *err);
/* Not of the removed. */
WARN_UNUSED int store_node_find_name(struct store *store, const char *name,
	struct node_row *ret_row, struct err *err);
WARN_UNUSED int store_node_find_credential(struct store *store,
	const char *credential_id, struct node_row *ret_row, struct err *err);
WARN_UNUSED int store_node_find_key(struct store *store,
	const struct pubkey *key, struct node_row *ret_row, struct err *err);
/* Adds every member to ROWS, in order of name. */
WARN_UNUSED int store_node_list(
	struct store *store, struct node_rows *rows, struct err *err);
WARN_UNUSED int store_node_count(struct store *store, uint32_t *ret_count,
	struct err *err); /* members */

/* When the last one joined; 0: none has. */
WARN_UNUSED int store_node_last_joined(
	struct store *store, struct wall *ret_at, struct err *err);

/* A reservation: id, identity, name, token, reserved_until. */
WARN_UNUSED int store_node_reserve(
	struct store *store, const struct node_row *row, struct err *err);
WARN_UNUSED int store_node_extend(struct store *store, const struct node_id *id,
	struct wall until, struct err *err);
/* Gives the use and the addresses back. */
WARN_UNUSED int store_node_release(struct store *store,
	const struct node_id *id, struct wall now, struct err *err);
/* Releases every reservation that ran out before NOW. */
WARN_UNUSED int store_node_expire(
	struct store *store, struct wall now, struct err *err);
/* Reserved to member: joined, public_key, credential_id and _hash of ROW. */
WARN_UNUSED int store_node_admit(
	struct store *store, const struct node_row *row, struct err *err);
WARN_UNUSED int store_node_rename(struct store *store, const struct node_id *id,
	const char *name, struct err *err);
/* Member to removed: its addresses are free, its endpoints forgotten. */
WARN_UNUSED int store_node_remove(struct store *store, const struct node_id *id,
	struct wall now, struct err *err);

/* ---- address ---- */

/* What ipam_pick() reads. Borrows STORE. */
struct ipam_book store_address_book(struct store *store);
/* -EEXIST when another node holds it. */
WARN_UNUSED int store_address_hold(struct store *store,
	const struct ipaddr *addr, const struct node_id *node, struct err *err);
WARN_UNUSED int store_address_free_all(struct store *store,
	const struct node_id *node, struct wall now, struct err *err);
/* Forgets the IPv6 addresses of NODE, which never used them. */
WARN_UNUSED int store_address_forget6(
	struct store *store, const struct node_id *node, struct err *err);
/* IPv4 first; at most RECORD_ADDRESSES_MAX. */
WARN_UNUSED int store_address_list(struct store *store,
	const struct node_id *node, struct ipnet *ret_addrs, size_t *ret_count,
	struct err *err);

/* ---- endpoint ---- */

/* Replaces what is known; SERIAL is the change's. */
WARN_UNUSED int store_endpoint_put(struct store *store,
	const struct msg_node_endpoints *at, uint64_t serial, struct err *err);
WARN_UNUSED int store_endpoint_find(struct store *store,
	const struct node_id *node, struct msg_node_endpoints *ret_at,
	struct err *err); /* count 0 when nothing is known */
/* Adds those of members whose endpoints changed after SINCE. */
WARN_UNUSED int store_endpoint_list(struct store *store, uint64_t since,
	struct endpoint_rows *rows, struct err *err);

#endif

/*
 * api_enroll: how a host becomes a node, in two steps that may be repeated
 * (api.h). The offer takes a use of the token and the node's name and addresses
 * in one transaction; completion stores what the host signed. An offer that is
 * not taken up runs out and gives everything back, when the next one is made.
 */
#include "config.h"

#include "meshd/api.h"

#include "meshd/ipam.h"
#include "meshd/reply.h"
#include "meshd/store.h"
#include "os/log.h"

#include <errno.h>
#include <string.h>

#include "base/banned.h"

#define RESERVED_NS ((int64_t)MSG_ENROLL_RESERVED_SEC * NSEC_PER_SEC)

/* Open reservations a token. Honest hosts hold one for the moment between two
 * calls; a token without a limit must not fill the database with them. */
#define RESERVED_MAX 64

/* ---- the offer ---- */

/* The envelope of a record that must be there; NULL: replied. */
static struct envelope *must_find(struct api_call *call, enum record_type type,
	const struct subject *subject)
{
	struct record_row row;
	struct err err = { 0 };
	int r = store_record_find(
		call->meshd->store, type, subject, &row, &err);

	if (r == 0)
		return row.envelope;
	reply_failed(call, r, &err);
	return NULL;
}

static void reply_offer(struct api_call *call, const struct node_row *node)
{
	struct meshd *meshd = call->meshd;
	AUTO(msg_enroll_offer_release)
	struct msg_enroll_offer offer = { .node = node->id };
	struct subject mesh = subject_of_mesh(&meshd->mesh.id);
	struct subject grant =
		subject_of_delegate(&call->caller.token.delegate);
	struct err err = { 0 };
	int r = store_address_list(meshd->store, &node->id, offer.addresses,
		&offer.address_count, &err);

	if (r < 0) {
		reply_failed(call, r, &err);
		return;
	}
	offer.mesh = must_find(call, RECORD_MESH, &mesh);
	if (!offer.mesh)
		return;
	offer.grant = must_find(call, RECORD_GRANT, &grant);
	if (offer.grant)
		REPLY(call, 200, enroll_offer, &offer);
}

/* Where the node's addresses come from: what the grant and the mesh have in
 * common. */
struct sources {
	struct ipnet prefixes[RECORD_PREFIXES_MAX];
	size_t count;
};

static struct sources common_of(
	const struct record_mesh *mesh, const struct record_grant *grant)
{
	struct sources common = { 0 };

	for (size_t i = 0; i < mesh->prefix_count; i++)
		for (size_t j = 0; j < grant->prefix_count; j++) {
			const struct ipnet *a = &mesh->prefixes[i];
			const struct ipnet *b = &grant->prefixes[j];

			if (common.count == RECORD_PREFIXES_MAX)
				return common;
			if (ipnet_contains(a, b))
				common.prefixes[common.count++] = *b;
			else if (ipnet_contains(b, a))
				common.prefixes[common.count++] = *a;
		}
	return common;
}

static int find_sources(struct meshd *meshd, const struct signpub *delegate,
	struct sources *ret_sources, struct err *err)
{
	const struct record_mesh *mesh = trust_mesh(meshd->trust);
	struct subject subject = subject_of_delegate(delegate);
	AUTO(envelope_free) struct envelope *env = NULL;
	struct record_row row;
	struct record rec;
	int r = store_record_find(
		meshd->store, RECORD_GRANT, &subject, &row, err);

	if (r < 0)
		return r;
	env = row.envelope;
	r = record_open(env, &rec, err);
	if (r < 0)
		return r;
	if (!mesh || rec.type != RECORD_GRANT)
		return err_set(err, -EBADMSG,
			"the database's mesh record is not believed");
	*ret_sources = common_of(mesh, &rec.grant);
	if (ret_sources->count == 0)
		return err_set(err, -ENOSPC,
			"the token's grant has no address of this mesh");
	return 0;
}

static int take_addresses(struct meshd *meshd, const struct node_row *node,
	const struct sources *sources, struct err *err)
{
	struct ipam_book book = store_address_book(meshd->store);
	struct ipaddr addr;
	int r = 0;

	for (size_t i = 0; r == 0 && i < sources->count; i++) {
		r = ipam_pick(&book, &sources->prefixes[i], &addr, err);
		if (r == 0)
			r = store_address_hold(
				meshd->store, &addr, &node->id, err);
	}
	return r;
}

/* What stands in the way of NODE, in a transaction. */
enum obstacle {
	FREE,	    /* nothing */
	ALREADY,    /* the same offer stands, or was taken up */
	OTHER_JOIN, /* the identity is a node by another name or token */
	NODE_GONE,  /* the identity was removed, for good */
	NAME_TAKEN,
	TOO_MANY, /* reservations of this token are open */
};

/* Whether the identity is known. A reservation that is not this one makes room
 * for it. 0 with RET_OBSTACLE, or -errno. */
static int check_identity(struct meshd *meshd, const struct node_row *node,
	struct wall now, enum obstacle *ret_obstacle, struct err *err)
{
	struct verified_node tombstone;
	struct node_row there;
	int r = store_node_find(meshd->store, &node->id, &there, err);
	bool same;

	*ret_obstacle = FREE;
	if (r == -ENOENT) {
		if (trust_find(meshd->trust, &node->id, &tombstone) &&
			tombstone.removed)
			*ret_obstacle = NODE_GONE;
		return 0;
	}
	if (r < 0)
		return r;
	same = strcmp(there.name, node->name) == 0 &&
		strcmp(there.token, node->token) == 0;
	switch (there.state) {
	case NODE_REMOVED:
		*ret_obstacle = NODE_GONE;
		return 0;
	case NODE_MEMBER:
		*ret_obstacle = same ? ALREADY : OTHER_JOIN;
		return 0;
	case NODE_RESERVED:
		if (!same)
			return store_node_release(
				meshd->store, &there.id, now, err);
		*ret_obstacle = ALREADY;
		return store_node_extend(
			meshd->store, &there.id, node->reserved_until, err);
	}
	BUG_ON(true);
}

static int check_name(struct meshd *meshd, const struct node_row *node,
	enum obstacle *ret_obstacle, struct err *err)
{
	struct node_row there;
	int r = store_node_find_name(meshd->store, node->name, &there, err);

	if (r == 0)
		*ret_obstacle = NAME_TAKEN;
	return r == -ENOENT ? 0 : r;
}

static int check_reserved(struct meshd *meshd, const struct node_row *node,
	enum obstacle *ret_obstacle, struct err *err)
{
	uint64_t count;
	int r = store_token_reserved(meshd->store, node->token, &count, err);

	if (r == 0 && count >= RESERVED_MAX)
		*ret_obstacle = TOO_MANY;
	return r;
}

/* All or nothing. -EDQUOT: no use is left; -ENOSPC: no address. */
static int reserve(struct meshd *meshd, const struct node_row *node,
	const struct sources *sources, struct wall now,
	enum obstacle *ret_obstacle, struct err *err)
{
	AUTO(store_rollback) struct store *tx = NULL;
	int r = store_begin(meshd->store, &tx, err);

	if (r == 0)
		r = store_node_expire(meshd->store, now, err);
	if (r == 0)
		r = check_identity(meshd, node, now, ret_obstacle, err);
	if (r == 0 && *ret_obstacle == FREE)
		r = check_name(meshd, node, ret_obstacle, err);
	if (r == 0 && *ret_obstacle == FREE)
		r = check_reserved(meshd, node, ret_obstacle, err);
	if (r == 0 && *ret_obstacle == FREE) {
		r = store_token_consume(meshd->store, node->token, now, err);
		if (r == 0)
			r = store_node_reserve(meshd->store, node, err);
		if (r == 0)
			r = take_addresses(meshd, node, sources, err);
	}
	if (r < 0)
		return r;
	return *ret_obstacle == FREE || *ret_obstacle == ALREADY
		? store_commit(&tx, err)
		: 0;
}

static void reply_obstacle(struct api_call *call, enum obstacle obstacle,
	const struct node_row *node)
{
	switch (obstacle) {
	case FREE:
	case ALREADY:
		reply_offer(call, node);
		return;
	case OTHER_JOIN:
		reply_problem(call, 409, "already-enrolled",
			"this identity is a node already, by another name or "
			"token");
		return;
	case NODE_GONE:
		reply_problem(call, 410, "node-removed",
			"this identity was removed from the mesh, for good");
		return;
	case NAME_TAKEN:
		reply_problem_at(call, 409, "name-taken", "/name",
			"another node has the name %s", node->name);
		return;
	case TOO_MANY:
		reply_problem(call, 429, "token-busy",
			"%d joins with this token are under way and not "
			"completed: try again later",
			RESERVED_MAX);
		return;
	}
	BUG_ON(true);
}

void api_enroll(struct api_call *call)
{
	const struct api_request *request = call->request;
	struct meshd *meshd = call->meshd;
	const struct token_row *token = &call->caller.token;
	struct wall until = { call->now->wall.ns + RESERVED_NS };
	struct node_row node = { .reserved_until = until };
	struct msg_enroll_request msg;
	enum obstacle obstacle = FREE;
	struct sources sources;
	struct err err = { 0 };
	int r;

	if (msg_enroll_request_decode(
		    request->body, request->body_len, &msg, &err) < 0) {
		reply_malformed(call, &err);
		return;
	}
	node.id = node_id_of(&msg.identity);
	node.identity = msg.identity;
	(void)str_copy(node.name, sizeof(node.name), msg.name);
	(void)str_copy(node.token, sizeof(node.token), token->id);
	r = find_sources(meshd, &token->delegate, &sources, &err);
	if (r == 0)
		r = reserve(meshd, &node, &sources, call->now->wall, &obstacle,
			&err);
	if (r == -EDQUOT)
		reply_problem(call, 403, "token-used",
			"the token is used up: every node it may admit has "
			"joined");
	else if (r == -ENOSPC)
		reply_problem(call, 409, "addresses-exhausted", "%s", err.msg);
	else if (r < 0)
		reply_failed(call, r, &err);
	else
		reply_obstacle(call, obstacle, &node);
}

/* ---- completion ---- */

/* What the host signed must be what was offered. Each false: replied. */

static bool same_addresses(const struct record_membership *membership,
	const struct ipnet *offered, size_t count)
{
	if (membership->address_count != count)
		return false;
	for (size_t i = 0; i < count; i++) {
		size_t j = 0;

		while (j < count &&
			!ipnet_equal(&membership->addresses[j], &offered[i]))
			j++;
		if (j == count)
			return false;
	}
	return true;
}

static bool check_membership(struct api_call *call, const struct node_row *node,
	const struct envelope *env, const struct record *rec)
{
	const struct record_membership *membership = &rec->membership;
	struct ipnet offered[RECORD_ADDRESSES_MAX];
	struct err err = { 0 };
	const char *wrong = NULL;
	size_t count;
	int r = store_address_list(
		call->meshd->store, &node->id, offered, &count, &err);

	if (r < 0) {
		reply_failed(call, r, &err);
		return false;
	}
	if (rec->type != RECORD_MEMBERSHIP)
		wrong = "is no membership";
	else if (!key_equal(env->key.b, call->caller.token.delegate.b))
		wrong = "is not signed by the token's delegate";
	else if (!key_equal(membership->identity.b, node->identity.b))
		wrong = "is of another identity";
	else if (strcmp(membership->name, node->name) != 0)
		wrong = "has another name than was offered";
	else if (!same_addresses(membership, offered, count))
		wrong = "has other addresses than were offered";
	if (wrong)
		reply_problem_at(call, 422, "record-refused", "/membership",
			"the membership %s", wrong);
	return !wrong;
}

static bool check_key(struct api_call *call, const struct node_row *node,
	const struct envelope *env, const struct record *rec)
{
	struct node_row there;
	struct err err = { 0 };
	const char *wrong = NULL;
	int r;

	if (rec->type != RECORD_KEY)
		wrong = "is no key record";
	else if (!node_id_equal(&rec->key.node, &node->id))
		wrong = "is of another node";
	else if (!key_equal(env->key.b, node->identity.b))
		wrong = "is not signed by the node's identity";
	if (wrong) {
		reply_problem_at(call, 422, "record-refused", "/key",
			"the key record %s", wrong);
		return false;
	}
	r = store_node_find_key(
		call->meshd->store, &rec->key.public_key, &there, &err);
	if (r == 0 && !node_id_equal(&there.id, &node->id)) {
		reply_problem_at(call, 409, "key-taken", "/key",
			"another node has this WireGuard key");
		return false;
	}
	if (r < 0 && r != -ENOENT) {
		reply_failed(call, r, &err);
		return false;
	}
	return true;
}

static bool open_record(struct api_call *call, const char *field,
	const struct envelope *env, struct record *ret_rec)
{
	struct err err = { 0 };

	if (record_open(env, ret_rec, &err) == 0)
		return true;
	reply_problem_at(call, 422, "record-refused", field, "%s", err.msg);
	return false;
}

/* One of the two records, into the transaction and then into trust. */
static bool put_record(struct api_call *call, struct change *change,
	const struct record *rec, const struct envelope *env)
{
	struct err err = { 0 };
	enum trust_verdict verdict;
	int r = store_record_put(
		call->meshd->store, rec, env, change->serial, &err);

	if (r < 0) {
		reply_failed(call, r, &err);
		return false;
	}
	verdict = trust_offer(call->meshd->trust, env, call->now, &err);
	if (verdict == TRUST_ACCEPTED || verdict == TRUST_KNOWN)
		return true;
	reply_untrusted(call, verdict, &err);
	return false;
}

/* Checks and stores the membership; a frame of its own: a record is large. */
static bool put_membership(struct api_call *call, struct change *change,
	const struct node_row *node, const struct envelope *env)
{
	struct record rec;

	return open_record(call, "/membership", env, &rec) &&
		check_membership(call, node, env, &rec) &&
		put_record(call, change, &rec, env);
}

static bool put_key(struct api_call *call, struct change *change,
	struct node_row *node, const struct envelope *env)
{
	struct record rec;

	if (!open_record(call, "/key", env, &rec) ||
		!check_key(call, node, env, &rec))
		return false;
	node->public_key = rec.key.public_key;
	return put_record(call, change, &rec, env);
}

static bool key_is_right(struct api_call *call, const struct node_row *node,
	const struct envelope *env)
{
	struct record rec;

	return open_record(call, "/key", env, &rec) &&
		check_key(call, node, env, &rec);
}

static bool read_credential(
	struct api_call *call, const char *text, struct node_row *node)
{
	AUTO(bearer_wipe) struct bearer bearer;
	struct node_row there;
	struct err err = { 0 };
	int r;

	if (!bearer_parse(text, &bearer) || strcmp(bearer.kind, "agent") != 0) {
		reply_problem_at(call, 422, "credential-invalid", "/credential",
			"this is no agent's bearer");
		return false;
	}
	node->credential_hash = auth_hash(&call->meshd->auth, &bearer);
	(void)str_copy(
		node->credential_id, sizeof(node->credential_id), bearer.id);
	r = store_node_find_credential(
		call->meshd->store, bearer.id, &there, &err);
	if (r == -ENOENT || (r == 0 && node_id_equal(&there.id, &node->id)))
		return true;
	if (r < 0)
		reply_failed(call, r, &err);
	else
		reply_problem_at(call, 409, "credential-taken", "/credential",
			"another node has this credential");
	return false;
}

/* Key before membership: trust must not believe half of a node, and the key
 * needs no trust to be checked. */
static bool admit(struct api_call *call, struct node_row *node,
	const struct msg_enroll_complete *msg)
{
	struct meshd *meshd = call->meshd;
	AUTO(change_rollback) struct change change = { 0 };
	struct subject grant =
		subject_of_delegate(&call->caller.token.delegate);
	struct err err = { 0 };
	int r;

	if (!key_is_right(call, node, msg->key))
		return false;
	r = change_begin(meshd, call->now, &change, &err);
	if (r == 0)
		r = store_record_tell(meshd->store, RECORD_GRANT, &grant,
			change.serial, &err);
	if (r < 0) {
		reply_failed(call, r, &err);
		return false;
	}
	if (!put_membership(call, &change, node, msg->membership) ||
		!put_key(call, &change, node, msg->key))
		return false;
	node->joined = call->now->wall;
	r = store_node_admit(meshd->store, node, &err);
	if (r == 0)
		r = change_commit(&change, &err);
	if (r < 0) {
		reply_failed(call, r, &err);
		return false;
	}
	log_info("node %s joined", node->name);
	return true;
}

/* The answer to the first completion was lost: the host asks once more. It
 * signs anew, so bytes may differ; what they say may not. */
static void readmit(struct api_call *call, const struct node_row *node,
	const struct msg_enroll_complete *msg)
{
	struct node_row again = *node;
	struct record key;

	if (!read_credential(call, msg->credential, &again) ||
		!open_record(call, "/key", msg->key, &key) ||
		!check_key(call, node, msg->key, &key))
		return;
	if (!auth_hash_equal(&again.credential_hash, &node->credential_hash) ||
		!key_equal(key.key.public_key.b, node->public_key.b))
		reply_problem(call, 409, "already-enrolled",
			"this identity has joined already, with another key or "
			"credential");
	else
		api_reply_netmap(call, node, 0);
}

void api_enroll_complete(struct api_call *call)
{
	const struct api_request *request = call->request;
	struct meshd *meshd = call->meshd;
	AUTO(msg_enroll_complete_release)
	struct msg_enroll_complete msg = { 0 };
	struct node_id id;
	struct node_row node;
	struct err err = { 0 };
	int r = -ENOENT;

	if (node_id_parse(call->param, &id))
		r = store_node_find(meshd->store, &id, &node, &err);
	if (r < 0 && r != -ENOENT) {
		reply_failed(call, r, &err);
		return;
	}
	if (r == -ENOENT || strcmp(node.token, call->caller.token.id) != 0) {
		reply_problem(call, 404, "reservation-unknown",
			"nothing is reserved for node %s by this token",
			call->param);
		return;
	}
	if (msg_enroll_complete_decode(
		    request->body, request->body_len, &msg, &err) < 0) {
		reply_malformed(call, &err);
		return;
	}
	if (node.state == NODE_REMOVED) {
		reply_problem(call, 410, "node-removed",
			"this node was removed from the mesh");
	} else if (node.state == NODE_MEMBER) {
		readmit(call, &node, &msg);
	} else if (node.reserved_until.ns <= call->now->wall.ns) {
		reply_problem(call, 409, "reservation-expired",
			"the reservation has run out: ask for another");
	} else if (read_credential(call, msg.credential, &node) &&
		admit(call, &node, &msg)) {
		meshd_on_seen(meshd, &node.id, call->now);
		api_reply_netmap(call, &node, 0);
	}
}

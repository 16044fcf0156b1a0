/* api_node: nodes as operators see, restate and remove them (api.h). */
#include "config.h"

#include "meshd/api.h"

#include "meshd/reply.h"
#include "meshd/store.h"
#include "os/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* ---- views ---- */

static int find_record(struct meshd *meshd, enum record_type type,
	const struct subject *subject, struct envelope **ret_env,
	struct err *err)
{
	struct record_row row;
	int r = store_record_find(meshd->store, type, subject, &row, err);

	if (r == 0)
		*ret_env = row.envelope;
	return r;
}

/* The membership, and the grant that it rests on if a delegate signed it. */
static int add_records(struct meshd *meshd, const struct node_row *node,
	struct msg_node_view *view, struct err *err)
{
	struct subject subject = subject_of_node(&node->id);
	int r = find_record(
		meshd, RECORD_MEMBERSHIP, &subject, &view->membership, err);

	if (r < 0)
		return r;
	if (key_equal(view->membership->key.b, meshd->mesh.operator_key.b))
		return 0;
	subject = subject_of_delegate(&view->membership->key);
	r = find_record(meshd, RECORD_GRANT, &subject, &view->grant, err);
	return r == -ENOENT ? 0 : r;
}

static int add_presence(struct meshd *meshd, const struct node_row *node,
	const struct now *now, struct msg_node_view *view)
{
	const struct presence_node *seen =
		presence_find(&meshd->presence, &node->id);

	if (!seen)
		return 0;
	view->online = presence_state(seen, now).online;
	view->last_seen = seen->last_seen.wall;
	view->applied = seen->applied;
	if (seen->peer_count == 0)
		return 0;
	view->peers = calloc(seen->peer_count, sizeof(*view->peers));
	if (!view->peers)
		return -ENOMEM;
	view->peer_count = seen->peer_count;
	memcpy(view->peers, seen->peers,
		seen->peer_count * sizeof(*view->peers));
	return 0;
}

/* -ENOENT: a member without a membership record, which only a hand in the
 * database can leave behind. */
static int make_view(struct meshd *meshd, const struct node_row *node,
	const struct now *now, struct msg_node_view *ret_view, struct err *err)
{
	AUTO(msg_node_view_release)
	struct msg_node_view view = { .node = node->id,
		.public_key = node->public_key };
	struct msg_node_endpoints at;
	struct verified_node verified;
	int r = add_records(meshd, node, &view, err);

	if (r == 0)
		r = store_address_list(meshd->store, &node->id, view.addresses,
			&view.address_count, err);
	if (r == 0)
		r = store_endpoint_find(meshd->store, &node->id, &at, err);
	if (r < 0)
		return r;
	if (add_presence(meshd, node, now, &view) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	(void)str_copy(view.name, sizeof(view.name), node->name);
	view.endpoint_count = at.count;
	memcpy(view.endpoints, at.endpoints, sizeof(view.endpoints));
	if (trust_find(meshd->trust, &node->id, &verified) &&
		verified.membership) {
		view.tag_count = verified.membership->tag_count;
		memcpy(view.tags, verified.membership->tags, sizeof(view.tags));
	}
	*ret_view = view;
	view = (struct msg_node_view){ 0 };
	return 0;
}

void api_node_list(struct api_call *call)
{
	struct meshd *meshd = call->meshd;
	AUTO(node_rows_release) struct node_rows rows = { 0 };
	AUTO(msg_node_list_release)
	struct msg_node_list list = { .serial = meshd->mesh.serial };
	struct err err = { 0 };
	int r = store_node_list(meshd->store, &rows, &err);

	if (r < 0) {
		reply_failed(call, r, &err);
		return;
	}
	list.nodes = calloc(rows.count + 1, sizeof(*list.nodes));
	if (!list.nodes) {
		reply_broken(call, "making room for a list of nodes");
		return;
	}
	for (size_t i = 0; i < rows.count; i++) {
		r = make_view(meshd, &rows.rows[i], call->now,
			&list.nodes[list.count], &err);
		if (r == 0) {
			list.count++;
		} else if (r != -ENOENT) {
			reply_failed(call, r, &err);
			return;
		}
	}
	REPLY(call, 200, node_list, &list);
}

/* The member that the path names, by id or by name. False: replied. */
static bool find_node(struct api_call *call, struct node_row *ret_node)
{
	struct store *store = call->meshd->store;
	struct node_id id;
	struct err err = { 0 };
	int r = -ENOENT;

	if (node_id_parse(call->param, &id))
		r = store_node_find(store, &id, ret_node, &err);
	if (r == -ENOENT)
		r = store_node_find_name(store, call->param, ret_node, &err);
	if (r == 0 && ret_node->state != NODE_RESERVED)
		return true;
	if (r < 0 && r != -ENOENT)
		reply_failed(call, r, &err);
	else
		reply_no_node(call);
	return false;
}

void api_node_get(struct api_call *call)
{
	AUTO(msg_node_view_release) struct msg_node_view view = { 0 };
	struct node_row node;
	struct err err = { 0 };
	int r;

	if (!find_node(call, &node))
		return;
	if (node.state == NODE_REMOVED) {
		reply_no_node(call);
		return;
	}
	r = make_view(call->meshd, &node, call->now, &view, &err);
	if (r < 0)
		reply_failed(call, r, &err);
	else
		REPLY(call, 200, node_view, &view);
}

/* ---- changes ---- */

/* The record in the body, of TYPE and about NODE. False: replied. */
static bool read_record(struct api_call *call, enum record_type type,
	const struct node_row *node, struct msg_record *ret_msg,
	struct record *ret_rec)
{
	const struct api_request *request = call->request;
	struct subject want = subject_of_node(&node->id), is;
	struct err err = { 0 };

	if (msg_record_decode(request->body, request->body_len, ret_msg, &err) <
		0) {
		reply_malformed(call, &err);
		return false;
	}
	if (record_open(ret_msg->record, ret_rec, &err) < 0) {
		reply_problem_at(
			call, 422, "record-refused", "/record", "%s", err.msg);
		return false;
	}
	is = subject_of_record(ret_rec);
	if (ret_rec->type != type || is.len != want.len ||
		memcmp(is.b, want.b, want.len) != 0) {
		reply_problem_at(call, 422, "record-refused", "/record",
			"this is not the right record of %s", node->name);
		return false;
	}
	return true;
}

/* Whether ENV stands already: then nothing changes. */
static bool stands(struct api_call *call, const struct record *rec,
	const struct envelope *env, uint64_t *ret_serial)
{
	struct subject subject = subject_of_record(rec);
	struct record_row row;
	bool same;

	if (store_record_find(
		    call->meshd->store, rec->type, &subject, &row, NULL) < 0)
		return false;
	same = envelope_equal(row.envelope, env);
	*ret_serial = row.serial;
	envelope_free(row.envelope);
	return same;
}

/* The last word before a commit. False: replied. */
static bool believe(struct api_call *call, const struct envelope *env)
{
	struct err err = { 0 };
	enum trust_verdict verdict =
		trust_offer(call->meshd->trust, env, call->now, &err);

	if (verdict == TRUST_ACCEPTED || verdict == TRUST_KNOWN)
		return true;
	reply_untrusted(call, verdict, &err);
	return false;
}

static int restate(struct api_call *call, const struct node_row *node,
	const struct record *rec, const struct envelope *env,
	struct change *change, struct err *err)
{
	struct store *store = call->meshd->store;
	const struct record_membership *membership = &rec->membership;
	int r = change_begin(call->meshd, call->now, change, err);

	if (r == 0)
		r = store_node_rename(store, &node->id, membership->name, err);
	if (r == 0)
		r = store_address_free_all(
			store, &node->id, call->now->wall, err);
	for (size_t i = 0; r == 0 && i < membership->address_count; i++)
		r = store_address_hold(
			store, &membership->addresses[i].addr, &node->id, err);
	if (r == 0)
		r = store_record_put(store, rec, env, change->serial, err);
	return r;
}

/* False: replied. */
static bool name_is_free(
	struct api_call *call, const struct node_row *node, const char *name)
{
	struct node_row there;
	struct err err = { 0 };
	int r = store_node_find_name(call->meshd->store, name, &there, &err);

	if (r == -ENOENT || (r == 0 && node_id_equal(&there.id, &node->id)))
		return true;
	if (r < 0)
		reply_failed(call, r, &err);
	else
		reply_problem(call, 409, "name-taken",
			"another node has the name %s", name);
	return false;
}

void api_node_put(struct api_call *call)
{
	AUTO(msg_record_release) struct msg_record msg = { 0 };
	AUTO(change_rollback) struct change change = { 0 };
	struct node_row node;
	struct record rec;
	struct err err = { 0 };
	uint64_t serial;
	int r;

	if (!find_node(call, &node))
		return;
	if (node.state == NODE_REMOVED) {
		reply_no_node(call);
		return;
	}
	if (!read_record(call, RECORD_MEMBERSHIP, &node, &msg, &rec))
		return;
	if (stands(call, &rec, msg.record, &serial)) {
		api_reply_applied(call, serial);
		return;
	}
	if (!name_is_free(call, &node, rec.membership.name))
		return;
	r = restate(call, &node, &rec, msg.record, &change, &err);
	if (r == -EEXIST) {
		reply_problem(call, 409, "address-taken", "%s", err.msg);
		return;
	}
	if (r == 0 && !believe(call, msg.record))
		return;
	if (r == 0)
		r = change_commit(&change, &err);
	if (r < 0) {
		reply_failed(call, r, &err);
		return;
	}
	log_info("node %s is now %s", node.name, rec.membership.name);
	api_reply_applied(call, change.serial);
}

/* The membership is kept for the count of its grant, and told to nobody. */
static int bury(struct api_call *call, const struct node_row *node,
	const struct record *rec, const struct envelope *env,
	struct change *change, struct err *err)
{
	struct store *store = call->meshd->store;
	struct subject subject = subject_of_node(&node->id);
	int r = change_begin(call->meshd, call->now, change, err);

	if (r == 0)
		r = store_node_remove(store, &node->id, call->now->wall, err);
	if (r == 0)
		r = store_record_delete(store, RECORD_KEY, &subject, err);
	if (r == 0)
		r = store_record_untell(
			store, RECORD_MEMBERSHIP, &subject, err);
	if (r == 0)
		r = store_record_put(store, rec, env, change->serial, err);
	return r;
}

/* A removal that was made before stands, whoever signed this one. */
static void reply_removed(struct api_call *call, const struct node_row *node)
{
	struct subject subject = subject_of_node(&node->id);
	struct record_row row;
	struct err err = { 0 };
	int r = store_record_find(
		call->meshd->store, RECORD_REMOVAL, &subject, &row, &err);

	if (r < 0) {
		reply_failed(call, r, &err);
		return;
	}
	envelope_free(row.envelope);
	api_reply_applied(call, row.serial);
}

/* Of a node that these books do not have: a backup from before it joined, or a
 * reservation that will come to nothing. The record is all there is to keep. */
static int plant(struct api_call *call, const struct node_row *node,
	const struct record *rec, const struct envelope *env,
	struct change *change, struct err *err)
{
	struct store *store = call->meshd->store;
	struct subject subject = subject_of_node(&node->id);
	struct node_row reserved;
	int r = change_begin(call->meshd, call->now, change, err);

	if (r == 0)
		r = store_node_find(store, &node->id, &reserved, NULL);
	if (r == 0)
		r = store_node_release(store, &node->id, call->now->wall, err);
	if (r == 0 || r == -ENOENT)
		r = store_record_delete(store, RECORD_KEY, &subject, err);
	if (r == 0)
		r = store_record_untell(
			store, RECORD_MEMBERSHIP, &subject, err);
	if (r == 0)
		r = store_record_put(store, rec, env, change->serial, err);
	return r;
}

/* Identities can be made up without end, so only the operator buries one that
 * was never a member here. False: replied. */
static bool may_plant(struct api_call *call, const struct envelope *env)
{
	const struct record_mesh *mesh =
		call->meshd->trust ? trust_mesh(call->meshd->trust) : NULL;

	if (mesh &&
		!memcmp(env->key.b, mesh->operator_key.b, sizeof(env->key.b)))
		return true;
	reply_problem_at(call, 422, "record-refused", "/record",
		"only the operator removes a node that was never a member");
	return false;
}

/* The node that the path names; one that is not in the books by its id only,
 * and then reserved, if anything. False: replied. */
static bool find_to_remove(struct api_call *call, struct node_row *ret_node)
{
	struct node_row node = { .state = NODE_RESERVED };
	struct subject subject;
	struct record_row row;
	struct err err = { 0 };
	int r;

	if (!node_id_parse(call->param, &node.id))
		return find_node(call, ret_node);
	r = store_node_find(call->meshd->store, &node.id, &node, &err);
	if (r < 0 && r != -ENOENT) {
		reply_failed(call, r, &err);
		return false;
	}
	if (node.state == NODE_RESERVED) {
		(void)str_copy(node.name, sizeof(node.name), call->param);
		subject = subject_of_node(&node.id);
		r = store_record_find(call->meshd->store, RECORD_REMOVAL,
			&subject, &row, &err);
		if (r < 0 && r != -ENOENT) {
			reply_failed(call, r, &err);
			return false;
		}
		if (r == 0) { /* planted before */
			envelope_free(row.envelope);
			node.state = NODE_REMOVED;
		}
	}
	*ret_node = node;
	return true;
}

/* The operator's word, the node's own, or an agent that still has either when
 * this coordinator has lost it: the record vouches for itself. */
void api_node_remove(struct api_call *call)
{
	AUTO(msg_record_release) struct msg_record msg = { 0 };
	AUTO(change_rollback) struct change change = { 0 };
	struct node_row node;
	struct record rec;
	struct err err = { 0 };
	int r;

	if (!find_to_remove(call, &node) ||
		!read_record(call, RECORD_REMOVAL, &node, &msg, &rec))
		return;
	if (node.state == NODE_REMOVED) {
		reply_removed(call, &node);
		return;
	}
	if (node.state != NODE_MEMBER && !may_plant(call, msg.record))
		return;
	r = node.state == NODE_MEMBER
		? bury(call, &node, &rec, msg.record, &change, &err)
		: plant(call, &node, &rec, msg.record, &change, &err);
	if (r == 0 && !believe(call, msg.record))
		return;
	if (r == 0) {
		meshd_on_removed(call->meshd, &node.id, call->now);
		r = change_commit(&change, &err);
	}
	if (r < 0) {
		reply_failed(call, r, &err);
		return;
	}
	log_info("node %s is removed%s%s", node.name,
		call->caller.kind == CALLER_AGENT ? ", says " : "",
		call->caller.kind == CALLER_AGENT ? call->caller.node.name
						  : "");
	api_reply_applied(call, change.serial);
}

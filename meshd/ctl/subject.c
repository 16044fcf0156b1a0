/* subject: see subject.h. */
#include "config.h"

#include "meshd/ctl/subject.h"

#include "meshproto/trust.h"

#include <errno.h>
#include <string.h>

#include "base/banned.h"

void subject_free(struct record *record)
{
	free(record);
}

static int out_of_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "out of memory");
}

int subject_mesh(const struct signpub *op, const struct msg_mesh_view *view,
	struct record **ret_mesh, struct err *err)
{
	AUTO(subject_free) struct record *rec = calloc(1, sizeof(*rec));
	struct mesh_id ours = mesh_id_of(op);
	char text[MESH_ID_TEXT_SIZE];
	int r;

	if (!rec)
		return out_of_memory(err);
	if (memcmp(view->mesh.b, ours.b, sizeof(ours.b)) != 0)
		return err_set(err, -EEXIST,
			"the coordinator's mesh (%s) belongs to another "
			"operator's key",
			mesh_id_format(&view->mesh, text));
	r = record_open(view->record, rec, err);
	if (r == 0 &&
		(rec->type != RECORD_MESH ||
			!key_equal(view->record->key.b, op->b) ||
			memcmp(rec->mesh.b, ours.b, sizeof(ours.b)) != 0))
		r = err_set(err, -EBADMSG, "it is not signed by the operator");
	if (r < 0) {
		err_prefix(
			err, "the coordinator's mesh record does not verify");
		return r;
	}
	*ret_mesh = TAKE(rec);
	return 0;
}

static int offer(struct trust *trust, const struct envelope *env,
	const struct now *now, struct err *err)
{
	switch (trust_offer(trust, env, now, err)) {
	case TRUST_ACCEPTED:
	case TRUST_KNOWN:
		return 0;
	case TRUST_STALE:
	case TRUST_REFUSED:
		break;
	}
	return -EBADMSG;
}

/* Is the node that MEMBERSHIP states the one that was asked for? */
static bool is_asked(
	const struct record_membership *membership, const char *asked)
{
	struct node_id id;

	if (strcmp(membership->name, asked) == 0)
		return true;
	return node_id_parse(asked, &id) &&
		node_id_equal(&id, &membership->node);
}

static int verify_node(const struct signpub *op,
	const struct msg_mesh_view *mesh, const struct msg_node_view *view,
	const struct now *now, struct record *rec, struct err *err)
{
	AUTO(trust_free) struct trust *trust = trust_new(op);
	int r;

	if (!trust)
		return out_of_memory(err);
	if (!view->membership)
		return err_set(err, -EBADMSG, "there is none");
	r = offer(trust, mesh->record, now, err);
	if (r == 0 && view->grant)
		r = offer(trust, view->grant, now, err);
	if (r == 0)
		r = offer(trust, view->membership, now, err);
	if (r == 0)
		r = record_open(view->membership, rec, err);
	if (r == 0 && rec->type != RECORD_MEMBERSHIP)
		r = err_set(err, -EBADMSG, "it is another kind of record");
	return r;
}

int subject_node(const struct signpub *op, const struct msg_mesh_view *mesh,
	const struct msg_node_view *view, const char *asked,
	const struct now *now, struct record **ret_membership, struct err *err)
{
	AUTO(subject_free) struct record *rec = calloc(1, sizeof(*rec));
	int r;

	if (!rec)
		return out_of_memory(err);
	r = verify_node(op, mesh, view, now, rec, err);
	if (r == 0 && !is_asked(&rec->membership, asked))
		r = err_set(err, -EBADMSG, "it is of %s", rec->membership.name);
	if (r < 0) {
		err_prefix(err,
			"nothing was signed: the coordinator's record of %s "
			"does not verify",
			asked);
		return r;
	}
	*ret_membership = TAKE(rec);
	return 0;
}

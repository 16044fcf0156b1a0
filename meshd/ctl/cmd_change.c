/*
 * cmd_change: removes and renames nodes. Both are records that the operator
 * signs; what they are about comes out of a membership that verified
 * (subject.h), never out of the coordinator's word.
 */
#include "config.h"

#include "meshd/ctl/api.h"
#include "meshd/ctl/ctl.h"
#include "meshd/ctl/opkey.h"
#include "meshd/ctl/show.h"
#include "meshd/ctl/subject.h"
#include "os/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/banned.h"

#define WAIT_MAX_SEC 60 /* an agent that is online applies in milliseconds */

/* Gets the operator's key, and what node ASKED is by a record that verifies. */
static int get_subject(struct ctl *ctl, const char *asked,
	struct opkey **ret_key, struct record **ret_membership, struct err *err)
{
	AUTO(msg_mesh_view_release) struct msg_mesh_view mesh = { 0 };
	AUTO(msg_node_view_release) struct msg_node_view node = { 0 };
	AUTO(subject_free) struct record *mesh_record = NULL;
	struct signpub op;
	int r = opkey_load(ctl->dir, ret_key, err);

	if (r == 0)
		r = api_mesh_get(ctl->client, &mesh, err);
	if (r < 0)
		return r;
	op = opkey_public(*ret_key);
	r = subject_mesh(&op, &mesh, &mesh_record, err);
	if (r == 0)
		r = api_node_get(ctl->client, asked, &node, err);
	if (r < 0)
		return r;
	return subject_node(
		&op, &mesh, &node, asked, &ctl->now, ret_membership, err);
}

/* ---- remove ---- */

struct outcome {
	const char *name;
	struct node_id node;
	struct msg_applied applied;
	bool waited;
	int64_t took_ns;
};

static void show_removed(struct ctl *ctl, const struct outcome *outcome)
{
	int64_t ms = (outcome->took_ns + NSEC_PER_MSEC / 2) / NSEC_PER_MSEC;
	char id[MESH_ID_TEXT_SIZE];
	struct jsonw w;

	(void)node_id_format(&outcome->node, id);
	if (!ctl->options->json) {
		if (outcome->waited)
			buf_addf(&ctl->out,
				"removed %s; every online node had applied it "
				"after %" PRId64 " ms\n",
				outcome->name, ms);
		else
			buf_addf(&ctl->out, "removed %s\n", outcome->name);
		return;
	}
	show_json_begin(&w, &ctl->out);
	jsonw_kv_str(&w, "id", id);
	jsonw_kv_str(&w, "name", outcome->name);
	jsonw_kv_uint(&w, "serial", outcome->applied.serial);
	jsonw_key(&w, "applied_after_ms");
	if (outcome->waited)
		jsonw_int(&w, ms);
	else
		jsonw_null(&w);
	show_json_end(&w);
}

/* Until nobody who is online is behind, or the time is up. */
static int wait_applied(struct ctl *ctl, struct mono began,
	struct msg_applied *applied, struct err *err)
{
	struct mono deadline = mono_add(began, WAIT_MAX_SEC * NSEC_PER_SEC);
	uint64_t serial = applied->serial;

	while (applied->pending > 0) {
		struct now now = clock_now();
		int64_t left = mono_sub(deadline, now.mono) / NSEC_PER_SEC;
		int r;

		if (left <= 0)
			return err_set(err, -ETIMEDOUT,
				"the node is removed, but %" PRIu32
				" agents have not applied it after %d s (%s)",
				applied->pending, WAIT_MAX_SEC,
				applied->waiting_for);
		r = api_applied(
			ctl->client, serial, (unsigned int)left, applied, err);
		if (r < 0) {
			err_prefix(err, "the node is removed, but");
			return r;
		}
	}
	return 0;
}

int cmd_node_remove(struct ctl *ctl, struct err *err)
{
	AUTO(opkey_free) struct opkey *key = NULL;
	AUTO(envelope_free) struct envelope *env = NULL;
	struct outcome outcome = { .waited = !ctl->options->no_wait };
	AUTO(subject_free) struct record *membership = NULL;
	struct record removal = { .type = RECORD_REMOVAL };
	struct mono began = clock_now().mono;
	int r = get_subject(ctl, ctl->operands[0], &key, &membership, err);

	if (r < 0)
		return r;
	removal.mesh = membership->mesh;
	removal.serial = membership->serial + 1;
	removal.removal.node = membership->membership.node;
	r = opkey_sign(key, &removal, &env, err);
	if (r == 0)
		r = api_node_remove(ctl->client, &removal.removal.node, env,
			&outcome.applied, err);
	if (r == 0 && outcome.waited)
		r = wait_applied(ctl, began, &outcome.applied, err);
	if (r < 0)
		return r;
	outcome.took_ns = mono_sub(clock_now().mono, began);
	outcome.name = membership->membership.name;
	outcome.node = removal.removal.node;
	show_removed(ctl, &outcome);
	return 0;
}

/* ---- rename ---- */

int cmd_node_rename(struct ctl *ctl, struct err *err)
{
	AUTO(opkey_free) struct opkey *key = NULL;
	AUTO(envelope_free) struct envelope *env = NULL;
	AUTO(subject_free) struct record *rec = NULL;
	struct record_membership *membership;
	struct msg_applied applied;
	const char *name = ctl->operands[1];
	char id[MESH_ID_TEXT_SIZE], old[NAME_MAX_LEN + 1];
	struct jsonw w;
	int r;

	if (!name_valid(name))
		return err_set(err, -EINVAL,
			"not a name (1-63 of a-z 0-9 -): \"%s\"", name);
	r = get_subject(ctl, ctl->operands[0], &key, &rec, err);
	if (r < 0)
		return r;
	membership = &rec->membership;
	(void)str_copy(old, sizeof(old), membership->name);
	(void)str_copy(membership->name, sizeof(membership->name), name);
	rec->serial++;
	membership->issued_at = ctl->now.wall;
	r = opkey_sign(key, rec, &env, err);
	if (r == 0)
		r = api_node_put(
			ctl->client, &membership->node, env, &applied, err);
	if (r < 0)
		return r;
	if (!ctl->options->json) {
		buf_addf(&ctl->out, "renamed %s to %s\n", old, name);
		return 0;
	}
	show_json_begin(&w, &ctl->out);
	jsonw_kv_str(&w, "id", node_id_format(&membership->node, id));
	jsonw_kv_str(&w, "name", name);
	jsonw_kv_uint(&w, "serial", applied.serial);
	show_json_end(&w);
	return 0;
}

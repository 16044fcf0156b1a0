/* meshd: see meshd.h. */
#include "config.h"

#include "meshd/meshd.h"

#include "meshd/body.h"
#include "meshd/store.h"
#include "os/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static void on_refused(
	void *arg, enum trust_verdict verdict, const struct err *err)
{
	log_error("the database holds a record that is not believed: %s",
		err->msg);
}

static int load_trust(
	struct meshd *meshd, const struct now *now, struct err *err)
{
	AUTO(record_rows_release) struct record_rows rows = { 0 };
	AUTO(trust_free)
	struct trust *trust = trust_new(&meshd->mesh.operator_key);
	struct envelope **envs;
	struct wall joined;
	struct now then = *now;
	int r;

	if (!trust)
		return err_set(err, -ENOMEM, "out of memory");
	r = store_record_list(meshd->store, STORE_RECORDS_ALL, 0, &rows, err);
	if (r == 0)
		r = store_node_last_joined(meshd->store, &joined, err);
	if (r < 0)
		return r;
	envs = calloc(rows.count + 1, sizeof(*envs));
	if (!envs)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < rows.count; i++)
		envs[i] = rows.rows[i].envelope;
	/* A clock that starts in 1970 must not make members of the future. */
	if (joined.ns > then.wall.ns)
		then.wall = joined;
	(void)trust_offer_all(trust, envs, rows.count, &then, on_refused, NULL);
	free(envs);
	meshd->trust = TAKE(trust);
	return 0;
}

int meshd_init(struct meshd *meshd, const char *dir, const struct now *now,
	struct err *err)
{
	int r;

	presence_init(&meshd->presence);
	events_init(&meshd->events);
	r = store_open(dir, &meshd->store, err);
	if (r == 0)
		r = auth_key_load(dir, meshd->store, &meshd->auth, err);
	if (r < 0)
		return r;
	r = store_mesh_load(meshd->store, &meshd->mesh, err);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : load_trust(meshd, now, err);
}

void meshd_release(struct meshd *meshd)
{
	body_unref(meshd->delta);
	events_release(&meshd->events);
	presence_release(&meshd->presence);
	trust_free(meshd->trust);
	store_free(meshd->store);
	auth_key_wipe(&meshd->auth);
	*meshd = (struct meshd){ 0 };
}

void change_rollback(struct change *change)
{
	store_rollback(TAKE(change->tx));
}

int change_begin(struct meshd *meshd, const struct now *now,
	struct change *ret_change, struct err *err)
{
	AUTO(store_rollback) struct store *tx = NULL;
	uint64_t serial;
	int r = store_begin(meshd->store, &tx, err);

	if (r == 0)
		r = store_serial_next(meshd->store, now, &serial, err);
	if (r < 0)
		return r;
	*ret_change = (struct change){
		.meshd = meshd, .tx = TAKE(tx), .serial = serial
	};
	return 0;
}

int change_commit(struct change *change, struct err *err)
{
	int r = store_commit(&change->tx, err);

	if (r < 0)
		return r;
	change->meshd->mesh.serial = change->serial;
	event_on_change(&change->meshd->events);
	return 0;
}

/* What NODE is to others before something of it changes. */
static struct presence_state state_of(const struct meshd *meshd,
	const struct node_id *node, const struct now *now)
{
	return presence_state(presence_find(&meshd->presence, node), now);
}

static void changed(struct meshd *meshd, const struct node_id *node,
	struct presence_state was, const struct now *now)
{
	event_on_presence(&meshd->events, was, state_of(meshd, node, now));
}

void meshd_on_seen(
	struct meshd *meshd, const struct node_id *node, const struct now *now)
{
	struct presence_state was = state_of(meshd, node, now);

	(void)presence_seen(&meshd->presence, node, now);
	changed(meshd, node, was, now);
}

void meshd_on_report(struct meshd *meshd, const struct node_id *id,
	struct msg_report *report, const struct now *now)
{
	struct presence_state was = state_of(meshd, id, now);
	struct presence_node *node = presence_seen(&meshd->presence, id, now);

	if (!node)
		return;
	node->applied = report->applied;
	free(node->peers);
	node->peer_count = report->peer_count;
	node->peers = TAKE(report->peers);
	report->peer_count = 0;
	changed(meshd, id, was, now);
}

void meshd_on_removed(
	struct meshd *meshd, const struct node_id *node, const struct now *now)
{
	struct presence_state was = state_of(meshd, node, now);

	presence_forget(&meshd->presence, node);
	changed(meshd, node, was, now);
}

void meshd_on_poll_open(struct meshd *meshd, const struct node_id *id,
	uint64_t since, int64_t wait_ns, const struct now *now)
{
	struct presence_state was = state_of(meshd, id, now);
	struct presence_node *node = presence_seen(&meshd->presence, id, now);

	if (!node)
		return;
	node->polls++;
	node->wait_ns = wait_ns;
	/* It has reported nothing to us yet, but what it says that it has, it
	 * once applied. */
	if (node->applied == 0)
		node->applied = since;
	changed(meshd, id, was, now);
}

void meshd_on_poll_close(struct meshd *meshd, const struct node_id *id,
	bool hung_up, const struct now *now)
{
	struct presence_state was = state_of(meshd, id, now);
	struct presence_node *node = presence_find(&meshd->presence, id);

	if (!node || node->polls == 0)
		return;
	node->polls--;
	if (hung_up && node->polls == 0)
		node->hung_up = true;
	else if (!hung_up)
		node->last_seen = *now;
	changed(meshd, id, was, now);
}

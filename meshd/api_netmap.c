/* api_netmap: what agents hear, and who has applied it (api.h). */
#include "config.h"

#include "meshd/api.h"

#include "meshd/body.h"
#include "meshd/netmap.h"
#include "meshd/reply.h"
#include "meshd/store.h"

#include <errno.h>

#include "base/banned.h"

#define DELTA_KEPT_MAX (64 * 1024) /* a larger one is not worth its memory */

/* What VIEW tells, encoded. */
static int encode(struct meshd *meshd, const struct netmap_view *view,
	struct body **ret_body, struct err *err)
{
	AUTO(record_rows_release) struct record_rows records = { 0 };
	AUTO(endpoint_rows_release) struct endpoint_rows endpoints = { 0 };
	AUTO(msg_netmap_release) struct msg_netmap map = { 0 };
	AUTO(buf_release) struct buf buf = BUF_INIT(MSG_NETMAP_MAX);
	int r = store_record_list(
		meshd->store, STORE_RECORDS_TOLD, view->since, &records, err);

	if (r == 0 && !view->removed)
		r = store_endpoint_list(
			meshd->store, view->since, &endpoints, err);
	if (r < 0)
		return r;
	if (netmap_build(view, &records, &endpoints, &map) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	r = msg_netmap_encode(&map, &buf);
	if (r < 0)
		return err_set(err, r, "encoding a netmap failed");
	*ret_body = body_new(&buf, "application/json");
	return *ret_body ? 0 : err_set(err, -ENOMEM, "out of memory");
}

/* Everybody who waited is told the same: it is read and encoded once. */
static struct body *kept_delta(
	const struct meshd *meshd, const struct netmap_view *view)
{
	bool same = meshd->delta && view->since != 0 && !view->removed &&
		meshd->delta_since == view->since &&
		meshd->delta_serial == view->serial;

	return same ? body_ref(meshd->delta) : NULL;
}

static void keep_delta(
	struct meshd *meshd, const struct netmap_view *view, struct body *body)
{
	if (view->since == 0 || view->removed || body->buf.len > DELTA_KEPT_MAX)
		return;
	body_unref(meshd->delta);
	meshd->delta = body_ref(body);
	meshd->delta_since = view->since;
	meshd->delta_serial = view->serial;
}

void api_reply_netmap(
	struct api_call *call, const struct node_row *viewer, uint64_t since)
{
	struct meshd *meshd = call->meshd;
	struct netmap_view view = { .since = since,
		.serial = meshd->mesh.serial };
	struct body *body;
	struct err err = { 0 };
	int r;

	if (viewer->state == NODE_REMOVED)
		view.removed = &viewer->id;
	body = kept_delta(meshd, &view);
	if (!body) {
		r = encode(meshd, &view, &body, &err);
		if (r < 0) {
			reply_failed(call, r, &err);
			return;
		}
		keep_delta(meshd, &view, body);
	}
	reply_body(call, 200, body);
}

/* Until when there is nothing to say to VIEWER. False: replied. */
static bool last_news(struct api_call *call, const struct node_row *viewer,
	uint64_t *ret_serial)
{
	struct subject subject = subject_of_node(&viewer->id);
	struct record_row row;
	struct err err = { 0 };
	int r;

	*ret_serial = call->meshd->mesh.serial;
	if (viewer->state != NODE_REMOVED)
		return true;
	r = store_record_find(
		call->meshd->store, RECORD_REMOVAL, &subject, &row, &err);
	if (r < 0) {
		reply_failed(call, r, &err);
		return false;
	}
	*ret_serial = row.serial;
	envelope_free(row.envelope);
	return true;
}

void api_netmap_get(struct api_call *call)
{
	struct meshd *meshd = call->meshd;
	const struct node_row *viewer = &call->caller.node;
	struct api_wait wait = { .kind = EVENT_NETMAP };
	uint64_t since, wait_sec, news;

	if (!api_query_u64(call, "since", INT64_MAX, 0, &since) ||
		!api_query_u64(call, "wait", API_WAIT_MAX_SEC, 0, &wait_sec) ||
		!last_news(call, viewer, &news))
		return;
	if (since > meshd->mesh.serial ||
		!store_serial_is_ours(meshd->store, since))
		since = 0;
	if (news > since || wait_sec == 0 || call->request->out_of_time) {
		api_reply_netmap(call, viewer, since);
		return;
	}
	wait.ns = (int64_t)wait_sec * NSEC_PER_SEC;
	wait.serial = since;
	wait.has_node = viewer->state == NODE_MEMBER;
	wait.node = viewer->id;
	reply_wait(call, &wait);
}

/* ---- applied ---- */

static uint32_t count_pending(
	struct api_call *call, uint64_t serial, struct node_id *ret_one)
{
	return presence_pending(
		&call->meshd->presence, serial, call->now, ret_one);
}

void api_reply_applied(struct api_call *call, uint64_t serial)
{
	struct msg_applied msg = { .serial = serial };
	struct node_row node;
	struct node_id one;

	msg.pending = count_pending(call, serial, &one);
	if (msg.pending > 0 &&
		store_node_find(call->meshd->store, &one, &node, NULL) == 0)
		(void)str_copy(
			msg.waiting_for, sizeof(msg.waiting_for), node.name);
	REPLY(call, 200, applied, &msg);
}

void api_applied(struct api_call *call)
{
	uint64_t now_at = call->meshd->mesh.serial, serial, wait_sec;
	struct api_wait wait = { .kind = EVENT_APPLIED };
	struct node_id one;

	if (!api_query_u64(call, "serial", INT64_MAX, now_at, &serial) ||
		!api_query_u64(call, "wait", API_WAIT_MAX_SEC, 0, &wait_sec))
		return;
	if (serial > now_at) {
		reply_problem(call, 422, "serial-unknown",
			"the mesh is at serial %llu",
			(unsigned long long)now_at);
		return;
	}
	wait.pending = count_pending(call, serial, &one);
	if (wait.pending == 0 || wait_sec == 0 || call->request->out_of_time) {
		api_reply_applied(call, serial);
		return;
	}
	wait.ns = (int64_t)wait_sec * NSEC_PER_SEC;
	wait.serial = serial;
	reply_wait(call, &wait);
}

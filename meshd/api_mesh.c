/* api_mesh: the mesh itself, health, and the API's description (api.h). */
#include "config.h"

#include "meshd/api.h"

#include "meshd/embedded.h"
#include "meshd/reply.h"
#include "meshd/store.h"
#include "os/log.h"

#include <errno.h>
#include <string.h>

#include "base/banned.h"

static void reply_mesh(struct api_call *call, unsigned int status)
{
	struct meshd *meshd = call->meshd;
	AUTO(msg_mesh_view_release)
	struct msg_mesh_view view = { .mesh = meshd->mesh.id,
		.serial = meshd->mesh.serial };
	struct subject subject = subject_of_mesh(&meshd->mesh.id);
	const struct record_mesh *mesh = trust_mesh(meshd->trust);
	struct record_row row;
	struct err err = { 0 };
	int r = store_record_find(
		meshd->store, RECORD_MESH, &subject, &row, &err);

	if (r == 0) {
		view.record = row.envelope;
		r = store_node_count(meshd->store, &view.node_count, &err);
	}
	if (r < 0) {
		reply_failed(call, r, &err);
		return;
	}
	if (mesh)
		(void)str_copy(view.name, sizeof(view.name), mesh->name);
	(void)str_copy(view.url, sizeof(view.url), meshd->url);
	(void)str_copy(view.version, sizeof(view.version), PACKAGE_VERSION);
	memcpy(view.pin, meshd->pin, sizeof(view.pin));
	REPLY(call, status, mesh_view, &view);
}

void api_mesh_get(struct api_call *call)
{
	if (!call->meshd->trust)
		reply_problem(call, 404, "no-mesh",
			"there is no mesh here yet: meshctl init makes one");
	else
		reply_mesh(call, 200);
}

static int store_mesh(struct meshd *meshd, const struct mesh_row *row,
	const struct record *rec, const struct envelope *env,
	const struct now *now, uint64_t *ret_serial, struct err *err)
{
	AUTO(store_rollback) struct store *tx = NULL;
	uint64_t serial;
	int r = store_begin(meshd->store, &tx, err);

	if (r == 0)
		r = store_mesh_insert(meshd->store, row, err);
	if (r == 0)
		r = store_serial_next(meshd->store, now, &serial, err);
	if (r == 0)
		r = store_record_put(meshd->store, rec, env, serial, err);
	if (r == 0)
		r = store_commit(&tx, err);
	if (r == 0)
		*ret_serial = serial;
	return r;
}

/* The first record makes the mesh: its operator is pinned from here on. */
static void found_mesh(struct api_call *call, const struct record *rec,
	const struct envelope *env)
{
	struct meshd *meshd = call->meshd;
	struct mesh_row row = { .id = rec->mesh,
		.operator_key = env->key,
		.created = call->now->wall };
	AUTO(trust_free) struct trust *trust = trust_new(&env->key);
	enum trust_verdict verdict;
	struct err err = { 0 };
	int r;

	if (!trust) {
		reply_broken(call, "making room for a mesh");
		return;
	}
	verdict = trust_offer(trust, env, call->now, &err);
	if (verdict != TRUST_ACCEPTED) {
		reply_untrusted(call, verdict, &err);
		return;
	}
	r = store_mesh(meshd, &row, rec, env, call->now, &row.serial, &err);
	if (r < 0) {
		reply_failed(call, r, &err);
		return;
	}
	meshd->mesh = row;
	meshd->trust = TAKE(trust);
	log_info("mesh %s is made", rec->as_mesh.name);
	reply_mesh(call, 201);
}

/* The operator of this mesh again: a newer record is taken, an older one is
 * what init sends when it is run twice. */
static void restate_mesh(struct api_call *call, const struct record *rec,
	const struct envelope *env)
{
	struct meshd *meshd = call->meshd;
	AUTO(change_rollback) struct change change = { 0 };
	enum trust_verdict verdict;
	struct err err = { 0 };
	int r;

	verdict = trust_offer(meshd->trust, env, call->now, &err);
	if (verdict == TRUST_REFUSED) {
		reply_untrusted(call, verdict, &err);
		return;
	}
	if (verdict == TRUST_ACCEPTED) {
		r = change_begin(meshd, call->now, &change, &err);
		if (r == 0)
			r = store_record_put(
				meshd->store, rec, env, change.serial, &err);
		if (r == 0)
			r = change_commit(&change, &err);
		if (r < 0) {
			reply_failed(call, r, &err);
			return;
		}
	}
	reply_mesh(call, 200);
}

void api_mesh_put(struct api_call *call)
{
	const struct api_request *request = call->request;
	struct meshd *meshd = call->meshd;
	AUTO(msg_record_release) struct msg_record msg = { 0 };
	struct record rec;
	struct err err = { 0 };

	if (msg_record_decode(request->body, request->body_len, &msg, &err) <
		0) {
		reply_malformed(call, &err);
		return;
	}
	if (record_open(msg.record, &rec, &err) < 0) {
		reply_problem_at(
			call, 422, "record-refused", "/record", "%s", err.msg);
		return;
	}
	if (rec.type != RECORD_MESH) {
		reply_problem_at(call, 422, "record-refused", "/record",
			"this is no mesh record");
		return;
	}
	if (!meshd->trust)
		found_mesh(call, &rec, msg.record);
	else if (!key_equal(msg.record->key.b, meshd->mesh.operator_key.b))
		reply_problem(call, 409, "mesh-exists",
			"this coordinator serves the mesh of another operator");
	else
		restate_mesh(call, &rec, msg.record);
}

void api_health(struct api_call *call)
{
	static const char text[] = "ok\n";

	reply_text(call, 200, "text/plain", text, strlen(text));
}

void api_ready(struct api_call *call)
{
	struct err err = { 0 };
	uint32_t count;
	int r = store_node_count(call->meshd->store, &count, &err);

	if (r < 0)
		reply_failed(call, r, &err);
	else
		api_health(call);
}

void api_openapi(struct api_call *call)
{
	reply_text(call, 200, "application/yaml", embedded_openapi[0].text,
		embedded_openapi[0].len);
}

/* leave: see leave.h. */
#include "config.h"

#include "agent/leave.h"

#include "agent/call.h"
#include "agent/control.h"
#include "agent/state.h"
#include "os/args.h"
#include "os/log.h"
#include "os/loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define PATH_SIZE      80
#define REMOVAL_SERIAL 1 /* a removal is final, whatever its serial */

static int sign_removal(const struct state *state, const struct node_id *self,
	struct buf *body, struct err *err)
{
	AUTO(msg_record_release) struct msg_record msg = { 0 };
	struct record record = { .type = RECORD_REMOVAL };
	int r;

	record.mesh = mesh_id_of(&state->conf.operator_key);
	record.serial = REMOVAL_SERIAL;
	record.removal.node = *self;
	r = record_sign(&record, &state->identity, &msg.record, err);
	if (r < 0)
		return r;
	r = msg_record_encode(&msg, body);
	return r < 0 ? err_set(err, r, "out of memory") : 0;
}

/* The coordinator knows of no such node, or knows it removed: then it needs not
 * be told. */
static bool is_gone_already(const struct call_answer *answer)
{
	return answer->status == 404 || answer->status == 410;
}

static int tell(const struct state *state, int *ret_status, struct err *err)
{
	AUTO(call_answer_release) struct call_answer answer = { 0 };
	AUTO(buf_release) struct buf body = BUF_INIT(MSG_REQUEST_MAX);
	AUTO(loop_free) struct loop *loop = loop_new(err);
	AUTO(coord_free) struct coord *coord = NULL;
	struct signpub identity = signseed_public(&state->identity);
	struct node_id self = node_id_of(&identity);
	char path[PATH_SIZE], id[MESH_ID_TEXT_SIZE];
	struct coord_request request = {
		.method = "POST",
		.path = path,
		.bearer = state->credential,
		.reply_max = MSG_REQUEST_MAX,
	};
	int r;

	if (!loop)
		return -EIO;
	coord = coord_new(loop, state->conf.url, state->conf.pin, err);
	if (!coord)
		return -EIO;
	r = sign_removal(state, &self, &body, err);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "/v1/nodes/%s/removal",
		node_id_format(&self, id));
	request.body = buf_str(&body);
	request.body_len = body.len;
	r = call_coordinator(loop, coord, &request, &answer, err);
	if (r == -EREMOTEIO && is_gone_already(&answer))
		r = 0;
	if (r < 0)
		*ret_status = call_exit_status(r, &answer);
	return r;
}

static int fail(const struct err *err, int status)
{
	char text[2 * ERR_MSG_MAX];

	log_error("%s", err_text(err, text, sizeof(text)));
	return status;
}

static int clear(const struct leave_options *options, struct err *err)
{
	AUTO(state_release) struct state state = { .lock_fd = -1 };
	int r = control_stop(options->socket, err);

	if (r < 0 && r != -ESRCH)
		return r;
	*err = (struct err){ 0 };
	r = state_open(options->state_dir, STATE_EXISTING, &state, err);
	return r < 0 ? r : state_delete(&state, err);
}

int leave_mesh(const struct leave_options *options)
{
	AUTO(state_release) struct state state = { .lock_fd = -1 };
	enum state_stage stage = STATE_NONE;
	struct err err = { 0 };
	int status = EXIT_FAILURE;
	/* Without the lock: an agent that runs holds it, and is to be stopped
	 * only when the coordinator has been told. */
	int r = state_peek(options->state_dir, &state, &stage, &err);

	if (r == -ENOENT || (r == 0 && stage == STATE_NONE)) {
		log_error("%s: no mesh was joined", options->state_dir);
		return EXIT_NOT_FOUND;
	}
	if (r < 0 && !options->force)
		return fail(&err, EXIT_FAILURE);
	/* One that was never admitted has nobody to tell. */
	if (r == 0 && stage == STATE_MEMBER) {
		r = tell(&state, &status, &err);
		if (r < 0 && !options->force)
			return fail(&err, status);
	}
	if (r < 0)
		log_warn("%s; leaving all the same: until an operator removes "
			 "it, the mesh goes on knowing this node",
			err.msg);
	err = (struct err){ 0 };
	r = clear(options, &err);
	return r < 0 ? fail(&err, EXIT_FAILURE) : EXIT_SUCCESS;
}

/* leave: see leave.h. */
#include "config.h"

#include "agent/leave.h"

#include "agent/call.h"
#include "agent/control.h"
#include "agent/state.h"
#include "os/args.h"
#include "os/fd.h"
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

static int tell(const struct state *state, const struct node_id *self,
	int *ret_status, struct err *err)
{
	AUTO(call_answer_release) struct call_answer answer = { 0 };
	AUTO(buf_release) struct buf body = BUF_INIT(MSG_REQUEST_MAX);
	AUTO(loop_free) struct loop *loop = loop_new(err);
	AUTO(coord_free) struct coord *coord = NULL;
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
	r = sign_removal(state, self, &body, err);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "/v1/nodes/%s/removal",
		node_id_format(self, id));
	request.body = buf_str(&body);
	request.body_len = body.len;
	r = call_coordinator(loop, coord, &request, &answer, err);
	if (r == -EREMOTEIO && is_gone_already(&answer))
		r = 0;
	if (r < 0)
		*ret_status = call_exit_status(r, &answer);
	return r;
}

/* The agent that runs on this state, if one does. */
struct running {
	bool is_there;
	int process;
};

static void running_release(struct running *running)
{
	fd_close(&running->process);
}
AUTO_DEFINE_VALUE(struct running, running_release)

static int find_agent(const struct leave_options *options,
	const struct node_id *self, struct running *ret_running,
	struct err *err)
{
	AUTO(msg_agent_status_release) struct msg_agent_status status = { 0 };
	AUTO(buf_release) struct buf line = BUF_INIT(CONTROL_ANSWER_MAX);
	AUTO(running_release) struct running running = { false, -1 };
	int r = control_find(options->socket, &running.process, err);

	if (r < 0 && r != -ESRCH)
		return r;
	running.is_there = r == 0;
	/* One that does not answer is ending. */
	if (running.is_there &&
		control_ask(options->socket, "status", &line, &status, NULL) ==
			0 &&
		!node_id_equal(&status.node, self))
		return err_set(err, -EINVAL,
			"the agent at %s is another node: name the --interface "
			"or --socket of this one",
			options->socket);
	*ret_running = running;
	running.process = -1;
	return 0;
}

static int clear(const struct leave_options *options,
	const struct running *running, struct err *err)
{
	AUTO(state_release) struct state state = { .lock_fd = -1 };
	int r;

	if (running->is_there) {
		r = control_stop(options->socket, running->process, err);
		if (r < 0)
			return r;
		*err = (struct err){ 0 };
	}
	r = state_open(options->state_dir, STATE_EXISTING, &state, err);
	return r < 0 ? r : state_delete(&state, err);
}

/* Only a member has anybody to tell. *RET_STATUS: to exit with on failure. */
static int leave_state(const struct leave_options *options,
	const struct state *state, bool is_member, int *ret_status,
	struct err *err)
{
	AUTO(running_release) struct running running = { false, -1 };
	struct signpub identity = signseed_public(&state->identity);
	struct node_id self = node_id_of(&identity);
	/* Found before the mesh is told: being removed, it may end by itself
	 * before we can ask it to. */
	int r = find_agent(options, &self, &running, err);

	if (r < 0)
		return r;
	if (is_member) {
		r = tell(state, &self, ret_status, err);
		if (r < 0 && !options->force)
			return r;
		if (r < 0)
			log_warn("%s; leaving all the same: until an operator "
				 "removes it, the mesh goes on knowing this "
				 "node",
				err->msg);
	}
	*err = (struct err){ 0 };
	*ret_status = EXIT_FAILURE;
	return clear(options, &running, err);
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
	if (r == 0)
		r = leave_state(
			options, &state, stage == STATE_MEMBER, &status, &err);
	if (r < 0) {
		char text[2 * ERR_MSG_MAX];

		log_error("%s", err_text(&err, text, sizeof(text)));
		return status;
	}
	return EXIT_SUCCESS;
}

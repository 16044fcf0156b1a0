/* handback: see handback.h. */
#include "config.h"

#include "agent/handback.h"

#include "agent/backoff.h"
#include "agent/follow.h"
#include "os/log.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

#define PATH_SIZE 80
#define REPLY_MAX 4096

struct handback {
	struct handback_options opt;
	struct coord_call *call;
	struct node_id node; /* whose removal is under way */
	struct backoff backoff;
	struct loop_timer *timer; /* ends the pause */
	bool paused;
};

static void pause_calls(struct handback *handback, unsigned int retry_after_sec,
	const struct now *now)
{
	uint64_t random;
	int64_t wait_ns;

	randombytes_buf(&random, sizeof(random));
	wait_ns = backoff_next(&handback->backoff, random) +
		retry_after_sec * NSEC_PER_SEC;
	if (wait_ns > BACKOFF_CEILING_NS)
		wait_ns = BACKOFF_CEILING_NS;
	handback->paused = true;
	loop_timer_set(handback->timer, mono_add(now->mono, wait_ns));
}

static bool is_lost(const struct coord_reply *reply)
{
	return reply->result < 0 || reply->status >= 500 ||
		reply->status == 429;
}

static void on_reply(
	void *arg, const struct coord_reply *reply, const struct now *now)
{
	struct handback *handback = arg;
	char slug[MSG_PROBLEM_SLUG_SIZE], id[MESH_ID_TEXT_SIZE];
	struct err err = { 0 };

	handback->call = NULL;
	if (is_lost(reply)) {
		pause_calls(handback, reply->retry_after_sec, now);
		return;
	}
	backoff_reset(&handback->backoff);
	(void)node_id_format(&handback->node, id);
	if (reply->status >= 200 && reply->status <= 299) {
		log_warn("the coordinator did not know that %s is removed (an "
			 "old backup?): it was told",
			id);
	} else {
		follow_explain(reply, &err, slug);
		log_error("the coordinator does not take the removal of %s: "
			  "%s",
			id, err.msg);
	}
	handback->opt.settle(handback->opt.arg, &handback->node);
	handback_start(handback, now);
}

void handback_start(struct handback *handback, const struct now *now)
{
	AUTO(buf_release) struct buf body = BUF_INIT(MSG_REQUEST_MAX);
	char path[PATH_SIZE], id[MESH_ID_TEXT_SIZE];
	struct coord_request request = {
		.method = "POST",
		.path = path,
		.bearer = handback->opt.credential,
		.reply_max = REPLY_MAX,
	};
	int r;

	if (handback->call || handback->paused)
		return; /* on_reply, on_pause_end */
	r = handback->opt.next(handback->opt.arg, &handback->node, &body);
	if (r == -ENOENT)
		return;
	(void)snprintf(path, sizeof(path), "/v1/nodes/%s/removal",
		node_id_format(&handback->node, id));
	if (r == 0) {
		request.body = buf_str(&body);
		request.body_len = body.len;
		handback->call = coord_send(handback->opt.coord, &request,
			on_reply, handback, NULL);
	}
	if (!handback->call)
		pause_calls(handback, 0, now);
}

static void on_pause_end(void *arg, const struct now *now)
{
	struct handback *handback = arg;

	handback->paused = false;
	handback_start(handback, now);
}

struct handback *handback_new(
	const struct handback_options *options, struct err *err)
{
	AUTO(handback_free)
	struct handback *handback = calloc(1, sizeof(*handback));

	if (handback) {
		handback->opt = *options;
		handback->timer =
			loop_add_timer(options->loop, on_pause_end, handback);
	}
	if (!handback || !handback->timer) {
		(void)err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	return TAKE(handback);
}

void handback_free(struct handback *handback)
{
	if (!handback)
		return;
	coord_cancel(handback->call);
	loop_timer_remove(handback->timer);
	free(handback);
}

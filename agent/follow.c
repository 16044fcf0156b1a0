/* follow: see follow.h. */
#include "config.h"

#include "agent/follow.h"

#include "agent/backoff.h"
#include "base/num.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

#define PATH_SIZE	 80
#define REPORT_REPLY_MAX 4096

/* A poll that was to wait and is answered sooner, without news, counts as a
 * failure. */
#define TOO_QUICK_NS NSEC_PER_SEC

enum follow_phase { ASKING, FOLLOWING, PAUSED };

struct follow {
	struct follow_options opt;
	enum follow_phase phase;
	struct follow_state state;
	uint64_t serial;

	struct coord_call *poll;
	struct mono poll_sent;
	bool was_lost;	   /* since then, no poll was answered */
	bool was_spinning; /* since then, no poll has waited */
	struct backoff backoff;
	struct loop_timer *timer; /* ends PAUSED */

	struct coord_call *report;
	bool report_wanted;
	bool report_paused;
	struct backoff report_backoff;
	struct loop_timer *report_timer; /* ends report_paused */
};

static void on_poll(
	void *arg, const struct coord_reply *reply, const struct now *now);
static void on_report(
	void *arg, const struct coord_reply *reply, const struct now *now);

void follow_explain(const struct coord_reply *reply, struct err *err,
	char slug[static MSG_PROBLEM_SLUG_SIZE])
{
	struct msg_problem problem;

	slug[0] = 0;
	if (reply->result < 0) {
		*err = reply->err;
		return;
	}
	if (msg_problem_decode(reply->body, reply->body_len, &problem, NULL) <
		0) {
		(void)err_set(err, -EPROTO, "the coordinator answered %u",
			reply->status);
		return;
	}
	(void)err_set(err, -EPROTO, "%s", problem.detail);
	(void)str_copy(slug, MSG_PROBLEM_SLUG_SIZE, problem.slug);
	msg_problem_release(&problem);
}

static void set_state(struct follow *follow, bool reachable,
	const struct err *err, const struct now *now)
{
	struct follow_state *state = &follow->state;
	bool is_news = !state->known || state->reachable != reachable;

	if (is_news)
		state->since = now->wall;
	state->known = true;
	state->reachable = reachable;
	(void)str_copy(
		state->problem, sizeof(state->problem), err ? err->msg : "");
	if (is_news)
		follow->opt.on_state(follow->opt.arg, state);
}

static int64_t next_wait(struct backoff *backoff, unsigned int retry_after_sec)
{
	uint64_t random;
	int64_t wait_ns;

	randombytes_buf(&random, sizeof(random));
	wait_ns =
		backoff_next(backoff, random) + retry_after_sec * NSEC_PER_SEC;
	return wait_ns < BACKOFF_CEILING_NS ? wait_ns : BACKOFF_CEILING_NS;
}

/* ---- the poll ---- */

static void pause_poll(struct follow *follow, unsigned int retry_after_sec,
	const struct now *now)
{
	int64_t wait_ns = next_wait(&follow->backoff, retry_after_sec);

	follow->phase = PAUSED;
	loop_timer_set(follow->timer, mono_add(now->mono, wait_ns));
}

static void send_poll(struct follow *follow, const struct now *now)
{
	unsigned int wait_sec =
		follow->phase == FOLLOWING ? FOLLOW_WAIT_SEC : 0;
	char path[PATH_SIZE];
	struct coord_request request = {
		.method = "GET",
		.path = path,
		.bearer = follow->opt.credential,
		.wait_sec = wait_sec,
		.reply_max = MSG_NETMAP_MAX,
	};
	struct err err = { 0 };

	(void)snprintf(path, sizeof(path), "/v1/netmap?since=%llu&wait=%u",
		(unsigned long long)follow->serial, wait_sec);
	follow->poll_sent = now->mono;
	follow->poll =
		coord_send(follow->opt.coord, &request, on_poll, follow, &err);
	if (follow->poll)
		return;
	follow->was_lost = true;
	set_state(follow, false, &err, now);
	pause_poll(follow, 0, now);
}

static bool decode_poll(const struct coord_reply *reply,
	struct msg_netmap *ret_map, struct err *err)
{
	char slug[MSG_PROBLEM_SLUG_SIZE];
	int r;

	if (reply->result < 0 || reply->status != 200) {
		follow_explain(reply, err, slug);
		return false;
	}
	r = msg_netmap_decode(reply->body, reply->body_len, ret_map, err);
	if (r < 0)
		err_prefix(err, "the coordinator's netmap");
	return r == 0;
}

/* What a coordinator knows of this node it may have forgotten while it was
 * away: it keeps reports in memory only. */
static void report_anew(struct follow *follow, const struct now *now)
{
	backoff_reset(&follow->report_backoff);
	follow->report_paused = false;
	loop_timer_set(follow->report_timer, MONO_NEVER);
	follow_report(follow, now);
}

static void on_poll(
	void *arg, const struct coord_reply *reply, const struct now *now)
{
	struct follow *follow = arg;
	struct msg_netmap map;
	struct err err = { 0 };
	uint64_t serial;
	bool is_spinning, is_other_life;

	follow->poll = NULL;
	if (!decode_poll(reply, &map, &err)) {
		follow->was_lost = true;
		set_state(follow, false, &err, now);
		pause_poll(follow, reply->retry_after_sec, now);
		return;
	}
	set_state(follow, true, NULL, now);
	is_other_life = follow->was_lost || (map.full && follow->serial != 0);
	follow->was_lost = false;
	serial = follow->opt.on_netmap(follow->opt.arg, &map, now);
	msg_netmap_release(&map);
	if (is_other_life)
		report_anew(follow, now);
	is_spinning = follow->phase == FOLLOWING && serial <= follow->serial &&
		mono_sub(now->mono, follow->poll_sent) < TOO_QUICK_NS;
	follow->serial = serial;
	if (is_spinning) {
		follow->was_spinning = true;
		pause_poll(follow, 0, now);
		return;
	}
	/* That it answers says nothing, as long as it answers too quickly. */
	if (follow->phase == FOLLOWING)
		follow->was_spinning = false;
	if (!follow->was_spinning)
		backoff_reset(&follow->backoff);
	follow->phase = FOLLOWING;
	send_poll(follow, now);
}

static void on_pause_end(void *arg, const struct now *now)
{
	struct follow *follow = arg;

	follow->phase = ASKING;
	send_poll(follow, now);
	if (follow->report_wanted)
		follow_report(follow, now);
}

/* The poll may hang on a path that is dead: ask anew. */
static void ask_again(struct follow *follow, const struct now *now)
{
	coord_cancel(follow->poll);
	follow->poll = NULL;
	loop_timer_set(follow->timer, MONO_NEVER);
	follow->phase = ASKING;
	send_poll(follow, now);
}

/* ---- reports ---- */

void follow_report(struct follow *follow, const struct now *now)
{
	AUTO(buf_release) struct buf body = BUF_INIT(MSG_REQUEST_MAX);
	struct coord_request request = {
		.method = "POST",
		.path = "/v1/report",
		.bearer = follow->opt.credential,
		.reply_max = REPORT_REPLY_MAX,
	};

	follow->report_wanted = true;
	if (follow->report || follow->report_paused || follow->phase == PAUSED)
		return; /* on_report, on_report_pause_end, on_pause_end */
	if (follow->opt.make_report(follow->opt.arg, &body, now) < 0)
		return;
	request.body = buf_str(&body);
	request.body_len = body.len;
	follow->report = coord_send(
		follow->opt.coord, &request, on_report, follow, NULL);
	if (follow->report)
		follow->report_wanted = false;
}

static void on_report(
	void *arg, const struct coord_reply *reply, const struct now *now)
{
	struct follow *follow = arg;
	bool is_lost = reply->result < 0 || reply->status >= 500 ||
		reply->status == 429;

	follow->report = NULL;
	if (!is_lost) {
		backoff_reset(&follow->report_backoff);
		if (follow->report_wanted)
			follow_report(follow, now);
		return;
	}
	follow->report_wanted = true;
	follow->report_paused = true;
	loop_timer_set(follow->report_timer,
		mono_add(now->mono,
			next_wait(&follow->report_backoff,
				reply->retry_after_sec)));
	if (reply->result < 0 && follow->phase == FOLLOWING)
		ask_again(follow, now);
}

static void on_report_pause_end(void *arg, const struct now *now)
{
	struct follow *follow = arg;

	follow->report_paused = false;
	if (follow->report_wanted)
		follow_report(follow, now);
}

/* ---- outside ---- */

struct follow *follow_new(const struct follow_options *options, struct err *err)
{
	AUTO(follow_free) struct follow *follow = calloc(1, sizeof(*follow));

	if (!follow) {
		(void)err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	follow->opt = *options;
	follow->timer = loop_add_timer(options->loop, on_pause_end, follow);
	follow->report_timer =
		loop_add_timer(options->loop, on_report_pause_end, follow);
	if (!follow->timer || !follow->report_timer) {
		(void)err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	return TAKE(follow);
}

void follow_free(struct follow *follow)
{
	if (!follow)
		return;
	coord_cancel(follow->poll);
	coord_cancel(follow->report);
	loop_timer_remove(follow->timer);
	loop_timer_remove(follow->report_timer);
	free(follow);
}

void follow_start(struct follow *follow, uint64_t serial, const struct now *now)
{
	follow->serial = serial;
	follow->phase = ASKING;
	send_poll(follow, now);
}

void follow_moved(struct follow *follow, const struct now *now)
{
	backoff_reset(&follow->backoff);
	backoff_reset(&follow->report_backoff);
	follow->report_paused = false;
	loop_timer_set(follow->report_timer, MONO_NEVER);
	coord_cancel(follow->poll);
	follow->poll = NULL;
	coord_reopen(follow->opt.coord);
	ask_again(follow, now);
	if (follow->report_wanted)
		follow_report(follow, now);
}

struct follow_state follow_get_state(const struct follow *follow)
{
	return follow->state;
}

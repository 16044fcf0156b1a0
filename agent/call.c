/* call: see call.h. */
#include "config.h"

#include "agent/call.h"

#include "agent/follow.h"
#include "os/args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

struct waiting {
	struct loop *loop;
	struct call_answer *answer;
	struct err *err;
	int result;
};

void call_answer_release(struct call_answer *answer)
{
	buf_release(&answer->body);
}

static void on_reply(
	void *arg, const struct coord_reply *reply, const struct now *now)
{
	struct waiting *waiting = arg;
	struct call_answer *answer = waiting->answer;

	(void)now;
	loop_quit(waiting->loop, 0);
	if (reply->result < 0 || reply->status < 200 || reply->status > 299) {
		answer->status = reply->status;
		follow_explain(reply, waiting->err, answer->slug);
		waiting->result =
			reply->result < 0 ? reply->result : -EREMOTEIO;
		return;
	}
	answer->status = reply->status;
	buf_add(&answer->body, reply->body, reply->body_len);
	waiting->result = buf_failed(&answer->body)
		? err_set(waiting->err, -ENOMEM, "out of memory")
		: 0;
}

int call_coordinator(struct loop *loop, struct coord *coord,
	const struct coord_request *request, struct call_answer *ret_answer,
	struct err *err)
{
	struct waiting waiting = { loop, ret_answer, err, 0 };
	int r;

	*ret_answer =
		(struct call_answer){ .body = BUF_INIT(request->reply_max) };
	if (!coord_send(coord, request, on_reply, &waiting, err))
		return -ENOMEM;
	r = loop_run(loop);
	return r < 0 ? err_set(err, r, "epoll: %s", strerror(-r))
		     : waiting.result;
}

int call_exit_status(int result, const struct call_answer *answer)
{
	switch (result) {
	case 0:
		return EXIT_SUCCESS;
	case -EHOSTUNREACH:
	case -ETIMEDOUT:
		return EXIT_UNREACHABLE;
	case -EREMOTEIO:
		break;
	default:
		return EXIT_FAILURE;
	}
	/* A token that does not serve any more conflicts with nothing. */
	if (strncmp(answer->slug, "token-", 6) == 0)
		return EXIT_FAILURE;
	switch (answer->status) {
	case 404:
		return EXIT_NOT_FOUND;
	case 409:
	case 412:
		return EXIT_CONFLICT;
	default:
		return EXIT_FAILURE;
	}
}

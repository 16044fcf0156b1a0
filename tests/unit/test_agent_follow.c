/*
 * Keeping up with a coordinator: first asked without waiting, then the long
 * poll; out of reach and back; one that answers at once for ever is not asked
 * in a circle; reports are sent, joined, and retried.
 */
#include "config.h"
#include "agent/follow.h"
#include "os/clock.h"
#include "rows.h"
#include "tls_stub.h"

#include <string.h>

#include "base/banned.h"

#define PATIENCE_NS (20 * NSEC_PER_SEC)

struct fixture {
	struct tls_stub stub;
	struct loop *loop;
	struct coord *coord;
	struct follow *follow;
	unsigned int netmaps, states, reports;
	bool was_unreachable;
	char problem[ERR_MSG_MAX];
};

static uint64_t on_netmap(
	void *arg, const struct msg_netmap *map, const struct now *now)
{
	struct fixture *fx = arg;

	(void)now;
	fx->netmaps++;
	return map->serial;
}

static int make_report(void *arg, struct buf *out, const struct now *now)
{
	struct fixture *fx = arg;

	(void)now;
	fx->reports++;
	buf_add_str(out, "{}");
	return 0;
}

static void on_state(void *arg, const struct follow_state *state)
{
	struct fixture *fx = arg;

	fx->states++;
	if (!state->reachable) {
		fx->was_unreachable = true;
		(void)str_copy(
			fx->problem, sizeof(fx->problem), state->problem);
	}
}

static void begin(struct fixture *fx, const char *mode, uint64_t serial)
{
	struct follow_options options = {
		.credential = "mesh_agent_x",
		.on_netmap = on_netmap,
		.make_report = make_report,
		.on_state = on_state,
		.arg = fx,
	};
	struct err err = { 0 };

	*fx = (struct fixture){ 0 };
	tls_stub_start(&fx->stub, mode);
	fx->loop = loop_new(&err);
	assert_non_null(fx->loop);
	fx->coord = coord_new(fx->loop, fx->stub.url, fx->stub.pin, &err);
	assert_non_null(fx->coord);
	options.loop = fx->loop;
	options.coord = fx->coord;
	fx->follow = follow_new(&options, &err);
	assert_non_null(fx->follow);
	follow_start(fx->follow, serial, loop_now(fx->loop));
}

static void end(struct fixture *fx)
{
	follow_free(fx->follow);
	coord_free(fx->coord);
	loop_free(fx->loop);
	tls_stub_stop(&fx->stub);
}

struct log {
	bool done;
	char text[4096];
};

static void hear_log(
	void *arg, const struct coord_reply *reply, const struct now *now)
{
	struct log *log = arg;

	(void)now;
	log->done = true;
	if (reply->result == 0)
		(void)snprintf(log->text, sizeof(log->text), "%s", reply->body);
}

/* The requests the server has had, one a line. */
static void fetch_log(struct fixture *fx, struct log *log)
{
	const struct coord_request request = {
		.method = "GET",
		.path = "/log",
		.bearer = "x",
		.reply_max = 4096,
	};

	*log = (struct log){ 0 };
	assert_non_null(coord_send(fx->coord, &request, hear_log, log, NULL));
	while (!log->done)
		assert_true(loop_step(fx->loop, NSEC_PER_SEC) >= 0);
}

/* Runs until the server's log holds WANT. */
static void wait_for_log(
	struct fixture *fx, const char *want, struct log *ret_log)
{
	struct mono patience = mono_add(clock_now().mono, PATIENCE_NS);

	do {
		if (!mono_before(clock_now().mono, patience))
			fail_msg("wanted `%s', got `%s'", want, ret_log->text);
		fetch_log(fx, ret_log);
	} while (!strstr(ret_log->text, want));
}

static void run_until(
	struct fixture *fx, const unsigned int *count, unsigned int want)
{
	struct mono patience = mono_add(clock_now().mono, PATIENCE_NS);

	while (*count < want) {
		assert_true(mono_before(clock_now().mono, patience));
		assert_true(loop_step(fx->loop, NSEC_PER_SEC) >= 0);
	}
}

static void test_asks_then_waits(void **state)
{
	struct fixture fx;
	struct log log;

	(void)state;
	begin(&fx, "", 3);
	assert_false(follow_get_state(fx.follow).known);
	wait_for_log(&fx,
		"GET /v1/netmap?since=3&wait=0\n"
		"GET /v1/netmap?since=5&wait=50",
		&log);
	assert_int_equal(fx.netmaps, 1);
	assert_int_equal(fx.states, 1);
	assert_true(follow_get_state(fx.follow).reachable);
	assert_string_equal(follow_get_state(fx.follow).problem, "");
	end(&fx);
}

static void test_comes_back(void **state)
{
	struct fixture fx;
	struct log log;

	(void)state;
	begin(&fx, "flaky", 3);
	wait_for_log(&fx, "since=5&wait=50", &log);
	assert_true(fx.was_unreachable);
	assert_int_equal(fx.states, 2);
	assert_non_null(strstr(fx.problem, "503"));
	assert_true(follow_get_state(fx.follow).reachable);
	/* it may have forgotten what we told it */
	wait_for_log(&fx, "POST /v1/report", &log);
	assert_int_equal(fx.reports, 1);
	end(&fx);
}

static void test_bad_netmap(void **state)
{
	struct fixture fx;

	(void)state;
	begin(&fx, "broken", 3);
	run_until(&fx, &fx.states, 2);
	assert_non_null(strstr(fx.problem, "netmap"));
	assert_non_null(strstr(fx.problem, "/serial"));
	assert_int_equal(fx.netmaps, 1);
	end(&fx);
}

static void test_problem_is_told(void **state)
{
	struct fixture fx;

	(void)state;
	begin(&fx, "gone", 3);
	run_until(&fx, &fx.states, 1);
	assert_string_equal(fx.problem, "the node was removed");
	assert_false(follow_get_state(fx.follow).reachable);
	end(&fx);
}

/* Two polls a pause; pauses start at 0.2 s at most and double. In 1.5 s there
 * are eight of them once in a million runs, and always if they do not double. */
static void test_does_not_spin(void **state)
{
	struct fixture fx;
	struct mono stop;

	(void)state;
	begin(&fx, "spin", 5);
	run_until(&fx, &fx.netmaps, 1);
	stop = mono_add(clock_now().mono, 3 * NSEC_PER_SEC / 2);
	while (mono_before(clock_now().mono, stop))
		assert_true(loop_step(fx.loop, NSEC_PER_SEC / 10) >= 0);
	assert_in_range(fx.netmaps, 1, 16);
	assert_true(follow_get_state(fx.follow).reachable);
	end(&fx);
}

static unsigned int count_in(const char *text, const char *word)
{
	unsigned int count = 0;

	while ((text = strstr(text, word))) {
		count++;
		text += strlen(word);
	}
	return count;
}

static void test_reports(void **state)
{
	struct fixture fx;
	struct log log;

	(void)state;
	begin(&fx, "", 3);
	/* one now, and the others as one */
	for (unsigned int i = 0; i < 5; i++)
		follow_report(fx.follow, loop_now(fx.loop));
	run_until(&fx, &fx.reports, 2);
	wait_for_log(&fx, "since=5&wait=50", &log);
	fetch_log(&fx, &log);
	assert_int_equal(fx.reports, 2);
	assert_in_range(count_in(log.text, "POST /v1/report"), 1, 2);
	follow_report(fx.follow, loop_now(fx.loop));
	wait_for_log(&fx, "wait=50\nPOST /v1/report", &log);
	end(&fx);
}

static void test_report_is_retried(void **state)
{
	struct fixture fx;
	struct mono stop;

	(void)state;
	begin(&fx, "deaf", 3);
	follow_report(fx.follow, loop_now(fx.loop));
	run_until(&fx, &fx.reports, 3);
	assert_true(follow_get_state(fx.follow).reachable);
	stop = mono_add(clock_now().mono, NSEC_PER_SEC);
	while (mono_before(clock_now().mono, stop))
		assert_true(loop_step(fx.loop, NSEC_PER_SEC / 10) >= 0);
	assert_in_range(fx.reports, 3, 40);
	end(&fx);
}

static void test_moved(void **state)
{
	struct fixture fx;
	struct log log;

	(void)state;
	begin(&fx, "", 3);
	wait_for_log(&fx, "since=5&wait=50", &log);
	follow_moved(fx.follow, loop_now(fx.loop));
	wait_for_log(&fx,
		"since=5&wait=50\nGET /v1/netmap?since=5&wait=0\n"
		"GET /v1/netmap?since=5&wait=50",
		&log);
	assert_int_equal(fx.states, 1);
	end(&fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asks_then_waits),
		cmocka_unit_test(test_comes_back),
		cmocka_unit_test(test_bad_netmap),
		cmocka_unit_test(test_problem_is_told),
		cmocka_unit_test(test_does_not_spin),
		cmocka_unit_test(test_reports),
		cmocka_unit_test(test_report_is_retried),
		cmocka_unit_test(test_moved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

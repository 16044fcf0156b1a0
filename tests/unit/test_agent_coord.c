/*
 * The HTTPS client against a real TLS server: the pin is what is trusted, and a
 * wrong one is refused; headers, bodies, limits, retries, cancelling, reopening.
 */
#include "config.h"
#include "agent/coord.h"
#include "os/clock.h"
#include "rows.h"
#include "tls_stub.h"

#include <errno.h>
#include <string.h>

#include "base/banned.h"

#define PATIENCE_NS (20 * NSEC_PER_SEC)

static struct tls_stub stub;

struct fixture {
	struct loop *loop;
	struct coord *coord;
};

/* One answer, kept. */
struct heard {
	unsigned int count;
	int result;
	unsigned int status, retry_after_sec;
	char body[512];
	size_t body_len;
	struct err err;
};

static void hear(
	void *arg, const struct coord_reply *reply, const struct now *now)
{
	struct heard *heard = arg;

	(void)now;
	heard->count++;
	heard->result = reply->result;
	heard->status = reply->status;
	heard->retry_after_sec = reply->retry_after_sec;
	heard->err = reply->err;
	heard->body_len = reply->body_len;
	if (reply->result == 0)
		(void)snprintf(
			heard->body, sizeof(heard->body), "%s", reply->body);
}

static void open_coord(struct fixture *fx, const char *url, const uint8_t *pin)
{
	struct err err = { 0 };

	fx->loop = loop_new(&err);
	assert_non_null(fx->loop);
	fx->coord = coord_new(fx->loop, url, pin, &err);
	if (!fx->coord)
		fail_msg("%s", err.msg);
}

static void close_coord(struct fixture *fx)
{
	coord_free(fx->coord);
	loop_free(fx->loop);
}

static struct coord_call *ask(struct fixture *fx, const char *method,
	const char *path, const char *body, struct heard *heard)
{
	const struct coord_request request = {
		.method = method,
		.path = path,
		.bearer = "mesh_agent_secret",
		.body = body,
		.body_len = body ? strlen(body) : 0,
		.reply_max = 64 * 1024,
	};
	struct err err = { 0 };
	struct coord_call *call =
		coord_send(fx->coord, &request, hear, heard, &err);

	if (!call)
		fail_msg("%s", err.msg);
	return call;
}

static void wait_for(struct fixture *fx, const struct heard *heard)
{
	struct mono end = mono_add(clock_now().mono, PATIENCE_NS);

	while (heard->count == 0) {
		assert_true(mono_before(clock_now().mono, end));
		assert_true(loop_step(fx->loop, NSEC_PER_SEC) >= 0);
	}
	assert_int_equal(heard->count, 1);
}

static void test_request(void **state)
{
	struct fixture fx;
	struct heard heard = { 0 };

	(void)state;
	tls_stub_start(&stub, "");
	open_coord(&fx, stub.url, stub.pin);
	(void)ask(&fx, "POST", "/echo", "{\"a\": 1}", &heard);
	wait_for(&fx, &heard);
	assert_int_equal(heard.result, 0);
	assert_int_equal(heard.status, 200);
	assert_string_equal(heard.body,
		"{\"method\": \"POST\", \"body\": \"{\\\"a\\\": 1}\", "
		"\"authorization\": \"Bearer mesh_agent_secret\", "
		"\"type\": \"application/json\", \"expect\": null}");
	heard = (struct heard){ 0 };
	(void)ask(&fx, "GET", "/echo", NULL, &heard);
	wait_for(&fx, &heard);
	assert_non_null(
		strstr(heard.body, "\"method\": \"GET\", \"body\": \"\""));
	assert_non_null(strstr(heard.body, "\"type\": null"));
	/* one connection for both */
	heard = (struct heard){ 0 };
	(void)ask(&fx, "GET", "/connections", NULL, &heard);
	wait_for(&fx, &heard);
	assert_string_equal(heard.body, "1");
	close_coord(&fx);
	tls_stub_stop(&stub);
}

static void test_wrong_pin(void **state)
{
	struct fixture fx;
	struct heard heard = { 0 };

	(void)state;
	tls_stub_start(&stub, "");
	stub.pin[31] ^= 1;
	open_coord(&fx, stub.url, stub.pin);
	(void)ask(&fx, "GET", "/echo", NULL, &heard);
	wait_for(&fx, &heard);
	assert_int_equal(heard.result, -EKEYREJECTED);
	assert_non_null(strstr(heard.err.msg, "another TLS key"));
	close_coord(&fx);
	/* and nothing was asked of it, not even a header sent */
	stub.pin[31] ^= 1;
	heard = (struct heard){ 0 };
	open_coord(&fx, stub.url, stub.pin);
	(void)ask(&fx, "GET", "/log", NULL, &heard);
	wait_for(&fx, &heard);
	assert_int_equal(heard.status, 200);
	assert_string_equal(heard.body, "");
	close_coord(&fx);
	tls_stub_stop(&stub);
}

static void test_answers(void **state)
{
	static const struct {
		const char *path;
		int result;
		unsigned int status, retry_after;
		int line;
	} rows[] = {
		{ "/problem", 0, 409, 0, __LINE__ },
		{ "/retry", 0, 503, 7, __LINE__ },
		{ "/nothing", 0, 404, 0, __LINE__ },
		{ "/big", -EMSGSIZE, 0, 0, __LINE__ },
		{ "/echo", 0, 200, 0, __LINE__ },
	};
	struct fixture fx;

	(void)state;
	tls_stub_start(&stub, "");
	open_coord(&fx, stub.url, stub.pin);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct heard heard = { 0 };

		(void)ask(&fx, "GET", rows[i].path, NULL, &heard);
		wait_for(&fx, &heard);
		ROW_INT(&rows[i], heard.result, rows[i].result);
		ROW_INT(&rows[i], heard.status, rows[i].status);
		ROW_INT(&rows[i], heard.retry_after_sec, rows[i].retry_after);
		ROW_INT(&rows[i], heard.err.msg[0] != 0, rows[i].result != 0);
	}
	close_coord(&fx);
	tls_stub_stop(&stub);
}

static void test_nobody_there(void **state)
{
	struct fixture fx;
	struct heard heard = { 0 };

	(void)state;
	tls_stub_start(&stub, "");
	tls_stub_stop(&stub);
	open_coord(&fx, stub.url, stub.pin);
	(void)ask(&fx, "GET", "/echo", NULL, &heard);
	wait_for(&fx, &heard);
	assert_int_equal(heard.result, -EHOSTUNREACH);
	assert_non_null(strstr(heard.err.msg, "cannot reach the coordinator"));
	close_coord(&fx);
}

static void test_cancel(void **state)
{
	struct fixture fx;
	struct heard cancelled = { 0 }, other = { 0 };
	struct coord_call *call;

	(void)state;
	tls_stub_start(&stub, "");
	open_coord(&fx, stub.url, stub.pin);
	call = ask(&fx, "GET", "/hang", NULL, &cancelled);
	(void)ask(&fx, "GET", "/echo", NULL, &other);
	wait_for(&fx, &other);
	coord_cancel(call);
	other = (struct heard){ 0 };
	(void)ask(&fx, "GET", "/echo", NULL, &other);
	wait_for(&fx, &other);
	assert_int_equal(cancelled.count, 0);
	/* freeing with a call under way is fine, too */
	(void)ask(&fx, "GET", "/hang", NULL, &cancelled);
	close_coord(&fx);
	assert_int_equal(cancelled.count, 0);
	tls_stub_stop(&stub);
}

/* What was under way is asked again over new connections; idle ones go. */
static void test_reopen(void **state)
{
	struct fixture fx;
	struct heard hanging = { 0 }, other = { 0 };

	(void)state;
	tls_stub_start(&stub, "");
	open_coord(&fx, stub.url, stub.pin);
	(void)ask(&fx, "GET", "/hang", NULL, &hanging);
	(void)ask(&fx, "GET", "/echo", NULL, &other);
	wait_for(&fx, &other);
	/* until the first of them hangs for certain */
	do {
		other = (struct heard){ 0 };
		(void)ask(&fx, "GET", "/connections", NULL, &other);
		wait_for(&fx, &other);
	} while (strcmp(other.body, "2") != 0);
	coord_reopen(fx.coord);
	wait_for(&fx, &hanging);
	assert_int_equal(hanging.result, 0);
	assert_string_equal(hanging.body, "hang 2");
	other = (struct heard){ 0 };
	(void)ask(&fx, "GET", "/connections", NULL, &other);
	wait_for(&fx, &other);
	assert_string_equal(other.body, "3");
	close_coord(&fx);
	tls_stub_stop(&stub);
}

static void test_bounded(void **state)
{
	const struct coord_request request = {
		.method = "GET",
		.path = "/hang",
		.bearer = "x",
		.reply_max = 10,
	};
	struct fixture fx;
	struct heard heard = { 0 };
	struct err err = { 0 };

	(void)state;
	open_coord(&fx, "https://127.0.0.1:1", (const uint8_t[32]){ 0 });
	for (unsigned int i = 0; i < COORD_CALLS_MAX; i++)
		assert_non_null(
			coord_send(fx.coord, &request, hear, &heard, &err));
	assert_null(coord_send(fx.coord, &request, hear, &heard, &err));
	assert_non_null(strstr(err.msg, "too many"));
	close_coord(&fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_wrong_pin),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_reopen),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

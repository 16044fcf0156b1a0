/* timers: scripts of events and the duties that must come of them, to the
 * millisecond. The jitter is set by the script's randomness: 0 here unless a
 * row says otherwise. */
#include "config.h"

#include "tests/unit/coretest.h"

#include "engine/core/limits.h"
#include "engine/core/timers.h"

#include <stdio.h>
#include <string.h>

#include "base/banned.h"

enum step {
	END,
	DATA_SENT,
	DATA_RECEIVED,
	KEEPALIVE_SENT, /* any authenticated packet sent, traversal */
	KEEPALIVE_RECEIVED,
	INITIATED,
	COMPLETE,
	DERIVED,
	PERSIST, /* set the interval to the argument, and traverse */
	DUE,	 /* next duty is the argument, now to the millisecond */
	QUIET,	 /* nothing is due up to now */
};
struct event {
	double at_sec;
	enum step step;
	int arg;
};
struct script {
	const char *name;
	struct event events[16];
	int line;
};

static const struct script scripts[] = {
	{ "data sent and nothing back: a new handshake after 15 s",
		{ { 0, DATA_SENT, 0 }, { 1, DATA_SENT, 0 },
			{ 14.999, QUIET, 0 }, { 15, DUE, DUTY_INITIATE },
			{ 100, QUIET, 0 } },
		__LINE__ },
	{ "any answer calls that off",
		{ { 0, DATA_SENT, 0 }, { 14, KEEPALIVE_RECEIVED, 0 },
			{ 100, QUIET, 0 } },
		__LINE__ },
	{ "and the next data begins it again",
		{ { 0, DATA_SENT, 0 }, { 14, KEEPALIVE_RECEIVED, 0 },
			{ 14.5, DATA_SENT, 0 }, { 29.499, QUIET, 0 },
			{ 29.5, DUE, DUTY_INITIATE } },
		__LINE__ },
	{ "data received and nothing sent: a keepalive after 10 s",
		{ { 0, DATA_RECEIVED, 0 }, { 9.999, QUIET, 0 },
			{ 10, DUE, DUTY_KEEPALIVE }, { 10, KEEPALIVE_SENT, 0 },
			{ 100, QUIET, 0 } },
		__LINE__ },
	{ "anything sent makes it needless",
		{ { 0, DATA_RECEIVED, 0 }, { 5, KEEPALIVE_SENT, 0 },
			{ 100, QUIET, 0 } },
		__LINE__ },
	{ "more data while waiting does not put it off",
		{ { 0, DATA_RECEIVED, 0 }, { 9, DATA_RECEIVED, 0 },
			{ 10, DUE, DUTY_KEEPALIVE } },
		__LINE__ },
	{ "and asks for another only while none could be sent",
		{ { 0, DATA_RECEIVED, 0 }, { 9, DATA_RECEIVED, 0 },
			{ 10, DUE, DUTY_KEEPALIVE }, { 19.9, QUIET, 0 },
			{ 20, DUE, DUTY_KEEPALIVE }, { 100, QUIET, 0 } },
		__LINE__ },
	{ "a keepalive received asks for nothing: no ping-pong",
		{ { 0, KEEPALIVE_RECEIVED, 0 }, { 100, QUIET, 0 } }, __LINE__ },
	{ "a keepalive sent expects nothing",
		{ { 0, KEEPALIVE_SENT, 0 }, { 100, QUIET, 0 } }, __LINE__ },
	{ "an initiation is repeated after 5 s",
		{ { 0, INITIATED, 0 }, { 4.999, QUIET, 0 },
			{ 5, DUE, DUTY_RETRY }, { 5, INITIATED, 0 },
			{ 9.999, QUIET, 0 }, { 10, DUE, DUTY_RETRY } },
		__LINE__ },
	{ "until the handshake is complete",
		{ { 0, INITIATED, 0 }, { 4.9, COMPLETE, 0 },
			{ 100, QUIET, 0 } },
		__LINE__ },
	{ "keys are wiped 540 s after the last session",
		{ { 0, DERIVED, 0 }, { 120, DERIVED, 0 }, { 659.999, QUIET, 0 },
			{ 660, DUE, DUTY_ZERO_KEYS }, { 5000, QUIET, 0 } },
		__LINE__ },
	{ "persistent keepalive after each interval of silence",
		{ { 0, PERSIST, 25 }, { 10, KEEPALIVE_RECEIVED, 0 },
			{ 34.999, QUIET, 0 }, { 35, DUE, DUTY_KEEPALIVE },
			{ 35, KEEPALIVE_SENT, 0 }, { 59.9, QUIET, 0 },
			{ 60, DUE, DUTY_KEEPALIVE } },
		__LINE__ },
	{ "turned off, it stops at the next deadline",
		{ { 0, PERSIST, 25 }, { 1, PERSIST, 0 }, { 100, QUIET, 0 } },
		__LINE__ },
	{ "the longest interval",
		{ { 0, PERSIST, 65535 }, { 65534.9, QUIET, 0 },
			{ 65535, DUE, DUTY_KEEPALIVE } },
		__LINE__ },
	{ "two at once come in the order of the table",
		{ { 0, DATA_RECEIVED, 0 }, { 5, INITIATED, 0 },
			{ 10, DUE, DUTY_RETRY }, { 10, DUE, DUTY_KEEPALIVE } },
		__LINE__ },
};

struct fixture {
	struct heap heap;
	struct timers timers;
	struct activity activity;
	uint8_t random;
};

static void fill_constant(void *arg, uint8_t *bytes, size_t len)
{
	memset(bytes, *(uint8_t *)arg, len);
}

static void setup(struct fixture *f)
{
	*f = (struct fixture){ .random = 0 };
	assert_int_equal(heap_reserve(&f->heap, 1), 0);
	timers_init(&f->timers, &f->heap, &f->activity);
}

/* What a device does: the heap says when to look. */
static enum duty expire(struct fixture *f, struct mono now)
{
	struct heap_node *node = heap_peek(&f->heap);

	if (!node || !mono_reached(node->deadline, now))
		return DUTY_NONE;
	return timers_expire(&f->timers, now);
}

/* As a worker and control do it between them. */
static void data_received(
	struct fixture *f, struct mono now, const struct wg_rng *rng)
{
	if (activity_on_data_received(&f->activity, now))
		timers_watch(&f->timers, rng);
}

static void run(const struct script *script)
{
	struct fixture f;
	const struct wg_rng rng = { fill_constant, &f.random };
	struct timers *t = &f.timers;

	setup(&f);
	for (const struct event *e = script->events; e->step != END; e++) {
		struct mono now = test_now(e->at_sec).mono;

		switch (e->step) {
		case DATA_SENT:
			timers_on_any_authenticated_packet_sent(t, now);
			timers_on_data_sent(t, now, &rng);
			break;
		case DATA_RECEIVED:
			timers_on_any_authenticated_packet_received(t, now);
			data_received(&f, now, &rng);
			break;
		case KEEPALIVE_SENT:
			timers_on_any_authenticated_packet_sent(t, now);
			break;
		case KEEPALIVE_RECEIVED:
			timers_on_any_authenticated_packet_received(t, now);
			break;
		case INITIATED:
			timers_on_handshake_sent(t, now);
			timers_on_handshake_initiated(t, now, &rng);
			break;
		case COMPLETE:
			timers_on_handshake_complete(t);
			break;
		case DERIVED:
			timers_on_session_derived(t, now);
			break;
		case PERSIST:
			t->persistent_keepalive_sec = (uint16_t)e->arg;
			timers_on_any_authenticated_packet_received(t, now);
			break;
		case DUE:
			/* Not a millisecond before. */
			if (expire(&f, mono_add(now, -NSEC_PER_MSEC)) ||
				expire(&f, now) != (enum duty)e->arg)
				fail_msg(
					"%s: at %.3f", script->name, e->at_sec);
			break;
		case QUIET:
			if (expire(&f, now) != DUTY_NONE)
				fail_msg("%s: not quiet at %.3f", script->name,
					e->at_sec);
			break;
		case END:
			break;
		}
	}
	timers_stop(t);
	assert_null(heap_peek(&f.heap));
	heap_release(&f.heap);
}

static void test_scripts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++)
		run(&scripts[i]);
}

/* 20 initiations in all, then silence; 9 minutes later the keys go. */
static void test_give_up(void **state)
{
	struct fixture f;
	const struct wg_rng rng = { fill_constant, &f.random };
	struct mono now = test_now(0).mono, start = now;
	enum duty duty = DUTY_NONE;
	int initiations = 1;

	(void)state;
	setup(&f);
	data_received(&f, now, &rng);
	timers_on_handshake_initiated(&f.timers, now, &rng);
	for (;;) {
		now = heap_peek(&f.heap)->deadline;
		duty = timers_expire(&f.timers, now);
		if (duty == DUTY_GIVE_UP)
			break;
		if (duty != DUTY_RETRY)
			continue;
		initiations++;
		timers_on_handshake_initiated(&f.timers, now, &rng);
	}
	assert_int_equal(initiations, 20);
	assert_int_equal(mono_sub(now, start) / NSEC_PER_SEC, 100);
	assert_false(timers_pending(&f.timers, TIMER_SEND_KEEPALIVE));
	assert_int_equal(timers_expire(&f.timers, now), DUTY_NONE);
	assert_int_equal(mono_sub(heap_peek(&f.heap)->deadline, now),
		ZERO_KEYS_AFTER_NS);
	timers_stop(&f.timers);
	heap_release(&f.heap);
}

/* Jitter is within [0, 333 ms) on retransmission and new handshakes. */
static void test_jitter(void **state)
{
	struct mono now = test_now(0).mono;

	(void)state;
	for (int r = 0; r < 256; r++) {
		struct fixture f;
		const struct wg_rng rng = { fill_constant, &f.random };
		int64_t wait;

		setup(&f);
		f.random = (uint8_t)r;
		timers_on_handshake_initiated(&f.timers, now, &rng);
		wait = mono_sub(
			f.timers.deadline[TIMER_RETRANSMIT_HANDSHAKE], now);
		assert_true(wait >= REKEY_TIMEOUT_NS &&
			wait < REKEY_TIMEOUT_NS + JITTER_MAX_NS);
		assert_true(r < 128 ||
			wait > REKEY_TIMEOUT_NS + JITTER_MAX_NS * 49 / 100);
		timers_on_data_sent(&f.timers, now, &rng);
		wait = mono_sub(f.timers.deadline[TIMER_NEW_HANDSHAKE], now);
		assert_true(wait >= 15 * NSEC_PER_SEC &&
			wait < 15 * NSEC_PER_SEC + JITTER_MAX_NS);
		timers_stop(&f.timers);
		heap_release(&f.heap);
	}
}

static void test_may_initiate(void **state)
{
	struct mono start = test_now(0).mono;
	struct fixture f;

	(void)state;
	setup(&f);
	assert_true(timers_may_initiate(&f.timers, (struct mono){ 0 }));
	timers_on_handshake_sent(&f.timers, start);
	assert_false(timers_may_initiate(&f.timers, start));
	assert_false(timers_may_initiate(&f.timers, test_now(4.999).mono));
	assert_true(timers_may_initiate(&f.timers, test_now(5).mono));
	/* Wanted too early: it comes as soon as it may. */
	timers_on_initiation_deferred(&f.timers);
	assert_int_equal(expire(&f, test_now(4.999).mono), DUTY_NONE);
	assert_int_equal(expire(&f, test_now(5).mono), DUTY_RETRY);
	timers_stop(&f.timers);
	assert_true(timers_may_initiate(&f.timers, start));
	heap_release(&f.heap);
}

/* Timers that are only put off leave the heap alone; it fires once early. */
static void test_lazy_node(void **state)
{
	struct fixture f;
	const struct wg_rng rng = { fill_constant, &f.random };
	struct mono first;
	uint64_t sequence;

	(void)state;
	setup(&f);
	data_received(&f, test_now(0).mono, &rng);
	first = heap_peek(&f.heap)->deadline;
	sequence = f.heap.next_sequence;
	for (int i = 1; i < 1000; i++) {
		struct mono now = test_now(i * 0.009).mono;

		timers_on_any_authenticated_packet_sent(&f.timers, now);
		data_received(&f, now, &rng);
	}
	assert_int_equal(f.heap.next_sequence, sequence);
	assert_int_equal(timers_expire(&f.timers, first), DUTY_NONE);
	assert_int_equal(heap_peek(&f.heap)->deadline.ns,
		f.timers.deadline[TIMER_SEND_KEEPALIVE].ns);
	timers_stop(&f.timers);
	heap_release(&f.heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scripts),
		cmocka_unit_test(test_give_up),
		cmocka_unit_test(test_jitter),
		cmocka_unit_test(test_may_initiate),
		cmocka_unit_test(test_lazy_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

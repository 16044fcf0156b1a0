/*
 * loop: order of timers, what may be removed inside which callback, signals,
 * hooks. Deadlines lie in the past wherever the order is what matters, so that
 * nothing waits.
 */
#include "config.h"
#include "rows.h"
#include "os/clock.h"
#include "os/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static struct loop *loop;
static char trace[256];

static void note(char c)
{
	size_t len = strlen(trace);

	assert_true(len + 1 < sizeof(trace));
	trace[len] = c;
}

static int setup(void **state)
{
	struct err err = { 0 };

	memset(trace, 0, sizeof(trace));
	loop = loop_new(&err);
	return loop ? 0 : -1;
}

static int teardown(void **state)
{
	loop_free(loop);
	return 0;
}

/* What a callback notes, and whom it takes away, or sets, when it runs. */
struct actor {
	char name;
	struct loop_timer *timer, **remove_timer, *set_timer;
	struct loop_source *source, **remove_source;
	struct mono deadline;
};

static void act(struct actor *actor)
{
	note(actor->name);
	if (actor->remove_timer) {
		loop_timer_remove(*actor->remove_timer);
		*actor->remove_timer = NULL;
	}
	if (actor->remove_source) {
		loop_source_remove(*actor->remove_source);
		*actor->remove_source = NULL;
	}
	if (actor->set_timer)
		loop_timer_set(actor->set_timer, actor->deadline);
}

static void on_timer(void *arg, const struct now *now)
{
	assert_ptr_equal(now, loop_now(loop));
	act(arg);
}

static void on_io(void *arg, uint32_t events, const struct now *now)
{
	assert_true(events != 0);
	act(arg);
}

static struct mono past(int64_t ns)
{
	return (struct mono){ 1000 + ns };
}

static void add_timer(struct actor *actor, char name, struct mono deadline)
{
	*actor = (struct actor){ .name = name };
	actor->timer = loop_add_timer(loop, on_timer, actor);
	assert_non_null(actor->timer);
	loop_timer_set(actor->timer, deadline);
}

static void test_timer_order(void **state)
{
	struct actor a, b, c, d, e;

	add_timer(&a, 'a', past(30));
	add_timer(&b, 'b', past(10));
	add_timer(&c, 'c', past(20));
	add_timer(&d, 'd', past(10)); /* as b, but set later */
	add_timer(&e, 'e', MONO_NEVER);
	assert_int_equal(loop_step(loop, -1), 0);
	assert_string_equal(trace, "bdca");
	assert_int_equal(loop_step(loop, 0), 0);
	assert_string_equal(trace, "bdca"); /* once */
}

static void test_timers_against_naive(void **state)
{
	enum { COUNT = 26 };
	struct actor actors[COUNT];
	int64_t ns[COUNT];
	char want[COUNT + 1] = "";
	struct random r = random_start();

	for (int i = 0; i < COUNT; i++) {
		ns[i] = (int64_t)random_below(&r, 10);
		add_timer(&actors[i], (char)('a' + i), past(ns[i]));
	}
	for (int len = 0; len < COUNT; len++) {
		int best = -1;

		for (int i = 0; i < COUNT; i++) {
			if (!strchr(want, 'a' + i) &&
				(best < 0 || ns[i] < ns[best]))
				best = i;
		}
		want[len] = (char)('a' + best);
	}
	assert_int_equal(loop_step(loop, -1), 0);
	assert_string_equal(trace, want);
}

static void test_timer_removed_by_an_earlier_one(void **state)
{
	struct actor a, b, c, d;

	add_timer(&a, 'a', past(1));
	add_timer(&b, 'b', past(2));
	add_timer(&c, 'c', past(3));
	add_timer(&d, 'd', past(4));
	a.remove_timer = &b.timer;
	c.set_timer = d.timer; /* disarmed though due in this very wake-up */
	c.deadline = MONO_NEVER;
	assert_int_equal(loop_step(loop, -1), 0);
	assert_int_equal(loop_step(loop, 0), 0);
	assert_string_equal(trace, "ac");
}

static void test_timer_removes_itself(void **state)
{
	struct actor a, b;

	add_timer(&a, 'a', past(1));
	add_timer(&b, 'b', past(2));
	a.remove_timer = &a.timer;
	assert_int_equal(loop_step(loop, -1), 0);
	assert_string_equal(trace, "ab");
	loop_timer_remove(NULL);
}

static void test_timer_set_anew_starves_nobody(void **state)
{
	struct actor a, b;

	add_timer(&a, 'a', past(1));
	add_timer(&b, 'b', past(2));
	a.set_timer = a.timer;
	a.deadline = past(0);
	assert_int_equal(loop_step(loop, -1), 0);
	assert_string_equal(trace, "ab");
	assert_int_equal(loop_step(loop, -1), 0);
	assert_string_equal(trace, "aba");
}

static void test_timer_is_not_early(void **state)
{
	struct mono start = loop_now(loop)->mono;
	struct mono deadline = mono_add(start, 3 * NSEC_PER_MSEC + 17);
	struct actor a;
	int wake_ups = 0;

	add_timer(&a, 'a', deadline);
	for (; !trace[0]; wake_ups++)
		assert_int_equal(loop_step(loop, -1), 0);
	assert_false(mono_before(loop_now(loop)->mono, deadline));
	assert_int_equal(wake_ups, 1); /* and nothing turns in between */
}

static void test_step_gives_up_in_time(void **state)
{
	struct mono start = clock_now().mono;
	struct actor a;

	add_timer(&a, 'a', mono_add(start, 3600 * NSEC_PER_SEC));
	assert_int_equal(loop_step(loop, 2 * NSEC_PER_MSEC), 0);
	assert_true(mono_sub(loop_now(loop)->mono, start) >= 2 * NSEC_PER_MSEC);
	assert_string_equal(trace, "");
}

struct pipe {
	int fds[2];
	struct actor actor;
};

/* A pipe with a byte in it, so that its source fires in every step. */
static void add_pipe(struct pipe *p, char name)
{
	struct err err = { 0 };

	p->actor = (struct actor){ .name = name };
	assert_int_equal(pipe2(p->fds, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(write(p->fds[1], "x", 1), 1);
	p->actor.source =
		loop_add_fd(loop, p->fds[0], EPOLLIN, on_io, &p->actor, &err);
	assert_non_null(p->actor.source);
}

static void close_pipe(struct pipe *p)
{
	(void)close(p->fds[0]);
	(void)close(p->fds[1]);
}

static void test_source_removes_the_other(void **state)
{
	struct pipe p, q;

	/* whichever comes first: the other one's event is in the same batch */
	add_pipe(&p, 'p');
	add_pipe(&q, 'q');
	p.actor.remove_source = &q.actor.source;
	q.actor.remove_source = &p.actor.source;
	assert_int_equal(loop_step(loop, -1), 0);
	assert_int_equal(strlen(trace), 1);
	assert_int_equal(loop_step(loop, -1), 0);
	assert_int_equal(strlen(trace), 2);
	assert_int_equal(trace[0], trace[1]);
	close_pipe(&p);
	close_pipe(&q);
}

static void test_source_removes_itself(void **state)
{
	struct pipe p;

	add_pipe(&p, 'p');
	p.actor.remove_source = &p.actor.source;
	assert_int_equal(loop_step(loop, -1), 0);
	assert_int_equal(loop_step(loop, 0), 0);
	assert_string_equal(trace, "p");
	loop_source_remove(NULL);
	close_pipe(&p);
}

static struct pipe reborn;

/* Ends the other pipe and puts a new source where its number was. */
static void on_replace(void *arg, uint32_t events, const struct now *now)
{
	struct pipe *other = arg;
	int old = other->fds[0];

	note('r');
	loop_source_remove(other->actor.source);
	close_pipe(other);
	reborn.actor = (struct actor){ .name = 'n' };
	assert_int_equal(pipe2(reborn.fds, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(reborn.fds[0], old); /* the lowest that is free */
	reborn.actor.source = loop_add_fd(
		loop, reborn.fds[0], EPOLLIN, on_io, &reborn.actor, NULL);
	assert_non_null(reborn.actor.source);
}

static void test_event_of_a_reused_number(void **state)
{
	struct pipe old, trigger;
	struct loop_source *source;

	/* epoll reports in the order things became ready: TRIGGER first */
	assert_int_equal(pipe2(old.fds, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(pipe2(trigger.fds, O_CLOEXEC | O_NONBLOCK), 0);
	old.actor = (struct actor){ .name = 'o' };
	source = loop_add_fd(
		loop, trigger.fds[0], EPOLLIN, on_replace, &old, NULL);
	assert_non_null(source);
	old.actor.source =
		loop_add_fd(loop, old.fds[0], EPOLLIN, on_io, &old.actor, NULL);
	assert_non_null(old.actor.source);
	assert_int_equal(write(trigger.fds[1], "x", 1), 1);
	assert_int_equal(write(old.fds[1], "x", 1), 1);
	assert_int_equal(loop_step(loop, -1), 0);
	assert_string_equal(trace, "r"); /* neither old nor new was called */
	loop_source_remove(source);
	loop_source_remove(reborn.actor.source);
	close_pipe(&trigger);
	close_pipe(&reborn);
}

static void test_set_events(void **state)
{
	struct pipe p;
	struct loop_source *out;
	struct actor writer = { .name = 'w' };

	add_pipe(&p, 'p');
	loop_source_set_events(p.actor.source, 0);
	assert_int_equal(loop_step(loop, 0), 0);
	assert_string_equal(trace, "");
	out = loop_add_fd(loop, p.fds[1], 0, on_io, &writer, NULL);
	assert_non_null(out);
	loop_source_set_events(out, EPOLLOUT);
	assert_int_equal(loop_step(loop, 0), 0);
	assert_string_equal(trace, "w");
	loop_source_set_events(out, 0);
	loop_source_set_events(p.actor.source, EPOLLIN);
	assert_int_equal(loop_step(loop, 0), 0);
	assert_string_equal(trace, "wp");
	close_pipe(&p);
}

static void test_bad_fds(void **state)
{
	struct err err = { 0 };
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct pipe p;

	assert_null(loop_add_fd(loop, fd, EPOLLIN, on_io, NULL, &err));
	assert_non_null(strstr(err.msg, "Operation not permitted"));
	(void)close(fd);
	assert_null(loop_add_fd(loop, fd, EPOLLIN, on_io, NULL, &err));
	assert_non_null(strstr(err.msg, "Bad file descriptor"));
	add_pipe(&p, 'p');
	assert_null(loop_add_fd(loop, p.fds[0], EPOLLIN, on_io, NULL, &err));
	assert_non_null(strstr(err.msg, "File exists"));
	close_pipe(&p);
}

static void on_signal(void *arg, int signo, const struct now *now)
{
	note(signo == SIGUSR1 ? '1' : signo == SIGUSR2 ? '2' : '?');
	assert_ptr_equal(arg, trace);
}

static void test_signals(void **state)
{
	struct err err = { 0 };

	assert_int_equal(
		loop_add_signal(loop, SIGUSR1, on_signal, trace, &err), 0);
	assert_int_equal(
		loop_add_signal(loop, SIGUSR2, on_signal, trace, &err), 0);
	assert_int_equal(kill(getpid(), SIGUSR2), 0);
	assert_int_equal(loop_step(loop, -1), 0);
	assert_string_equal(trace, "2");
	assert_int_equal(kill(getpid(), SIGUSR1), 0);
	assert_int_equal(kill(getpid(), SIGUSR2), 0);
	assert_int_equal(loop_step(loop, -1), 0);
	assert_int_equal(loop_step(loop, -1), 0);
	assert_int_equal(strlen(trace), 3);
	assert_non_null(strchr(trace, '1'));
	assert_int_equal(loop_step(loop, 0), 0);
	assert_int_equal(strlen(trace), 3);
	assert_true(loop_add_signal(loop, 12345, on_signal, trace, &err) < 0);
}

static char hook_names[] = { 'h', 'k', '-' };

static void on_hook(void *arg, const struct now *now)
{
	const char *name = arg;

	note(*name);
}

static void test_hooks_come_last(void **state)
{
	struct actor a;
	struct pipe p;

	assert_int_equal(loop_add_hook(loop, on_hook, &hook_names[0]), 0);
	assert_int_equal(loop_add_hook(loop, on_hook, &hook_names[1]), 0);
	add_timer(&a, 'a', past(1));
	add_pipe(&p, 'p');
	assert_int_equal(loop_step(loop, -1), 0);
	assert_string_equal(trace, "pahk"); /* I/O, timers, hooks */
	for (int i = 2; i < LOOP_HOOKS_MAX; i++)
		assert_int_equal(
			loop_add_hook(loop, on_hook, &hook_names[2]), 0);
	assert_int_equal(loop_add_hook(loop, on_hook, &hook_names[2]), -ENOSPC);
	close_pipe(&p);
}

static void on_quit(void *arg, const struct now *now)
{
	note('q');
	loop_quit(loop, 7);
}

static void test_run_until_quit(void **state)
{
	struct loop_timer *timer = loop_add_timer(loop, on_quit, NULL);

	assert_int_equal(loop_add_hook(loop, on_hook, &hook_names[0]), 0);
	loop_timer_set(timer, past(1));
	assert_int_equal(loop_run(loop), 7);
	/* a hook before the first sleep, and one after the last callbacks */
	assert_string_equal(trace, "hqh");
	loop_quit(loop, 3); /* before it runs: it does not sleep */
	assert_int_equal(loop_run(loop), 3);
}

static void test_many_timers(void **state)
{
	enum { COUNT = 200 };
	struct loop_timer *timers[COUNT];
	static struct actor actors[COUNT];
	int fired = 0;

	for (int i = 0; i < COUNT; i++) {
		actors[i] = (struct actor){ .name = 't' };
		timers[i] = loop_add_timer(loop, on_timer, &actors[i]);
		assert_non_null(timers[i]);
		loop_timer_set(timers[i], past(COUNT - i));
	}
	for (int i = 0; i < COUNT; i += 2)
		loop_timer_remove(timers[i]);
	assert_int_equal(loop_step(loop, -1), 0);
	for (const char *p = trace; *p; p++)
		fired++;
	assert_int_equal(fired, COUNT / 2);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_timer_order),
		TEST(test_timers_against_naive),
		TEST(test_timer_removed_by_an_earlier_one),
		TEST(test_timer_removes_itself),
		TEST(test_timer_set_anew_starves_nobody),
		TEST(test_timer_is_not_early),
		TEST(test_step_gives_up_in_time),
		TEST(test_source_removes_the_other),
		TEST(test_source_removes_itself),
		TEST(test_event_of_a_reused_number),
		TEST(test_set_events),
		TEST(test_bad_fds),
		TEST(test_signals),
		TEST(test_hooks_come_last),
		TEST(test_run_until_quit),
		TEST(test_many_timers),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}

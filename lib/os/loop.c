/*
 * Deadlines are given to one timerfd on CLOCK_BOOTTIME, absolute: exact to the
 * nanosecond, not late by what callbacks took, and due at once after a suspend
 * (the timeout of epoll_wait(2) counts CLOCK_MONOTONIC, in milliseconds).
 *
 * One wake-up: wait, read the clock, I/O callbacks (signals among them), then
 * the timers that are due, then the hooks. I/O goes first so that an answer
 * that is already here disarms the timer that would ask again.
 */
#include "config.h"
#include "os/loop.h"
#include "base/heap.h"
#include "base/list.h"
#include "os/clock.h"
#include "os/fd.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/banned.h"

#define EVENTS_MAX  64 /* a wake-up; the rest comes with the next */
#define SIGNALS_MAX 8

struct loop_source {
	struct loop *loop;
	struct list link; /* in loop->sources or loop->removed */
	int fd;
	uint32_t events;
	loop_io_fn fn; /* NULL: removed, waits to be freed */
	void *arg;
};

struct loop_timer {
	struct loop *loop;
	struct heap_node node;
	struct list due; /* in loop->due between expiry and its call */
	struct list link;
	loop_timer_fn fn;
	void *arg;
};

struct loop {
	int epoll_fd, timer_fd, signal_fd;
	struct list sources, removed; /* of struct loop_source */
	struct list timers, due;      /* of struct loop_timer */
	size_t timer_count;
	struct heap heap;
	struct mono armed; /* what timer_fd is set to */
	sigset_t signal_set;
	struct {
		int signo;
		loop_signal_fn fn;
		void *arg;
	} signals[SIGNALS_MAX];
	size_t signal_count;
	struct {
		loop_timer_fn fn;
		void *arg;
	} hooks[LOOP_HOOKS_MAX];
	size_t hook_count;
	struct now now;
	bool dispatching, quit;
	int status;
};

/* armed when the timerfd has expired or was never set: differs from every
 * deadline, so the next one is written. */
#define ARMED_UNKNOWN ((struct mono){ INT64_MIN })

static void on_timer_fd(void *arg, uint32_t events, const struct now *now)
{
	struct loop *loop = arg;

	loop->armed = ARMED_UNKNOWN; /* setting it anew clears the expiry */
}

static int loop_open(struct loop *loop, struct err *err)
{
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
		return err_errno(err, "epoll_create1");
	loop->timer_fd =
		timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (loop->timer_fd < 0)
		return err_errno(err, "timerfd_create");
	if (!loop_add_fd(loop, loop->timer_fd, EPOLLIN, on_timer_fd, loop, err))
		return -EIO;
	return 0;
}

struct loop *loop_new(struct err *err)
{
	AUTO(loop_free) struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop) {
		(void)err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	loop->epoll_fd = loop->timer_fd = loop->signal_fd = -1;
	list_init(&loop->sources);
	list_init(&loop->removed);
	list_init(&loop->timers);
	list_init(&loop->due);
	loop->armed = ARMED_UNKNOWN;
	(void)sigemptyset(&loop->signal_set);
	loop->now = clock_now();
	if (loop_open(loop, err) < 0)
		return NULL;
	return TAKE(loop);
}

static void free_sources(struct list *head)
{
	list_for_each_safe(pos, head) {
		list_del(pos);
		free(LIST_ENTRY(pos, struct loop_source, link));
	}
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	BUG_ON(loop->dispatching);
	free_sources(&loop->sources);
	free_sources(&loop->removed);
	list_for_each_safe(pos, &loop->timers)
		free(LIST_ENTRY(pos, struct loop_timer, link));
	/* the nodes went with the timers: nothing to detach */
	loop->heap.len = 0;
	heap_release(&loop->heap);
	fd_close(&loop->signal_fd);
	fd_close(&loop->timer_fd);
	fd_close(&loop->epoll_fd);
	free(loop);
}

struct loop_source *loop_add_fd(struct loop *loop, int fd, uint32_t events,
	loop_io_fn fn, void *arg, struct err *err)
{
	struct loop_source *source = calloc(1, sizeof(*source));
	struct epoll_event ev = { .events = events, .data.ptr = source };

	if (!source) {
		(void)err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	*source = (struct loop_source){
		.loop = loop, .fd = fd, .events = events, .fn = fn, .arg = arg
	};
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0) {
		(void)err_errno(err, "epoll_ctl add");
		free(source);
		return NULL;
	}
	list_add_tail(&loop->sources, &source->link);
	return source;
}

void loop_source_set_events(struct loop_source *source, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = source };

	if (!source->fn || source->events == events)
		return;
	/* fails only if the fd was closed under us: our bug */
	BUG_ON(epoll_ctl(source->loop->epoll_fd, EPOLL_CTL_MOD, source->fd,
		       &ev) != 0);
	source->events = events;
}

void loop_source_remove(struct loop_source *source)
{
	if (!source)
		return;
	BUG_ON(!source->fn);
	(void)epoll_ctl(
		source->loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
	source->fn = NULL;
	list_del(&source->link);
	/* the batch in hand may still point to it */
	list_add_tail(&source->loop->removed, &source->link);
}

struct loop_timer *loop_add_timer(
	struct loop *loop, loop_timer_fn fn, void *arg)
{
	struct loop_timer *timer;

	if (loop->timer_count == loop->heap.cap &&
		heap_reserve(&loop->heap, loop->heap.cap * 2 + 8) < 0)
		return NULL;
	timer = calloc(1, sizeof(*timer));
	if (!timer)
		return NULL;
	timer->loop = loop;
	timer->fn = fn;
	timer->arg = arg;
	list_init(&timer->due);
	list_add_tail(&loop->timers, &timer->link);
	loop->timer_count++;
	return timer;
}

void loop_timer_set(struct loop_timer *timer, struct mono deadline)
{
	list_del(&timer->due);
	heap_set(&timer->loop->heap, &timer->node, deadline);
}

void loop_timer_remove(struct loop_timer *timer)
{
	if (!timer)
		return;
	loop_timer_set(timer, MONO_NEVER);
	list_del(&timer->link);
	timer->loop->timer_count--;
	free(timer);
}

static void on_signal_fd(void *arg, uint32_t events, const struct now *now)
{
	struct loop *loop = arg;
	struct signalfd_siginfo info;

	/* one at a time: a handler may quit, and the fd is level-triggered */
	if (read(loop->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	for (size_t i = 0; i < loop->signal_count; i++) {
		if ((uint32_t)loop->signals[i].signo == info.ssi_signo)
			loop->signals[i].fn(loop->signals[i].arg,
				loop->signals[i].signo, now);
	}
}

int loop_add_signal(struct loop *loop, int signo, loop_signal_fn fn, void *arg,
	struct err *err)
{
	bool is_first = loop->signal_fd < 0;
	sigset_t set = loop->signal_set;
	int fd;

	if (loop->signal_count == SIGNALS_MAX)
		return err_set(err, -ENOSPC, "too many signals watched");
	if (sigaddset(&set, signo) != 0)
		return err_errno(err, "signal %d", signo);
	fd = signalfd(loop->signal_fd, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "signalfd");
	loop->signal_fd = fd;
	if (is_first &&
		!loop_add_fd(loop, fd, EPOLLIN, on_signal_fd, loop, err)) {
		fd_close(&loop->signal_fd);
		return -EIO;
	}
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return err_errno(err, "sigprocmask");
	loop->signal_set = set;
	loop->signals[loop->signal_count].signo = signo;
	loop->signals[loop->signal_count].fn = fn;
	loop->signals[loop->signal_count].arg = arg;
	loop->signal_count++;
	return 0;
}

int loop_add_hook(struct loop *loop, loop_timer_fn fn, void *arg)
{
	if (loop->hook_count == LOOP_HOOKS_MAX)
		return -ENOSPC;
	loop->hooks[loop->hook_count].fn = fn;
	loop->hooks[loop->hook_count].arg = arg;
	loop->hook_count++;
	return 0;
}

const struct now *loop_now(const struct loop *loop)
{
	return &loop->now;
}

static int arm(struct loop *loop, struct mono deadline)
{
	struct itimerspec spec = { 0 };

	if (deadline.ns == loop->armed.ns)
		return 0;
	if (deadline.ns != MONO_NEVER.ns) {
		/* 0 would disarm; the first nanosecond after boot is past */
		int64_t ns = deadline.ns > 0 ? deadline.ns : 1;

		spec.it_value.tv_sec = (time_t)(ns / NSEC_PER_SEC);
		spec.it_value.tv_nsec = (long)(ns % NSEC_PER_SEC);
	}
	if (timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) !=
		0)
		return err_errno(NULL, "timerfd_settime");
	loop->armed = deadline;
	return 0;
}

static struct mono next_deadline(const struct loop *loop)
{
	const struct heap_node *first = heap_peek(&loop->heap);

	return first ? first->deadline : MONO_NEVER;
}

static void run_timers(struct loop *loop)
{
	/* the due ones leave the heap first: one that sets itself anew, due
	 * at once, gets its turn in the next wake-up and starves nobody */
	while (mono_reached(next_deadline(loop), loop->now.mono)) {
		struct loop_timer *timer = CONTAINER_OF(
			heap_peek(&loop->heap), struct loop_timer, node);

		heap_remove(&loop->heap, &timer->node);
		list_add_tail(&loop->due, &timer->due);
	}
	while (!list_empty(&loop->due)) {
		struct loop_timer *timer =
			LIST_ENTRY(loop->due.next, struct loop_timer, due);

		list_del(&timer->due);
		timer->fn(timer->arg, &loop->now); /* may free TIMER */
	}
}

static void run_hooks(struct loop *loop)
{
	for (size_t i = 0; i < loop->hook_count; i++)
		loop->hooks[i].fn(loop->hooks[i].arg, &loop->now);
}

/* -1: sleep until something happens, the timerfd included; 0: only look. */
static int wait_limit(struct loop *loop, int64_t timeout_ns, int *ret_ms)
{
	struct mono deadline = next_deadline(loop);

	*ret_ms = 0;
	if (timeout_ns == 0 || mono_reached(deadline, loop->now.mono))
		return 0;
	if (timeout_ns > 0)
		deadline = mono_min(
			deadline, mono_add(clock_now().mono, timeout_ns));
	*ret_ms = -1;
	return arm(loop, deadline);
}

int loop_step(struct loop *loop, int64_t timeout_ns)
{
	struct epoll_event events[EVENTS_MAX];
	int limit_ms, count;
	int r = wait_limit(loop, timeout_ns, &limit_ms);

	if (r < 0)
		return r;
	count = epoll_wait(loop->epoll_fd, events, EVENTS_MAX, limit_ms);
	if (count < 0 && errno != EINTR)
		return err_errno(NULL, "epoll_wait");
	loop->now = clock_now();
	BUG_ON(loop->dispatching);
	loop->dispatching = true;
	for (int i = 0; i < count; i++) {
		struct loop_source *source = events[i].data.ptr;

		if (source->fn)
			source->fn(source->arg, events[i].events, &loop->now);
	}
	run_timers(loop);
	run_hooks(loop);
	loop->dispatching = false;
	free_sources(&loop->removed);
	return 0;
}

int loop_run(struct loop *loop)
{
	int r;

	/* what was set up before the first sleep is flushed too */
	loop->now = clock_now();
	loop->dispatching = true;
	run_hooks(loop);
	loop->dispatching = false;
	while (!loop->quit) {
		r = loop_step(loop, -1);
		if (r < 0)
			return r;
	}
	loop->quit = false;
	return loop->status;
}

void loop_quit(struct loop *loop, int status)
{
	loop->quit = true;
	loop->status = status;
}

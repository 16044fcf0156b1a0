/*
 * loop: epoll, timers and signals of one thread. Callbacks run one at a time;
 * `now` is read once a wake-up. No callback may free the loop. A source may be
 * removed, also by itself, inside any callback: later events of the same batch
 * for it are not delivered.
 */
#ifndef OS_LOOP_H
#define OS_LOOP_H

#include "base/auto.h"
#include "base/err.h"
#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_source; /* a watched fd */
struct loop_timer;

/* EVENTS are EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP as they came. */
typedef void (*loop_io_fn)(void *arg, uint32_t events, const struct now *now);
typedef void (*loop_timer_fn)(void *arg, const struct now *now);
typedef void (*loop_signal_fn)(void *arg, int signo, const struct now *now);

struct loop *loop_new(struct err *err); /* NULL: see ERR */
void loop_free(struct loop *loop);
AUTO_DEFINE(struct loop, loop_free)

/* Watches FD (stays the caller's, who removes the source before closing it).
 * NULL: see ERR. Level-triggered. */
struct loop_source *loop_add_fd(struct loop *loop, int fd, uint32_t events,
	loop_io_fn fn, void *arg, struct err *err);
void loop_source_set_events(struct loop_source *source, uint32_t events);
void loop_source_remove(struct loop_source *source); /* NULL is fine */

/* A timer that is not armed. NULL: out of memory. */
struct loop_timer *loop_add_timer(
	struct loop *loop, loop_timer_fn fn, void *arg);
void loop_timer_set(struct loop_timer *timer, struct mono deadline);
void loop_timer_remove(struct loop_timer *timer); /* NULL is fine */

/* Blocks the signal and delivers it here (signalfd); it stays blocked after
 * loop_free(), and in what is forked. 0 or -errno. */
int loop_add_signal(struct loop *loop, int signo, loop_signal_fn fn, void *arg,
	struct err *err);

/* Runs FN after each wake-up's callbacks, before sleeping: where outputs are
 * flushed. At most LOOP_HOOKS_MAX. */
#define LOOP_HOOKS_MAX 8
int loop_add_hook(struct loop *loop, loop_timer_fn fn, void *arg);

const struct now *loop_now(const struct loop *loop); /* of this wake-up */
/* Until loop_quit(); returns its STATUS, or -errno of epoll. */
int loop_run(struct loop *loop);
/* One wake-up at most, waiting at most TIMEOUT_NS (-1: until something). */
int loop_step(struct loop *loop, int64_t timeout_ns);
void loop_quit(struct loop *loop, int status);

#endif

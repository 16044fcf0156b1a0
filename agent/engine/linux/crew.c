/*
 * crew: the threads. See crew.h.
 */
#include "config.h"

#include "engine/linux/crew.h"

#include "engine/linux/datapath.h"
#include "engine/linux/source.h"
#include "os/clock.h"
#include "os/fd.h"

#include <urcu-qsbr.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/banned.h"

/* The deepest path is a frame of 80 pieces through the coalescer, 8 KiB. */
#define STACK_SIZE ((size_t)256 * 1024)
/* Silence after which memory is given back. */
#define REST_AFTER_MS 1000

enum { WAKE, TUN, SOCKET_V4, SOCKET_V6 }; /* what epoll tells of */

struct member {
	struct crew *crew;
	size_t number;
	pthread_t thread;
	bool started;
	struct wg_worker *worker;
	struct tun queue; /* of all but the first; fd -1 */
	struct tun *tun;
	struct source source;
	struct udp_io udp;
	struct datapath path;
	int epoll_fd, wake_fd;
	/* what control says: sockets[generation % 2]; the other one is written
	 * after a grace period only */
	struct udp_sockets sockets[2];
	_Atomic uint32_t generation;
	_Atomic bool stop;
	/* what the worker says */
	_Atomic bool gone;
	_Atomic uint64_t bad_checksum;
	/* the worker's */
	struct udp_sockets in_use;
	uint32_t in_use_generation;
	bool blocked, has_traffic;
};

struct crew {
	int posted_fd;
	int nice;
	size_t count;
	struct member members[];
};

static void ring(int fd)
{
	const uint64_t one = 1;

	(void)!write(fd, &one, sizeof(one)); /* full: it rings already */
}

static void silence(int fd)
{
	uint64_t count;

	(void)!read(fd, &count, sizeof(count));
}

/* --- a worker's thread --- */

static void watch(
	const struct member *m, int fd, uint32_t what, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.u32 = what };

	if (epoll_ctl(m->epoll_fd, EPOLL_CTL_MOD, fd, &event) < 0 &&
		errno == ENOENT)
		(void)epoll_ctl(m->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static void set_blocked(struct member *m, bool blocked)
{
	if (blocked == m->blocked || m->path.gone)
		return;
	m->blocked = blocked;
	watch(m, m->tun->fd, TUN, blocked ? 0 : EPOLLIN);
	for (uint32_t i = 0; i < UDP_FAMILIES; i++) {
		bool full = blocked && i == (uint32_t)m->path.blocked_on;

		if (m->in_use.fd[i] >= 0)
			watch(m, m->in_use.fd[i], SOCKET_V4 + i,
				full ? EPOLLIN | EPOLLOUT : EPOLLIN);
	}
}

/* The ones before are closed, or will be: they leave the epoll set by
 * themselves, and their numbers may be others' by now. */
static void take_up_sockets(struct member *m)
{
	uint32_t generation =
		atomic_load_explicit(&m->generation, memory_order_acquire);

	if (generation == m->in_use_generation)
		return;
	m->in_use_generation = generation;
	m->in_use = (struct udp_sockets){ { -1, -1 } };
	set_blocked(
		m, false); /* what was held back fails, or leaves by these */
	m->in_use = m->sockets[generation % 2];
	for (uint32_t i = 0; i < UDP_FAMILIES; i++)
		if (m->in_use.fd[i] >= 0)
			watch(m, m->in_use.fd[i], SOCKET_V4 + i, EPOLLIN);
}

static void settle(struct member *m, enum datapath_state state)
{
	switch (state) {
	case DATAPATH_OPEN:
		set_blocked(m, false);
		break;
	case DATAPATH_BLOCKED:
		set_blocked(m, true);
		break;
	case DATAPATH_GONE:
		(void)epoll_ctl(m->epoll_fd, EPOLL_CTL_DEL, m->tun->fd, NULL);
		atomic_store(&m->gone, true);
		ring(m->crew->posted_fd);
		break;
	}
}

static void on_event(struct member *m, const struct epoll_event *event,
	const struct now *now)
{
	uint32_t what = event->data.u32;

	switch (what) {
	case WAKE:
		silence(m->wake_fd);
		return;
	case TUN:
		settle(m, datapath_outward(&m->path, now));
		break;
	default:
		if (event->events & EPOLLOUT) /* sends what was held back */
			settle(m, datapath_outward(&m->path, now));
		if (event->events & ~(uint32_t)EPOLLOUT &&
			datapath_inward(&m->path,
				(enum udp_family)(what - SOCKET_V4),
				now) == DATAPATH_GONE)
			settle(m, DATAPATH_GONE);
		break;
	}
	m->has_traffic = true;
}

/* One turn: everything that is ready, then what control has to know. */
static void take_turn(struct member *m)
{
	struct epoll_event events[8];
	struct now now;
	int n;

	rcu_thread_offline();
	n = epoll_wait(m->epoll_fd, events, ARRAY_SIZE(events),
		m->has_traffic ? REST_AFTER_MS : -1);
	rcu_thread_online();
	take_up_sockets(m);
	if (n == 0) {
		datapath_rest(&m->path);
		m->has_traffic = false;
	}
	now = clock_now();
	for (int i = 0; i < n; i++)
		on_event(m, &events[i], &now);
	if (wg_worker_has_posted(m->worker))
		ring(m->crew->posted_fd);
	if (m->path.counters.bad_checksum !=
		atomic_load_explicit(&m->bad_checksum, memory_order_relaxed)) {
		atomic_store_explicit(&m->bad_checksum,
			m->path.counters.bad_checksum, memory_order_relaxed);
		ring(m->crew->posted_fd);
	}
}

static void *run(void *arg)
{
	struct member *m = arg;
	char name[16];

	(void)snprintf(name, sizeof(name), "wg-data-%zu", m->number);
	(void)prctl(PR_SET_NAME, name);
	(void)setpriority(
		PRIO_PROCESS, (id_t)syscall(SYS_gettid), m->crew->nice);
	rcu_register_thread();
	while (!atomic_load(&m->stop))
		take_turn(m);
	rcu_unregister_thread();
	return NULL;
}

/* --- control --- */

static int open_queue(
	struct member *m, const struct crew_options *options, struct err *err)
{
	m->tun = options->tun;
	if (m->number == 0)
		return 0;
	m->tun = &m->queue;
	return tun_add_queue(&m->queue, options->tun, err);
}

static int prepare(
	struct member *m, const struct crew_options *options, struct err *err)
{
	struct now now = clock_now();
	int r = open_queue(m, options, err);

	if (r == 0)
		r = source_init(&m->source, err);
	if (r < 0)
		return r;
	m->worker = wg_device_add_worker(options->dev);
	udp_init(&m->udp, options->udp_offloads);
	m->udp.source = &m->source;
	m->path.dev = options->dev;
	m->path.worker = m->worker;
	m->path.tun = m->tun;
	m->path.udp = &m->udp;
	m->path.verify = options->verify;
	if (!m->worker || datapath_init(&m->path, DATAPATH_BUDGET, &now) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	m->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	m->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->epoll_fd < 0 || m->wake_fd < 0)
		return err_errno(err, "cannot watch for packets");
	watch(m, m->wake_fd, WAKE, EPOLLIN);
	watch(m, m->tun->fd, TUN, EPOLLIN);
	return 0;
}

/* Signals are control's: the thread is born with all of them blocked. */
static int start(struct member *m, struct err *err)
{
	pthread_attr_t attr;
	sigset_t all, before;
	int r;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_SIZE);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&m->thread, &attr, run, m);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attr);
	if (r != 0)
		return err_set(
			err, -r, "cannot start a thread: %s", strerror(r));
	m->started = true;
	return 0;
}

static struct crew *crew_alloc(const struct crew_options *options)
{
	struct crew *crew = calloc(
		1, sizeof(*crew) + options->workers * sizeof(crew->members[0]));

	if (!crew)
		return NULL;
	crew->count = options->workers;
	crew->nice = options->nice;
	crew->posted_fd = -1;
	for (size_t i = 0; i < crew->count; i++) {
		struct member *m = &crew->members[i];

		m->crew = crew;
		m->number = i;
		m->queue = TUN_INIT;
		m->epoll_fd = m->wake_fd = -1;
		m->in_use = (struct udp_sockets){ { -1, -1 } };
		m->path.sockets = &m->in_use;
	}
	return crew;
}

int crew_start(const struct crew_options *options, struct crew **ret_crew,
	struct err *err)
{
	AUTO(crew_stop) struct crew *crew = crew_alloc(options);
	int r = 0;

	if (!crew)
		return err_set(err, -ENOMEM, "out of memory");
	crew->posted_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (crew->posted_fd < 0)
		return err_errno(err, "cannot watch the data workers");
	for (size_t i = 0; i < crew->count && r == 0; i++)
		r = prepare(&crew->members[i], options, err);
	for (size_t i = 0; i < crew->count && r == 0; i++)
		r = start(&crew->members[i], err);
	if (r == 0)
		*ret_crew = TAKE(crew);
	return r;
}

static void release(struct member *m)
{
	if (m->started)
		(void)pthread_join(m->thread, NULL);
	datapath_release(&m->path);
	source_release(&m->source);
	tun_release(&m->queue);
	fd_close(&m->epoll_fd);
	fd_close(&m->wake_fd);
}

void crew_stop(struct crew *crew)
{
	if (!crew)
		return;
	for (size_t i = 0; i < crew->count; i++) {
		atomic_store(&crew->members[i].stop, true);
		if (crew->members[i].started)
			ring(crew->members[i].wake_fd);
	}
	for (size_t i = 0; i < crew->count; i++)
		release(&crew->members[i]);
	fd_close(&crew->posted_fd);
	free(crew);
}

int crew_posted_fd(const struct crew *crew)
{
	return crew->posted_fd;
}

struct crew_news crew_take_news(struct crew *crew)
{
	struct crew_news news = { .gone = false };

	silence(crew->posted_fd);
	for (size_t i = 0; i < crew->count; i++) {
		news.gone |= atomic_load(&crew->members[i].gone);
		news.bad_checksum +=
			atomic_load(&crew->members[i].bad_checksum);
	}
	return news;
}

void crew_wait(void)
{
	synchronize_rcu();
}

void crew_use_sockets(struct crew *crew, const struct socket_group *group)
{
	for (size_t i = 0; i < crew->count; i++) {
		struct member *m = &crew->members[i];
		uint32_t next = m->generation + 1;

		m->sockets[next % 2] = group
			? group->members[1 + i]
			: (struct udp_sockets){ { -1, -1 } };
		atomic_store_explicit(
			&m->generation, next, memory_order_release);
		ring(m->wake_fd);
	}
	crew_wait();
}

void crew_forget_sources(struct crew *crew, uint32_t mark)
{
	for (size_t i = 0; i < crew->count; i++)
		source_forget(&crew->members[i].source, mark);
}

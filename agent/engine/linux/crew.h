/*
 * crew: the data workers of an engine: a thread each, with its own queue of the
 * TUN interface, its own pair of sockets and its own memory, running each batch
 * to completion.
 *
 *   control                          a worker
 *   crew_use_sockets --publish-->    takes them up when it is woken
 *   wg_device_* (core) --publish-->  sees it with its next batch
 *   on_posted  <------ posted_fd --- has something only control can do
 *   crew_wait  -- grace period -->   quiescent between batches, and asleep
 *
 * Grace periods are liburcu's (QSBR): a worker that sleeps in epoll is offline,
 * one that is awake says so after each turn. Nothing here is a lock.
 *
 * All calls are control's.
 */
#ifndef ENGINE_LINUX_CREW_H
#define ENGINE_LINUX_CREW_H

#include "base/auto.h"
#include "base/err.h"
#include "engine/core/device.h"
#include "engine/linux/sockets.h"
#include "engine/linux/tun.h"
#include "engine/linux/udp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CREW_MAX (SOCKETS_MEMBERS_MAX - 1)

struct crew;

struct crew_options {
	struct wg_device *dev;
	struct tun *tun; /* the first worker's queue, borrowed */
	size_t workers;	 /* 1 to CREW_MAX */
	unsigned int udp_offloads;
	int nice;    /* of the workers; a wish */
	bool verify; /* every inner checksum */
};

WARN_UNUSED int crew_start(const struct crew_options *options,
	struct crew **ret_crew, struct err *err);
/* Ends the threads and waits for them. NULL is fine. */
void crew_stop(struct crew *crew);
AUTO_DEFINE(struct crew, crew_stop)

/* Readable when a worker has posted something, or found the interface gone:
 * crew_take_news() clears it. */
int crew_posted_fd(const struct crew *crew);
struct crew_news {
	bool gone;	       /* the interface was deleted */
	uint64_t bad_checksum; /* verify: so far */
};
struct crew_news crew_take_news(struct crew *crew);

/* GROUP's members 1.. are the workers' from here on; NULL: none. When it
 * returns no worker uses the ones before. */
void crew_use_sockets(struct crew *crew, const struct socket_group *group);
/* The host's addresses or routes changed, or the sockets' mark did. */
void crew_forget_sources(struct crew *crew, uint32_t mark);
/* Returns when every worker has been quiescent since the call. */
void crew_wait(void);

#endif

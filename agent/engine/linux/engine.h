/*
 * engine: a wg_device joined to a TUN interface and UDP sockets.
 *
 *   control   the loop's thread: configuration, timers, handshakes; every call
 *             of this header belongs to it
 *   workers   threads that carry data and nothing else (crew.h)
 *
 * Owns the sockets, the TUN fds and the threads.
 */
#ifndef ENGINE_LINUX_ENGINE_H
#define ENGINE_LINUX_ENGINE_H

#include "base/auto.h"
#include "base/err.h"
#include "engine/core/device.h"
#include "os/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENGINE_DEFAULT_MTU 1420

struct engine;

/* What the kernel may do for us; each can be left out, to be without it. */
enum {
	ENGINE_TSO = 1 << 0, /* super-packets at the interface: TCP */
	ENGINE_USO = 1 << 1, /* UDP */
	ENGINE_GSO = 1 << 2, /* super-packets at the sockets: sending */
	ENGINE_GRO = 1 << 3, /* receiving */
	ENGINE_OFFLOADS_ALL = (1 << 4) - 1,
};

#define ENGINE_WORKERS_MAX 64
/* Data goes before what produces and consumes it: a packet that waits for a
 * busy core waits 20 times as long as for cryptography (measured). */
#define ENGINE_NICE_DEFAULT (-10)

struct engine_options {
	const char *ifname;
	int tun_fd;	/* -1: create the interface; else taken over, also on
		       * failure (WG_TUN_FD) */
	uint32_t mtu;	/* 0: leave an adopted TUN's, else ENGINE_DEFAULT_MTU */
	size_t workers; /* 0: one */
	unsigned int offloads; /* ENGINE_* bits that may be used */
	int nice;	       /* of the workers; a wish */
	bool verify;	       /* the checksum of every inner packet */
	/* The owner's ears; any may be NULL. ON_GONE: the interface was
	 * deleted under us; the owner frees the engine, not inside the call. */
	void (*on_event)(void *arg, struct wg_peer *peer, enum wg_event event,
		const struct now *now);
	void (*on_gone)(void *arg);
	/* What nobody waits for the answer of: the port cannot be opened again
	 * when the interface comes up; a checksum was wrong (verify). */
	void (*on_trouble)(void *arg, const struct err *err);
	void *arg;
};

/* Creates the interface (down, no addresses). Clear errors for: no
 * /dev/net/tun, no permission, the name is taken. */
WARN_UNUSED int engine_new(struct loop *loop,
	const struct engine_options *options, struct engine **ret_engine,
	struct err *err);
void engine_free(struct engine *engine); /* the interface goes with it */
AUTO_DEFINE(struct engine, engine_free)

struct wg_device *engine_device(struct engine *engine);
const char *engine_ifname(const struct engine *engine);
uint32_t engine_ifindex(const struct engine *engine);

/* UDP sockets (IPv4 and, where the host has it, IPv6 on the same port) are
 * open while the interface is up, or from the first call of this on; they
 * close when it goes down, and open again on the same port when it comes up.
 * PORT 0: any. -EADDRINUSE leaves the old sockets in place. */
WARN_UNUSED int engine_set_listen_port(
	struct engine *engine, uint16_t port, struct err *err);
/* 0: none yet. While the interface is down: the port it will come back to. */
uint16_t engine_listen_port(const struct engine *engine);
WARN_UNUSED int engine_set_fwmark(
	struct engine *engine, uint32_t fwmark, struct err *err);
uint32_t engine_fwmark(const struct engine *engine);

/* Sends what the device has ready and re-arms the timer. Call after changing
 * the device's configuration; the engine's own callbacks do it themselves. */
void engine_flush(struct engine *engine, const struct now *now);

#endif

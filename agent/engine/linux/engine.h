/*
 * engine: a wg_device joined to a TUN interface and UDP sockets on a loop.
 * Every call belongs to the loop's thread. Owns the sockets and the TUN fd.
 *
 *   TUN --batch--> wg_device_seal --sendmmsg--> UDP
 *   UDP --recvmmsg--> wg_device_open --> TUN
 *
 * Only here, in tun.c and in udp.c does the engine touch Linux.
 */
#ifndef ENGINE_LINUX_ENGINE_H
#define ENGINE_LINUX_ENGINE_H

#include "base/auto.h"
#include "base/err.h"
#include "engine/core/device.h"
#include "os/loop.h"

#include <stdint.h>

#define ENGINE_DEFAULT_MTU 1420

struct engine;

struct engine_options {
	const char *ifname;
	int tun_fd;   /* -1: create the interface; else taken over, also on
		       * failure (WG_TUN_FD) */
	uint32_t mtu; /* 0: leave an adopted TUN's, else ENGINE_DEFAULT_MTU */
	/* The owner's ears; any may be NULL. ON_GONE: the interface was
	 * deleted under us; the owner frees the engine, not inside the call. */
	void (*on_event)(void *arg, struct wg_peer *peer, enum wg_event event,
		const struct now *now);
	void (*on_gone)(void *arg);
	/* What nobody waits for the answer of: the port cannot be opened again
	 * when the interface comes up. */
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

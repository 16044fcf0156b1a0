/*
 * server: the UAPI socket /var/run/wireguard/IFACE.sock (0600 in a 0700
 * directory), many clients, each bounded in bytes; never blocks the loop.
 */
#ifndef ENGINE_UAPI_SERVER_H
#define ENGINE_UAPI_SERVER_H

#include "engine/linux/engine.h"
#include "os/loop.h"

#define UAPI_DIR "/var/run/wireguard" /* where wg(8) looks */

struct uapi_server;

/* LISTEN_FD -1: make the socket; else adopt it (WG_UAPI_FD), also on failure.
 * -EADDRINUSE: another process serves this name. */
WARN_UNUSED int uapi_server_new(struct loop *loop, struct engine *engine,
	int listen_fd, struct uapi_server **ret_server, struct err *err);
void uapi_server_free(struct uapi_server *server); /* unlinks the socket */
AUTO_DEFINE(struct uapi_server, uapi_server_free)
/* Calls ON_REMOVED once when somebody takes the socket's file away: how
 * wireguard-go is told to end. Nothing to watch for an adopted socket. */
WARN_UNUSED int uapi_server_watch(struct uapi_server *server,
	void (*on_removed)(void *arg), void *arg, struct err *err);

#endif

/*
 * listener: the two sockets that meshd listens on, and who may use the local
 * one: root, meshd's own user, and members of the group "meshd" if there is
 * one. Non-blocking, CLOEXEC.
 */
#ifndef MESHD_LISTENER_H
#define MESHD_LISTENER_H

#include "base/auto.h"
#include "base/endpoint.h"
#include "base/err.h"

#include <stdbool.h>

#define LISTENER_GROUP "meshd"

/* AT the unspecified IPv6 address takes both families, or IPv4 alone where
 * there is no IPv6. -EADDRINUSE and the like, ERR names the address. */
WARN_UNUSED int listener_tcp(
	const struct endpoint *at, int *ret_fd, struct err *err);
/* 0660 and the group's if the group exists, else 0600. */
WARN_UNUSED int listener_unix(const char *path, int *ret_fd, struct err *err);
/* Whether the far end of FD, accepted from listener_unix(), may speak. */
bool listener_peer_allowed(int fd);

#endif

/*
 * http: the way from bytes to api.h and back; the one file that knows
 * libmicrohttpd. Two daemons of it, TLS and the local socket, run on our loop:
 * their epoll fds are watched, their timeouts are timers. A request that waits
 * is a suspended connection: no thread, no poll. Its socket is watched
 * meanwhile, so a far end that goes away is known at once.
 *
 * Bounds: MSG_REQUEST_MAX a body, HTTP_MEMORY the line and headers, connections
 * in all and an address, seconds of silence (fewer before the caller is known).
 */
#ifndef MESHD_HTTP_H
#define MESHD_HTTP_H

#include "base/auto.h"
#include "base/err.h"

struct http;
struct loop;
struct meshd;
struct tlskey;

/* Takes both listening sockets; borrows the rest until http_free(). */
WARN_UNUSED int http_new(struct meshd *meshd, struct loop *loop, int tcp_fd,
	int unix_fd, const struct tlskey *tls, struct http **ret_http,
	struct err *err);
/* Closes every connection, those that wait as well. */
void http_free(struct http *http);
AUTO_DEFINE(struct http, http_free)

#endif

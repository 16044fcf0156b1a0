/*
 * session: one client of the UAPI socket, without I/O: bytes in, answers out.
 *
 *   EXPECT_REQUEST  "get=1" -> EXPECT_END      "set=1" -> EXPECT_CHANGE
 *   EXPECT_CHANGE   a line is parsed; the empty line applies all at once
 *   EXPECT_END      the empty line answers with the whole device
 *   SKIP            after a bad line: to the empty line, then its errno
 *
 * Each request, good or bad, has one answer that ends in "errno=N\n\n" (0, or
 * negative as wireguard-go says it and wg(8) expects it), and the next request
 * may follow at once. A request with a bad line changes nothing.
 */
#ifndef ENGINE_UAPI_SESSION_H
#define ENGINE_UAPI_SESSION_H

#include "base/buf.h"
#include "base/err.h"
#include "wgconf/uapi.h"
#include "wgconf/wgconf.h"

#include <stdbool.h>
#include <stddef.h>

/* 2^20 peers with a handful of prefixes, as text, come to this. */
#define UAPI_REQUEST_MAX ((size_t)256 << 20)
#define UAPI_ANSWER_MAX	 ((size_t)512 << 20)
/* What was read and is not worked off yet: a piece of a line, or requests that
 * wait until the answers before them were taken. */
#define UAPI_INPUT_MAX ((size_t)64 << 10)
/* With this much unread, no further request is answered: a client that asks
 * and never reads holds this and one answer more. */
#define UAPI_ANSWERS_WAITING ((size_t)16 << 10)

struct uapi_handler {
	int (*set)(
		void *arg, const struct wgconf_device *change, struct err *err);
	int (*get)(void *arg, struct wgconf_device **ret_dev);
	/* May be NULL. Why a request was refused. Never quotes a key. */
	void (*on_refused)(void *arg, const struct err *err);
	uint32_t (*scope_index)(const char *ifname);
	void *arg;
};

struct uapi_session {
	const struct uapi_handler *handler; /* borrowed */
	enum { EXPECT_REQUEST, EXPECT_CHANGE, EXPECT_END, SKIP } state;
	struct wgconf_device *change;
	struct uapi_parser parser;
	size_t request_len;
	int status; /* of SKIP */
	struct buf in, out;
};

void uapi_session_init(
	struct uapi_session *session, const struct uapi_handler *handler);
void uapi_session_release(struct uapi_session *session);
/* Takes LEN bytes, at most UAPI_INPUT_MAX / 2 a call; answers are added to
 * `out`, until it holds UAPI_ANSWERS_WAITING; call again, with nothing, when it
 * was taken and `in` is not empty. False: this client is beyond understanding (a line over UAPI_LINE_MAX, no
 * memory for an answer): close when `out` is sent. */
WARN_UNUSED bool uapi_session_feed(
	struct uapi_session *session, const char *bytes, size_t len);

#endif

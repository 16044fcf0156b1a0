/*
 * uapi: the WireGuard cross-platform user-space protocol, both sides, without
 * I/O (www.wireguard.com/xplatform). Lines "key=value\n", an empty line ends.
 *
 *   request   get=1\n\n   or   set=1\n key=value\n ... \n
 *   answer    key=value\n ... errno=N\n\n
 *
 * The same parser serves a daemon (of requests) and a client (of answers);
 * what a SET may say and what a GET may say are told apart by MODE.
 */
#ifndef WGCONF_UAPI_H
#define WGCONF_UAPI_H

#include "base/buf.h"
#include "base/err.h"
#include "wgconf/wgconf.h"

#include <stddef.h>

enum uapi_mode { UAPI_SET, UAPI_GET };

/* A push parser: feed it lines without their '\n'. Errors are -EINVAL or
 * -EPROTO with ERR naming the line; the device is then half filled and only
 * good to free. A line longer than UAPI_LINE_MAX is an error. */
#define UAPI_LINE_MAX 256
struct uapi_parser {
	enum uapi_mode mode;
	struct wgconf_device *dev; /* borrowed */
	struct wgconf_peer *peer;
	unsigned int line;
	int peer_errno; /* from "errno=N" in an answer */
};
void uapi_parser_init(struct uapi_parser *parser, enum uapi_mode mode,
	struct wgconf_device *dev);
WARN_UNUSED int uapi_parse_line(struct uapi_parser *parser, const char *line,
	size_t len, struct err *err);

/* The device part of an answer to get=1, without "errno=". */
void uapi_format_get(const struct wgconf_device *dev, struct buf *out);
/* "set=1\n" and the changes, without the empty line. */
void uapi_format_set(const struct wgconf_device *dev, struct buf *out);

#endif

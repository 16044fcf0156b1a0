/*
 * uapi: the WireGuard cross-platform user-space protocol, both sides, without
 * I/O (www.wireguard.com/xplatform). Lines "key=value\n", an empty line ends.
 *
 *   request   get=1\n\n   or   set=1\n key=value\n ... \n
 *   answer    key=value\n ... errno=N\n\n
 *
 * The same parser serves a daemon (of requests) and a client (of answers);
 * what a SET may say and what a GET may say are told apart by MODE. A SET says
 * what it means: a key unknown or out of place is an error. In an answer such
 * keys are passed over, since a newer daemon may know more.
 */
#ifndef WGCONF_UAPI_H
#define WGCONF_UAPI_H

#include "base/buf.h"
#include "base/err.h"
#include "wgconf/wgconf.h"

#include <stddef.h>

enum uapi_mode { UAPI_SET, UAPI_GET };

/* A push parser: feed it the lines without their '\n', but for "get=1" or
 * "set=1" before and the empty line after. Errors are -ENOMEM, -EINVAL or
 * -EPROTO with ERR naming the line; the device is then half filled and only
 * good to free. A line longer than UAPI_LINE_MAX is an error. */
#define UAPI_LINE_MAX 256
struct uapi_parser {
	enum uapi_mode mode;
	struct wgconf_device *dev; /* borrowed */
	struct wgconf_peer *peer;
	unsigned int line;
	int peer_errno; /* from "errno=N" or "errno=-N" in an answer; >= 0 */
	bool answered;	/* "errno=" was there */
	/* Set after init to take "[fe80::1%eth0]:51820", which wg(8) sends:
	 * the index of an interface, 0 if there is none. NULL: numbers only. */
	uint32_t (*scope_index)(const char *ifname);
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

/*
 * ini: the configuration file of wg(8): [Interface] and [Peer] sections, '#'
 * comments, keys without regard to case. A push parser without file I/O.
 */
#ifndef WGCONF_INI_H
#define WGCONF_INI_H

#include "base/buf.h"
#include "base/err.h"
#include "wgconf/wgconf.h"

/* Turns "host:port" into an endpoint; may block on DNS, so it is the caller's.
 * False: not resolvable (ERR says why). */
typedef bool (*ini_resolve_fn)(void *arg, const char *text,
	struct endpoint *ret_ep, struct err *err);

struct ini_parser {
	struct wgconf_device *dev; /* borrowed */
	struct wgconf_peer *peer;
	ini_resolve_fn resolve;
	void *resolve_arg;
	enum { INI_NONE, INI_INTERFACE, INI_PEER } section;
	bool append; /* addconf: keep peers and their allowed-IPs */
	unsigned int line;
};
/* APPEND false (setconf, syncconf): the device's peers, and each peer's
 * allowed-IPs, are replaced, absent keys are reset, as wg(8) does. */
void ini_parser_init(struct ini_parser *parser, struct wgconf_device *dev,
	bool append, ini_resolve_fn resolve, void *resolve_arg);
/* One line, without '\n'. Quotes the offending word in ERR, as wg(8) does. */
WARN_UNUSED int ini_parse_line(struct ini_parser *parser, const char *line,
	struct err *err);
WARN_UNUSED int ini_parser_finish(struct ini_parser *parser, struct err *err);

/* What `wg showconf` prints, byte for byte. */
void ini_format(const struct wgconf_device *dev, struct buf *out);

#endif

/*
 * ini: the configuration file of wg(8): [Interface] and [Peer] sections, '#'
 * comments, keys without regard to case, blanks without any meaning. A push
 * parser without file I/O.
 */
#ifndef WGCONF_INI_H
#define WGCONF_INI_H

#include "base/buf.h"
#include "base/err.h"
#include "wgconf/value.h"
#include "wgconf/wgconf.h"

/* Turns "host:port" into an endpoint; may block on DNS, so it is the caller's.
 * False: not resolvable (ERR says why). */
typedef bool (*ini_resolve_fn)(
	void *arg, const char *text, struct endpoint *ret_ep, struct err *err);
/* The same for a port, which may be the name of a service. */
typedef bool (*ini_port_fn)(
	void *arg, const char *text, uint16_t *ret_port, struct err *err);

struct ini_parser {
	struct wgconf_device *dev; /* borrowed */
	struct wgconf_peer *peer;
	ini_resolve_fn resolve;
	void *resolve_arg;
	enum { INI_NONE, INI_INTERFACE, INI_PEER } section;
	bool append; /* addconf: what the file does not name stays */
	unsigned int line;
	bool peer_has_key, key_missing;
	/* Set after init if wanted; they get resolve_arg. */
	ini_port_fn port;    /* NULL: digits only */
	wgconf_warn_fn warn; /* NULL: silence */
};
/* APPEND false (setconf, syncconf): the device's peers are replaced and absent
 * keys of [Interface] are reset. Either way a [Peer] replaces that peer's
 * allowed-IPs, and what else it does not name is left alone, as wg(8) does.
 * RESOLVE NULL: numeric endpoints only. */
void ini_parser_init(struct ini_parser *parser, struct wgconf_device *dev,
	bool append, ini_resolve_fn resolve, void *resolve_arg);
/* One line, without '\n'. Quotes the offending word in ERR, as wg(8) does. */
WARN_UNUSED int ini_parse_line(
	struct ini_parser *parser, const char *line, struct err *err);
WARN_UNUSED int ini_parser_finish(struct ini_parser *parser, struct err *err);

/* What `wg showconf` prints, byte for byte. */
void ini_format(const struct wgconf_device *dev, struct buf *out);
/* The same with endpoints written by ENDPOINT_TEXT (who may know the names of
 * scopes). */
typedef const char *(*ini_endpoint_text_fn)(
	const struct endpoint *ep, char buf[static ENDPOINT_TEXT_SIZE]);
void ini_format_with(const struct wgconf_device *dev,
	ini_endpoint_text_fn endpoint_text, struct buf *out);

#endif

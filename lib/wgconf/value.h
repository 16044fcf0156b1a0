/*
 * value: the values of wg(8)'s words, in a file and on the command line alike,
 * and what it says about bad ones: the sentence quotes the offending word.
 * Pure text: names of hosts and services are the caller's to look up.
 */
#ifndef WGCONF_VALUE_H
#define WGCONF_VALUE_H

#include "base/err.h"
#include "wgconf/wgconf.h"

/* Something odd that is accepted all the same. */
typedef void (*wgconf_warn_fn)(void *arg, const char *text);

/* The first LEN bytes of TEXT but for the blanks among them: the caller's to
 * free. NULL: out of memory. */
char *value_without_blanks(const char *text, size_t len);

/* All: 0, or -EINVAL with ERR set; -ENOMEM where memory is taken. */
WARN_UNUSED int value_parse_key(
	const char *text, uint8_t ret_key[static KEY_SIZE], struct err *err);
/* Digits; the sentence for others is that of a service nobody knows. */
WARN_UNUSED int value_parse_port(
	const char *text, uint16_t *ret_port, struct err *err);
WARN_UNUSED int value_parse_fwmark(
	const char *text, uint32_t *ret_fwmark, struct err *err);
WARN_UNUSED int value_parse_keepalive(
	const char *text, uint16_t *ret_sec, struct err *err);

enum value_deltas { VALUE_PLAIN, VALUE_DELTAS };
/* Blanks mean nothing here. Appends "net,net,...", or nothing for "", to PEER. VALUE_DELTAS: "+net" adds,
 * "-net" removes, and the peer's REPLACE flag is set unless every entry says
 * one or the other; VALUE_PLAIN: it is set always. WARN may be NULL. */
WARN_UNUSED int value_parse_allowedips(struct wgconf_peer *peer,
	const char *text, enum value_deltas deltas, wgconf_warn_fn warn,
	void *warn_arg, struct err *err);

#endif

/*
 * scope: what a caller may do, as a set of bits. A route names the scopes of
 * which any one opens it; a caller holds some. Pure.
 *
 *   held by            scopes
 *   nobody             (public)
 *   the local socket   local, and all that admin has
 *   an API token       those it was made with; admin has every grantable one
 *   a join token       enroll
 *   an agent           agent; self, on paths that name its own node
 */
#ifndef MESHD_SCOPE_H
#define MESHD_SCOPE_H

#include "base/auto.h"

#include <stdbool.h>

enum {
	SCOPE_PUBLIC = 1 << 0,
	SCOPE_LOCAL = 1 << 1,
	SCOPE_ADMIN = 1 << 2,
	SCOPE_NODES_READ = 1 << 3,
	SCOPE_NODES_WRITE = 1 << 4,
	SCOPE_TOKENS_WRITE = 1 << 5,
	SCOPE_ENROLL = 1 << 6,
	SCOPE_AGENT = 1 << 7,
};
#define SCOPES_GRANTABLE                                                       \
	(SCOPE_ADMIN | SCOPE_NODES_READ | SCOPE_NODES_WRITE |                  \
		SCOPE_TOKENS_WRITE)
#define SCOPES_KNOWN ((SCOPE_AGENT << 1) - 1)

/* One name ("nodes:read"), grantable or not. */
WARN_UNUSED bool scope_parse(const char *name, unsigned int *ret_scope);
/* SCOPE is one bit. */
const char *scope_name(unsigned int scope);
/* Names with one space between; "" is none. */
#define SCOPES_TEXT_SIZE 96
WARN_UNUSED bool scopes_parse(const char *text, unsigned int *ret_scopes);
const char *scopes_format(
	unsigned int scopes, char buf[static SCOPES_TEXT_SIZE]);

#endif

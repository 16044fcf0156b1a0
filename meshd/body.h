/*
 * body: the bytes of an answer, shared by every connection that is sent the
 * same, freed with the last. Immutable once it is shared.
 */
#ifndef MESHD_BODY_H
#define MESHD_BODY_H

#include "base/buf.h"

struct body {
	unsigned int refs;
	struct buf buf;
	const char *type; /* MIME; static */
};

/* Takes what BUF holds, also on failure. NULL: no memory. */
struct body *body_new(struct buf *buf, const char *type);
struct body *body_ref(struct body *body); /* NULL is fine */
void body_unref(struct body *body);	  /* NULL is fine */
AUTO_DEFINE(struct body, body_unref)

#endif

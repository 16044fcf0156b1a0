/*
 * record_form: a record's payload as JSON, and the limits of form that hold
 * for whoever signed it. Nothing here looks at a signature: what comes out of
 * record_form_decode() is a claim, good for naming the record in a message.
 * For record.c and trust*.c alone.
 */
#ifndef MESHPROTO_RECORD_FORM_H
#define MESHPROTO_RECORD_FORM_H

#include "meshproto/record.h"

/* The fields, each for itself; record_form_check() is still to be called.
 * -EBADMSG, -ENOMEM; ERR names the field. */
WARN_UNUSED int record_form_decode(const uint8_t *payload, size_t len,
	struct record *ret_rec, struct err *err);
/* What an unreadable record claims to be, as far as record_label() needs it;
 * false if it does not say. Trust nothing of it. */
WARN_UNUSED bool record_form_claim(
	const uint8_t *payload, size_t len, struct record *ret_claim);
/* REC must have passed record_form_check(). */
void record_form_encode(const struct record *rec, struct buf *out);
/* Every limit a table of fields cannot say. -EBADMSG; ERR names the field. */
WARN_UNUSED int record_form_check(const struct record *rec, struct err *err);

#endif

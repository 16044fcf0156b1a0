/*
 * message_form: what the families of messages share: size limits, the frame of
 * a message, and the parts that stand in more than one. For message_*.c alone.
 *
 * Each family has for every message X a table X_fields, then
 *	MESSAGE_READER(X)	the reader of its object, for lists too
 *	MESSAGE_DECODE(X, …)	msg_X_decode() of message.h
 */
#ifndef MESHPROTO_MESSAGE_FORM_H
#define MESHPROTO_MESSAGE_FORM_H

#include "meshproto/form.h"
#include "meshproto/message.h"

/* What a client sends: a report, at its largest, has 256 peers of 6 values. */
extern const struct jsonr_limits message_request_limits;
/* What a coordinator answers: 65536 nodes with 4 records of 4 values and 16
 * endpoints are 2.2 million values. */
extern const struct jsonr_limits message_answer_limits;

void message_begin(struct jsonw *w, struct buf *out);
int message_end(struct jsonw *w); /* 0 or -ENOMEM */

#define MESSAGE_READER(name)                                                   \
	static bool read_##name(struct jsonr *r, const struct json_t *value,   \
		void *target, size_t size)                                     \
	{                                                                      \
		BUG_ON(size != sizeof(struct msg_##name));                     \
		return jsonr_object(r, value, name##_fields,                   \
			ARRAY_SIZE(name##_fields), target);                    \
	}
#define MESSAGE_DECODE(name, limits)                                           \
	int msg_##name##_decode(const char *json, size_t len,                  \
		struct msg_##name *ret_msg, struct err *err)                   \
	{                                                                      \
		struct msg_##name msg = { 0 };                                 \
		int r = jsonr_parse(json, len, &(limits), JSONR_SCHEMA,        \
			read_##name, &msg, sizeof(msg), err);                  \
                                                                               \
		if (r < 0)                                                     \
			msg_##name##_release(&msg);                            \
		else                                                           \
			*ret_msg = msg;                                        \
		return r;                                                      \
	}

jsonr_read message_read_name_or_none; /* char[NAME_MAX_LEN + 1] */
jsonr_read message_read_bearer;	      /* char[BEARER_TEXT_SIZE] */
jsonr_read message_read_peer_report;  /* struct msg_peer_report */

void message_write_envelope(
	struct jsonw *w, const char *name, const struct envelope *env);
void message_write_peer_reports(struct jsonw *w, const char *name,
	const struct msg_peer_report *peers, size_t count);

#endif

/*
 * reply: what handlers answer with, for api_*.c: a message, nothing, a problem
 * (RFC 9457, a stable slug), or "wait". One call of one of these a request.
 */
#ifndef MESHD_REPLY_H
#define MESHD_REPLY_H

#include "meshd/api.h"
#include "meshproto/message.h"

/* Takes what BUF holds. A BUF that failed becomes a 500. */
void reply_json(struct api_call *call, unsigned int status, struct buf *buf);
void reply_text(struct api_call *call, unsigned int status, const char *type,
	const char *text, size_t len);
void reply_body(struct api_call *call, unsigned int status,
	struct body *body); /* takes the reference */
void reply_empty(struct api_call *call);
/* Nothing to say before WAIT is over. */
void reply_wait(struct api_call *call, const struct api_wait *wait);
/* Encodes MSG, a struct msg_NAME. */
#define REPLY(call, status, name, msg)                                         \
	do {                                                                   \
		AUTO(buf_release)                                              \
		struct buf reply_buf_ = BUF_INIT_SECRET(MSG_NETMAP_MAX);       \
		if (msg_##name##_encode(msg, &reply_buf_) < 0)                 \
			reply_broken(call, "encoding a " #name);               \
		else                                                           \
			reply_json(call, status, &reply_buf_);                 \
	} while (0)

void reply_problem(struct api_call *call, unsigned int status, const char *slug,
	const char *fmt, ...) PRINTF_LIKE(4, 5);
/* With the JSON pointer of the field at fault. */
void reply_problem_at(struct api_call *call, unsigned int status,
	const char *slug, const char *field, const char *fmt, ...)
	PRINTF_LIKE(5, 6);
/* A body that does not decode; ERR starts with the field's pointer. */
void reply_malformed(struct api_call *call, const struct err *err);
/* The store or memory failed: R and ERR of it; logged, 503 or 500. */
void reply_failed(struct api_call *call, int r, const struct err *err);
void reply_broken(struct api_call *call, const char *what);
/* A record that trust did not take. ERR of trust_offer(). */
void reply_untrusted(struct api_call *call, enum trust_verdict verdict,
	const struct err *err);
/* "There is no node ..." */
void reply_no_node(struct api_call *call);

#endif

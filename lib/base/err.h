/*
 * err: the one human sentence about what went wrong, and where in the input.
 * Set where the fact is known, prefixed by callers, printed once by the
 * outermost layer. Every function here takes NULL for "nobody listens".
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/auto.h"

#include <stddef.h>

#define ERR_MSG_MAX 256

struct err {
	char msg[ERR_MSG_MAX];	/* "" while nothing was set; always ends in 0 */
	char file[128];		/* the input's name, "" if it has none */
	unsigned int line, col; /* 1-based; 0 if unknown */
};

/* Sets the message and returns CODE, which must be negative. */
int err_set(struct err *err, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Sets "message: strerror(errno)" and returns -errno (-EIO if errno is 0). */
int err_errno(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Puts "prefix: " before a message that is there. */
void err_prefix(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Says where in the input the fact lies; FILE may be NULL. */
void err_at(
	struct err *err, const char *file, unsigned int line, unsigned int col);
/* Whole text, "file:line:col: msg", cut to SIZE; returns BUF. */
const char *err_text(const struct err *err, char *buf, size_t size);

#endif

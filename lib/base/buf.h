/*
 * buf: bytes that grow up to a maximum that must be told. A buffer that failed
 * (out of memory, or over its maximum) swallows further writes and says so
 * once at the end: callers check buf_failed() where the work is done.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/auto.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data; /* NULL while empty; else data[len] is 0 */
	size_t len;
	size_t cap;
	size_t max;
	bool failed;
	bool secret; /* wiped when it moves or goes */
};

#define BUF_INIT(maximum)	 ((struct buf){ .max = (maximum) })
#define BUF_INIT_SECRET(maximum) ((struct buf){ .max = (maximum), .secret = 1 })

void buf_release(struct buf *buf);
AUTO_DEFINE_VALUE(struct buf, buf_release)
void buf_clear(struct buf *buf);
bool buf_failed(const struct buf *buf);
void buf_add(struct buf *buf, const void *bytes, size_t len);
void buf_add_str(struct buf *buf, const char *str);
void buf_addf(struct buf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_consume(struct buf *buf, size_t len); /* drops the first LEN bytes */
/* Room for at least LEN more bytes at data+len; NULL when it failed. The caller
 * adds to len what it wrote. */
char *buf_reserve(struct buf *buf, size_t len);
const char *buf_str(const struct buf *buf); /* "" while empty */

#endif

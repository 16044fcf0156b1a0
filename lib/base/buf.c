#include "config.h"
#include "base/buf.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

#define BUF_FIRST_SIZE 256

static void wipe_and_free(struct buf *buf)
{
	if (buf->secret && buf->data)
		sodium_memzero(buf->data, buf->cap);
	free(buf->data);
}

void buf_release(struct buf *buf)
{
	wipe_and_free(buf);
	buf->data = NULL;
	buf->len = buf->cap = 0;
	buf->failed = false;
}

void buf_clear(struct buf *buf)
{
	if (buf->secret && buf->data)
		sodium_memzero(buf->data, buf->cap);
	if (buf->data)
		buf->data[0] = 0;
	buf->len = 0;
	buf->failed = false;
}

bool buf_failed(const struct buf *buf)
{
	return buf->failed;
}

/* realloc(3) would leave a secret behind where the bytes were. */
static char *move(const struct buf *buf, size_t cap)
{
	char *data;

	if (!buf->secret)
		return realloc(buf->data, cap);
	data = malloc(cap);
	if (!data)
		return NULL;
	if (buf->data) {
		memcpy(data, buf->data, buf->len + 1);
		sodium_memzero(buf->data, buf->cap);
		free(buf->data);
	}
	return data;
}

/* Makes cap > len + MORE, the one for the closing 0. */
static bool grow(struct buf *buf, size_t more)
{
	size_t need, cap;
	char *data;

	if (buf->failed)
		return false;
	if (buf->len > buf->max || more > buf->max - buf->len ||
		more >= SIZE_MAX - buf->len)
		goto failed;
	need = buf->len + more + 1;
	if (need <= buf->cap)
		return true;
	cap = buf->cap ? buf->cap : BUF_FIRST_SIZE;
	while (cap < need && cap <= SIZE_MAX / 2)
		cap *= 2;
	if (cap < need || cap - 1 > buf->max)
		cap = buf->max == SIZE_MAX ? need : buf->max + 1;
	data = move(buf, cap);
	if (!data)
		goto failed;
	buf->data = data;
	buf->cap = cap;
	buf->data[buf->len] = 0;
	return true;
failed:
	buf->failed = true;
	return false;
}

void buf_add(struct buf *buf, const void *bytes, size_t len)
{
	if (!grow(buf, len))
		return;
	if (len)
		memcpy(buf->data + buf->len, bytes, len);
	buf->len += len;
	buf->data[buf->len] = 0;
}

void buf_add_str(struct buf *buf, const char *str)
{
	buf_add(buf, str, strlen(str));
}

void buf_addf(struct buf *buf, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0) {
		buf->failed = true;
		return;
	}
	if (!grow(buf, (size_t)len))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, ap);
	va_end(ap);
	buf->len += (size_t)len;
}

void buf_consume(struct buf *buf, size_t len)
{
	size_t rest;

	if (!buf->data || !len)
		return;
	rest = len < buf->len ? buf->len - len : 0;
	memmove(buf->data, buf->data + buf->len - rest, rest);
	if (buf->secret)
		sodium_memzero(buf->data + rest, buf->len - rest);
	buf->len = rest;
	buf->data[rest] = 0;
}

char *buf_reserve(struct buf *buf, size_t len)
{
	if (!grow(buf, len))
		return NULL;
	/* whatever part of it the caller fills, a 0 follows */
	memset(buf->data + buf->len, 0, len + 1);
	return buf->data + buf->len;
}

const char *buf_str(const struct buf *buf)
{
	return buf->data ? buf->data : "";
}

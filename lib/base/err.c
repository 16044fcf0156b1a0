#include "config.h"
#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

/* Adds what fits of MORE to the text of LEN bytes in MSG; the new length. */
static size_t append(char msg[static ERR_MSG_MAX], size_t len, const char *more)
{
	size_t add = strnlen(more, ERR_MSG_MAX - 1 - len);

	memcpy(msg + len, more, add);
	msg[len + add] = 0;
	return len + add;
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
	char msg[ERR_MSG_MAX];
	va_list ap;

	assert(code < 0);
	if (err) {
		va_start(ap, fmt);
		(void)vsnprintf(msg, sizeof(msg), fmt, ap);
		va_end(ap);
		/* a copy: an argument may have been the old message */
		(void)append(err->msg, 0, msg);
	}
	return code < 0 ? code : -EIO;
}

int err_errno(struct err *err, const char *fmt, ...)
{
	int saved = errno ? errno : EIO;
	char msg[ERR_MSG_MAX], what[96];
	va_list ap;
	size_t len;

	if (err) {
		va_start(ap, fmt);
		(void)vsnprintf(msg, sizeof(msg), fmt, ap);
		va_end(ap);
		errno = saved;
		(void)snprintf(what, sizeof(what), ": %m");
		/* the reason is worth more than the end of a long name */
		len = append(err->msg, 0, msg);
		if (len + strlen(what) >= ERR_MSG_MAX)
			len = ERR_MSG_MAX - 1 - strlen(what);
		(void)append(err->msg, len, what);
		errno = saved;
	}
	return -saved;
}

void err_prefix(struct err *err, const char *fmt, ...)
{
	char msg[ERR_MSG_MAX];
	va_list ap;
	size_t len;

	if (!err || !err->msg[0])
		return;
	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	len = append(msg, strlen(msg), ": ");
	(void)append(msg, len, err->msg);
	(void)append(err->msg, 0, msg);
}

void err_at(
	struct err *err, const char *file, unsigned int line, unsigned int col)
{
	if (!err)
		return;
	(void)snprintf(err->file, sizeof(err->file), "%s", file ? file : "");
	err->line = line;
	err->col = col;
}

const char *err_text(const struct err *err, char *buf, size_t size)
{
	char line[16] = "", col[16] = "";
	const char *file = err ? err->file : "";

	if (err && err->line) {
		(void)snprintf(line, sizeof(line), "%u:", err->line);
		if (err->col)
			(void)snprintf(col, sizeof(col), "%u:", err->col);
	}
	(void)snprintf(buf, size, "%s%s%s%s%s%s", file, file[0] ? ":" : "",
		line, col, file[0] || line[0] ? " " : "", err ? err->msg : "");
	return buf;
}

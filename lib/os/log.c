#include "config.h"
#include "os/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

#define LOG_LINE_MAX 1024

/* Set once by log_init(), before there are threads. */
static struct {
	const char *name;
	enum log_level level;
	bool journal;
} state = { .level = LOG_LEVEL_INFO };

static const struct {
	const char *name, *priority; /* of sd-daemon(3) */
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", "<3>" },
	[LOG_LEVEL_WARN] = { "warn", "<4>" },
	[LOG_LEVEL_INFO] = { "info", "<6>" },
	[LOG_LEVEL_DEBUG] = { "debug", "<7>" },
};

/* JOURNAL_STREAM is inherited by everything a unit starts: it counts only if
 * it still names our stderr. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char ours[48];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) != 0)
		return false;
	(void)snprintf(ours, sizeof(ours), "%ju:%ju", (uintmax_t)st.st_dev,
		(uintmax_t)st.st_ino);
	return strcmp(stream, ours) == 0;
}

void log_init(const char *name, enum log_level level)
{
	state.name = name;
	state.level = level;
	state.journal = stderr_is_journal();
}

void log_set_level(enum log_level level)
{
	state.level = level;
}

bool log_level_parse(const char *text, enum log_level *ret_level)
{
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		if (strcmp(text, levels[i].name) != 0)
			continue;
		*ret_level = (enum log_level)i;
		return true;
	}
	return false;
}

/* One line stays one line, and a terminal is not steered by a peer's name. */
static void tame(char *line)
{
	for (; *line; line++) {
		if ((unsigned char)*line < 0x20 || *line == 0x7f)
			*line = '?';
	}
}

static void PRINTF_LIKE(2, 0)
	write_line(enum log_level level, const char *fmt, va_list ap)
{
	char line[LOG_LINE_MAX];
	int saved = errno, head;
	size_t len;

	if (level > state.level)
		return;
	if (state.journal)
		head = snprintf(
			line, sizeof(line), "%s", levels[level].priority);
	else
		head = snprintf(line, sizeof(line), "%s%s",
			state.name ? state.name : "", state.name ? ": " : "");
	if (head < 0 || (size_t)head >= sizeof(line) / 2)
		head = 0;
	errno = saved; /* for %m */
	(void)vsnprintf(line + head, sizeof(line) - 1 - (size_t)head, fmt, ap);
	tame(line);
	len = strlen(line);
	line[len] = '\n';
	/* nobody is left to tell if this fails */
	if (write(STDERR_FILENO, line, len + 1) < 0)
		errno = saved;
	errno = saved;
}

void log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_line(LOG_LEVEL_ERROR, fmt, ap);
	va_end(ap);
}

void log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_line(LOG_LEVEL_WARN, fmt, ap);
	va_end(ap);
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_line(LOG_LEVEL_INFO, fmt, ap);
	va_end(ap);
}

void log_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_line(LOG_LEVEL_DEBUG, fmt, ap);
	va_end(ap);
}

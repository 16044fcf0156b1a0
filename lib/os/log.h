/*
 * log: one line a call to stderr, "<3>text" under systemd (JOURNAL_STREAM),
 * "name: text" elsewhere. Only programs and os/ log; libraries below do not,
 * and nothing logs per packet.
 */
#ifndef OS_LOG_H
#define OS_LOG_H

#include "base/auto.h"
#include "base/err.h"

#include <stdbool.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/* NAME is borrowed for ever. */
void log_init(const char *name, enum log_level level);
void log_set_level(enum log_level level);
bool log_level_parse(const char *text, enum log_level *ret_level);
void log_error(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_warn(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_info(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_debug(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif

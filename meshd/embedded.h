/*
 * embedded: files of schema/, as they were when this program was built. The
 * source is made by embed.awk; a file without a name ends each table.
 */
#ifndef MESHD_EMBEDDED_H
#define MESHD_EMBEDDED_H

#include <stddef.h>

struct embedded_file {
	const char *name;
	const char *text;
	size_t len;
};
extern const struct embedded_file embedded_migrations[]; /* in order */
extern const struct embedded_file embedded_openapi[];

#endif

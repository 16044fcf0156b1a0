/*
 * table: rows of cells, aligned, for people. What comes from the coordinator
 * may hold anything: characters that drive a terminal are replaced here.
 */
#ifndef MESHD_CTL_TABLE_H
#define MESHD_CTL_TABLE_H

#include "base/auto.h"
#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

#define TABLE_COLUMNS_MAX 10
#define TABLE_CELL_MAX	  4096

enum table_style { TABLE_PLAIN, TABLE_GOOD, TABLE_BAD, TABLE_DIM };

struct table;

/* HEADS is borrowed; NULL: no head, as for "key  value" lists. NULL: out of
 * memory. */
struct table *table_new(size_t columns, const char *const *heads);
void table_free(struct table *table);
AUTO_DEFINE(struct table, table_free)

/* Cells go in row by row, left to right. "" prints as "-". */
void table_add(struct table *table, const char *text);
void table_add_styled(
	struct table *table, enum table_style style, const char *text);
void table_addf(struct table *table, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* False when memory or OUT ran out. */
bool table_print(const struct table *table, bool color, struct buf *out);

/* Writes TEXT with control characters, and bytes that are not UTF-8, as '?'. */
void text_clean(const char *text, struct buf *out);

#endif

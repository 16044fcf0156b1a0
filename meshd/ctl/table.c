/* table: see table.h. */
#include "config.h"

#include "meshd/ctl/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

struct cell {
	char *text;
	enum table_style style;
};
struct table {
	const char *const *heads;
	size_t columns;
	struct cell *cells;
	size_t len, cap;
	bool failed;
};

struct table *table_new(size_t columns, const char *const *heads)
{
	struct table *table = calloc(1, sizeof(*table));

	BUG_ON(columns == 0 || columns > TABLE_COLUMNS_MAX);
	if (table) {
		table->heads = heads;
		table->columns = columns;
	}
	return table;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->len; i++)
		free(table->cells[i].text);
	free(table->cells);
	free(table);
}

/* The length of the printable character at TEXT, at most 4; 0 if it is none:
 * a control character (also of C1, U+0080-9F), or not UTF-8. */
static size_t printable_len(const char *text)
{
	const unsigned char *u = (const unsigned char *)text;
	size_t len = u[0] < 0x80 ? 1
		: u[0] < 0xc2	 ? 0
		: u[0] < 0xe0	 ? 2
		: u[0] < 0xf0	 ? 3
		: u[0] < 0xf5	 ? 4
				 : 0;

	if (u[0] < 0x20 || u[0] == 0x7f || len == 0)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((u[0] == 0xc2 && u[1] < 0xa0) || (u[0] == 0xe0 && u[1] < 0xa0))
		return 0;
	/* U+2028-202E, U+2066-2069: turn lines and their direction. */
	if (u[0] == 0xe2 &&
		((u[1] == 0x80 && u[2] >= 0xa8 && u[2] <= 0xae) ||
			(u[1] == 0x81 && u[2] >= 0xa6 && u[2] <= 0xa9)))
		return 0;
	return len;
}

void text_clean(const char *text, struct buf *out)
{
	while (*text) {
		size_t len = printable_len(text);

		if (len)
			buf_add(out, text, len);
		else
			buf_add_str(out, "?");
		text += len ? len : 1;
	}
}

static size_t text_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

void table_add_styled(
	struct table *table, enum table_style style, const char *text)
{
	AUTO(buf_release) struct buf clean = BUF_INIT(TABLE_CELL_MAX);
	char *copy;

	text_clean(*text ? text : "-", &clean);
	copy = buf_failed(&clean) ? NULL : strdup(buf_str(&clean));
	if (copy && table->len == table->cap) {
		size_t cap = table->cap ? 2 * table->cap : 64;
		struct cell *cells =
			reallocarray(table->cells, cap, sizeof(*cells));

		if (cells) {
			table->cells = cells;
			table->cap = cap;
		}
	}
	if (!copy || table->len == table->cap) {
		free(copy);
		table->failed = true;
		return;
	}
	table->cells[table->len++] = (struct cell){ copy, style };
}

void table_add(struct table *table, const char *text)
{
	table_add_styled(table, TABLE_PLAIN, text);
}

void table_addf(struct table *table, const char *fmt, ...)
{
	char text[TABLE_CELL_MAX / 4];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	table_add(table, text);
}

static const char *style_begin(enum table_style style)
{
	switch (style) {
	case TABLE_GOOD:
		return "\033[32m";
	case TABLE_BAD:
		return "\033[31m";
	case TABLE_DIM:
		return "\033[2m";
	case TABLE_PLAIN:
		break;
	}
	return "";
}

/* One cell; the last of a row has nothing behind it. */
static void print_cell(const char *text, const char *begin, size_t width,
	bool last, struct buf *out)
{
	size_t used = text_width(text);

	buf_addf(out, "%s%s%s", begin, text, *begin ? "\033[0m" : "");
	if (last)
		buf_add_str(out, "\n");
	else
		buf_addf(out, "%*s", (int)(width - used + 2), "");
}

bool table_print(const struct table *table, bool color, struct buf *out)
{
	size_t width[TABLE_COLUMNS_MAX] = { 0 };
	size_t columns = table->columns;

	if (table->failed)
		return false;
	BUG_ON(table->len % columns != 0);
	for (size_t i = 0; table->heads && i < columns; i++)
		width[i] = text_width(table->heads[i]);
	for (size_t i = 0; i < table->len; i++) {
		size_t used = text_width(table->cells[i].text);

		if (used > width[i % columns])
			width[i % columns] = used;
	}
	for (size_t i = 0; table->heads && i < columns; i++)
		print_cell(table->heads[i], color ? "\033[1m" : "", width[i],
			i + 1 == columns, out);
	for (size_t i = 0; i < table->len; i++)
		print_cell(table->cells[i].text,
			color ? style_begin(table->cells[i].style) : "",
			width[i % columns], i % columns + 1 == columns, out);
	return !buf_failed(out);
}

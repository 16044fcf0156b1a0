#include "config.h"
#include "base/jsonw.h"

#include <inttypes.h>
#include <string.h>

#include "base/banned.h"

void jsonw_init(struct jsonw *w, struct buf *out, bool pretty)
{
	*w = (struct jsonw){ .out = out, .pretty = pretty };
}

static void new_line(struct jsonw *w)
{
	if (!w->pretty)
		return;
	buf_add_str(w->out, "\n");
	for (unsigned int i = 0; i < w->depth; i++)
		buf_add_str(w->out, "\t");
}

/* Before every key, and before every value that follows none. */
static void next_item(struct jsonw *w)
{
	if (w->after_key) {
		w->after_key = false;
		return;
	}
	if (w->has_item[w->depth])
		buf_add_str(w->out, ",");
	w->has_item[w->depth] = true;
	if (w->depth)
		new_line(w);
}

static void begin(struct jsonw *w, const char *bracket)
{
	next_item(w);
	buf_add_str(w->out, bracket);
	BUG_ON(w->depth == JSONW_DEPTH_MAX);
	w->has_item[++w->depth] = false;
}

static void end(struct jsonw *w, const char *bracket)
{
	bool was_empty;

	BUG_ON(!w->depth || w->after_key);
	was_empty = !w->has_item[w->depth--];
	if (!was_empty)
		new_line(w);
	buf_add_str(w->out, bracket);
}

void jsonw_object_begin(struct jsonw *w)
{
	begin(w, "{");
}

void jsonw_object_end(struct jsonw *w)
{
	end(w, "}");
}

void jsonw_array_begin(struct jsonw *w)
{
	begin(w, "[");
}

void jsonw_array_end(struct jsonw *w)
{
	end(w, "]");
}

/* Bytes of the UTF-8 character at P, RFC 3629 s4; 0 if it is none. The closing
 * 0 of the string is no continuation byte, so it is never passed. */
static size_t utf8_len(const uint8_t *p)
{
	size_t len = p[0] < 0x80 ? 1
		: p[0] < 0xc2	 ? 0
		: p[0] < 0xe0	 ? 2
		: p[0] < 0xf0	 ? 3
		: p[0] < 0xf5	 ? 4
				 : 0;

	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((p[0] == 0xe0 && p[1] < 0xa0) || /* overlong */
		(p[0] == 0xf0 && p[1] < 0x90) ||
		(p[0] == 0xed && p[1] > 0x9f) || /* surrogates */
		(p[0] == 0xf4 && p[1] > 0x8f))	 /* above U+10FFFF */
		return 0;
	return len;
}

static void write_ascii(struct jsonw *w, uint8_t c)
{
	static const char named[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	const char *at = c ? strchr(named, c) : NULL;

	if (at)
		buf_addf(w->out, "\\%c", letters[at - named]);
	else if (c < 0x20 || c == 0x7f)
		buf_addf(w->out, "\\u%04x", c);
	else
		buf_add(w->out, &c, 1);
}

static void write_string(struct jsonw *w, const char *text)
{
	/* cast: char to the bytes it holds */
	const uint8_t *p = (const uint8_t *)text;

	buf_add_str(w->out, "\"");
	while (*p) {
		size_t len = utf8_len(p);

		if (!len)
			buf_add_str(w->out, "\xef\xbf\xbd");
		else if (len == 1)
			write_ascii(w, *p);
		else if (p[0] == 0xc2 && p[1] < 0xa0) /* C1: moves terminals */
			buf_addf(w->out, "\\u%04x", p[1]);
		else
			buf_add(w->out, p, len);
		p += len ? len : 1;
	}
	buf_add_str(w->out, "\"");
}

void jsonw_key(struct jsonw *w, const char *key)
{
	next_item(w);
	write_string(w, key);
	buf_add_str(w->out, w->pretty ? ": " : ":");
	w->after_key = true;
}

void jsonw_str(struct jsonw *w, const char *value)
{
	if (!value) {
		jsonw_null(w);
		return;
	}
	next_item(w);
	write_string(w, value);
}

void jsonw_int(struct jsonw *w, int64_t value)
{
	next_item(w);
	buf_addf(w->out, "%" PRId64, value);
}

void jsonw_uint(struct jsonw *w, uint64_t value)
{
	next_item(w);
	buf_addf(w->out, "%" PRIu64, value);
}

void jsonw_bool(struct jsonw *w, bool value)
{
	next_item(w);
	buf_add_str(w->out, value ? "true" : "false");
}

void jsonw_null(struct jsonw *w)
{
	next_item(w);
	buf_add_str(w->out, "null");
}

void jsonw_kv_str(struct jsonw *w, const char *key, const char *value)
{
	jsonw_key(w, key);
	jsonw_str(w, value);
}

void jsonw_kv_int(struct jsonw *w, const char *key, int64_t value)
{
	jsonw_key(w, key);
	jsonw_int(w, value);
}

void jsonw_kv_uint(struct jsonw *w, const char *key, uint64_t value)
{
	jsonw_key(w, key);
	jsonw_uint(w, value);
}

void jsonw_kv_bool(struct jsonw *w, const char *key, bool value)
{
	jsonw_key(w, key);
	jsonw_bool(w, value);
}

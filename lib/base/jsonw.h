/*
 * jsonw: writes JSON into a buf. Commas and nesting are kept by the writer;
 * strings are escaped, and bytes that are not UTF-8 become U+FFFD. Reading
 * JSON is meshproto's; this lets wgtool print it without a library.
 */
#ifndef BASE_JSONW_H
#define BASE_JSONW_H

#include "base/buf.h"

#define JSONW_DEPTH_MAX 16

struct jsonw {
	struct buf *out; /* borrowed */
	bool pretty;	 /* tabs and newlines */
	unsigned int depth;
	bool has_item[JSONW_DEPTH_MAX + 1];
	bool after_key;
};

void jsonw_init(struct jsonw *w, struct buf *out, bool pretty);
void jsonw_object_begin(struct jsonw *w);
void jsonw_object_end(struct jsonw *w);
void jsonw_array_begin(struct jsonw *w);
void jsonw_array_end(struct jsonw *w);
void jsonw_key(struct jsonw *w, const char *key);
void jsonw_str(struct jsonw *w, const char *value); /* NULL writes null */
void jsonw_int(struct jsonw *w, int64_t value);
void jsonw_uint(struct jsonw *w, uint64_t value);
void jsonw_bool(struct jsonw *w, bool value);
void jsonw_null(struct jsonw *w);
/* key and value at once */
void jsonw_kv_str(struct jsonw *w, const char *key, const char *value);
void jsonw_kv_int(struct jsonw *w, const char *key, int64_t value);
void jsonw_kv_uint(struct jsonw *w, const char *key, uint64_t value);
void jsonw_kv_bool(struct jsonw *w, const char *key, bool value);

#endif

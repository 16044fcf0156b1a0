#include "config.h"
#include "meshproto/jsonr.h"

#include "meshproto/record.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define FOREIGN_TEXT_MAX 48 /* of somebody's input in our message */
#define PATH_TEXT_MAX	 128

struct jsonr {
	struct err *err;
	int code;	    /* 0 until something failed */
	unsigned int depth; /* of the value being read */
	struct {
		const char *name; /* NULL: an item */
		size_t index;
	} path[JSONR_DEPTH_MAX + 1];
};

/* Copies TEXT so that it may stand in a log line: printable ASCII, cut. */
static void make_printable(char *dst, size_t size, const char *text)
{
	size_t len = 0;

	for (; *text && len + 1 < size; text++)
		dst[len++] = *text >= 0x20 && *text < 0x7f ? *text : '?';
	dst[len] = '\0';
}

static void format_path(const struct jsonr *r, char *buf, size_t size)
{
	char name[FOREIGN_TEXT_MAX];
	size_t len = 0;

	buf[0] = '\0';
	for (unsigned int i = 0; i < r->depth && len < size; i++) {
		int n;

		if (r->path[i].name) {
			make_printable(name, sizeof(name), r->path[i].name);
			n = snprintf(buf + len, size - len, "/%s", name);
		} else {
			n = snprintf(buf + len, size - len, "/%zu",
				r->path[i].index);
		}
		BUG_ON(n < 0);
		len += (size_t)n;
	}
}

bool jsonr_fail(struct jsonr *r, const char *fmt, ...)
{
	char path[PATH_TEXT_MAX], reason[ERR_MSG_MAX];
	va_list args;

	if (r->code)
		return false;
	va_start(args, fmt);
	(void)vsnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);
	format_path(r, path, sizeof(path));
	r->code = err_set(
		r->err, -EBADMSG, "%s%s%s", path, *path ? ": " : "", reason);
	return false;
}

bool jsonr_no_memory(struct jsonr *r)
{
	if (!r->code)
		r->code = err_set(r->err, -ENOMEM, "out of memory");
	return false;
}

static void enter(struct jsonr *r, const char *name, size_t index)
{
	/* the text was measured before it was parsed */
	BUG_ON(r->depth > JSONR_DEPTH_MAX);
	r->path[r->depth].name = name;
	r->path[r->depth].index = index;
	r->depth++;
}

static void leave(struct jsonr *r)
{
	r->depth--;
}

static bool read_list(struct jsonr *r, const json_t *value,
	const struct jsonr_field *f, char *base)
{
	size_t n = json_array_size(value), count = 0;
	char *items = base + f->offset;

	if (!json_is_array(value))
		return jsonr_fail(r, "is not a list");
	if (n > f->max)
		return jsonr_fail(
			r, "has %zu items, the maximum is %zu", n, f->max);
	if (f->shape == JSONR_IS_GROWN) {
		items = n ? calloc(n, f->size) : NULL;
		if (n && !items)
			return jsonr_no_memory(r);
		memcpy(base + f->offset, &items, sizeof(items));
	}
	while (count < n) {
		const json_t *item = json_array_get(value, count);
		char *target = items + count * f->size;
		bool ok;

		enter(r, NULL, count);
		count++; /* a half-read item is its owner's to release */
		memcpy(base + f->count_offset, &count, sizeof(count));
		ok = f->read(r, item, target, f->size);
		leave(r);
		if (!ok)
			return false;
	}
	return true;
}

static bool read_field(struct jsonr *r, const json_t *value,
	const struct jsonr_field *f, char *base)
{
	bool ok;

	enter(r, f->name, 0);
	if (f->shape == JSONR_IS_VALUE)
		ok = f->read(r, value, base + f->offset, f->size);
	else
		ok = read_list(r, value, f, base);
	leave(r);
	return ok;
}

static bool fail_field(struct jsonr *r, const char *name, const char *reason)
{
	enter(r, name, 0);
	(void)jsonr_fail(r, "%s", reason);
	leave(r);
	return false;
}

bool jsonr_object(struct jsonr *r, const json_t *value,
	const struct jsonr_field *fields, size_t count, void *target)
{
	/* cast: Jansson's iterators want a mutable object; they do not write */
	json_t *object = (json_t *)(uintptr_t)value;
	uint32_t seen = 0;

	BUG_ON(count > JSONR_FIELDS_MAX);
	if (!json_is_object(value))
		return jsonr_fail(r, "is not an object");
	for (void *it = json_object_iter(object); it;
		it = json_object_iter_next(object, it)) {
		const char *name = json_object_iter_key(it);
		size_t i = 0;

		while (i < count && strcmp(fields[i].name, name))
			i++;
		if (i == count)
			return fail_field(r, name, "is not a known field");
		if (!read_field(
			    r, json_object_iter_value(it), &fields[i], target))
			return false;
		seen |= UINT32_C(1) << i;
	}
	for (size_t i = 0; i < count; i++) {
		bool is_missing = !(seen & (UINT32_C(1) << i));

		if (is_missing && fields[i].need == JSONR_REQUIRED)
			return fail_field(r, fields[i].name, "is missing");
	}
	return true;
}

const char *jsonr_peek(const json_t *value, const char *name)
{
	return json_string_value(json_object_get(value, name));
}

/* C0, DEL, and C1 as UTF-8 (C2 80 - C2 9F): they move terminals. */
static bool has_control(const char *text)
{
	/* cast: char to the bytes it holds */
	for (const uint8_t *p = (const uint8_t *)text; *p; p++) {
		if (*p < 0x20 || *p == 0x7f)
			return true;
		if (*p == 0xc2 && p[1] < 0xa0)
			return true;
	}
	return false;
}

bool jsonr_is_null(const json_t *value)
{
	return json_is_null(value);
}

const char *jsonr_text(struct jsonr *r, const json_t *value)
{
	const char *text = json_string_value(value);

	if (!text)
		(void)jsonr_fail(r, "is not a string");
	else if (has_control(text)) {
		(void)jsonr_fail(r, "holds a control character");
		text = NULL;
	}
	return text;
}

bool jsonr_str(struct jsonr *r, const json_t *value, void *target, size_t size)
{
	const char *text = jsonr_text(r, value);

	if (!text)
		return false;
	if (strlen(text) >= size)
		return jsonr_fail(r, "is longer than %zu bytes", size - 1);
	return str_copy(target, size, text);
}

bool jsonr_bool(struct jsonr *r, const json_t *value, void *target, size_t size)
{
	bool is_true = json_is_true(value);

	BUG_ON(size != sizeof(is_true));
	if (!json_is_boolean(value))
		return jsonr_fail(r, "is neither true nor false");
	memcpy(target, &is_true, size);
	return true;
}

bool jsonr_uint(struct jsonr *r, const json_t *value, void *target, size_t size)
{
	json_int_t n = json_integer_value(value);
	uint64_t max = size == sizeof(uint64_t) ? JSONR_UINT_MAX
		: size == sizeof(uint32_t)	? UINT32_MAX
						: UINT16_MAX;
	uint64_t u64;
	uint32_t u32;
	uint16_t u16;

	BUG_ON(size != sizeof(u64) && size != sizeof(u32) &&
		size != sizeof(u16));
	if (!json_is_integer(value))
		return jsonr_fail(r, "is not a whole number");
	if (n < 0 || (uint64_t)n > max)
		return jsonr_fail(
			r, "is not between 0 and %ju", (uintmax_t)max);
	u64 = (uint64_t)n;
	u32 = (uint32_t)n;
	u16 = (uint16_t)n;
	if (size == sizeof(u64))
		memcpy(target, &u64, sizeof(u64));
	else if (size == sizeof(u32))
		memcpy(target, &u32, sizeof(u32));
	else
		memcpy(target, &u16, sizeof(u16));
	return true;
}

/* Depth and number of values, before Jansson builds anything. Text that is no
 * JSON gives any numbers; Jansson refuses it afterwards. */
static int measure(const char *json, size_t len,
	const struct jsonr_limits *limits, struct err *err)
{
	size_t depth = 0, values = 1;
	bool in_string = false;

	if (len > limits->bytes)
		return err_set(err, -EBADMSG,
			"is %zu bytes long, the maximum is %zu", len,
			limits->bytes);
	for (size_t i = 0; i < len; i++) {
		char c = json[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
			continue;
		}
		if (c == '"')
			in_string = true;
		else if (c == '{' || c == '[') {
			depth++;
			values++;
		} else if ((c == '}' || c == ']') && depth)
			depth--;
		else if (c == ',')
			values++;
		if (depth > JSONR_DEPTH_MAX)
			return err_set(err, -EBADMSG,
				"is nested deeper than %d", JSONR_DEPTH_MAX);
		if (values > limits->values)
			return err_set(err, -EBADMSG,
				"has more than %zu values", limits->values);
	}
	return 0;
}

static bool check_schema(struct jsonr *r, json_t *root)
{
	const char *schema = jsonr_peek(root, "schema");

	if (!json_is_object(root))
		return jsonr_fail(r, "is not an object");
	if (!schema)
		return fail_field(r, "schema", "is missing");
	if (strcmp(schema, MESH_SCHEMA))
		return fail_field(r, "schema", "is not " MESH_SCHEMA);
	(void)json_object_del(root, "schema");
	return true;
}

int jsonr_parse(const char *json, size_t len, const struct jsonr_limits *limits,
	enum jsonr_schema schema, jsonr_read *read, void *target, size_t size,
	struct err *err)
{
	struct jsonr r = { .err = err };
	json_error_t error;
	json_t *root;
	int n = measure(json, len, limits, err);

	if (n < 0)
		return n;
	root = json_loadb(
		json, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (!root) {
		char text[FOREIGN_TEXT_MAX];

		if (json_error_code(&error) == json_error_out_of_memory)
			return err_set(err, -ENOMEM, "out of memory");
		make_printable(text, sizeof(text), error.text);
		return err_set(err, -EBADMSG, "is not JSON: %s, at byte %d",
			text, error.position);
	}
	if (schema == JSONR_NO_SCHEMA || check_schema(&r, root))
		(void)read(&r, root, target, size);
	json_decref(root);
	return r.code;
}

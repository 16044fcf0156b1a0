/*
 * jsonr: reads JSON strictly. What an object may hold is said by a table, one
 * row a field; everything else about it is refused here, in one place, for
 * every message and record:
 *
 *   unknown, missing and doubled fields · a value of the wrong type or over
 *   its limit · nesting over JSONR_DEPTH_MAX · text that is not UTF-8, holds
 *   control characters, or goes on after the value · more bytes or more values
 *   than the caller allows (counted before any memory is taken)
 *
 * An error's text begins with the JSON pointer of the field at fault, then
 * ": " and the reason: "/peers/3/endpoint: is not an address with a port".
 * Foreign text in it is cut and made printable. Only jsonr.c knows Jansson.
 */
#ifndef MESHPROTO_JSONR_H
#define MESHPROTO_JSONR_H

#include "base/auto.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSONR_DEPTH_MAX	 8  /* nested objects and arrays */
#define JSONR_FIELDS_MAX 32 /* of one table: a bit each */
#define JSONR_UINT_MAX	 ((uint64_t)INT64_MAX)

struct json_t;
struct jsonr;

struct jsonr_limits {
	size_t bytes;
	size_t values;
};

/* Reads VALUE into TARGET, which has SIZE bytes. False after jsonr_fail(). */
typedef bool jsonr_read(
	struct jsonr *r, const struct json_t *value, void *target, size_t size);

enum jsonr_need { JSONR_REQUIRED, JSONR_OPTIONAL };
struct jsonr_field {
	const char *name;
	jsonr_read *read; /* of the value; of each item of a list */
	enum jsonr_need need;
	size_t offset, size; /* of the target in its struct; size of one item */
	enum { JSONR_IS_VALUE, JSONR_IS_FIXED, JSONR_IS_GROWN } shape;
	size_t max;	     /* items of a list */
	size_t count_offset; /* where their number goes, a size_t */
};

/* One value in MEMBER of struct TYPE. */
#define JSONR_VALUE(name, type, member, read, need)                            \
	{                                                                      \
		name, read, need, offsetof(type, member),                      \
			sizeof(((type *)0)->member), JSONR_IS_VALUE, 0, 0      \
	}
/* A list in the array MEMBER, their number in COUNT. */
#define JSONR_FIXED(name, type, member, count, read, need)                     \
	{                                                                      \
		name, read, need, offsetof(type, member),                      \
			sizeof(((type *)0)->member[0]), JSONR_IS_FIXED,        \
			ARRAY_SIZE(((type *)0)->member), offsetof(type, count) \
	}
/* A list of at most MAX in the pointer MEMBER, allocated here; the struct's
 * release frees it, after a failure too. */
#define JSONR_GROWN(name, type, member, count, max, read, need)                \
	{                                                                      \
		name, read, need, offsetof(type, member),                      \
			sizeof(((type *)0)->member[0]), JSONR_IS_GROWN, max,   \
			offsetof(type, count)                                  \
	}

/* Whether the outermost object must say "schema": "mesh/v1". */
enum jsonr_schema { JSONR_NO_SCHEMA, JSONR_SCHEMA };
/* Reads the text's one value with READ. 0, -EBADMSG or -ENOMEM; TARGET may
 * then be half filled, its owner releases it. */
WARN_UNUSED int jsonr_parse(const char *json, size_t len,
	const struct jsonr_limits *limits, enum jsonr_schema schema,
	jsonr_read *read, void *target, size_t size, struct err *err);

/* The body of an object's reader. COUNT <= JSONR_FIELDS_MAX. */
WARN_UNUSED bool jsonr_object(struct jsonr *r, const struct json_t *value,
	const struct jsonr_field *fields, size_t count, void *target);
/* The text of an object's field NAME before its table is known; NULL if there
 * is none. Borrowed. */
const char *jsonr_peek(const struct json_t *value, const char *name);
bool jsonr_is_null(const struct json_t *value);
/* The text of a string; NULL after jsonr_fail(). Borrowed. */
const char *jsonr_text(struct jsonr *r, const struct json_t *value);

jsonr_read jsonr_bool;
jsonr_read jsonr_uint; /* uint16_t, uint32_t or uint64_t, by SIZE */
jsonr_read jsonr_str;  /* char[SIZE] */

/* Both return false. The first failure is the one that is told. */
bool jsonr_fail(struct jsonr *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool jsonr_no_memory(struct jsonr *r);

#endif

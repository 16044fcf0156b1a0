/*
 * num: numbers and names out of text, whole or not at all.
 */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include "base/auto.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal digits only, no sign, no blanks, <= MAX. */
WARN_UNUSED bool num_parse_u64(
	const char *text, uint64_t max, uint64_t *ret_value);
/* Decimal, or hexadecimal after 0x. */
WARN_UNUSED bool num_parse_u32_auto(const char *text, uint32_t *ret_value);

/* A node or mesh name: 1-63 of [a-z0-9-], no '-' at either end (one DNS
 * label). */
#define NAME_MAX_LEN 63
bool name_valid(const char *text);
/* An interface name as Linux takes it: 1-15 of [a-zA-Z0-9_=+.-], not "." or
 * "..". */
#define IFNAME_MAX_LEN 15
bool ifname_valid(const char *text);
/* strlcpy that must fit: false, and "" in DST, if it does not. */
bool str_copy(char *dst, size_t size, const char *src);

#endif

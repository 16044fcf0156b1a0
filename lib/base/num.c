#include "config.h"
#include "base/num.h"

#include <string.h>

#include "base/banned.h"

/* By hand, not <ctype.h>: the locale has no say here. */
static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool num_parse_u64(const char *text, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (!is_digit(*text) ||
			__builtin_mul_overflow(value, (uint64_t)10, &value) ||
			__builtin_add_overflow(
				value, (uint64_t)(*text - '0'), &value) ||
			value > max)
			return false;
	}
	*ret_value = value;
	return true;
}

bool num_parse_u32_auto(const char *text, uint32_t *ret_value)
{
	uint64_t value = 0;

	if (text[0] != '0' || (text[1] != 'x' && text[1] != 'X')) {
		if (!num_parse_u64(text, UINT32_MAX, &value))
			return false;
		*ret_value = (uint32_t)value;
		return true;
	}
	text += 2;
	if (!*text)
		return false;
	for (; *text; text++) {
		int digit = hex_value(*text);

		if (digit < 0)
			return false;
		value = value << 4 | (unsigned int)digit;
		if (value > UINT32_MAX)
			return false;
	}
	*ret_value = (uint32_t)value;
	return true;
}

bool name_valid(const char *text)
{
	size_t len = strnlen(text, NAME_MAX_LEN + 1);

	if (!len || len > NAME_MAX_LEN || text[0] == '-' ||
		text[len - 1] == '-')
		return false;
	for (; *text; text++) {
		if (!is_lower(*text) && !is_digit(*text) && *text != '-')
			return false;
	}
	return true;
}

bool ifname_valid(const char *text)
{
	size_t len = strnlen(text, IFNAME_MAX_LEN + 1);

	if (!len || len > IFNAME_MAX_LEN || !strcmp(text, ".") ||
		!strcmp(text, ".."))
		return false;
	for (; *text; text++) {
		if (!is_lower(*text) && !is_upper(*text) && !is_digit(*text) &&
			!strchr("_=+.-", *text))
			return false;
	}
	return true;
}

bool str_copy(char *dst, size_t size, const char *src)
{
	size_t len = strnlen(src, size);

	if (len >= size) {
		if (size)
			dst[0] = 0;
		return false;
	}
	memmove(dst, src, len + 1);
	return true;
}

#include "config.h"
#include "base/time.h"
#include "base/auto.h"
#include "base/num.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

#define SEC_PER_DAY	 INT64_C(86400)
#define DURATION_MAX_SEC (10 * 365 * SEC_PER_DAY)

struct mono mono_add(struct mono t, int64_t ns)
{
	struct mono sum;

	if (t.ns == INT64_MAX)
		return t;
	if (__builtin_add_overflow(t.ns, ns, &sum.ns))
		sum.ns = ns > 0 ? INT64_MAX : INT64_MIN;
	return sum;
}

int64_t mono_sub(struct mono later, struct mono earlier)
{
	int64_t ns;

	if (later.ns == INT64_MAX)
		return INT64_MAX;
	if (__builtin_sub_overflow(later.ns, earlier.ns, &ns))
		return later.ns > earlier.ns ? INT64_MAX : INT64_MIN;
	return ns;
}

bool mono_before(struct mono a, struct mono b)
{
	return a.ns < b.ns;
}

bool mono_reached(struct mono deadline, struct mono now)
{
	return deadline.ns != INT64_MAX && now.ns >= deadline.ns;
}

struct mono mono_min(struct mono a, struct mono b)
{
	return a.ns < b.ns ? a : b;
}

/* Days since 1970-01-01 of a date in the Gregorian calendar. Counted in years
 * that begin in March, so that the leap day is the last one. */
static int64_t days_of(int64_t year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
	int64_t of_year =
		(153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
		of_year - 719468;
}

static void date_of(int64_t days, unsigned int *ret_year,
	unsigned int *ret_month, unsigned int *ret_day)
{
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t of_era = z - era * 146097;
	int64_t year =
		(of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) /
		365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t march = (5 * of_year + 2) / 153;

	*ret_day = (unsigned int)(of_year - (153 * march + 2) / 5 + 1);
	*ret_month = (unsigned int)(march < 10 ? march + 3 : march - 9);
	*ret_year = (unsigned int)(year + era * 400 + (*ret_month <= 2));
}

/* Exactly LEN digits, then the character END. */
static bool field(const char **text, size_t len, char end, int *ret)
{
	const char *p = *text;
	int value = 0;

	for (size_t i = 0; i < len; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		value = value * 10 + (p[i] - '0');
	}
	if (end && p[len] != end)
		return false;
	*text = p + len + (end ? 1 : 0);
	*ret = value;
	return true;
}

static bool fraction(const char **text, int64_t *ret_ns)
{
	const char *p = *text;
	int64_t ns = 0, unit = NSEC_PER_SEC / 10;

	if (*p != '.') {
		*ret_ns = 0;
		return true;
	}
	for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
		ns += (*p - '0') * unit;
	if (p == *text + 1)
		return false;
	*text = p;
	*ret_ns = ns;
	return true;
}

bool wall_parse(const char *text, struct wall *ret_wall)
{
	static const uint8_t month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31,
		30, 31, 30, 31 };
	int year, month, day, hour, min, sec;
	int64_t ns, total;
	bool leap;

	if (!field(&text, 4, '-', &year) || !field(&text, 2, '-', &month) ||
		!field(&text, 2, 'T', &day) || !field(&text, 2, ':', &hour) ||
		!field(&text, 2, ':', &min) || !field(&text, 2, 0, &sec) ||
		!fraction(&text, &ns) || strcmp(text, "Z") != 0)
		return false;
	leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	/* int64_t nanoseconds end in April 2262 */
	if (year < 1970 || year > 2261 || month < 1 || month > 12 || day < 1 ||
		day > month_days[month - 1] + (month == 2 && leap) ||
		hour > 23 || min > 59 || sec > 59)
		return false;
	total = days_of(year, month, day) * SEC_PER_DAY + hour * 3600 +
		min * 60 + sec;
	ret_wall->ns = total * NSEC_PER_SEC + ns;
	return true;
}

const char *wall_format(struct wall t, char buf[static TIME_TEXT_SIZE])
{
	int64_t sec = t.ns / NSEC_PER_SEC - (t.ns % NSEC_PER_SEC < 0);
	int64_t days = sec / SEC_PER_DAY - (sec % SEC_PER_DAY < 0);
	unsigned int of_day = (unsigned int)(sec - days * SEC_PER_DAY);
	unsigned int year, month, day;

	date_of(days, &year, &month, &day);
	/* the remainders tell the compiler that it fits; years are 1677-2262 */
	(void)snprintf(buf, TIME_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02uZ",
		year % 10000, month % 100, day % 100, of_day / 3600 % 100,
		of_day / 60 % 60, of_day % 60);
	return buf;
}

bool duration_parse(const char *text, int64_t *ret_ns)
{
	static const struct {
		char suffix;
		int32_t sec;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	size_t len = strnlen(text, 24);
	uint64_t value, unit = 1;
	char digits[24];

	if (!len || len == sizeof(digits))
		return false;
	memcpy(digits, text, len + 1);
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (digits[len - 1] != units[i].suffix)
			continue;
		unit = (uint64_t)units[i].sec;
		digits[len - 1] = 0;
		break;
	}
	if (!num_parse_u64(digits, DURATION_MAX_SEC / unit, &value) || !value)
		return false;
	*ret_ns = (int64_t)(value * unit) * NSEC_PER_SEC;
	return true;
}

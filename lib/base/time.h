/*
 * time: points in time as distinct types, so that they cannot be mixed.
 * Reads no clock: os/clock.h does, once a wake-up.
 */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include <stdbool.h>
#include <stdint.h>

#define NSEC_PER_SEC  INT64_C(1000000000)
#define NSEC_PER_MSEC INT64_C(1000000)
#define NSEC_PER_USEC INT64_C(1000)

struct mono {
	int64_t ns; /* CLOCK_BOOTTIME: runs on while suspended */
};
struct wall {
	int64_t ns; /* since 1970 UTC: TAI64N, expiry, people */
};
struct now {
	struct mono mono;
	struct wall wall;
};

#define MONO_NEVER ((struct mono){ INT64_MAX })

/* All saturate: MONO_NEVER stays never. */
struct mono mono_add(struct mono t, int64_t ns);
int64_t mono_sub(struct mono later, struct mono earlier);
bool mono_before(struct mono a, struct mono b);
bool mono_reached(struct mono deadline, struct mono now); /* now >= deadline */
struct mono mono_min(struct mono a, struct mono b);

/* RFC 3339 in UTC, "2026-11-22T21:00:00Z" (fraction accepted, not written). */
#define TIME_TEXT_SIZE 32
bool wall_parse(const char *text, struct wall *ret_wall);
const char *wall_format(struct wall t, char buf[static TIME_TEXT_SIZE]);
/* "90s" "10m" "24h" "7d", plain seconds too; > 0; at most ten years. */
bool duration_parse(const char *text, int64_t *ret_ns);

#endif

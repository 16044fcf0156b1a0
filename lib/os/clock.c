#include "config.h"
#include "os/clock.h"
#include "base/auto.h"

#include <time.h>

#include "base/banned.h"

static int64_t read_ns(clockid_t id)
{
	struct timespec ts;

	BUG_ON(clock_gettime(id, &ts) != 0);
	return (int64_t)ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

struct now clock_now(void)
{
	return (struct now){ .mono = { read_ns(CLOCK_BOOTTIME) },
		.wall = { read_ns(CLOCK_REALTIME) } };
}

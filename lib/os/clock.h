/* clock: the one place that reads the clocks (CLOCK_BOOTTIME, _REALTIME). */
#ifndef OS_CLOCK_H
#define OS_CLOCK_H

#include "base/time.h"

struct now clock_now(void);

#endif

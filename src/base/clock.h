#ifndef PX_BASE_CLOCK_H
#define PX_BASE_CLOCK_H

#include <stdint.h>
#include <sys/time.h>
#include <time.h>

int64_t px_now_ms(void);              /* CLOCK_MONOTONIC, milliseconds */
int64_t px_now_us(void);              /* CLOCK_MONOTONIC, microseconds */
int64_t px_wall_ms(void);             /* CLOCK_REALTIME, milliseconds since the epoch */
struct timeval px_ms_tv(int64_t ms);  /* for libevent timers; negative counts as 0 */
struct timespec px_ms_ts(int64_t ms); /* a moment, as px_now_ms() tells it */

#endif

#include "server/loop_watch.h"

#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/clock.h"
#include "base/mem.h"

enum { PERIOD_US = 100000, AWAKE_US = 300 * 1000000 };

struct px_loop_watch {
	int timer; /* -1: there was no descriptor for it, nothing is measured */
	struct event *due;
	int64_t next_us;  /* when the timer expires next */
	int64_t until_us; /* 0: not measuring */
	struct px_loop_latency seen;
};

int64_t
px_loop_bucket_us(size_t i)
{
	static const int64_t edges[PX_LOOP_BUCKETS] = { 500, 1000, 2500, 5000, 10000, 25000, 50000,
		100000, 250000, 500000, 1000000, INT64_MAX };

	return edges[i];
}

static void
watch_set_timer(struct px_loop_watch *watch, int64_t first_us, int64_t period_us)
{
	struct itimerspec when = {
		.it_value = { first_us / 1000000, first_us % 1000000 * 1000 },
		.it_interval = { period_us / 1000000, period_us % 1000000 * 1000 },
	};

	timerfd_settime(watch->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void
watch_record(struct px_loop_watch *watch, int64_t late_us)
{
	struct px_loop_latency *seen = &watch->seen;
	size_t i = 0;

	while (late_us > px_loop_bucket_us(i))
		i++;
	seen->bucket[i]++;
	seen->count++;
	seen->sum_us += late_us;
	if (late_us > seen->max_us)
		seen->max_us = late_us;
}

/* Every expiry counts, also those that a long turn let pass: each would have waited. */
static void
watch_on_due(evutil_socket_t fd, short what, void *arg)
{
	struct px_loop_watch *watch = arg;
	int64_t now = px_now_us();
	uint64_t expiries;

	(void)what;
	if (read(fd, &expiries, sizeof(expiries)) != sizeof(expiries))
		return;
	for (; expiries > 0; expiries--, watch->next_us += PERIOD_US)
		watch_record(watch, now > watch->next_us ? now - watch->next_us : 0);
	if (now >= watch->until_us) {
		watch->until_us = 0;
		watch_set_timer(watch, 0, 0);
	}
}

struct px_loop_watch *
px_loop_watch_new(struct event_base *base)
{
	struct px_loop_watch *watch = px_new(struct px_loop_watch);

	watch->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (watch->timer == -1)
		return watch;
	watch->due = event_new(base, watch->timer, EV_READ | EV_PERSIST, watch_on_due, watch);
	event_add(watch->due, NULL);
	return watch;
}

void
px_loop_watch_free(struct px_loop_watch *watch)
{
	if (watch == NULL)
		return;
	if (watch->due != NULL)
		event_free(watch->due);
	if (watch->timer != -1)
		close(watch->timer);
	free(watch);
}

void
px_loop_watch_read(struct px_loop_watch *watch, struct px_loop_latency *out)
{
	int64_t now = px_now_us();

	*out = watch->seen;
	watch->seen.max_us = 0;
	if (watch->timer == -1)
		return;
	if (watch->until_us == 0) {
		watch->next_us = now + PERIOD_US;
		watch_set_timer(watch, watch->next_us, PERIOD_US);
	}
	watch->until_us = now + AWAKE_US;
}

#include "server/idle.h"

#include <stdlib.h>

#include <event2/event.h>

#include "base/clock.h"
#include "base/mem.h"

struct px_idle {
	struct event *timer; /* pending as long as it is idle */
	bool needed;         /* once */
	struct timeval time;
	struct timeval first; /* before anybody has come */
	px_idle_fn *over;
	void *arg;
};

static void
idle_on_time(evutil_socket_t fd, short what, void *arg)
{
	const struct px_idle *idle = arg;

	(void)fd;
	(void)what;
	idle->over(idle->arg);
}

struct px_idle *
px_idle_new(struct event_base *base, int64_t ms, px_idle_fn *over, void *arg)
{
	struct px_idle *idle = px_new(struct px_idle);

	idle->timer = evtimer_new(base, idle_on_time, idle);
	idle->time = px_ms_tv(ms);
	idle->first = px_ms_tv(ms > PX_IDLE_FIRST_MS ? ms : PX_IDLE_FIRST_MS);
	idle->over = over;
	idle->arg = arg;
	return idle;
}

void
px_idle_free(struct px_idle *idle)
{
	if (idle == NULL)
		return;
	event_free(idle->timer);
	free(idle);
}

void
px_idle_turn(struct px_idle *idle, bool is_idle)
{
	if (idle == NULL)
		return;
	if (!is_idle)
		px_idle_break(idle);
	else if (!evtimer_pending(idle->timer, NULL))
		event_add(idle->timer, idle->needed ? &idle->time : &idle->first);
}

void
px_idle_break(struct px_idle *idle)
{
	if (idle == NULL)
		return;
	idle->needed = true;
	event_del(idle->timer);
}

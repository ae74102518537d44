#ifndef PX_SERVER_IDLE_H
#define PX_SERVER_IDLE_H

#include <stdbool.h>
#include <stdint.h>

struct event_base;

/* Tells when nobody has needed the server for a while (exit_when_idle_ms). */
struct px_idle;

typedef void px_idle_fn(void *arg);

/*
 * 'over' is called when it was idle for 'ms' without a break, and again after
 * each such time. Whoever starts a server has a moment to reach it: the first
 * time is no shorter than PX_IDLE_FIRST_MS.
 */
enum { PX_IDLE_FIRST_MS = 3000 };
struct px_idle *px_idle_new(struct event_base *base, int64_t ms, px_idle_fn *over, void *arg);
void px_idle_free(struct px_idle *idle); /* takes NULL */

/* Is it idle now? Told once per turn of the loop. NULL: nobody wants to know. */
void px_idle_turn(struct px_idle *idle, bool is_idle);

/* Somebody has come, be it for less than a turn: the time begins anew. Takes NULL. */
void px_idle_break(struct px_idle *idle);

#endif

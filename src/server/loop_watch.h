#ifndef PX_SERVER_LOOP_WATCH_H
#define PX_SERVER_LOOP_WATCH_H

#include <stddef.h>
#include <stdint.h>

struct event_base;

/*
 * How long an event waits from the moment it is ready until its callback runs:
 * what a client notices when a turn of the loop takes long, whatever the turn
 * spent its time on. A timer of the kernel becomes readable ten times a second
 * and its lateness is looked at, so a turn of more than 100 ms is always seen, a
 * shorter one as often as it deserves. The loop's owner has nothing to call, and
 * an idle server that nobody asks is not woken: it measures only for some
 * minutes after each px_loop_watch_read().
 */
struct px_loop_watch;

enum { PX_LOOP_BUCKETS = 12 };

struct px_loop_latency {
	uint64_t bucket[PX_LOOP_BUCKETS]; /* samples by px_loop_bucket_us(), each counted once */
	uint64_t count;
	int64_t sum_us, max_us; /* 'max_us': since the reading before */
};

struct px_loop_watch *px_loop_watch_new(struct event_base *base);
void px_loop_watch_free(struct px_loop_watch *watch); /* takes NULL */

/* Tells what was seen, and keeps the measuring going. */
void px_loop_watch_read(struct px_loop_watch *watch, struct px_loop_latency *out);

/* The upper edge, which belongs to it, of bucket i; INT64_MAX for the last one. */
int64_t px_loop_bucket_us(size_t i);

#endif

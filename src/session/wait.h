#ifndef PX_SESSION_WAIT_H
#define PX_SESSION_WAIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct px_session;
struct px_wait;

enum { PX_UNTIL_MAX = 16 };

enum px_reason {
	PX_REASON_EXIT,
	PX_REASON_LOST, /* in its place: the program is gone, and how it ended cannot be told */
	PX_REASON_IDLE,
	PX_REASON_BYTES,
	PX_REASON_MATCH,
	PX_REASON_EVENT,
	PX_REASON_TIMEOUT,
	PX_REASON_OPENED,
	PX_REASON_GONE /* the session was released or its workspace ended */
};
const char *px_reason_word(enum px_reason reason);

/* PX_E_SESSION: what became of a session whose wait was told GONE. Returns -1. */
int px_fail_gone(struct px_err *err);

/* What ends a wait; an exit always does (unless 'event' is asked for, which an exit is one of). */
struct px_wait_until {
	int64_t idle_ms; /* no output for so long, from the later of the call and the last output;
			    -1: no condition */
	int64_t bytes;   /* so many bytes of output from the place on; -1: no condition */
	bool opened;     /* its program has begun; what else is asked for does not matter */
	bool event;      /* any event after the place: output, exited, closed */
	bool has_after;  /* the place is behind sequence number 'after'; else it is now */
	uint64_t after;
	bool exact; /* 'after' may name an event yet to come; else beyond the end is the end */
	int64_t timeout_ms; /* -1: none */
	struct {
		const void *text; /* copied */
		size_t len;
	} match[PX_UNTIL_MAX];
	size_t nmatch;
};
extern const struct px_wait_until px_wait_until_exit; /* the exit and nothing else */

typedef void px_wait_fn(void *arg, enum px_reason reason);

/*
 * Begins a wait. NULL when it is over already: '*out_reason' says why and 'done'
 * is not called. Otherwise 'done' is called once, from the loop, and the wait is
 * gone.
 */
struct px_wait *px_wait_new(struct px_session *session, const struct px_wait_until *until,
    px_wait_fn *done, void *arg, enum px_reason *out_reason);
void px_wait_cancel(struct px_wait *wait); /* 'done' is not called */

#endif

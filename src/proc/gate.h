#ifndef PX_PROC_GATE_H
#define PX_PROC_GATE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct event_base;
struct px_spec;

/*
 * The time from the start of a sandbox to that of the program in it: told once
 * whether the program has begun, or why not, in the words that a start without a
 * sandbox would have used, or in bubblewrap's.
 */
struct px_gate;

typedef void px_gate_fn(void *arg, const struct px_err *err); /* 'err' NULL: it has begun */

/* Takes over the descriptors, both O_NONBLOCK (px_spawned). 'done' may free the gate. */
struct px_gate *px_gate_new(struct event_base *base, int report, int text,
    const struct px_spec *spec, px_gate_fn *done, void *arg);
void px_gate_free(struct px_gate *gate); /* takes NULL */

/* The keeper has ended: whatever has been reported is all. Calls 'done'. */
void px_gate_settle(struct px_gate *gate);

/* The program's pid as we number it, which leads a session and a group; 0: not known yet. */
pid_t px_gate_leader(const struct px_gate *gate);

#endif

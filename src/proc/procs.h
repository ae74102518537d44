#ifndef PX_PROC_PROCS_H
#define PX_PROC_PROCS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/resource.h>

#include "proc/proc.h"

struct event_base;
struct px_cgroup_root;

/*
 * Everything the processes of one manager share: the loop, the read buffer, the
 * stopping of trees, the reaping. One thread.
 */
struct px_procs;

/*
 * Which children are killed when the thread of their px_procs ends, however it
 * does. It reaches them alone, not their descendants: a guardian is better.
 */
enum px_bound { PX_BOUND_NONE, PX_BOUND_UNMARKED /* what a guardian cannot find */, PX_BOUND_ALL };

struct px_procs_options {
	size_t stdin_queue_bytes;
	bool subreaper; /* this process adopts orphans (PR_SET_CHILD_SUBREAPER or PID 1) */
	struct px_cgroup_root *cgroups; /* borrowed; NULL: none */
	size_t other_children; /* children of this process that are not ours, as its guardian */
	rlim_t open_files;     /* the children's soft RLIMIT_NOFILE; 0: as ours */
	enum px_bound bound;
};

struct px_procs_stats {
	uint64_t spawned, spawn_failures;
	uint64_t bytes_read, bytes_written; /* from and to the children */
	size_t bytes_queued; /* written to standard inputs, not yet taken by the kernel */
	size_t running;      /* children not reaped */
	size_t ptys;         /* masters open */
	size_t stops;        /* trees being ended */
};

struct px_procs *px_procs_new(struct event_base *base, const struct px_procs_options *options);

/* Every px_proc must be gone. What still runs is killed without mercy and reaped. Takes NULL. */
void px_procs_free(struct px_procs *procs);

/* The mark and mask that all processes of this manager agree with, for a guardian. */
px_mark px_procs_mark(const struct px_procs *procs);
extern const px_mark px_procs_mask;

void px_procs_stats(struct px_procs *procs, struct px_procs_stats *out);

/*
 * Call on SIGCHLD where 'subreaper' is true: reaps adopted orphans, and children
 * of its own through their px_proc.
 */
void px_procs_reap(struct px_procs *procs);

/*
 * Ends every process of one group of sessions, or of all, as px_proc_terminate()
 * ends a single one, in one pass; also those that outlived their px_proc.
 */
void px_procs_stop_group(
    struct px_procs *procs, uint32_t group, int64_t grace_ms, enum px_cause cause);
/* Nothing must be started afterwards. */
void px_procs_stop_all(struct px_procs *procs, int64_t grace_ms, enum px_cause cause);

/* Nothing is being ended and no child is left to reap? */
bool px_procs_idle(const struct px_procs *procs);

/* From now on nothing is given time: SIGKILL goes to all that is being ended. */
void px_procs_hurry(struct px_procs *procs);

#endif

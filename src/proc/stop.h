#ifndef PX_PROC_STOP_H
#define PX_PROC_STOP_H

#include <stdint.h>
#include <sys/types.h>

#include "proc/manager.h"

/*
 * The ending of one tree of processes: a polite signal, a time of grace,
 * SIGKILL until a pass over the processes finds nothing. It outlives the
 * px_proc it began with.
 */
struct px_stop {
	TAILQ_ENTRY(px_stop) link;
	px_mark mark, mask;
	struct px_proc *proc; /* while it exists */
	pid_t root;    /* once the px_proc is gone: its pid, still to be reaped by us; else 0 */
	int cgroup_fd; /* once the px_proc is gone: the session's cgroup; else -1 */
	unsigned long cgroup_serial;
	struct px_cage *cage; /* ended when nothing of the tree is left; or NULL */
	int64_t kill_at_ms;   /* px_now_ms() */
	int64_t check_at_ms;
	int64_t interval_ms; /* between checks; grows */
};

/* Begins, or shortens the grace of, the ending of one process's tree. SIGTERM goes out now, or
 * SIGKILL when 'grace_ms' is 0. */
void px_stop_proc(struct px_proc *proc, int64_t grace_ms);

/* The same for everything whose mark agrees with 'mark' under 'mask'. */
void px_stop_marked(struct px_procs *procs, px_mark mark, px_mark mask, int64_t grace_ms);

/* The process was reaped: look soon whether its tree is gone too. */
void px_stop_on_reaped(struct px_proc *proc);

/*
 * The px_proc goes away; what is left of its tree is killed, now or when an
 * ending under way says so. Takes over its pid and cgroup.
 */
void px_stop_orphan(struct px_proc *proc);

/* The keeper of a sandbox was reaped: what may be left in there is killed, and its cage ends then.
 */
void px_stop_caged(struct px_proc *proc);

/* A child that has no px_proc any more was reaped elsewhere. */
void px_stop_forget_root(struct px_procs *procs, pid_t pid);

/* Everything that is being ended is killed now; for px_procs_hurry() and px_procs_free(). */
void px_stop_hurry(struct px_procs *procs);

/* Forgets them, ended or not. */
void px_stop_give_up(struct px_procs *procs);

/* Looks at every ending whose time has come; true while any is left. */
bool px_stop_run(struct px_procs *procs);

#endif

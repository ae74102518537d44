#ifndef PX_FS_POOL_H
#define PX_FS_POOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct event_base;

/*
 * A few threads beside the loop for work that may stall. A job belongs to an
 * owner (a connection) and ends with it: what has not begun is dropped, what is
 * running is told to stop. Jobs of one owner take effect in their order: one
 * that alters something runs alone, after all before it and before all behind
 * it; those that only look run at once. Owners take turns.
 *
 * All calls belong to the loop's thread; 'run' alone is called on another one,
 * with every signal blocked. Threads begin with the first jobs and wait for more.
 * One that has had a job for a second (a dead file system may never answer)
 * counts for its owner alone: others get a thread in its place, up to 64 such.
 */
struct px_pool;
struct px_pool_owner;
struct px_pool_job;

struct px_pool_limits {
	size_t threads;   /* at most; one owner has at most all but one of several */
	size_t per_owner; /* jobs that have not been answered */
};

/*
 * 'run' works on what 'arg' leads to, which nobody else touches meanwhile, and
 * returns early when 'stop' is raised. False: it lacks something and has given its
 * thread back, but not its place in the order; then 'paused' is called in the loop,
 * and 'run' once more after px_pool_resume(). 'done' is called in the loop exactly
 * once for each job that was taken, and ends 'arg'. If 'cancelled', its owner is
 * gone, and 'run' may not have been called, or not to its end.
 */
struct px_pool_work {
	bool (*run)(void *arg, const atomic_bool *stop);
	void (*paused)(void *arg, struct px_pool_job *job); /* NULL: 'run' is always true */
	void (*done)(void *arg, bool cancelled);
	bool alters;
	bool lasts; /* the pool's end does not cancel it; its owner has nothing else, and ends in
		       'done' */
};

/* NULL: PX_E_IO. */
struct px_pool *px_pool_new(
    struct event_base *base, const struct px_pool_limits *limits, struct px_err *err);

/*
 * Cancels what is left of all owners, who end with it, and waits for the threads
 * and for what lasts; from then on nothing is taken.
 * One that does not come back within 'wait_ms' (a dead file system) is left
 * behind with the memory that it uses, and the result is false; then 'done' is
 * not called for its job. Takes NULL. Not from within 'done'.
 */
bool px_pool_free(struct px_pool *pool, int wait_ms);

struct px_pool_owner *px_pool_owner_new(struct px_pool *pool);

/* Cancels its jobs: 'done' of those that did not begin is called before this returns. Takes NULL.
 */
void px_pool_owner_free(struct px_pool_owner *owner);

/* PX_E_OVERLOADED: no job is going to begin before one of the threads comes back. */
int px_pool_check(struct px_pool *pool, struct px_err *err);

/* While it is held, none of its jobs begins; those that have begun go on. */
void px_pool_owner_hold(struct px_pool_owner *owner, bool held);

/*
 * Takes the job; 'work' has to be static. -1 with PX_E_OVERLOADED, or PX_E_IO when
 * there is no thread, or the pool is ending: 'arg' stays the caller's.
 */
int px_pool_submit(
    struct px_pool_owner *owner, const struct px_pool_work *work, void *arg, struct px_err *err);

/* Runs one that has paused again, before those of its owner that have not begun. Once. Of an owner
 * that is being ended it does nothing. */
void px_pool_resume(struct px_pool_job *job);

#endif

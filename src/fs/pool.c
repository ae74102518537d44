#include "fs/pool.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/clock.h"
#include "base/mem.h"
#include "fs/pool_state.h"

enum { WATCH_MS = 250, STALLED_MAX = 64 };

/* ---- owners; in the loop ---- */

static void
owner_settle(struct px_pool_owner *owner)
{
	struct px_pool *pool = owner->pool;

	if (!owner->gone || owner->unanswered > 0)
		return;
	pthread_mutex_lock(&pool->lock);
	TAILQ_REMOVE(&pool->owners, owner, link);
	pthread_mutex_unlock(&pool->lock);
	free(owner);
}

/* A job may wait for a thread: are there some that do not come back? Under the lock. */
static void
pool_watch(struct px_pool *pool)
{
	const struct timeval later = px_ms_tv(WATCH_MS);

	if (pool->waiting > pool->idle && !evtimer_pending(pool->watch, NULL))
		evtimer_add(pool->watch, &later);
}

static void
pool_on_watch(evutil_socket_t fd, short what, void *arg)
{
	struct px_pool *pool = arg;

	(void)fd;
	(void)what;
	pthread_mutex_lock(&pool->lock);
	px_pool_replace(pool);
	pool_watch(pool);
	pthread_mutex_unlock(&pool->lock);
}

/* Ends a job that is in no list any more. The callback may end the owner. */
static void
job_answer(struct px_pool_job *job)
{
	struct px_pool_owner *owner = job->owner;

	job->work->done(job->arg, owner->gone);
	free(job);
	owner->unanswered--;
	owner_settle(owner);
}

struct px_pool_owner *
px_pool_owner_new(struct px_pool *pool)
{
	struct px_pool_owner *owner = px_new(struct px_pool_owner);

	owner->pool = pool;
	TAILQ_INIT(&owner->waiting);
	TAILQ_INIT(&owner->paused);
	TAILQ_INIT(&owner->resumed);
	atomic_init(&owner->stop, false);
	pthread_mutex_lock(&pool->lock);
	TAILQ_INSERT_TAIL(&pool->owners, owner, link);
	pthread_mutex_unlock(&pool->lock);
	return owner;
}

void
px_pool_owner_free(struct px_pool_owner *owner)
{
	struct job_list dropped = TAILQ_HEAD_INITIALIZER(dropped);
	struct px_pool_job *job;

	if (owner == NULL)
		return;
	assert(!owner->gone);
	atomic_store(&owner->stop, true);
	pthread_mutex_lock(&owner->pool->lock);
	TAILQ_CONCAT(&dropped, &owner->resumed, link);
	TAILQ_CONCAT(&dropped, &owner->waiting, link);
	TAILQ_FOREACH (job, &dropped, link)
		owner->pool->waiting--;
	TAILQ_CONCAT(&dropped, &owner->paused, link);
	pthread_mutex_unlock(&owner->pool->lock);
	owner->gone = true;
	owner->unanswered++; /* it stays until the last of them is answered */
	while ((job = TAILQ_FIRST(&dropped)) != NULL) {
		TAILQ_REMOVE(&dropped, job, link);
		job_answer(job);
	}
	owner->unanswered--;
	owner_settle(owner);
}

int
px_pool_check(struct px_pool *pool, struct px_err *err)
{
	bool stuck;

	pthread_mutex_lock(&pool->lock);
	stuck = pool->stalled == pool->capacity;
	pthread_mutex_unlock(&pool->lock);
	if (!stuck)
		return 0;
	return px_fail(err, PX_E_OVERLOADED,
	    "%zu requests about files wait for file systems that do not answer", pool->capacity);
}

void
px_pool_owner_hold(struct px_pool_owner *owner, bool held)
{
	struct px_pool *pool = owner->pool;

	pthread_mutex_lock(&pool->lock);
	owner->held = held;
	if (!held)
		pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->lock);
}

int
px_pool_submit(
    struct px_pool_owner *owner, const struct px_pool_work *work, void *arg, struct px_err *err)
{
	struct px_pool *pool = owner->pool;
	struct px_pool_job *job;
	int failed;

	assert(!owner->gone);
	if (owner->unanswered >= pool->limits.per_owner)
		return px_fail(err, PX_E_OVERLOADED, "more than %zu requests for files at once",
		    pool->limits.per_owner);
	if (pool->quit)
		return px_fail(err, PX_E_IO, "the threads for files are ending");
	pthread_mutex_lock(&pool->lock);
	owner->lasts = work->lasts;
	failed = px_pool_staff(pool);
	if (pool->count > 0) {
		job = px_new(struct px_pool_job);
		*job = (struct px_pool_job){ .owner = owner, .work = work, .arg = arg };
		TAILQ_INSERT_TAIL(&owner->waiting, job, link);
		pool->waiting++;
		owner->unanswered++;
		failed = 0;
		pool_watch(pool);
		pthread_cond_signal(&pool->work);
	}
	pthread_mutex_unlock(&pool->lock);
	if (failed != 0)
		return px_fail_sys(err, PX_E_IO, failed, "starting a thread for files");
	return 0;
}

void
px_pool_resume(struct px_pool_job *job)
{
	struct px_pool_owner *owner = job->owner;
	struct px_pool *pool = owner->pool;

	if (owner->gone)
		return;
	pthread_mutex_lock(&pool->lock);
	TAILQ_REMOVE(&owner->paused, job, link);
	TAILQ_INSERT_TAIL(&owner->resumed, job, link);
	job->paused = false;
	(void)px_pool_staff(pool); /* there is a thread already */
	pool->waiting++;
	pool_watch(pool);
	pthread_cond_signal(&pool->work);
	pthread_mutex_unlock(&pool->lock);
}

/* ---- the pool; in the loop ---- */

/* One that has paused after its owner's end was only told to stop. */
static void
job_deliver(struct px_pool_job *job)
{
	if (job->paused && !job->owner->gone) {
		TAILQ_INSERT_TAIL(&job->owner->paused, job, link);
		job->work->paused(job->arg, job);
	} else {
		job_answer(job);
	}
}

static void
pool_deliver(struct px_pool *pool)
{
	struct job_list finished = TAILQ_HEAD_INITIALIZER(finished);
	struct px_pool_job *job;
	uint64_t count;

	(void)!read(pool->fd, &count, sizeof count);
	pthread_mutex_lock(&pool->lock);
	TAILQ_CONCAT(&finished, &pool->finished, link);
	pthread_mutex_unlock(&pool->lock);
	while ((job = TAILQ_FIRST(&finished)) != NULL) {
		TAILQ_REMOVE(&finished, job, link);
		job_deliver(job);
	}
}

static void
pool_on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pool_deliver(arg);
}

struct px_pool *
px_pool_new(struct event_base *base, const struct px_pool_limits *limits, struct px_err *err)
{
	struct px_pool *pool;
	pthread_condattr_t monotonic;
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd == -1) {
		px_fail_sys(err, PX_E_IO, errno, "making the threads for files");
		return NULL;
	}
	pool = px_new(struct px_pool);
	pool->limits = *limits;
	pool->fd = fd;
	pool->capacity = limits->threads + STALLED_MAX;
	pool->threads = px_alloc(pool->capacity * sizeof *pool->threads);
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&pool->ended, &monotonic);
	pthread_condattr_destroy(&monotonic);
	TAILQ_INIT(&pool->owners);
	TAILQ_INIT(&pool->finished);
	pool->readable = event_new(base, fd, EV_READ | EV_PERSIST, pool_on_readable, pool);
	event_add(pool->readable, NULL);
	pool->watch = evtimer_new(base, pool_on_watch, pool);
	return pool;
}

/* One that is to be ended with the pool. */
static struct px_pool_owner *
owner_left(struct px_pool *pool)
{
	struct px_pool_owner *owner;

	pthread_mutex_lock(&pool->lock);
	TAILQ_FOREACH (owner, &pool->owners, link)
		if (!owner->gone && !owner->lasts)
			break;
	pthread_mutex_unlock(&pool->lock);
	return owner;
}

bool
px_pool_free(struct px_pool *pool, int wait_ms)
{
	struct px_pool_owner *owner;
	bool all;

	if (pool == NULL)
		return true;
	while ((owner = owner_left(pool)) != NULL)
		px_pool_owner_free(owner);
	/* What ends now may leave something that lasts. */
	pool_deliver(pool);
	pthread_mutex_lock(&pool->lock);
	px_pool_replace(pool);
	pool->quit = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	all = px_pool_join(pool, wait_ms);
	pool_deliver(pool);
	event_free(pool->readable);
	event_free(pool->watch);
	if (!all)
		return false;
	close(pool->fd);
	pthread_mutex_destroy(&pool->lock);
	pthread_cond_destroy(&pool->work);
	pthread_cond_destroy(&pool->ended);
	free(pool->threads);
	free(pool);
	return true;
}

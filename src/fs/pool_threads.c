#include "fs/pool_state.h"

#include <signal.h>
#include <stdint.h>
#include <unistd.h>

#include "base/clock.h"

enum { STALL_MS = 1000 };

/* ---- under the lock, but for run() ---- */

/* May the first that waits begin? */
static bool
owner_may_begin(const struct px_pool_owner *owner)
{
	const struct px_pool_job *first = TAILQ_FIRST(&owner->waiting);

	if (first == NULL || owner->held || owner->altering)
		return false;
	return !first->work->alters || owner->begun == 0;
}

static bool
owner_may_go(const struct px_pool *pool, const struct px_pool_owner *owner)
{
	size_t most = pool->limits.threads > 1 ? pool->limits.threads - 1 : 1;

	return owner->busy < most && (!TAILQ_EMPTY(&owner->resumed) || owner_may_begin(owner));
}

/*
 * Whose turn it is: who has the fewest threads, so that those whose jobs do not
 * come back are not first when one is free; of several, who has waited longest.
 */
static struct px_pool_owner *
pool_choose(const struct px_pool *pool)
{
	struct px_pool_owner *owner, *best = NULL;

	if (pool->busy - pool->stalled >= pool->limits.threads)
		return NULL;
	TAILQ_FOREACH (owner, &pool->owners, link)
		if (owner_may_go(pool, owner) && (best == NULL || owner->busy < best->busy))
			best = owner;
	return best;
}

/* The owner's next, which has begun from here on. */
static struct px_pool_job *
owner_take(struct px_pool_owner *owner)
{
	struct px_pool_job *job = TAILQ_FIRST(&owner->resumed);

	if (job != NULL) {
		TAILQ_REMOVE(&owner->resumed, job, link);
		return job;
	}
	job = TAILQ_FIRST(&owner->waiting);
	TAILQ_REMOVE(&owner->waiting, job, link);
	owner->begun++;
	owner->altering = job->work->alters;
	return job;
}

/* The next job, or NULL. Whose it is comes last the next time. */
static struct px_pool_job *
pool_take(struct px_pool *pool)
{
	struct px_pool_owner *owner = pool_choose(pool);

	if (owner == NULL)
		return NULL;
	TAILQ_REMOVE(&pool->owners, owner, link);
	TAILQ_INSERT_TAIL(&pool->owners, owner, link);
	pool->waiting--;
	owner->busy++;
	return owner_take(owner);
}

static void
pool_finish(struct px_pool *pool, struct px_pool_job *job)
{
	const uint64_t one = 1;
	struct px_pool_owner *owner = job->owner;

	owner->busy--;
	if (!job->paused) {
		owner->begun--;
		owner->altering = false;
	}
	TAILQ_INSERT_TAIL(&pool->finished, job, link);
	/* A full counter can be read just as well. Under the lock, so that the pool outlives it. */
	(void)!write(pool->fd, &one, sizeof one);
	/* Behind one that altered, several may begin. */
	pthread_cond_broadcast(&pool->work);
}

static void
thread_busy(struct thread *thread, bool busy)
{
	struct px_pool *pool = thread->pool;

	thread->since = px_now_ms();
	thread->busy = busy;
	pool->stalled -= thread->stalled;
	thread->stalled = false;
	if (busy)
		pool->busy++;
	else
		pool->busy--;
}

static void *
thread_main(void *arg)
{
	struct thread *thread = arg;
	struct px_pool *pool = thread->pool;
	struct px_pool_job *job;

	pthread_mutex_lock(&pool->lock);
	for (;;) {
		if ((job = pool_take(pool)) == NULL) {
			if (pool->quit)
				break;
			pool->idle++;
			pthread_cond_wait(&pool->work, &pool->lock);
			pool->idle--;
			continue;
		}
		thread_busy(thread, true);
		pthread_mutex_unlock(&pool->lock);
		job->paused = !job->work->run(job->arg, &job->owner->stop);
		pthread_mutex_lock(&pool->lock);
		thread_busy(thread, false);
		pool_finish(pool, job);
	}
	thread->over = true;
	pthread_cond_signal(&pool->ended);
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

/* One more. The signals of the process are the loop's. */
static int
thread_start(struct px_pool *pool)
{
	struct thread *thread = &pool->threads[pool->count];
	sigset_t all, old;
	int failed;

	thread->pool = pool;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	failed = pthread_create(&thread->id, NULL, thread_main, thread);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (failed == 0)
		pool->count++;
	return failed;
}

int
px_pool_staff(struct px_pool *pool)
{
	if (pool->idle > pool->waiting || pool->count == pool->capacity ||
	    pool->count - pool->stalled >= pool->limits.threads)
		return 0;
	return thread_start(pool);
}

void
px_pool_replace(struct px_pool *pool)
{
	int64_t before = px_now_ms() - STALL_MS;

	for (size_t i = 0; i < pool->count; i++) {
		struct thread *thread = &pool->threads[i];

		if (!thread->busy || thread->stalled || thread->since > before)
			continue;
		thread->stalled = true;
		pool->stalled++;
		/* Without another one, those that are there go on alone. */
		(void)px_pool_staff(pool);
	}
	pthread_cond_broadcast(&pool->work);
}

bool
px_pool_join(struct px_pool *pool, int wait_ms)
{
	const struct timespec until = px_ms_ts(px_now_ms() + wait_ms);
	bool all = true;

	for (size_t i = 0; i < pool->count; i++) {
		struct thread *thread = &pool->threads[i];
		bool over;

		pthread_mutex_lock(&pool->lock);
		while (
		    !thread->over && pthread_cond_timedwait(&pool->ended, &pool->lock, &until) == 0)
			;
		over = thread->over;
		pthread_mutex_unlock(&pool->lock);
		if (over)
			pthread_join(thread->id, NULL);
		else
			pthread_detach(thread->id);
		all = all && over;
	}
	return all;
}

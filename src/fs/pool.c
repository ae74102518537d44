#include "fs/pool.h"

#include <assert.h>
#include <bsd/sys/queue.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/mem.h"

struct job {
	TAILQ_ENTRY(job) link;
	struct px_pool_owner *owner;
	const struct px_pool_work *work;
	void *arg;
};
TAILQ_HEAD(job_list, job);

/* The counts and lists are under the pool's lock; the rest is the loop's. */
struct px_pool_owner {
	TAILQ_ENTRY(px_pool_owner) link; /* in pool->owners */
	struct px_pool *pool;
	struct job_list waiting;
	size_t running; /* on a thread */
	bool held;
	bool altering;     /* one that alters is among them: the only one */
	size_t unanswered; /* taken and 'done' not called; the loop's */
	bool gone;         /* the loop's: freed when nothing is unanswered */
	atomic_bool stop;
};
TAILQ_HEAD(owner_list, px_pool_owner);

struct thread {
	pthread_t id;
	struct px_pool *pool;
	bool over; /* it takes the lock no more */
};

struct px_pool {
	struct px_pool_limits limits;
	struct event *readable;
	int fd; /* raised when something is finished */
	pthread_mutex_t lock;
	pthread_cond_t work, ended;
	struct thread *threads;
	struct owner_list owners; /* whose turn it is first */
	struct job_list finished;
	size_t count, idle, waiting; /* threads; those without a job; jobs without a thread */
	bool quit;
};

/* ---- threads; under the lock, but for run() ---- */

/* May the first that waits begin? */
static bool
owner_may_go(const struct px_pool *pool, const struct px_pool_owner *owner)
{
	size_t most = pool->limits.threads > 1 ? pool->limits.threads - 1 : 1;
	const struct job *first = TAILQ_FIRST(&owner->waiting);

	if (first == NULL || owner->held || owner->altering || owner->running >= most)
		return false;
	return !first->work->alters || owner->running == 0;
}

/* The next job, or NULL. Whose it is comes last the next time. */
static struct job *
pool_take(struct px_pool *pool)
{
	struct px_pool_owner *owner;
	struct job *job;

	TAILQ_FOREACH (owner, &pool->owners, link)
		if (owner_may_go(pool, owner))
			break;
	if (owner == NULL)
		return NULL;
	TAILQ_REMOVE(&pool->owners, owner, link);
	TAILQ_INSERT_TAIL(&pool->owners, owner, link);
	job = TAILQ_FIRST(&owner->waiting);
	TAILQ_REMOVE(&owner->waiting, job, link);
	pool->waiting--;
	owner->running++;
	owner->altering = job->work->alters;
	return job;
}

static void
pool_finish(struct px_pool *pool, struct job *job)
{
	const uint64_t one = 1;
	struct px_pool_owner *owner = job->owner;

	owner->running--;
	owner->altering = false;
	TAILQ_INSERT_TAIL(&pool->finished, job, link);
	/* A full counter can be read just as well. Under the lock, so that the pool outlives it. */
	(void)!write(pool->fd, &one, sizeof one);
	/* Behind one that altered, several may begin. */
	pthread_cond_broadcast(&pool->work);
}

static void *
thread_main(void *arg)
{
	struct thread *thread = arg;
	struct px_pool *pool = thread->pool;
	struct job *job;

	pthread_mutex_lock(&pool->lock);
	while (!pool->quit) {
		if ((job = pool_take(pool)) == NULL) {
			pool->idle++;
			pthread_cond_wait(&pool->work, &pool->lock);
			pool->idle--;
			continue;
		}
		pthread_mutex_unlock(&pool->lock);
		job->work->run(job->arg, &job->owner->stop);
		pthread_mutex_lock(&pool->lock);
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

/* Ends a job that is in no list any more. The callback may end the owner. */
static void
job_answer(struct job *job)
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
	struct job *job;

	if (owner == NULL)
		return;
	assert(!owner->gone);
	atomic_store(&owner->stop, true);
	pthread_mutex_lock(&owner->pool->lock);
	TAILQ_CONCAT(&dropped, &owner->waiting, link);
	TAILQ_FOREACH (job, &dropped, link)
		owner->pool->waiting--;
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
	struct job *job;
	int failed = 0;

	assert(!owner->gone);
	if (owner->unanswered >= pool->limits.per_owner)
		return px_fail(err, PX_E_OVERLOADED, "more than %zu requests for files at once",
		    pool->limits.per_owner);
	pthread_mutex_lock(&pool->lock);
	if (pool->idle <= pool->waiting && pool->count < pool->limits.threads)
		failed = thread_start(pool);
	if (pool->count > 0) {
		job = px_new(struct job);
		*job = (struct job){ .owner = owner, .work = work, .arg = arg };
		TAILQ_INSERT_TAIL(&owner->waiting, job, link);
		pool->waiting++;
		owner->unanswered++;
		failed = 0;
		pthread_cond_signal(&pool->work);
	}
	pthread_mutex_unlock(&pool->lock);
	if (failed != 0)
		return px_fail_sys(err, PX_E_IO, failed, "starting a thread for files");
	return 0;
}

/* ---- the pool; in the loop ---- */

static void
pool_deliver(struct px_pool *pool)
{
	struct job_list finished = TAILQ_HEAD_INITIALIZER(finished);
	struct job *job;
	uint64_t count;

	(void)!read(pool->fd, &count, sizeof count);
	pthread_mutex_lock(&pool->lock);
	TAILQ_CONCAT(&finished, &pool->finished, link);
	pthread_mutex_unlock(&pool->lock);
	while ((job = TAILQ_FIRST(&finished)) != NULL) {
		TAILQ_REMOVE(&finished, job, link);
		job_answer(job);
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
	pool->threads = px_alloc(limits->threads * sizeof *pool->threads);
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
	return pool;
}

/* The time of CLOCK_MONOTONIC in so many milliseconds. */
static struct timespec
time_in(int ms)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	time.tv_sec += ms / 1000;
	time.tv_nsec += ms % 1000 * 1000000L;
	if (time.tv_nsec >= 1000000000L) {
		time.tv_sec++;
		time.tv_nsec -= 1000000000L;
	}
	return time;
}

/* True: every thread has come back by then. */
static bool
threads_join(struct px_pool *pool, int wait_ms)
{
	const struct timespec until = time_in(wait_ms);
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

/* One that is not gone. Once threads take no more, the list is the loop's. */
static struct px_pool_owner *
owner_left(const struct px_pool *pool)
{
	struct px_pool_owner *owner;

	TAILQ_FOREACH (owner, &pool->owners, link)
		if (!owner->gone)
			break;
	return owner;
}

bool
px_pool_free(struct px_pool *pool, int wait_ms)
{
	struct px_pool_owner *owner;
	bool all;

	if (pool == NULL)
		return true;
	pthread_mutex_lock(&pool->lock);
	pool->quit = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	while ((owner = owner_left(pool)) != NULL)
		px_pool_owner_free(owner);
	all = threads_join(pool, wait_ms);
	pool_deliver(pool);
	event_free(pool->readable);
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

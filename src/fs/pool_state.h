#ifndef PX_FS_POOL_STATE_H
#define PX_FS_POOL_STATE_H

#include <bsd/sys/queue.h>
#include <pthread.h>

#include "fs/pool.h"

/* Inside of px_pool, for the files of this folder. */

struct px_pool_job {
	TAILQ_ENTRY(px_pool_job) link;
	struct px_pool_owner *owner;
	const struct px_pool_work *work;
	void *arg;
	bool paused; /* why it is in the list of the finished, or not */
};
TAILQ_HEAD(job_list, px_pool_job);

/* The counts and lists are under the pool's lock; the rest is the loop's. */
struct px_pool_owner {
	TAILQ_ENTRY(px_pool_owner) link; /* in pool->owners */
	struct px_pool *pool;
	struct job_list waiting; /* they have not begun */
	struct job_list paused;  /* begun, and lack something; the loop's */
	struct job_list resumed; /* begun, and lack a thread */
	size_t begun, busy;      /* and not finished; on a thread */
	bool held;
	bool lasts;        /* what it has, px_pool_work.lasts */
	bool altering;     /* one that alters is among them: the only one */
	size_t unanswered; /* taken and 'done' not called; the loop's */
	bool gone;         /* the loop's: freed when nothing is unanswered */
	atomic_bool stop;
};
TAILQ_HEAD(owner_list, px_pool_owner);

struct thread {
	pthread_t id;
	struct px_pool *pool;
	int64_t since; /* when it began the job that it has, px_now_ms() */
	bool busy, stalled;
	bool over; /* it takes the lock no more */
};

struct px_pool {
	struct px_pool_limits limits;
	struct event *readable, *watch; /* that: for threads that do not come back */
	int fd;                         /* raised when something is finished */
	pthread_mutex_t lock;
	pthread_cond_t work, ended;
	struct thread *threads;
	struct owner_list owners; /* whose turn it is first */
	struct job_list finished;
	size_t capacity;             /* of 'threads' */
	size_t count, idle, waiting; /* threads; those without a job; jobs without a thread */
	size_t busy, stalled;        /* threads with a job; of those, that count no more */
	bool quit;
};

/* ---- threads (pool_threads.c); under the lock ---- */

/* Starts one more where jobs wait and none is free. An errno, or 0. */
int px_pool_staff(struct px_pool *pool);

/* Those that have had one job for long do not count until they are back: others may begin. */
void px_pool_replace(struct px_pool *pool);

/* True: every thread has come back within so many milliseconds. Not under the lock. */
bool px_pool_join(struct px_pool *pool, int wait_ms);

#endif

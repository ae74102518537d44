#include "rpc/file_room.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <bsd/sys/queue.h>
#include <event2/event.h>

#include "base/clock.h"
#include "base/mem.h"
#include "fs/handles.h"
#include "fs/pool.h"
#include "net/conn.h"
#include "rpc/call.h"
#include "rpc/files.h"

/* One that waits is looked at so often; of those, in a row without anything given back. */
enum { LOOK_MS = 1000, LOOKS_MAX = 60, IN_VAIN_MAX = 5 };

struct px_file_room {
	size_t max;
	pthread_mutex_t lock;
	size_t used; /* under the lock, like px_file_share.held */
	bool given;  /* under the lock: some was given back since the last look */
	TAILQ_HEAD(, px_file_job) waiting;
	struct event *look; /* from time to time, at those that wait */
};

struct px_file_share {
	struct px_file_room *room;
	size_t held;
	size_t unsent; /* of that, in answers; the loop's */
	atomic_uint count;
};

/* ---- any thread ---- */

/* One alone may have more than there is. */
static bool
share_take(struct px_file_share *share, size_t bytes)
{
	struct px_file_room *room = share->room;
	size_t max;
	bool fits;

	pthread_mutex_lock(&room->lock);
	max = share->held > 0 ? room->max / 2 : room->max;
	fits = room->used == 0 || (room->used <= max && bytes <= max - room->used);
	if (fits) {
		room->used += bytes;
		share->held += bytes;
	}
	pthread_mutex_unlock(&room->lock);
	return fits;
}

/* 'from' bytes become 'to', whether there is room or not. */
static void
share_change(struct px_file_share *share, size_t from, size_t to)
{
	pthread_mutex_lock(&share->room->lock);
	share->room->used += to - from;
	share->room->given |= to < from;
	share->held += to - from;
	pthread_mutex_unlock(&share->room->lock);
}

void
px_file_share_unref(struct px_file_share *share)
{
	if (share != NULL && atomic_fetch_sub(&share->count, 1) == 1)
		free(share);
}

int
px_file_room_claim(struct px_file_job *job, size_t content, struct px_err *err)
{
	const size_t bytes = content + content / 3 * 4 + 4;
	const size_t max = job->share->room->max;

	if (bytes <= job->claimed || content <= job->unclaimed)
		return 0;
	if (!job->refused && share_take(job->share, bytes - job->claimed)) {
		job->claimed = bytes;
		return 0;
	}
	job->lacks = bytes;
	px_fail(err, PX_E_OVERLOADED,
	    "answers about files that others have not taken leave no room for one of %zu bytes: "
	    "limit is %zu bytes",
	    content, max);
	err->limit = "max_file_answer_bytes";
	err->value = (int64_t)max;
	return -1;
}

void
px_file_room_settle(struct px_file_job *job, size_t bytes)
{
	if (job->claimed == 0)
		return;
	share_change(job->share, job->claimed, bytes);
	job->claimed = bytes;
}

/* ---- those that wait; in the loop ---- */

/* What a connection does not take itself is no reason to refuse it anything: it waits. */
static bool
job_is_held(const struct px_file_job *job)
{
	return job->call != NULL && px_conn_congested(job->call->peer->conn);
}

static void
room_resume(struct px_file_room *room, struct px_file_job *job)
{
	TAILQ_REMOVE(&room->waiting, job, waiting_link);
	px_pool_resume(job->paused);
	job->paused = NULL;
}

/* What has been given back goes to those who have waited longest. */
static void
room_serve(struct px_file_room *room)
{
	struct px_file_job *job, *next;

	TAILQ_FOREACH_SAFE (job, &room->waiting, waiting_link, next) {
		if (job_is_held(job) || !share_take(job->share, job->lacks))
			continue;
		job->claimed = job->lacks;
		room_resume(room, job);
	}
}

static void
room_look_later(struct px_file_room *room)
{
	const struct timeval later = px_ms_tv(LOOK_MS);

	if (!TAILQ_EMPTY(&room->waiting) && !evtimer_pending(room->look, NULL))
		evtimer_add(room->look, &later);
}

static void
room_on_look(evutil_socket_t fd, short what, void *arg)
{
	struct px_file_room *room = arg;
	struct px_file_job *job, *next;
	bool given;

	(void)fd;
	(void)what;
	pthread_mutex_lock(&room->lock);
	given = room->given;
	room->given = false;
	pthread_mutex_unlock(&room->lock);
	TAILQ_FOREACH_SAFE (job, &room->waiting, waiting_link, next) {
		if (job_is_held(job))
			continue;
		job->looks++;
		job->in_vain = given ? 0 : job->in_vain + 1;
		job->refused = job->looks >= LOOKS_MAX || job->in_vain >= IN_VAIN_MAX;
		if (job->refused)
			room_resume(room, job);
	}
	room_look_later(room);
}

void
px_file_room_wait(struct px_file_job *job, struct px_pool_job *paused)
{
	struct px_file_room *room = job->share->room;

	/* Who waits and holds might wait for who does the same. */
	px_file_room_settle(job, 0);
	job->paused = paused;
	TAILQ_INSERT_TAIL(&room->waiting, job, waiting_link);
	room_serve(room);
	room_look_later(room);
}

/* ---- what is held; in the loop ---- */

void
px_file_room_answered(struct px_file_job *job)
{
	job->share->unsent += job->claimed;
	job->claimed = 0;
}

void
px_file_room_leave(struct px_file_job *job)
{
	struct px_file_share *share = job->share;

	if (share == NULL)
		return;
	if (job->paused != NULL)
		TAILQ_REMOVE(&share->room->waiting, job, waiting_link);
	job->paused = NULL;
	px_file_room_settle(job, 0);
	room_serve(share->room);
	px_file_share_unref(share);
	job->share = NULL;
}

void
px_file_share_sent(struct px_file_share *share)
{
	share_change(share, share->unsent, 0);
	share->unsent = 0;
	room_serve(share->room);
}

struct px_file_share *
px_file_share_new(struct px_file_room *room)
{
	struct px_file_share *share = px_new(struct px_file_share);

	share->room = room;
	atomic_init(&share->count, 1);
	return share;
}

struct px_file_share *
px_file_share_ref(struct px_file_share *share)
{
	atomic_fetch_add(&share->count, 1);
	return share;
}

/* ---- the room ---- */

struct px_file_room *
px_file_room_new(struct event_base *base, size_t max)
{
	struct px_file_room *room = px_new(struct px_file_room);

	room->max = max;
	pthread_mutex_init(&room->lock, NULL);
	TAILQ_INIT(&room->waiting);
	room->look = evtimer_new(base, room_on_look, room);
	return room;
}

void
px_file_room_free(struct px_file_room *room)
{
	if (room == NULL)
		return;
	event_free(room->look);
	pthread_mutex_destroy(&room->lock);
	free(room);
}

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/mem.h"
#include "client/error.h"
#include "local/state.h"

/* The two queues between the threads: requests in, what is heard out. */

static void
fd_raise(int fd)
{
	const uint64_t one = 1;

	/* A full counter can be read just as well. */
	(void)!write(fd, &one, sizeof one);
}

static void
fd_lower(int fd)
{
	uint64_t count;

	(void)!read(fd, &count, sizeof count);
}

/* ---- open requests; under the lock ---- */

static bool
open_has(const struct px_local *local, int64_t id)
{
	for (size_t i = 0; i < local->nopen; i++)
		if (local->open[i] == id)
			return true;
	return false;
}

static void
open_remove(struct px_local *local, int64_t id)
{
	size_t i = 0;

	while (local->open[i] != id)
		i++;
	local->open[i] = local->open[--local->nopen];
}

/* ---- out ---- */

void
px_local_tell(struct px_local *local, struct px_heard *heard)
{
	atomic_fetch_add(&local->cost, heard->cost);
	TAILQ_INSERT_TAIL(&local->fresh, heard, link);
}

/*
 * Under the lock. True: 'out_fd' must be raised, which is done without the lock,
 * since whom it wakes wants that first.
 */
static bool
outbox_add(struct px_local *local, struct px_heard_list *fresh)
{
	bool first = !local->told;

	TAILQ_CONCAT(&local->outbox, fresh, link);
	local->told = true;
	return first;
}

void
px_local_flush(struct px_local *local)
{
	bool raise;

	if (TAILQ_EMPTY(&local->fresh))
		return;
	pthread_mutex_lock(&local->lock);
	raise = outbox_add(local, &local->fresh);
	pthread_mutex_unlock(&local->lock);
	if (raise)
		fd_raise(local->out_fd);
}

void
px_local_collect(struct px_local *local, struct px_heard_list *to)
{
	/* Lowered first: what is told from here on raises it again, or is collected here. */
	fd_lower(local->out_fd);
	pthread_mutex_lock(&local->lock);
	local->told = false;
	TAILQ_CONCAT(to, &local->outbox, link);
	pthread_mutex_unlock(&local->lock);
}

/* Under the lock. True: 'wake_fd' must be raised. */
static bool
wake(struct px_local *local)
{
	bool first = !local->woken;

	local->woken = true;
	return first;
}

void
px_local_passed(struct px_local *local, size_t cost)
{
	size_t left = atomic_fetch_sub(&local->cost, cost) - cost;
	bool raise;

	if (left > local->queue_bytes / 2 || !atomic_load(&local->stalled))
		return;
	pthread_mutex_lock(&local->lock);
	local->drained = true;
	raise = wake(local);
	pthread_mutex_unlock(&local->lock);
	if (raise)
		fd_raise(local->wake_fd);
}

/* ---- answers ---- */

static struct px_heard *
answer_to(int64_t id)
{
	struct px_heard *heard = px_heard_new(PX_EVENT_ANSWER);

	heard->event.answer.request = id;
	return heard;
}

void
px_error_refusal(struct px_error *out, const struct px_err *err)
{
	px_error_set(out, PX_ERROR_REFUSED, "%s", err->text);
	out->sys = err->sys;
	out->number = px_code_number(err->code);
	strlcpy(out->kind, px_code_word(err->code), sizeof out->kind);
	if (err->step != NULL)
		strlcpy(out->step, err->step, sizeof out->step);
}

struct px_heard *
px_local_answer_new(const struct px_local_call *call)
{
	return answer_to(call->id);
}

void
px_local_answer(struct px_local_call *call, struct px_heard *heard)
{
	struct px_local *local = call->local;

	pthread_mutex_lock(&local->lock);
	open_remove(local, call->id);
	pthread_mutex_unlock(&local->lock);
	px_local_tell(local, heard);
	px_local_call_free(call);
}

void
px_local_answer_empty(struct px_local_call *call)
{
	px_local_answer(call, px_local_answer_new(call));
}

void
px_local_refuse(struct px_local_call *call, const struct px_err *err)
{
	struct px_heard *heard = px_local_answer_new(call);

	px_error_refusal(&heard->event.answer.error, err);
	px_local_answer(call, heard);
}

/* One that never became a call, from its own thread. As outbox_add(). */
static bool
refuse_at_once(struct px_local *local, int64_t id, const struct px_err *err)
{
	struct px_heard_list fresh = TAILQ_HEAD_INITIALIZER(fresh);
	struct px_heard *heard = answer_to(id);

	px_error_refusal(&heard->event.answer.error, err);
	atomic_fetch_add(&local->cost, heard->cost);
	TAILQ_INSERT_TAIL(&fresh, heard, link);
	return outbox_add(local, &fresh);
}

/* ---- in ---- */

/* Under the lock. -1: it is refused. */
static int
admit(struct px_local *local, int64_t id, struct px_err *err)
{
	if (open_has(local, id))
		return px_fail(err, PX_E_DUPLICATE, "duplicate request id");
	if (local->nopen >= local->capacity)
		return px_fail(err, PX_E_OVERLOADED, "too many requests in flight");
	return 0;
}

/*
 * Under the lock. Takes 'call' over, which may be NULL: refused for 'refusal'.
 * '*out_fd' is to be raised, unless -1.
 */
static void
enqueue(struct px_local *local, const struct px_request *request, struct px_local_call *call,
    struct px_err *refusal, int *out_fd)
{
	if (admit(local, request->id, refusal) == -1 && call != NULL) {
		px_local_call_free(call);
		call = NULL;
	}
	if (call == NULL) {
		if (refuse_at_once(local, request->id, refusal))
			*out_fd = local->out_fd;
		return;
	}
	local->open[local->nopen++] = request->id;
	TAILQ_INSERT_TAIL(&local->queued, call, link);
	if (wake(local))
		*out_fd = local->wake_fd;
}

int
px_local_send(struct px_local *local, const struct px_request *request, struct px_error *err)
{
	struct px_err refusal = { 0 };
	struct px_local_call *call = px_local_call_new(local, request, &refusal);
	bool closing;
	int fd = -1;

	if (call == NULL && refusal.code == PX_E_NOMEM)
		return px_error_set(err, PX_ERROR_SYSTEM, "%s", refusal.text);
	pthread_mutex_lock(&local->lock);
	if (!(closing = local->closing))
		enqueue(local, request, call, &refusal, &fd);
	pthread_mutex_unlock(&local->lock);
	if (fd != -1)
		fd_raise(fd);
	if (!closing)
		return 0;
	if (call != NULL)
		px_local_call_free(call);
	return px_error_set(err, PX_ERROR_LOST, "the client was closed");
}

/* ---- the end ---- */

static void
answer_lost(struct px_local_call *call)
{
	struct px_heard *heard = px_local_answer_new(call);

	px_error_set(&heard->event.answer.error, PX_ERROR_LOST, "the client was closed");
	px_local_answer(call, heard);
}

/* Even if nothing was there to answer, whoever polls has to see that it is over. */
static void
tell_again(struct px_local *local)
{
	struct px_heard_list nothing = TAILQ_HEAD_INITIALIZER(nothing);
	bool raise;

	pthread_mutex_lock(&local->lock);
	raise = outbox_add(local, &nothing);
	pthread_mutex_unlock(&local->lock);
	if (raise)
		fd_raise(local->out_fd);
}

void
px_local_lose(struct px_local *local)
{
	struct px_local_call_list queued = TAILQ_HEAD_INITIALIZER(queued);
	struct px_local_call *call, *next;

	while ((call = TAILQ_FIRST(&local->waiting)) != NULL) {
		px_local_cancel(call);
		answer_lost(call);
	}
	pthread_mutex_lock(&local->lock);
	local->closing = true;
	TAILQ_CONCAT(&queued, &local->queued, link);
	pthread_mutex_unlock(&local->lock);
	TAILQ_FOREACH_SAFE (call, &queued, link, next)
		answer_lost(call);
	px_local_flush(local);
	tell_again(local);
}

bool
px_local_is_over(struct px_local *local)
{
	bool over;

	pthread_mutex_lock(&local->lock);
	over = local->closing;
	pthread_mutex_unlock(&local->lock);
	return over;
}

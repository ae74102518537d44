#include "client/state.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/error.h"

/*
 * Calls that wait. One thread at a time drives: it polls the transport and does
 * what there is to do; the others sleep until something has changed, and one of
 * them takes over when the driver has what it wanted.
 */

void
px_client_enter(struct px_client *client)
{
	atomic_fetch_add(&client->users, 1);
	pthread_mutex_lock(&client->lock);
}

void
px_client_leave(struct px_client *client)
{
	/* Who polls the descriptor, here or in a loop of the caller's, goes on. */
	if (px_client_is_held(client))
		px_client_wake(client);
	atomic_fetch_sub(&client->users, 1);
	if (client->life != PX_CLIENT_OPEN)
		px_client_changed(client);
	pthread_mutex_unlock(&client->lock);
}

void
px_client_changed(struct px_client *client)
{
	pthread_cond_broadcast(&client->changed);
	if (client->driving)
		px_client_wake(client);
}

void
px_client_wake(struct px_client *client)
{
	const uint64_t one = 1;

	if (client->woken)
		return;
	client->woken = true;
	(void)!write(client->wake_fd, &one, sizeof one);
}

/* Who drives must not be robbed of it. */
static void
woken(struct px_client *client)
{
	uint64_t count;

	if (client->driving || !client->woken)
		return;
	(void)!read(client->wake_fd, &count, sizeof count);
	client->woken = false;
}

int64_t
px_client_deadline(int timeout_ms)
{
	return timeout_ms < 0 ? INT64_MAX : px_now_ms() + timeout_ms;
}

static void
step(struct px_client *client)
{
	if (client->is_lost)
		return;
	client->transport->ops->step(client->transport);
	client->full = px_inbox_room(client) == 0;
}

bool
px_client_is_held(const struct px_client *client)
{
	return client->full && !client->is_lost && px_inbox_room(client) > 0;
}

static void
step_if_held(struct px_client *client)
{
	if (!px_client_is_held(client))
		return;
	step(client);
	px_client_dispatch(client);
}

static void
sleep_until_changed(struct px_client *client, int64_t deadline)
{
	struct timespec until = px_ms_ts(deadline);

	if (deadline == INT64_MAX)
		pthread_cond_wait(&client->changed, &client->lock);
	else
		pthread_cond_timedwait(&client->changed, &client->lock, &until);
}

/* What poll(2) is told; longer waits are made of several. */
static int
poll_timeout(int64_t deadline)
{
	int64_t left;

	if (deadline == INT64_MAX)
		return -1;
	left = deadline - px_now_ms();
	return left <= 0 ? 0 : left < INT_MAX ? (int)left : INT_MAX;
}

/* As the driver. */
static void
wait_for_transport(struct px_client *client, int64_t deadline)
{
	struct pollfd pfd = { .fd = client->epfd, .events = POLLIN };

	client->driving = true;
	pthread_mutex_unlock(&client->lock);
	while (poll(&pfd, 1, poll_timeout(deadline)) == -1 && errno == EINTR)
		continue;
	pthread_mutex_lock(&client->lock);
	client->driving = false;
	woken(client);
}

bool
px_client_drive(struct px_client *client, int64_t deadline)
{
	if (client->driving && !px_client_is_held(client)) {
		sleep_until_changed(client, deadline);
	} else {
		if (!px_client_is_held(client))
			wait_for_transport(client, deadline);
		step(client);
		px_client_changed(client); /* who sleeps may have to drive now */
	}
	px_client_dispatch(client);
	return deadline == INT64_MAX || px_now_ms() < deadline;
}

/* ---- for loops of callers ---- */

int
px_client_fd(const struct px_client *client)
{
	return client->epfd;
}

void
px_client_step(struct px_client *client)
{
	px_client_enter(client);
	woken(client);
	step(client);
	px_client_dispatch(client);
	px_client_leave(client);
}

/* ---- events ---- */

static struct px_event *
no_event(const struct px_client *client, struct px_error *err)
{
	if (client->is_lost)
		px_error_copy(err, &client->lost);
	else
		px_error_set(err, PX_ERROR_TIMEOUT, "nothing came from the server in time");
	return NULL;
}

struct px_event *
px_client_next(struct px_client *client, const char *session, int timeout_ms, struct px_error *err)
{
	int64_t deadline = px_client_deadline(timeout_ms);
	bool in_time = true;
	struct px_heard *heard;

	px_client_enter(client);
	if (session != NULL && px_inbox_is_called(client, session)) {
		px_error_set(err, PX_ERROR_USAGE, "the events of '%s' are for a callback", session);
		px_client_leave(client);
		return NULL;
	}
	while ((heard = px_inbox_take(client, session)) == NULL && !client->is_lost && in_time)
		in_time = px_client_drive(client, deadline);
	if (heard == NULL && (heard = px_inbox_take(client, session)) == NULL)
		no_event(client, err);
	/* Not for each event; the next ones are then on their way while these are looked at. */
	if (client->queued <= client->queue_bytes / 2)
		step_if_held(client);
	px_client_leave(client);
	return heard != NULL ? &heard->event : NULL;
}

static bool
is_pending(const struct px_client *client, int64_t request)
{
	if (request == PX_REQUEST_SLOT)
		return client->nopen == client->capacity;
	return request == 0 || px_inbox_is_open(client, request);
}

void
px_client_wait_for(struct px_client *client, const char *session, int64_t request, int64_t deadline)
{
	bool in_time = true;

	px_client_enter(client);
	while (in_time && !client->is_lost && !px_inbox_has(client, session) &&
	       is_pending(client, request))
		in_time = px_client_drive(client, deadline);
	px_client_leave(client);
}

/* ---- answers ---- */

/* Can it still come? */
static bool
may_come(const struct px_client *client, int64_t request, struct px_error *err)
{
	if (!px_inbox_is_open(client, request))
		px_error_set(
		    err, PX_ERROR_USAGE, "no request waits for an answer under this number");
	else if (px_inbox_room(client) == 0)
		px_error_set(err, PX_ERROR_BUSY, "the events must be taken first");
	else
		return true;
	return false;
}

static struct px_heard *
await(struct px_client *client, int64_t request, int64_t deadline, struct px_error *err)
{
	bool in_time = true;
	struct px_heard *heard;

	while ((heard = px_inbox_take_answer(client, request)) == NULL) {
		if (!may_come(client, request, err))
			return NULL;
		if (!in_time) {
			px_error_set(err, PX_ERROR_TIMEOUT, "the server has not answered in time");
			return NULL;
		}
		in_time = px_client_drive(client, deadline);
	}
	return heard;
}

struct px_answer *
px_client_await(struct px_client *client, int64_t request, int timeout_ms, struct px_error *err)
{
	struct px_heard *heard;

	if (request == -1)
		return NULL;
	px_client_enter(client);
	client->awaiting++;
	heard = await(client, request, px_client_deadline(timeout_ms), err);
	client->awaiting--;
	px_client_leave(client);
	if (heard == NULL || heard->event.answer.error.code == PX_ERROR_NONE)
		return heard != NULL ? &heard->event.answer : NULL;
	px_error_copy(err, &heard->event.answer.error);
	px_heard_free(heard);
	return NULL;
}

int
px_client_settle(struct px_client *client, int64_t request, int timeout_ms, struct px_error *err)
{
	struct px_answer *answer = px_client_await(client, request, timeout_ms, err);

	if (answer == NULL)
		return -1;
	px_answer_free(answer);
	return 0;
}

void
px_client_forget(struct px_client *client, int64_t request)
{
	px_client_enter(client);
	px_inbox_forget(client, request);
	px_client_leave(client);
}

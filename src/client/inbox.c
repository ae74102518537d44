#include "client/state.h"

#include <string.h>

/* What has been heard and not been taken: events in order, answers by their numbers. */

/* ---- open requests ---- */

static struct px_open_request *
open_find(const struct px_client *client, int64_t request)
{
	for (size_t i = 0; i < client->nopen; i++)
		if (client->open[i].id == request)
			return &client->open[i];
	return NULL;
}

bool
px_inbox_is_open(const struct px_client *client, int64_t request)
{
	const struct px_open_request *open = open_find(client, request);

	return open != NULL && !open->forgotten;
}

/* False: nobody wants the answer. */
static bool
open_remove(struct px_client *client, int64_t request)
{
	struct px_open_request *open = open_find(client, request);
	bool wanted = open != NULL && !open->forgotten;

	if (open != NULL)
		*open = client->open[--client->nopen];
	return wanted;
}

/* ---- the queues ---- */

static void
queue_add(struct px_client *client, struct px_heard_list *list, struct px_heard *heard)
{
	TAILQ_INSERT_TAIL(list, heard, link);
	client->queued += heard->cost;
	px_client_changed(client);
}

struct px_heard *
px_inbox_remove(struct px_client *client, struct px_heard_list *list, struct px_heard *heard)
{
	struct px_known *known = heard->known;

	TAILQ_REMOVE(list, heard, link);
	client->queued -= heard->cost;
	if (known != NULL) {
		heard->known = NULL;
		TAILQ_REMOVE(&known->events, heard, of_session);
		px_known_settle(client, known);
	}
	return heard;
}

struct px_heard_list *
px_inbox_queue(struct px_client *client, const struct px_known *known)
{
	bool called = (known != NULL && known->take != NULL) || client->take_rest != NULL;

	return called ? &client->calling : &client->events;
}

size_t
px_inbox_room(const struct px_client *client)
{
	size_t limit = client->queue_bytes;

	if (client->slow_consumer == PX_SLOW_LAG)
		return SIZE_MAX;
	if (client->awaiting > 0)
		limit *= PX_CLIENT_AWAIT_FACTOR;
	return client->queued < limit ? limit - client->queued : 0;
}

/* ---- falling behind ---- */

static struct px_heard *
lag_add(struct px_client *client, const struct px_known *known)
{
	struct px_heard *lagged = px_heard_new(PX_EVENT_LAGGED);

	lagged->event.session = px_heard_copy(lagged, known->name, strlen(known->name));
	if (lagged->event.session == NULL) {
		px_heard_free(lagged);
		return NULL;
	}
	px_inbox_event(client, lagged);
	return lagged;
}

/* Does an event that nobody takes give way? Then the session's last event counts it. */
static bool
lag_swallows(struct px_client *client, struct px_known *known, const struct px_event *event)
{
	struct px_heard *last = TAILQ_LAST(&known->events, px_heard_list);

	if (client->slow_consumer != PX_SLOW_LAG || event->type != PX_EVENT_OUTPUT ||
	    client->queued < client->queue_bytes)
		return false;
	if ((last == NULL || last->event.type != PX_EVENT_LAGGED) &&
	    (last = lag_add(client, known)) == NULL)
		return false;
	last->event.lagged.skipped_bytes += (int64_t)event->output.len;
	last->event.lagged.next_seq = event->seq + 1;
	return true;
}

/* ---- what transports hand on ---- */

void
px_inbox_event(struct px_client *client, struct px_heard *heard)
{
	struct px_known *known = NULL;

	if (client->is_lost) {
		px_heard_free(heard);
		return;
	}
	if (heard->event.session != NULL) {
		known = px_known_get(client, heard->event.session);
		if (lag_swallows(client, known, &heard->event)) {
			px_heard_free(heard);
			return;
		}
		heard->known = known;
		TAILQ_INSERT_TAIL(&known->events, heard, of_session);
	}
	queue_add(client, px_inbox_queue(client, known), heard);
}

void
px_inbox_answer(struct px_client *client, struct px_heard *heard)
{
	if (!open_remove(client, heard->event.answer.request)) {
		px_heard_free(heard);
		px_client_changed(client);
		return;
	}
	queue_add(client, client->answer_events ? &client->events : &client->answers, heard);
}

static void
answer_lost(struct px_client *client, int64_t request, const struct px_error *why)
{
	struct px_heard *heard = px_heard_new(PX_EVENT_ANSWER);

	heard->event.answer.request = request;
	heard->event.answer.error = *why;
	px_inbox_answer(client, heard);
}

void
px_inbox_lose(struct px_client *client, const struct px_error *why)
{
	struct px_heard *heard;

	if (client->is_lost)
		return;
	while (client->nopen > 0)
		answer_lost(client, client->open[0].id, why);
	heard = px_heard_new(PX_EVENT_LOST);
	heard->event.lost = *why;
	px_inbox_event(client, heard);
	client->is_lost = true;
	client->lost = *why;
}

/* ---- taking ---- */

bool
px_inbox_is_called(struct px_client *client, const char *session)
{
	return px_inbox_queue(client, px_known_find(client, session)) == &client->calling;
}

/* The first event of the session that is not for a callback. */
static struct px_heard *
first_of(struct px_client *client, const char *session)
{
	struct px_known *known = px_known_find(client, session);

	if (known == NULL || px_inbox_queue(client, known) == &client->calling)
		return NULL;
	return TAILQ_FIRST(&known->events);
}

bool
px_inbox_has(struct px_client *client, const char *session)
{
	return first_of(client, session) != NULL;
}

struct px_heard *
px_inbox_take(struct px_client *client, const char *session)
{
	struct px_heard *first =
	    session != NULL ? first_of(client, session) : TAILQ_FIRST(&client->events);

	return first != NULL ? px_inbox_remove(client, &client->events, first) : NULL;
}

struct px_heard *
px_inbox_take_answer(struct px_client *client, int64_t request)
{
	struct px_heard_list *list = client->answer_events ? &client->events : &client->answers;
	struct px_heard *heard;

	TAILQ_FOREACH (heard, list, link)
		if (heard->event.type == PX_EVENT_ANSWER && heard->event.answer.request == request)
			return px_inbox_remove(client, list, heard);
	return NULL;
}

void
px_inbox_forget(struct px_client *client, int64_t request)
{
	struct px_open_request *open = open_find(client, request);

	if (open != NULL)
		open->forgotten = true;
	else
		px_heard_free(px_inbox_take_answer(client, request));
}

static void
queue_clear(struct px_client *client, struct px_heard_list *list)
{
	while (!TAILQ_EMPTY(list))
		px_heard_free(px_inbox_remove(client, list, TAILQ_FIRST(list)));
}

void
px_inbox_clear(struct px_client *client)
{
	queue_clear(client, &client->events);
	queue_clear(client, &client->calling);
	queue_clear(client, &client->answers);
	px_known_clear(client);
}

#include "client/state.h"

/* Events for which there is a function to call. */

/* A session's events are all in one queue, so moving them keeps their order. */
static void
requeue(struct px_client *client, struct px_heard_list *from)
{
	struct px_heard *heard, *next;

	TAILQ_FOREACH_SAFE (heard, from, link, next) {
		struct px_heard_list *to = px_inbox_queue(client, heard->known);

		if (to != from && heard->event.type != PX_EVENT_ANSWER) {
			TAILQ_REMOVE(from, heard, link);
			TAILQ_INSERT_TAIL(to, heard, link);
		}
	}
}

/* The lock is held; what runs in another thread is waited for, and runs no other meanwhile. */
static void
wait_for_callback(struct px_client *client)
{
	client->switching++;
	while (client->in_callback && !pthread_equal(client->dispatcher, pthread_self()))
		pthread_cond_wait(&client->changed, &client->lock);
	client->switching--;
	pthread_cond_broadcast(&client->changed);
}

static void
let_switch(struct px_client *client)
{
	while (client->switching > 0) {
		pthread_cond_broadcast(&client->changed);
		pthread_cond_wait(&client->changed, &client->lock);
	}
}

void
px_client_on_event(struct px_client *client, const char *session, px_event_fn *take, void *arg)
{
	struct px_known *known;

	px_client_enter(client);
	wait_for_callback(client);
	if (session == NULL) {
		client->take_rest = take;
		client->take_rest_arg = arg;
	} else {
		known = px_known_get(client, session);
		known->take = take;
		known->take_arg = arg;
		px_known_settle(client, known);
	}
	requeue(client, &client->events);
	requeue(client, &client->calling);
	px_client_dispatch(client);
	px_client_leave(client);
}

/* Whom it is for is called without the lock. */
static void
call(struct px_client *client, struct px_heard *heard)
{
	bool own = heard->known != NULL && heard->known->take != NULL;
	px_event_fn *take = own ? heard->known->take : client->take_rest;
	void *arg = own ? heard->known->take_arg : client->take_rest_arg;

	px_inbox_remove(client, &client->calling, heard);
	client->in_callback = true;
	pthread_mutex_unlock(&client->lock);
	take(arg, client, &heard->event);
	pthread_mutex_lock(&client->lock);
	client->in_callback = false;
	let_switch(client);
}

void
px_client_dispatch(struct px_client *client)
{
	struct px_heard *heard;

	if (client->dispatching || TAILQ_EMPTY(&client->calling))
		return;
	client->dispatching = true;
	client->dispatcher = pthread_self();
	while ((heard = TAILQ_FIRST(&client->calling)) != NULL)
		call(client, heard);
	client->dispatching = false;
	px_client_changed(client);
}

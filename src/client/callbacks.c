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

/* The lock is held; what runs in another thread is waited for. */
static void
wait_for_callback(struct px_client *client)
{
	while (client->dispatching && !pthread_equal(client->dispatcher, pthread_self()))
		pthread_cond_wait(&client->changed, &client->lock);
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

void
px_client_dispatch(struct px_client *client)
{
	struct px_heard *heard;
	px_event_fn *take;
	void *arg;

	if (client->dispatching)
		return;
	client->dispatching = true;
	client->dispatcher = pthread_self();
	while ((heard = TAILQ_FIRST(&client->calling)) != NULL) {
		bool own = heard->known != NULL && heard->known->take != NULL;

		take = own ? heard->known->take : client->take_rest;
		arg = own ? heard->known->take_arg : client->take_rest_arg;
		px_inbox_remove(client, &client->calling, heard);
		pthread_mutex_unlock(&client->lock);
		take(arg, client, &heard->event);
		pthread_mutex_lock(&client->lock);
	}
	client->dispatching = false;
	px_client_changed(client);
}

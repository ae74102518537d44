#include <stdlib.h>

#include "base/mem.h"
#include "client/transport.h"
#include "local/local.h"

/* A client whose transport is a core in this process. */

struct embedded {
	struct px_transport transport; /* the first member */
	struct px_local *local;
	struct px_heard_list held; /* collected, and not passed on for want of room */
};

static int
embedded_send(struct px_transport *t, const struct px_request *request, struct px_error *err)
{
	return px_local_send(((struct embedded *)t)->local, request, err);
}

static int
embedded_fd(const struct px_transport *t)
{
	return px_local_fd(((const struct embedded *)t)->local);
}

/* False: it must wait, and those behind it. */
static bool
pass_on(struct embedded *e, struct px_heard *heard, bool *has_room)
{
	bool answer = heard->event.type == PX_EVENT_ANSWER;

	*has_room = *has_room && px_inbox_room(e->transport.client) > 0;
	if (!answer && !*has_room)
		return false;
	TAILQ_REMOVE(&e->held, heard, link);
	if (answer)
		px_inbox_answer(e->transport.client, heard);
	else
		px_inbox_event(e->transport.client, heard);
	return true;
}

static void
embedded_step(struct px_transport *t)
{
	struct embedded *e = (struct embedded *)t;
	static const struct px_error why = { .code = PX_ERROR_LOST,
		.text = "the core in this process has ended: its descriptors were closed" };
	bool has_room = true, is_over = px_local_is_over(e->local);
	struct px_heard *heard, *next;
	size_t passed = 0;

	px_local_collect(e->local, &e->held);
	TAILQ_FOREACH_SAFE (heard, &e->held, link, next) {
		size_t cost = heard->cost;

		if (pass_on(e, heard, &has_room))
			passed += cost;
	}
	px_local_passed(e->local, passed);
	if (is_over && TAILQ_EMPTY(&e->held))
		px_inbox_lose(t->client, &why);
}

static void
embedded_close(struct px_transport *t)
{
	px_local_close(((struct embedded *)t)->local);
}

static void
embedded_free(struct px_transport *t)
{
	struct embedded *e = (struct embedded *)t;
	struct px_heard *heard;

	while ((heard = TAILQ_FIRST(&e->held)) != NULL) {
		TAILQ_REMOVE(&e->held, heard, link);
		px_heard_free(heard);
	}
	px_local_free(e->local);
	free(e);
}

static const struct px_transport_ops embedded_ops = {
	.send = embedded_send,
	.fd = embedded_fd,
	.step = embedded_step,
	.close = embedded_close,
	.free = embedded_free,
};

static void
greet(struct px_client *client, const struct px_local *local)
{
	struct px_greeting greeting;

	px_local_greeting(local, &greeting);
	px_client_greeted(client, &greeting);
}

int
px_client_embed(
    const struct px_client_options *options, struct px_client **out_client, struct px_error *err)
{
	struct px_client_options defaults;
	struct embedded *e = px_new(struct embedded);
	struct px_client *client;

	px_client_options_init(&defaults);
	if (options == NULL)
		options = &defaults;
	if (px_local_new(options, &e->local, err) == -1) {
		free(e);
		return -1;
	}
	e->transport.ops = &embedded_ops;
	TAILQ_INIT(&e->held);
	if ((client = px_client_new(options, err)) == NULL) {
		embedded_close(&e->transport);
		embedded_free(&e->transport);
		return -1;
	}
	if (px_client_attach(client, &e->transport, err) == -1) {
		px_client_free(client);
		return -1;
	}
	greet(client, e->local);
	*out_client = client;
	return 0;
}

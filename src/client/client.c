#include "client/state.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <event2/buffer.h>

#include "base/clock.h"
#include "base/json_out.h"
#include "base/mem.h"
#include "client/error.h"

enum { ENDING_WAIT_MS = 200 }; /* from the end of a server's output to its own end */

/* ---- stepping ---- */

int
px_client_fd(const struct px_client *client)
{
	return client->epfd;
}

void
px_client_step(struct px_client *client)
{
	bool room = client->heard_bytes < PX_CLIENT_EVENT_BYTES;
	struct px_error why;

	if (client->is_lost)
		return;
	if (px_link_step(client->link, room ? px_inbox_message : NULL, client, &why) == -1)
		px_inbox_lose(client, &why);
}

/* Waits until there is something to do. False: the deadline has passed. */
static bool
client_poll(const struct px_client *client, int64_t deadline)
{
	struct pollfd pfd = { .fd = client->epfd, .events = POLLIN };
	int64_t left;
	int n;

	do {
		left = deadline - px_now_ms();
		n = poll(&pfd, 1, left > 0 ? (int)left : 0);
	} while (n == -1 && errno == EINTR);
	return n > 0;
}

const struct px_event *
px_client_next(struct px_client *client, int timeout_ms, struct px_error *err)
{
	int64_t deadline = px_now_ms() + timeout_ms;

	px_heard_free(client->event);
	client->event = px_inbox_take(client);
	while (client->event == NULL) {
		if (client->is_lost) {
			px_error_copy(err, &client->lost);
			return NULL;
		}
		px_client_step(client);
		client->event = px_inbox_take(client);
		if (client->event == NULL && !client->is_lost && !client_poll(client, deadline)) {
			px_error_set(err, PX_ERROR_TIMEOUT, "nothing came from the server in time");
			return NULL;
		}
	}
	return &client->event->event;
}

static bool
is_pending(const struct px_client *client, int64_t request)
{
	for (size_t i = 0; i < PX_CLIENT_REQUESTS; i++)
		if (client->pending[i].kind != NULL && client->pending[i].id == request)
			return true;
	return false;
}

/* Why there is no answer yet, when waiting on makes no sense. */
static int
check_await(const struct px_client *client, int64_t request, struct px_error *err)
{
	if (!is_pending(client, request))
		return px_error_set(
		    err, PX_ERROR_USAGE, "no request waits for an answer under this number");
	if (client->heard_bytes >= PX_CLIENT_EVENT_BYTES)
		return px_error_set(err, PX_ERROR_BUSY, "the events must be taken first");
	return 0;
}

const struct px_answer *
px_client_await(struct px_client *client, int64_t request, int timeout_ms, struct px_error *err)
{
	int64_t deadline = px_now_ms() + timeout_ms;

	px_heard_free(client->answer);
	client->answer = NULL;
	if (request == -1)
		return NULL;
	while ((client->answer = px_inbox_take_answer(client, request)) == NULL) {
		if (check_await(client, request, err) == -1)
			return NULL;
		px_client_step(client);
		if ((client->answer = px_inbox_take_answer(client, request)) != NULL)
			break;
		if (client->heard_bytes < PX_CLIENT_EVENT_BYTES && !client->is_lost &&
		    !client_poll(client, deadline)) {
			px_error_set(err, PX_ERROR_TIMEOUT, "the server has not answered in time");
			return NULL;
		}
	}
	if (client->answer->event.answer.error.code == PX_ERROR_NONE)
		return &client->answer->event.answer;
	px_error_copy(err, &client->answer->event.answer.error);
	return NULL;
}

/* ---- the beginning and the end ---- */

/* Says of the server that did not greet us which one it is, and what became of it. */
static void
explain(struct px_client *client, struct px_error *err)
{
	const char *name = client->daemon.name;
	char how[64];

	if (err->code == PX_ERROR_TIMEOUT)
		px_error_set(
		    err, PX_ERROR_TIMEOUT, "the server '%s' has not answered in time", name);
	else if (err->code == PX_ERROR_PEER)
		px_error_set(err, PX_ERROR_PEER, "'%s' is no ptyexec server: %s", name, err->text);
	else if (err->code != PX_ERROR_LOST)
		return;
	else if (px_daemon_ended(&client->daemon, ENDING_WAIT_MS, how, sizeof how))
		px_error_set(
		    err, PX_ERROR_START, "the server '%s' %s before it answered", name, how);
	else
		px_error_set(
		    err, PX_ERROR_LOST, "the server '%s' hung up before it answered", name);
}

static struct px_client *
client_new(const struct px_daemon *daemon, const struct px_client_options *options)
{
	struct px_client *client = px_new(struct px_client);

	client->daemon = *daemon;
	client->grace_ms = options->grace_ms > 0 ? options->grace_ms : PX_CLIENT_GRACE_MS;
	client->message_max = PX_CLIENT_GREETING_MAX;
	client->json = px_json_out_new();
	client->msg = evbuffer_new();
	TAILQ_INIT(&client->heard);
	return client;
}

int
px_client_attach(int fd, const struct px_daemon *daemon, const struct px_client_options *options,
    struct px_client **out_client, struct px_error *err)
{
	struct px_client *client = client_new(daemon, options);
	int timeout = options->timeout_ms > 0 ? options->timeout_ms : PX_CLIENT_TIMEOUT_MS;
	struct px_error why = { 0 };

	client->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (px_link_adopt(fd, client->epfd, &client->link, &why) == 0 &&
	    px_client_await(
		client, px_client_initialize(client, options->name, &why), timeout, &why) != NULL) {
		*out_client = client;
		return 0;
	}
	explain(client, &why);
	px_client_free(client);
	return px_error_copy(err, &why);
}

int
px_client_launch(
    const struct px_client_options *options, struct px_client **out_client, struct px_error *err)
{
	static const struct px_client_options defaults = { 0 };
	struct px_daemon daemon;
	int fd;

	if (options == NULL)
		options = &defaults;
	if (px_daemon_start(&daemon, options, &fd, err) == -1)
		return -1;
	return px_client_attach(fd, &daemon, options, out_client, err);
}

void
px_client_free(struct px_client *client)
{
	struct px_heard *heard;

	if (client == NULL)
		return;
	px_link_close(client->link);
	if (client->epfd != -1)
		close(client->epfd);
	px_daemon_stop(&client->daemon, client->grace_ms);
	while ((heard = px_inbox_take(client)) != NULL)
		px_heard_free(heard);
	px_heard_free(client->event);
	px_heard_free(client->answer);
	px_json_out_free(client->json);
	evbuffer_free(client->msg);
	free(client);
}

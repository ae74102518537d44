#include "client/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "client/error.h"

/* ---- the beginning ---- */

void
px_client_options_init(struct px_client_options *options)
{
	*options = (struct px_client_options){ .name = "ptyexec",
		.connect_timeout_ms = PX_CLIENT_TIMEOUT_MS,
		.greeting_timeout_ms = PX_CLIENT_TIMEOUT_MS,
		.silence_ms = PX_CLIENT_SILENCE_MS,
		.grace_ms = PX_CLIENT_GRACE_MS,
		.capacity = PX_CLIENT_CAPACITY,
		.queue_bytes = PX_CLIENT_QUEUE_BYTES };
}

/* Deadlines are of the monotonic clock. */
static void
changed_init(pthread_cond_t *changed)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(changed, &attr);
	pthread_condattr_destroy(&attr);
}

static int
watch(const struct px_client *client, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(client->epfd, EPOLL_CTL_ADD, fd, &event);
}

static int
open_descriptors(struct px_client *client)
{
	client->epfd = epoll_create1(EPOLL_CLOEXEC);
	client->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (client->epfd != -1 && client->wake_fd != -1 && watch(client, client->wake_fd) == 0)
		return 0;
	if (client->epfd != -1)
		close(client->epfd);
	if (client->wake_fd != -1)
		close(client->wake_fd);
	return -1;
}

struct px_client *
px_client_new(const struct px_client_options *options, struct px_error *err)
{
	struct px_client *client = px_new(struct px_client);

	if (open_descriptors(client) == -1) {
		px_error_set_sys(err, PX_ERROR_SYSTEM, errno, "cannot watch a server");
		free(client);
		return NULL;
	}
	pthread_mutex_init(&client->lock, NULL);
	changed_init(&client->changed);
	client->capacity = options->capacity > 0 ? options->capacity : 1;
	client->queue_bytes = options->queue_bytes > 0 ? options->queue_bytes : 1;
	client->slow_consumer = options->slow_consumer;
	client->answer_events = options->answer_events;
	client->experimental = options->experimental;
	client->open = px_alloc(client->capacity * sizeof *client->open);
	TAILQ_INIT(&client->events);
	TAILQ_INIT(&client->calling);
	TAILQ_INIT(&client->answers);
	RB_INIT(&client->known);
	px_random_hex((sizeof client->prefix - 1) / 2, client->prefix);
	return client;
}

int
px_client_attach(struct px_client *client, struct px_transport *t, struct px_error *err)
{
	client->transport = t;
	t->client = client;
	if (watch(client, t->ops->fd(t)) == -1)
		return px_error_set_sys(err, PX_ERROR_SYSTEM, errno, "cannot watch a server");
	return 0;
}

/* ---- the greeting ---- */

static char *
copy(struct px_heard *memory, const char *s)
{
	return s != NULL ? px_heard_copy(memory, s, strlen(s)) : NULL;
}

static const struct px_limit *
copy_limits(struct px_heard *memory, const struct px_limit *limits, size_t n)
{
	struct px_limit *copies = px_heard_alloc(memory, n * sizeof *copies);

	for (size_t i = 0; copies != NULL && i < n; i++)
		copies[i] = (struct px_limit){ copy(memory, limits[i].name), limits[i].value };
	return copies;
}

void
px_client_greeted(struct px_client *client, const struct px_greeting *greeting)
{
	struct px_heard *memory = px_heard_new(PX_EVENT_ANSWER);
	struct px_greeting *own = &client->greeting;

	*own = (struct px_greeting){
		.server_name = copy(memory, greeting->server_name),
		.server_version = copy(memory, greeting->server_version),
		.workspace = copy(memory, greeting->workspace),
		.resume_token = copy(memory, greeting->resume_token),
		.resumed = greeting->resumed,
		.hostname = copy(memory, greeting->hostname),
		.shell = copy(memory, greeting->shell),
		.cwd = copy(memory, greeting->cwd),
		.home = copy(memory, greeting->home),
	};
	own->limits = copy_limits(memory, greeting->limits, greeting->nlimits);
	own->nlimits = own->limits != NULL ? greeting->nlimits : 0;
	client->greeting_memory = memory;
	px_client_changed(client);
}

const struct px_greeting *
px_client_greeting(const struct px_client *client)
{
	return &client->greeting;
}

int
px_client_await_greeting(struct px_client *client, struct px_error *err)
{
	int result = 0;

	px_client_enter(client);
	while (client->greeting_memory == NULL && !client->is_lost)
		px_client_drive(client, INT64_MAX);
	if (client->greeting_memory == NULL)
		result = px_error_copy(err, &client->lost);
	px_client_leave(client);
	return result;
}

/* ---- the end ---- */

static void
close_transport(struct px_client *client)
{
	static const struct px_error why = { .code = PX_ERROR_LOST,
		.text = "the client was closed" };

	client->life = PX_CLIENT_CLOSING;
	px_inbox_lose(client, &why);
	px_client_changed(client);
	while (client->driving)
		pthread_cond_wait(&client->changed, &client->lock);
	pthread_mutex_unlock(&client->lock);
	client->transport->ops->close(client->transport);
	pthread_mutex_lock(&client->lock);
	client->life = PX_CLIENT_CLOSED;
	px_client_changed(client);
}

void
px_client_close(struct px_client *client)
{
	px_client_enter(client);
	if (client->life == PX_CLIENT_OPEN)
		close_transport(client);
	while (client->life != PX_CLIENT_CLOSED)
		pthread_cond_wait(&client->changed, &client->lock);
	px_client_dispatch(client);
	px_client_leave(client);
}

void
px_client_free(struct px_client *client)
{
	if (client == NULL)
		return;
	px_client_close(client);
	pthread_mutex_lock(&client->lock);
	while (atomic_load(&client->users) > 0)
		pthread_cond_wait(&client->changed, &client->lock);
	px_inbox_clear(client);
	pthread_mutex_unlock(&client->lock);
	client->transport->ops->free(client->transport);
	px_heard_free(client->greeting_memory);
	pthread_mutex_destroy(&client->lock);
	pthread_cond_destroy(&client->changed);
	close(client->epfd);
	close(client->wake_fd);
	free(client->open);
	free(client);
}

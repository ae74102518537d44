#include "client/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <event2/buffer.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json_out.h"
#include "base/mem.h"
#include "client/address.h"
#include "client/error.h"

enum { DETACH_MS = 80000 }; /* of a server that does not tell */

/* ---- the state ---- */

void
px_wire_set_deadline(struct px_wire *wire, int64_t deadline)
{
	struct itimerspec at = { 0 };

	wire->deadline = deadline;
	if (deadline != 0) {
		at.it_value = px_ms_ts(deadline);
		at.it_value
		    .tv_nsec++; /* zero would disarm the timer: what is due is due in a moment */
	}
	timerfd_settime(wire->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
}

void
px_wire_break(struct px_wire *wire, const struct px_err *why)
{
	wire->broken = wire->final = true;
	if (why->code == PX_E_NOMEM)
		px_error_set(&wire->why, PX_ERROR_SYSTEM, "no memory for what the server sends");
	else
		px_error_set(&wire->why, PX_ERROR_PEER, "it breaks the protocol: %s", why->text);
}

/* ---- signs of life ---- */

/* The kernel tells the end of a local peer; that of a machine out of reach it may never learn. */
static void
silence_watch(struct px_wire *wire)
{
	bool remote = wire->address != NULL && wire->address->is_ws;

	wire->received = px_link_received(wire->link);
	wire->asked = false;
	px_wire_set_deadline(wire, remote ? px_now_ms() + wire->silence_ms / 2 : 0);
}

/* Half of the time has passed; 'held': nothing was read meanwhile. */
static void
on_silence(struct px_wire *wire, bool held)
{
	struct px_error why;

	if (held || px_link_received(wire->link) != wire->received) {
		silence_watch(wire);
	} else if (!wire->asked) {
		px_link_ping(wire->link);
		wire->asked = true;
		px_wire_set_deadline(wire, px_now_ms() + wire->silence_ms / 2);
	} else {
		px_error_set(&why, PX_ERROR_LOST,
		    "the connection to the server was lost: no sign "
		    "of life for %d ms",
		    wire->silence_ms);
		px_wire_lost(wire, &why, false);
	}
}

/* ---- what the greeting comes to ---- */

void
px_wire_opened(struct px_wire *wire, const struct px_greeting *greeting)
{
	bool again = wire->greeted;

	wire->state = WIRE_OPEN;
	wire->greeted = true;
	silence_watch(wire);
	if (again)
		px_wire_resume(wire);
	else
		px_client_greeted(wire->transport.client, greeting);
}

void
px_wire_refused(struct px_wire *wire, const struct px_error *why)
{
	wire->broken = true;
	/* The server has not noticed yet that the last connection is gone. */
	wire->final = strcmp(why->kind, "alreadyAttached") != 0;
	wire->why = *why;
}

/* ---- a connection ---- */

static void
connection_greet(struct px_wire *wire)
{
	wire->state = WIRE_GREETING;
	px_wire_set_deadline(wire, px_now_ms() + wire->greeting_timeout_ms);
	px_wire_greet(wire);
}

static void
connection_open(struct px_wire *wire)
{
	const struct px_link_options options = { .ca_file = wire->ca_file };
	struct px_error why;

	wire->broken = wire->final = false;
	wire->state = WIRE_CONNECTING;
	px_wire_set_deadline(wire, px_now_ms() + wire->connect_timeout_ms);
	if (px_link_open(wire->address, wire->epfd, &options, &wire->link, &why) == -1)
		px_wire_lost(wire, &why, false);
}

static void
on_deadline(struct px_wire *wire, bool held)
{
	struct px_error why;

	if (wire->state == WIRE_WAITING) {
		connection_open(wire);
		return;
	}
	if (wire->state == WIRE_OPEN) {
		on_silence(wire, held);
		return;
	}
	if (wire->state == WIRE_CONNECTING)
		px_error_set_sys(&why, PX_ERROR_CONNECT, ETIMEDOUT, "cannot reach %s",
		    px_address_text(wire->address));
	else
		px_error_set(&why, PX_ERROR_TIMEOUT, "%s has not answered in time",
		    wire->address != NULL ? px_address_text(wire->address) : wire->daemon.name);
	px_wire_lost(wire, &why, false);
}

static void
wire_step(struct px_transport *t)
{
	struct px_wire *wire = (struct px_wire *)t;
	bool room = wire->state != WIRE_OPEN || px_inbox_room(t->client) > 0;
	struct px_error why;

	if (wire->link != NULL &&
	    px_link_step(wire->link, room ? px_wire_message : NULL, wire, &why) == -1) {
		px_wire_lost(wire, wire->broken ? &wire->why : &why, wire->broken && wire->final);
		return;
	}
	if (wire->broken && wire->link != NULL)
		px_wire_lost(wire, &wire->why, wire->final);
	else if (wire->state == WIRE_CONNECTING && px_link_is_open(wire->link))
		connection_greet(wire);
	else if (wire->deadline != 0 && px_now_ms() >= wire->deadline)
		on_deadline(wire, !room);
}

static int
wire_fd(const struct px_transport *t)
{
	return ((const struct px_wire *)t)->epfd;
}

/* ---- the end ---- */

static void
wire_close(struct px_transport *t)
{
	struct px_wire *wire = (struct px_wire *)t;

	wire->state = WIRE_OVER;
	px_link_close(wire->link);
	wire->link = NULL;
	px_daemon_stop(&wire->daemon, wire->grace_ms);
}

static void
wire_free(struct px_transport *t)
{
	struct px_wire *wire = (struct px_wire *)t;

	while (!TAILQ_EMPTY(&wire->sent))
		px_sent_free(wire, TAILQ_FIRST(&wire->sent));
	px_bookmarks_clear(&wire->bookmarks);
	px_address_free(wire->address);
	if (wire->json != NULL)
		px_json_out_free(wire->json);
	if (wire->msg != NULL)
		evbuffer_free(wire->msg);
	if (wire->timer_fd != -1)
		close(wire->timer_fd);
	if (wire->epfd != -1)
		close(wire->epfd);
	free(wire->name);
	free(wire->version);
	free(wire->workspace);
	free(wire->token);
	free(wire->ca_file);
	free(wire);
}

/* ---- the beginning ---- */

static const struct px_transport_ops wire_ops = {
	.send = px_wire_send,
	.fd = wire_fd,
	.step = wire_step,
	.close = wire_close,
	.free = wire_free,
};

static char *
copy(const char *s)
{
	return s != NULL ? px_strdup(s) : NULL;
}

static struct px_wire *
wire_new(struct px_address *address, const struct px_daemon *daemon,
    const struct px_client_options *options)
{
	struct px_wire *wire = px_new(struct px_wire);

	wire->transport.ops = &wire_ops;
	wire->address = address;
	wire->daemon = *daemon;
	wire->name = px_strdup(options->name != NULL ? options->name : "ptyexec");
	wire->version = copy(options->version);
	wire->workspace = copy(options->workspace);
	wire->token = copy(options->resume_token);
	wire->ca_file = copy(options->ca_file);
	wire->connect_timeout_ms = options->connect_timeout_ms;
	wire->greeting_timeout_ms = options->greeting_timeout_ms;
	wire->grace_ms = options->grace_ms;
	wire->silence_ms = options->silence_ms;
	wire->lag = options->slow_consumer == PX_SLOW_LAG;
	wire->started_events = options->started_events;
	wire->experimental = options->experimental;
	wire->recovers = address != NULL && !options->no_recovery;
	wire->message_max = PX_WIRE_GREETING_MAX;
	wire->detach_ms = DETACH_MS;
	wire->json = px_json_out_new();
	wire->msg = evbuffer_new();
	wire->epfd = wire->timer_fd = -1;
	TAILQ_INIT(&wire->sent);
	RB_INIT(&wire->bookmarks);
	return wire;
}

/* The descriptors that it keeps over all connections. */
static int
wire_open(struct px_wire *wire, struct px_error *err)
{
	struct epoll_event event = { .events = EPOLLIN };

	wire->epfd = epoll_create1(EPOLL_CLOEXEC);
	wire->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (wire->epfd == -1 || wire->timer_fd == -1 ||
	    epoll_ctl(wire->epfd, EPOLL_CTL_ADD, wire->timer_fd, &event) == -1)
		return px_error_set_sys(err, PX_ERROR_SYSTEM, errno, "cannot watch a connection");
	return 0;
}

/* The lock is not needed: nobody else has the client yet. */
static int
wire_begin(struct px_wire *wire, struct px_client *client, int fd, struct px_error *err)
{
	if (px_client_attach(client, &wire->transport, err) == -1) {
		if (fd != -1)
			close(fd);
		return -1;
	}
	if (wire->address != NULL) {
		connection_open(wire);
		return 0;
	}
	if (px_link_adopt(fd, wire->epfd, &wire->link, err) == -1)
		return -1;
	connection_greet(wire);
	return 0;
}

int
px_wire_client(struct px_address *address, int fd, const struct px_daemon *daemon,
    const struct px_client_options *options, struct px_client **out_client, struct px_error *err)
{
	struct px_wire *wire = wire_new(address, daemon, options);
	struct px_client *client = NULL;

	if (wire_open(wire, err) == -1 || (client = px_client_new(options, err)) == NULL) {
		if (fd != -1)
			close(fd);
		wire_close(&wire->transport);
		wire_free(&wire->transport);
		return -1;
	}
	if (wire_begin(wire, client, fd, err) == -1 ||
	    px_client_await_greeting(client, err) == -1) {
		px_client_free(client);
		return -1;
	}
	*out_client = client;
	return 0;
}

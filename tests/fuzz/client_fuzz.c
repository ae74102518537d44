/*
 * Arbitrary lines as what a server says, to a client with a request of every
 * kind open. The first byte chooses the client's options and whether the server
 * is given a correct greeting; a byte of 0xff ends the first connection, and the
 * rest is said on a second one, on which the client takes up where it was. Every
 * request must be answered once, a followed session's numbers rise, and nothing
 * be left behind.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/address.h"
#include "client/state.h"
#include "client/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte. */
enum { LAG = 1, ANSWER_EVENTS = 2, LITTLE = 4, CALLBACK = 8, STARTED = 16, RUDE = 32, ACK = 64 };

enum { REQUESTS = 30, TURNS_MAX = 256, LITTLE_BYTES = 2048, LARGE = 1 << 20 };

/* Session "s" is started, and nothing else is done with it that moves where it is followed. */
static const char *const followed = "s";

struct world {
	unsigned flags;
	struct px_client *client;
	int listener, peer; /* our end of the connection; -1: closed */
	int64_t request[REQUESTS];
	unsigned answered[REQUESTS];
	bool following;
	int64_t last_seq;
};

static void
must(bool truth)
{
	if (!truth)
		abort();
}

/* ---- what the client hears ---- */

static void
take_answer(struct world *w, const struct px_answer *answer)
{
	size_t i = 0;

	while (i < REQUESTS && w->request[i] != answer->request)
		i++;
	must(i < REQUESTS && w->answered[i]++ == 0);
	if (i == 0 && answer->error.code == PX_ERROR_NONE && (w->flags & ANSWER_EVENTS) != 0)
		w->following = true;
}

static void
take_event(void *arg, struct px_client *client, struct px_event *event)
{
	struct world *w = arg;

	(void)client;
	if (event->type == PX_EVENT_ANSWER)
		take_answer(w, &event->answer);
	must(event->session != NULL || event->type == PX_EVENT_ANSWER ||
	     event->type == PX_EVENT_LOST);
	if (event->session != NULL && strcmp(event->session, followed) == 0 && event->seq > 0) {
		/* Before the answer, and after the end, the numbers are the server's affair. */
		must(!w->following || event->seq > w->last_seq);
		w->last_seq = event->seq;
		if (event->type == PX_EVENT_CLOSED)
			w->following = false;
	}
	if (event->session != NULL && strcmp(event->session, followed) == 0 &&
	    event->type == PX_EVENT_LOST)
		w->following = false;
	px_event_free(event);
}

static bool
take_all(struct world *w)
{
	struct px_event *event;
	bool any = false;

	while ((event = px_client_next(w->client, NULL, 0, NULL)) != NULL) {
		take_event(w, w->client, event);
		any = true;
	}
	return any;
}

/* ---- what it asks ---- */

static void
ask_about_files(struct px_client *c, int64_t *to)
{
	int64_t file;

	*to++ = px_client_stat(c, "/", 0, NULL);
	*to++ = px_client_canonicalize(c, "/", 0, NULL);
	*to++ = px_client_read_file(c, "/", 0, NULL);
	*to++ = px_client_write_file(c, "/", "x", 1, 0, NULL);
	*to++ = px_client_make_directory(c, "/", 0, NULL);
	*to++ = px_client_remove(c, "/", 0, NULL);
	*to++ = px_client_copy(c, "/", "/", 0, NULL);
	*to++ = px_client_read_directory(c, "/", 0, NULL);
	*to++ = px_client_walk(c, "/", NULL, 0, NULL);
	*to++ = file = px_client_open_file(c, "/", 0, NULL);
	*to++ = px_client_read_block(c, file, 0, 1, NULL);
	*to++ = px_client_write_block(c, file, 0, "x", 1, NULL);
	*to++ = px_client_close_file(c, file, 0, NULL);
}

static void
ask(struct world *w)
{
	static const char *const argv[] = { "cat", NULL };
	static const struct px_command s = { .session = "s", .argv = argv };
	static const struct px_command r = { .argv = argv };
	struct px_client *c = w->client;
	int64_t *to = w->request;

	*to++ = px_client_start(c, &s, NULL);
	*to++ = px_client_run(c, &r, "x", 1, 0, NULL);
	*to++ = px_client_communicate(c, "s", "x", 1, 0, NULL);
	*to++ = px_client_write(c, "s", "x", 1, NULL);
	*to++ = px_client_close_stdin(c, "s", NULL);
	*to++ = px_client_resize(c, "s", 1, 1, NULL);
	*to++ = px_client_signal(c, "s", "INT", NULL);
	*to++ = px_client_terminate(c, "s", 1, NULL);
	*to++ = px_client_wait(c, "s", NULL, NULL);
	*to++ = px_client_snapshot(c, "s", NULL);
	*to++ = px_client_read(c, "s", 0, 0, 0, NULL);
	*to++ = px_client_inspect(c, "s", NULL);
	*to++ = px_client_list(c, NULL);
	*to++ = px_client_info(c, NULL);
	*to++ = px_client_subscribe(c, "t", 0, NULL);
	*to++ = px_client_unsubscribe(c, "u", NULL);
	*to++ = px_client_release(c, "u", NULL);
	ask_about_files(c, to);
}

/* ---- the connections ---- */

static void
say(struct world *w, const void *data, size_t len)
{
	if (w->peer != -1 && len > 0)
		(void)!send(w->peer, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
greet(struct world *w)
{
	static const char greeting[] =
	    "{\"id\":0,\"result\":{\"protocolVersion\":\"exec-server.v1\",\"resumeToken\":\"t\","
	    "\"limits\":{\"maxMessageBytes\":1048576,\"acknowledgeBytes\":100}}}\n";

	say(w, greeting, sizeof greeting - 1);
}

static void
hang_up(struct world *w)
{
	if (w->peer != -1)
		close(w->peer);
	w->peer = -1;
}

/* Until nothing more happens. What the client sends is not looked at. */
static void
settle(struct world *w)
{
	struct pollfd pfd = { .fd = px_client_fd(w->client), .events = POLLIN };
	char drop[4096];

	for (int turn = 0; turn < TURNS_MAX; turn++) {
		while (w->peer != -1 && recv(w->peer, drop, sizeof drop, MSG_DONTWAIT) > 0)
			continue;
		if (!take_all(w) && poll(&pfd, 1, 0) == 0)
			return;
		px_client_step(w->client);
	}
	abort();
}

/* An abstract address (unix(7)) does not go into a URL, so that it is put in its place. */
static void
listen_anywhere(struct world *w)
{
	struct px_wire *wire = (struct px_wire *)w->client->transport;
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct px_address_place *place;
	socklen_t len = sizeof un;

	must(px_address_parse("unix:///nowhere", &wire->address, NULL) == 0);
	w->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* The kernel finds a name. */
	must(bind(w->listener, (struct sockaddr *)&un, sizeof un.sun_family) == 0);
	must(getsockname(w->listener, (struct sockaddr *)&un, &len) == 0);
	must(listen(w->listener, 8) == 0);
	place = wire->address->places;
	memcpy(&place->addr, &un, sizeof un);
	place->len = len;
	wire->recovers = true;
	wire->ack_bytes = w->flags & ACK ? 100 : 0;
}

static bool
world_open(struct world *w, const uint8_t *data, size_t size)
{
	const struct px_daemon nobody = { .name = "fuzz" };
	struct px_client_options options;
	int pair[2];

	px_client_options_init(&options);
	options.greeting_timeout_ms = 1;
	options.experimental = true;
	options.queue_bytes = w->flags & LITTLE ? LITTLE_BYTES : LARGE;
	options.slow_consumer = w->flags & LAG ? PX_SLOW_LAG : PX_SLOW_BLOCK;
	options.answer_events = (w->flags & ANSWER_EVENTS) != 0;
	options.started_events = (w->flags & STARTED) != 0;
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	w->peer = pair[1];
	if ((w->flags & RUDE) == 0)
		greet(w);
	else
		say(w, data, size);
	return px_wire_client(NULL, pair[0], &nobody, &options, &w->client, NULL) == 0;
}

/* ---- the end ---- */

static void
world_check(struct world *w)
{
	struct px_client *client = w->client;
	struct px_answer *answer;
	struct px_error error;

	px_client_close(client);
	(void)take_all(w);
	px_client_step(client); /* what is for the callback */
	must(client->nopen == 0);
	for (size_t i = 0; i < REQUESTS; i++) {
		if (w->request[i] == -1) /* larger than the server takes */
			continue;
		if (w->answered[i] == 0) {
			error = (struct px_error){ .code = PX_ERROR_NONE };
			answer = px_client_await(client, w->request[i], 0, &error);
			must(answer != NULL ||
			     (error.code != PX_ERROR_USAGE && error.code != PX_ERROR_TIMEOUT &&
				 error.code != PX_ERROR_BUSY));
			px_answer_free(answer);
		}
		must(px_client_await(client, w->request[i], 0, &error) == NULL &&
		     error.code == PX_ERROR_USAGE);
	}
	must(client->queued == 0);
	if ((w->flags & CALLBACK) != 0)
		px_client_on_event(client, NULL, NULL, NULL);
	must(RB_EMPTY(&client->known));
}

/* The first connection is lost, and 'data' is said on the next one. */
static void
again(struct world *w, const uint8_t *data, size_t size)
{
	hang_up(w);
	settle(w);
	w->peer = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (w->peer == -1)
		return;
	greet(w);
	settle(w);
	say(w, data, size);
	settle(w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = { .peer = -1, .listener = -1 };
	const uint8_t *cut;

	if (size == 0)
		return 0;
	w.flags = *data++;
	size--;
	cut = memchr(data, 0xff, size);
	if (!world_open(&w, data, cut != NULL ? (size_t)(cut - data) : size)) {
		hang_up(&w);
		return 0;
	}
	listen_anywhere(&w);
	if ((w.flags & CALLBACK) != 0)
		px_client_on_event(w.client, NULL, take_event, &w);
	ask(&w);
	say(&w, data, cut != NULL ? (size_t)(cut - data) : size);
	settle(&w);
	if (cut != NULL)
		again(&w, cut + 1, size - (size_t)(cut + 1 - data));
	world_check(&w);
	px_client_free(w.client);
	hang_up(&w);
	close(w.listener);
	return 0;
}

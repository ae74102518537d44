/*
 * A client in libevent's loop, beside a timer.  libevent_loop COMMAND [ARG]...
 *
 *	cc libevent_loop.c $(pkg-config --cflags --libs libptyexec libevent_core)
 */

#include <event2/event.h>

#include <ptyexec/ptyexec.h>

#include "show.h"

struct app {
	struct event_base *base;
	struct px_client *client;
	int status;
};

static void
app_on_client(evutil_socket_t fd, short what, void *arg)
{
	struct app *app = arg;
	struct px_event *event;

	(void)fd;
	(void)what;
	px_client_step(app->client);
	while ((event = px_client_next(app->client, NULL, 0, NULL)) != NULL) {
		if (!show(event, &app->status))
			event_base_loopbreak(app->base);
		px_event_free(event);
	}
}

static void
app_on_second(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	fprintf(stderr, "a second has passed\n");
}

static void
loop(struct app *app)
{
	const struct timeval second = { .tv_sec = 1 };
	struct event *client, *timer;

	app->base = event_base_new();
	client = event_new(
	    app->base, px_client_fd(app->client), EV_READ | EV_PERSIST, app_on_client, app);
	timer = event_new(app->base, -1, EV_PERSIST, app_on_second, app);
	event_add(client, NULL);
	event_add(timer, &second);
	event_active(client, EV_READ, 0); /* what has come already makes nothing readable */
	event_base_dispatch(app->base);
	event_free(timer);
	event_free(client);
	event_base_free(app->base);
}

int
main(int argc, char **argv)
{
	const struct px_command command = {
		.argv = (const char *const *)argv + 1, .inherit_env = true, .no_stdin = true
	};
	struct px_client_options options;
	struct app app = { .status = 125 };
	struct px_error error;

	if (argc < 2)
		return 2;
	px_client_options_init(&options);
	options.answer_events = true;
	if (px_client_launch(NULL, &options, &app.client, &error) == 0 &&
	    px_client_start(app.client, &command, &error) != -1)
		loop(&app);
	else
		fprintf(stderr, "%s\n", error.text);
	px_client_free(app.client);
	return app.status;
}

/*
 * A client in libuv's loop, beside a timer.  libuv_loop COMMAND [ARG]...
 *
 *	cc libuv_loop.c $(pkg-config --cflags --libs libptyexec libuv)
 */

#include <uv.h>

#include <ptyexec/ptyexec.h>

#include "show.h"

struct app {
	uv_loop_t loop;
	uv_poll_t readable;
	uv_timer_t timer;
	struct px_client *client;
	int status;
};

static void
app_end(struct app *app)
{
	if (uv_is_closing((uv_handle_t *)&app->readable))
		return;
	uv_close((uv_handle_t *)&app->readable, NULL);
	uv_close((uv_handle_t *)&app->timer, NULL);
}

static void
app_on_client(uv_poll_t *handle, int failed, int what)
{
	struct app *app = handle->data;
	struct px_event *event;

	(void)failed;
	(void)what;
	px_client_step(app->client);
	while ((event = px_client_next(app->client, NULL, 0, NULL)) != NULL) {
		if (!show(event, &app->status))
			app_end(app);
		px_event_free(event);
	}
}

static void
app_on_second(uv_timer_t *timer)
{
	(void)timer;
	fprintf(stderr, "a second has passed\n");
}

static void
loop(struct app *app)
{
	uv_loop_init(&app->loop);
	uv_poll_init(&app->loop, &app->readable, px_client_fd(app->client));
	uv_timer_init(&app->loop, &app->timer);
	app->readable.data = app;
	uv_poll_start(&app->readable, UV_READABLE, app_on_client);
	uv_timer_start(&app->timer, app_on_second, 1000, 1000);
	app_on_client(&app->readable, 0, 0); /* what has come already makes nothing readable */
	uv_run(&app->loop, UV_RUN_DEFAULT);
	uv_loop_close(&app->loop);
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

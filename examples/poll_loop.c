/*
 * A client in a loop of one's own, with poll(2): standard input goes to the
 * command, its output comes back.  poll_loop COMMAND [ARG]...
 */

#include <poll.h>
#include <unistd.h>

#include <ptyexec/ptyexec.h>

#include "show.h"

struct app {
	struct px_client *client;
	bool input_open;
	int64_t writing; /* the request whose answer is awaited before more is read; 0: none */
	int status;
};

/* False: the command is over. */
static bool
take_event(struct app *app, const struct px_event *event)
{
	if (event->type != PX_EVENT_ANSWER || event->answer.request != app->writing)
		return show(event, &app->status);
	app->writing = 0;
	if (event->answer.error.code != PX_ERROR_NONE)
		app->input_open = false; /* the command does not want more of it */
	return true;
}

static bool
take_events(struct app *app)
{
	struct px_event *event;
	bool more = true;

	px_client_step(app->client);
	while (more && (event = px_client_next(app->client, NULL, 0, NULL)) != NULL) {
		more = take_event(app, event);
		px_event_free(event);
	}
	return more;
}

static void
take_input(struct app *app)
{
	char buf[4096];
	ssize_t n = read(STDIN_FILENO, buf, sizeof buf);

	app->input_open = n > 0;
	if (n > 0)
		app->writing = px_client_write(app->client, "cmd", buf, (size_t)n, NULL);
	else
		app->writing = px_client_close_stdin(app->client, "cmd", NULL);
}

static void
loop(struct app *app)
{
	struct pollfd client = { .fd = px_client_fd(app->client), .events = POLLIN };
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };

	while (take_events(app)) {
		bool wanted = app->input_open && app->writing == 0;
		struct pollfd fds[] = { client, input };

		if (poll(fds, wanted ? 2 : 1, -1) > 0 && wanted && fds[1].revents != 0)
			take_input(app);
	}
}

int
main(int argc, char **argv)
{
	const struct px_command command = {
		.session = "cmd", .argv = (const char *const *)argv + 1, .inherit_env = true
	};
	struct app app = { .input_open = true, .status = 125 };
	struct px_client_options options;
	struct px_error error;

	if (argc < 2)
		return 2;
	px_client_options_init(&options);
	options.answer_events = true; /* nothing is awaited: answers come as events */
	if (px_client_launch(NULL, &options, &app.client, &error) == 0 &&
	    px_client_start(app.client, &command, &error) != -1)
		loop(&app);
	else
		fprintf(stderr, "%s\n", error.text);
	px_client_free(app.client);
	return app.status;
}

#include <stdio.h>
#include <stdlib.h>

#include <ptyexec/client.h>

#include "cli/command.h"
#include "cli/tour.h"

/*
 * A walk through what a server does. Everything that is printed as sent was
 * sent, and everything printed as received came from a server.
 */

static int
terminal_session(struct px_tour *tour)
{
	static const char *const argv[] = { "sh", NULL };
	static const char *const env[] = { "PATH=/usr/local/bin:/usr/bin:/bin", "PS1=tour$ ",
		"TERM=dumb", NULL };
	const struct px_command command = {
		.session = "shell", .argv = argv, .env = env, .pty = true, .rows = 24, .cols = 80
	};

	px_tour_title(
	    tour, "1. A shell on a terminal: it prompts, and the terminal echoes what is typed.");
	return px_tour_start(tour, &command) || px_tour_wait_match(tour, "shell", "tour$ ") ||
	       px_tour_write(tour, "shell", "tty; echo \"6 x 7 = $((6 * 7))\"\n") ||
	       px_tour_wait_match(tour, "shell", "= 42") ||
	       px_tour_write(tour, "shell", "exit 3\n") || px_tour_closed(tour);
}

static int
pipe_session(struct px_tour *tour)
{
	static const char *const argv[] = { "sh", "-c",
		"read n; echo \"hello $n\"; echo careful >&2", NULL };
	const struct px_command command = { .session = "pipes", .argv = argv, .inherit_env = true };

	px_tour_title(tour, "2. A program on pipes: stdout and stderr stay apart.");
	return px_tour_start(tour, &command) || px_tour_write(tour, "pipes", "world\n") ||
	       px_tour_close_stdin(tour, "pipes") || px_tour_closed(tour);
}

static int
capped_session(struct px_tour *tour)
{
	static const char *const argv[] = { "seq", "-s,", "20000", NULL };
	const struct px_command command = {
		.session = "count", .argv = argv, .inherit_env = true, .no_stdin = true
	};
	int result;

	px_tour_title(
	    tour, "3. More output than this server keeps: the beginning and the end stay.");
	tour->hide_output = true;
	result = px_tour_start(tour, &command) || px_tour_closed(tour) ||
		 px_tour_snapshot(tour, "count");
	tour->hide_output = false;
	return result;
}

static int
waiting_session(struct px_tour *tour)
{
	static const char *const argv[] = { "sh", "-c", "echo working; exec sleep 60", NULL };
	const struct px_command command = {
		.session = "idler", .argv = argv, .inherit_env = true, .no_stdin = true
	};

	px_tour_title(tour, "4. A program that falls silent is noticed, and ended.");
	return px_tour_start(tour, &command) || px_tour_wait_idle(tour, "idler", 100) ||
	       px_tour_terminate(tour, "idler") || px_tour_closed(tour);
}

static int
cmd_tour(const struct px_cli_call *call)
{
	static const char *const flags[] = { "--retained-output-bytes-per-process", "200", NULL };
	struct px_client_options options;
	struct px_tour tour = { 0 };
	struct px_error error;
	int failed;

	(void)call;
	px_client_options_init(&options);
	options.name = "tour";
	options.flags = flags;
	options.answer_events = true;
	if (px_client_launch(NULL, &options, &tour.client, &error) == -1) {
		px_complain("%s", error.text);
		return PX_EXIT_FAILED;
	}
	printf("A private server is running. > is sent to it, < comes back, | are bytes.\n");
	failed = terminal_session(&tour) || pipe_session(&tour) || capped_session(&tour) ||
		 waiting_session(&tour);
	if (failed)
		px_complain("%s", tour.error.text);
	else
		printf("\nThe server ends with this connection. 'ptyexec help run' is a good next "
		       "stop.\n");
	px_event_free(tour.event);
	px_client_free(tour.client);
	return failed ? PX_EXIT_FAILED : EXIT_SUCCESS;
}

const struct px_cli_command px_cmd_tour = {
	.name = "tour",
	.operands = "",
	.summary = "Shows what a server does, with a private one",
	.help = "Starts four programs and prints the requests and what comes back.\n",
	.run = cmd_tour,
};

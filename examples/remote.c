/*
 * Runs a command on a server elsewhere, passes on its output as it comes, and
 * ends with its status:  remote unix:///run/ptyexec.sock make -C /src
 */

#include <ptyexec/ptyexec.h>

#include "show.h"

static int
run(struct px_client *client, const char *const *argv)
{
	const struct px_command command = { .argv = argv, .inherit_env = true, .no_stdin = true };
	struct px_answer *started;
	struct px_event *event;
	struct px_error error;
	int status = 125;
	bool more = true;

	started = px_client_await(client, px_client_start(client, &command, &error), -1, &error);
	if (started == NULL) {
		fprintf(stderr, "%s\n", error.text);
		return status;
	}
	while (more && (event = px_client_next(client, started->start.session, -1, NULL)) != NULL) {
		more = show(event, &status);
		px_event_free(event);
	}
	px_client_forget(client, px_client_release(client, started->start.session, NULL));
	px_answer_free(started);
	return status;
}

int
main(int argc, char **argv)
{
	struct px_client *client;
	struct px_error error;
	int status;

	if (argc < 3) {
		fprintf(stderr, "usage: remote URL COMMAND [ARG]...\n");
		return 2;
	}
	if (px_client_connect(argv[1], NULL, &client, &error) == -1) {
		fprintf(stderr, "%s\n", error.text);
		return 125;
	}
	status = run(client, (const char *const *)argv + 2);
	px_client_free(client);
	return status;
}

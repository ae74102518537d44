/*
 * An agent's exec tool:  agent IDLE_MS COMMAND [ARG]...
 *
 * The command runs on a terminal. Each turn gathers what it writes until it has
 * been silent for so long or the turn's time is up, and shows that, cut to a
 * size that fits. Then whoever thinks decides: here that is standard input, and
 * a line of it is typed to the command; at its end, the command is ended.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ptyexec/ptyexec.h>

static void
show(const struct px_gathered *output)
{
	const char *text = output->data;
	size_t cut = output->omitted_bytes > 0 ? (size_t)output->omitted_offset : output->len;

	fwrite(text, 1, cut, stdout);
	if (output->omitted_bytes > 0)
		printf("\n[%lld bytes left out]\n", (long long)output->omitted_bytes);
	fwrite(text + cut, 1, output->len - cut, stdout);
}

static void
decide(struct px_client *client, const char *session)
{
	char line[4096];
	int64_t request;

	printf("\n[still running]\n");
	if (fgets(line, sizeof line, stdin) != NULL)
		request = px_client_write(client, session, line, strlen(line), NULL);
	else
		request = px_client_terminate(client, session, PX_TERMINATE_GRACE, NULL);
	px_client_forget(client, request);
}

static int
turns(struct px_client *client, const char *session, const struct px_yield *window,
    struct px_error *err)
{
	struct px_collected *got;
	bool running = true;
	int status = -1;

	while (running && (got = px_collect(client, session, window, err)) != NULL) {
		show(&got->stream[PX_STREAM_TERMINAL]);
		running = got->running;
		status = running ? -1 : got->end.exit_code;
		px_collected_free(got);
		if (running)
			decide(client, session);
	}
	return status;
}

int
main(int argc, char **argv)
{
	const struct px_command command = {
		.session = "tool",
		.argv = (const char *const *)argv + 2,
		.inherit_env = true,
		.pty = true,
		.rows = 24,
		.cols = 80,
	};
	struct px_yield window = { .deadline_ms = 10000, .max_bytes = 4000 };
	struct px_client *client = NULL;
	struct px_error error;
	int status = -1;

	if (argc < 3)
		return 2;
	window.idle_ms = strtol(argv[1], NULL, 10);
	if (px_client_launch(NULL, NULL, &client, &error) == 0 &&
	    px_client_settle(client, px_client_start(client, &command, &error), -1, &error) == 0)
		status = turns(client, "tool", &window, &error);
	if (status == -1)
		fprintf(stderr, "%s\n", error.text);
	else
		printf("\n[exit status %d]\n", status);
	px_client_free(client);
	return status == -1;
}

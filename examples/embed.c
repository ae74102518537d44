/*
 * A program inside this process's own server: no socket, nothing to install.
 *
 *	cc embed.c $(pkg-config --cflags --libs libptyexec)
 */

#include <stdio.h>

#include <ptyexec/ptyexec.h>

int
main(void)
{
	const char *const argv[] = { "sh", "-c", "tty; stty size; exit 3", NULL };
	const struct px_command command = {
		.argv = argv, .inherit_env = true, .pty = true, .rows = 24, .cols = 80
	};
	struct px_collected *done = NULL;
	struct px_client *client = NULL;
	struct px_error error;

	if (px_client_embed(NULL, &client, &error) == -1 ||
	    (done = px_run(client, &command, NULL, 0, NULL, &error)) == NULL)
		fprintf(stderr, "%s\n", error.text);
	else
		printf("%sexit status %d\n", (const char *)done->stream[PX_STREAM_TERMINAL].data,
		    done->end.exit_code);
	px_collected_free(done);
	px_client_free(client);
	return done == NULL;
}

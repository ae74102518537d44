/* A program of somebody else, in what C11 and C++11 have in common: runs its arguments, prints what
 * they write, ends as they end. Without arguments it only connects. */

#include <stdio.h>

#include <ptyexec/ptyexec.h>

static int
fail(const char *what, const struct px_error *error)
{
	fprintf(stderr, "%s: %s\n", what, error->text);
	return 125;
}

static int
run(struct px_client *client, const char *const *argv)
{
	struct px_command command = px_command();
	struct px_collected *collected;
	struct px_error error;
	int status;

	command.argv = argv;
	command.inherit_env = true;
	if ((collected = px_run(client, &command, "", 0, NULL, &error)) == NULL)
		return fail(argv[0], &error);
	fwrite(collected->stream[PX_STREAM_STDOUT].data, 1,
	    collected->stream[PX_STREAM_STDOUT].len, stdout);
	status = collected->end.exit_code;
	px_collected_free(collected);
	return status;
}

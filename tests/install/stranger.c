/* Somebody else's program, in what C11 and C++11 have in common: it runs its arguments on a private
 * server, prints what they write and ends as they end. */

#include <stdio.h>

#include <ptyexec/ptyexec.h>

static int
fail(const struct px_error *error)
{
	fprintf(stderr, "stranger: %s\n", error->text);
	return 125;
}

static int
run(struct px_client *client, const char *const *argv)
{
	static struct px_command command;
	const struct px_gathered *out;
	struct px_collected *collected;
	struct px_error error;
	int status;

	command.argv = argv;
	command.inherit_env = true;
	if ((collected = px_run(client, &command, "", 0, NULL, &error)) == NULL)
		return fail(&error);
	out = &collected->stream[PX_STREAM_STDOUT];
	fwrite(out->data, 1, out->len, stdout);
	status = collected->end.exit_code;
	px_collected_free(collected);
	return status;
}

int
main(int argc, char **argv)
{
	struct px_client_options options;
	struct px_client *client;
	struct px_error error;
	int status;

	(void)argc;
	px_client_options_init(&options);
	options.name = "stranger";
	if (px_client_launch(NULL, &options, &client, &error) == -1)
		return fail(&error);
	status = run(client, (const char *const *)argv + 1);
	px_client_free(client);
	return status;
}

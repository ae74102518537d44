#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ptyexec/client.h>

#include "cli/command.h"
#include "cli/forward.h"
#include "cli/terminal.h"

enum { END_MS = 1000 }; /* for the private server's end, which has nothing left to do */

struct run_options {
	struct px_command command;
	const char **env; /* what --env added; room for all of argv */
	size_t nenv;
	char *cwd; /* made absolute, or NULL */
};

/* ---- options ---- */

static int
parse_timeout(const char *text, int64_t *out_ms)
{
	const double max = 315360000.0; /* ten years, the protocol's bound */
	char *end;
	double seconds;

	errno = 0;
	seconds = strtod(text, &end);
	if (errno != 0 || end == text || *end != '\0' || !(seconds > 0 && seconds <= max)) {
		px_complain("--timeout takes a number of seconds, not '%s'", text);
		return -1;
	}
	*out_ms = (int64_t)(seconds * 1000);
	if (*out_ms == 0)
		*out_ms = 1;
	return 0;
}

/* The last of several --cwd counts. */
static int
parse_cwd(const char *text, char **out)
{
	char *here = NULL, *path = NULL;

	if (text[0] == '/') {
		path = strdup(text);
	} else if ((here = getcwd(NULL, 0)) != NULL && asprintf(&path, "%s/%s", here, text) == -1) {
		path = NULL;
	}
	free(here);
	if (path == NULL) {
		px_complain("cannot find '%s': %s", text, strerror(errno));
		return -1;
	}
	free(*out);
	*out = path;
	return 0;
}

/* The last of several --env with one name counts. */
static int
parse_env(struct run_options *options, const char *text)
{
	const char *equals = strchr(text, '=');
	size_t i;

	if (equals == NULL || equals == text) {
		px_complain("--env takes NAME=VALUE, not '%s'", text);
		return -1;
	}
	for (i = 0; i < options->nenv; i++)
		if (strncmp(options->env[i], text, (size_t)(equals - text) + 1) == 0)
			break;
	options->env[i] = text;
	if (i == options->nenv)
		options->nenv++;
	return 0;
}

static int
parse_option(struct run_options *options, int c, char **argv)
{
	switch (c) {
	case 't':
		options->command.pty = true;
		return 0;
	case 'T':
		options->command.pty = false;
		return 0;
	case 'C':
		return parse_cwd(optarg, &options->cwd);
	case 'e':
		return parse_env(options, optarg);
	case 's':
		return parse_timeout(optarg, &options->command.timeout_ms);
	case ':':
		px_complain("%s needs a value", argv[optind - 1]);
		return -1;
	default:
		px_complain(
		    "no option is named '%s'; 'ptyexec help run' lists them", argv[optind - 1]);
		return -1;
	}
}

static int
parse(struct run_options *options, int argc, char **argv)
{
	static const struct option names[] = {
		{ "cwd", required_argument, NULL, 'C' },
		{ "env", required_argument, NULL, 'e' },
		{ "timeout", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	opterr = 0;
	/* '+': the first word that is no option begins the command. */
	while ((c = getopt_long(argc, argv, "+:tT", names, NULL)) != -1)
		if (parse_option(options, c, argv) == -1)
			return -1;
	if (optind == argc) {
		px_complain("run what? 'ptyexec help run' tells more");
		return -1;
	}
	options->command.argv = (const char *const *)(argv + optind);
	return 0;
}

/* ---- running ---- */

/*
 * The private server has our environment and directory, and the program inherits
 * them from it: byte for byte, which a message could not promise.
 */
static void
fill_in(struct run_options *options)
{
	struct px_command *command = &options->command;

	command->session = "run";
	command->cwd = options->cwd;
	command->env = options->env;
	command->inherit_env = true;
	if (command->pty)
		px_terminal_size(&command->rows, &command->cols);
}

static int
refused_status(const struct px_error *error)
{
	if (strcmp(error->kind, "spawnFailed") != 0 || strcmp(error->step, "exec") != 0)
		return PX_EXIT_FAILED;
	return error->sys == ENOENT ? PX_EXIT_NOT_FOUND : PX_EXIT_CANNOT_RUN;
}

/* As if the signal had found us unprepared: that is what a reader that leaves early counts on. */
static int
end_by_sigpipe(void)
{
	raise(SIGPIPE);
	return 128 + SIGPIPE;
}

static int
report(const struct px_outcome *outcome)
{
	switch (outcome->type) {
	case PX_OUTCOME_ENDED:
		return outcome->exit_code;
	case PX_OUTCOME_TIMED_OUT:
		px_complain("the program was ended: its time was up");
		return PX_EXIT_TIMED_OUT;
	case PX_OUTCOME_REFUSED:
		px_complain("%s", outcome->error.text);
		return refused_status(&outcome->error);
	case PX_OUTCOME_PIPE:
		return end_by_sigpipe();
	case PX_OUTCOME_FAILED:
		break;
	}
	px_complain("%s", outcome->error.text);
	return PX_EXIT_FAILED;
}

static int
run(struct run_options *options)
{
	/* Little is kept on the way, so that after a ^C little comes that is old. */
	static const char *const flags[] = { "--outbound-high-water-bytes", "262144", NULL };
	struct px_client_options client_options;
	struct px_client *client;
	struct px_outcome outcome;
	struct px_error error;

	px_client_options_init(&client_options);
	client_options.flags = flags;
	client_options.answer_events = true;
	client_options.grace_ms = END_MS;
	if (px_client_launch(NULL, &client_options, &client, &error) == -1) {
		px_complain("%s", error.text);
		return PX_EXIT_FAILED;
	}
	fill_in(options);
	px_forward(client, &options->command, &outcome);
	px_client_free(client);
	return report(&outcome);
}

static int
cmd_run(int argc, char **argv)
{
	struct run_options options = { .command = { .pty = isatty(STDIN_FILENO) } };
	int status = PX_EXIT_FAILED;

	options.env = calloc((size_t)argc + 1, sizeof *options.env);
	if (options.env != NULL && parse(&options, argc, argv) == 0)
		status = run(&options);
	free(options.env);
	free(options.cwd);
	return status;
}

const struct px_cli_command px_cmd_run = {
	.name = "run",
	.arguments =
	    "[-t|-T] [--cwd DIR] [--env NAME=VALUE]... [--timeout SECONDS] [--] CMD [ARG]...",
	.summary = "Runs a command through a private server",
	.help =
	    "  -t                 on a terminal of its own; what it writes to stdout and stderr\n"
	    "                     comes to stdout. The default when stdin is a terminal\n"
	    "  -T                 on pipes\n"
	    "  --cwd DIR          in this directory\n"
	    "  --env NAME=VALUE   with this variable too; may be repeated\n"
	    "  --timeout SECONDS  ends it when so much time has passed\n"
	    "\n"
	    "Input, output, the window size and signals are passed on as they come. At a\n"
	    "terminal with -t, ^C is typed to the command. Otherwise a first ^C is passed on\n"
	    "as a signal, a second ends the command, a third kills it.\n"
	    "\n"
	    "Exit status: that of the command, 128+N if signal N ended it; 124 when its time\n"
	    "was up, 125 if ptyexec failed, 126 if the command cannot be run, 127 if it is\n"
	    "not found.\n",
	.run = cmd_run,
};

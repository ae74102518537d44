#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>

#include <ptyexec/client.h>

#include "cli/command.h"
#include "cli/forward.h"
#include "cli/spec.h"

enum { END_MS = 1000 }; /* for the private server's end, which has nothing left to do */

struct run_options {
	struct px_spec_options spec;
};

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

/*
 * The private server has our environment and directory, and the program inherits
 * them from it: byte for byte, which a message could not promise.
 */
static int
run(const struct px_command *command)
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
	px_forward(client, command, &outcome);
	px_client_free(client);
	return report(&outcome);
}

static int
cmd_run(const struct px_cli_call *call)
{
	const struct run_options *options = call->options;
	int status = PX_EXIT_FAILED;
	struct px_spec spec;

	if (px_spec_fill(&spec, &options->spec, call->operands, PX_SPEC_CHILD) == 0) {
		spec.command.session = "run";
		status = run(&spec.command);
	}
	px_spec_done(&spec);
	return status;
}

static const struct px_cli_option options[] = {
	PX_SPEC_OPTIONS(struct run_options, spec),
	{ 0 },
};

const struct px_cli_command px_cmd_run = {
	.name = "run",
	.operands = "[--] CMD [ARG]...",
	.min_operands = 1,
	.max_operands = INT_MAX,
	.flags = PX_CLI_WORDS_LAST | PX_CLI_RELAYS_STATUS,
	.options = options,
	.options_size = sizeof(struct run_options),
	.summary = "Runs a command through a private server",
	.help = "Input, output, the window size and signals are passed on as they come. At a\n"
		"terminal with -t, ^C is typed to the command. Otherwise a first ^C is passed on\n"
		"as a signal, a second ends the command, a third kills it.\n"
		"\n"
		"Exit status: that of the command, 128+N if signal N ended it; 124 when its time\n"
		"was up, 125 if ptyexec failed, 126 if the command cannot be run, 127 if it is\n"
		"not found.\n",
	.run = cmd_run,
};

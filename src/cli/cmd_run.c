#include <limits.h>
#include <stddef.h>

#include <ptyexec/client.h>

#include "cli/attach.h"
#include "cli/command.h"
#include "cli/connect.h"
#include "cli/request.h"
#include "cli/spec.h"
#include "cli/start.h"

enum { END_MS = 1000 }; /* for the private server's end, which has nothing left to do */

struct run_options {
	struct px_spec_options spec;
};

/*
 * The private server has our environment and directory, and the program inherits
 * them from it: byte for byte, which a message could not promise.
 */
static struct px_client *
launch(void)
{
	static const char *const flags[] = { "--outbound-high-water-bytes", PX_CLI_HIGH_WATER,
		NULL };
	struct px_client_options options;
	struct px_client *client;
	struct px_error error;

	px_client_options_init(&options);
	options.flags = flags;
	options.answer_events = true;
	options.queue_bytes = PX_CLI_ATTACHED_QUEUE;
	options.grace_ms = END_MS;
	if (px_client_launch(NULL, &options, &client, &error) == 0)
		return client;
	px_complain("%s", error.text);
	return NULL;
}

static struct px_client *
connect_to(const struct px_cli_target *target)
{
	struct px_cli_target attached = *target;

	if (target->url == NULL)
		return launch();
	attached.attached = true;
	return px_cli_connect(&attached);
}

static int
run(const struct px_cli_target *target, struct px_command *command)
{
	struct px_attach_options options = {
		.pty = command->pty,
		.rows = command->rows,
		.cols = command->cols,
		.is_ours = true,
	};
	struct px_client *client = connect_to(target);
	struct px_attach_outcome outcome;
	struct px_answer *started;
	int status = PX_EXIT_FAILED;

	if (client == NULL)
		return PX_EXIT_FAILED;
	command->disposition = PX_DISPOSITION_KILL;
	if ((started = px_cli_start(client, command, &status)) != NULL) {
		options.session = started->start.session;
		px_attach(client, &options, &outcome);
		if (target->url != NULL)
			px_client_settle(
			    client, px_client_release(client, options.session, NULL), END_MS, NULL);
	}
	px_client_free(client);
	if (started != NULL)
		status = px_attach_status(&outcome, options.session);
	px_answer_free(started);
	return status;
}

static int
cmd_run(const struct px_cli_call *call)
{
	const struct px_cli_target *target = &call->common.target;
	const struct run_options *options = call->options;
	enum px_spec_place place = target->url != NULL ? PX_SPEC_REMOTE : PX_SPEC_CHILD;
	int status = PX_EXIT_FAILED;
	struct px_spec spec;

	if (px_spec_fill(&spec, &options->spec, call->operands, place) == 0)
		status = run(target, &spec.command);
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
	.flags = PX_CLI_TARGET | PX_CLI_WORDS_LAST | PX_CLI_RELAYS_STATUS,
	.options = options,
	.options_size = sizeof(struct run_options),
	.summary = "Runs a command and waits for it",
	.help = "It runs on a private server, which ends with it, or with --url (or\n"
		"$PTYEXEC_URL) on that one, in its environment and with our $TERM.\n"
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

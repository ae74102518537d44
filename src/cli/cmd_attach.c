#include <stddef.h>

#include <ptyexec/client.h>

#include "cli/attach.h"
#include "cli/command.h"
#include "cli/detach_keys.h"
#include "cli/request.h"

struct attach_options {
	const char *keys;
	int no_stdin, read_only;
};

/* What the session is like, which decides how we show it. -1: it could not be found out, and why
 * was told. */
static int
look(struct px_client *client, struct px_attach_options *options)
{
	const char *name = options->session;
	struct px_answer *answer;
	struct px_error err;

	answer = px_cli_await(
	    client, px_client_inspect(client, name, &err), PX_CLI_ANSWER_MS, name, &err);
	if (answer == NULL)
		return -1;
	options->pty = answer->inspect.row.pty;
	options->rows = answer->inspect.row.rows;
	options->cols = answer->inspect.row.cols;
	/* A program that draws takes keys one by one. */
	options->redraw = answer->inspect.terminal && !answer->inspect.canonical;
	px_answer_free(answer);
	return 0;
}

static int
cmd_attach(const struct px_cli_call *call)
{
	const struct attach_options *given = call->options;
	struct px_attach_options options = {
		.session = call->operands[0],
		.follow = true,
		.no_stdin = given->no_stdin,
		.read_only = given->read_only,
	};
	struct px_cli_call attached = *call;
	struct px_attach_outcome outcome;
	struct px_client *client;

	attached.common.target.attached = true;
	if (px_detach_keys(given->keys, &options.keys) == -1 ||
	    (client = px_cli_client(&attached, options.session)) == NULL)
		return PX_EXIT_FAILED;
	if (look(client, &options) == -1) {
		px_client_free(client);
		return PX_EXIT_FAILED;
	}
	px_attach(client, &options, &outcome);
	px_client_free(client);
	return px_attach_status(&outcome, options.session);
}

static const struct px_cli_option options[] = {
	PX_DETACH_KEYS_OPTION(struct attach_options, keys),
	{ 0, "no-stdin", PX_OPTION_FLAG, offsetof(struct attach_options, no_stdin), .value = 1,
	    .help = "leave our standard input alone; ^C leaves the session" },
	{ 0, "read-only", PX_OPTION_FLAG, offsetof(struct attach_options, read_only), .value = 1,
	    .help = "only look: keys and the window's size are not for the session" },
	{ 0 },
};

const struct px_cli_command px_cmd_attach = {
	.name = "attach",
	.operands = "NAME",
	.min_operands = 1,
	.max_operands = 1,
	.flags = PX_CLI_TARGET | PX_CLI_RELAYS_STATUS,
	.options = options,
	.options_size = sizeof(struct attach_options),
	.summary = "Connects this terminal with a session",
	.help = "Shows what is kept of its output and goes on with what comes. Its terminal gets\n"
		"the size of this one; of several that are attached, the last one to change wins.\n"
		"\n" PX_DETACH_KEYS_HELP "\n"
		"Exit status: that of the session's program; 0 if it was left; 125 if ptyexec\n"
		"failed. A signal that ends 'ptyexec attach' leaves the session as it is.\n",
	.run = cmd_attach,
};

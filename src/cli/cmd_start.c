#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <ptyexec/client.h>

#include "base/json_out.h"
#include "cli/command.h"
#include "cli/connect.h"
#include "cli/page.h"
#include "cli/spec.h"
#include "cli/start.h"

struct start_options {
	struct px_spec_options spec;
	const char *name;
	int64_t rows, cols;
};

static void
print(const struct px_started *started, bool json)
{
	struct px_page page;

	if (!json) {
		puts(started->session);
		return;
	}
	px_page_open(&page);
	px_json_kv_str(page.json, "sessionId", started->session);
	px_json_kv_int(page.json, "pid", started->pid);
	px_page_print(&page);
	px_page_close(&page);
}

static void
fill_in(struct px_command *command, const struct start_options *options)
{
	command->session = options->name;
	command->disposition = PX_DISPOSITION_KEEP;
	if (command->pty && options->rows > 0)
		command->rows = (uint16_t)options->rows;
	if (command->pty && options->cols > 0)
		command->cols = (uint16_t)options->cols;
}

static int
cmd_start(const struct px_cli_call *call)
{
	const struct start_options *options = call->options;
	enum px_spec_place place = call->common.target.url != NULL ? PX_SPEC_REMOTE : PX_SPEC_LOCAL;
	struct px_cli_target target = call->common.target;
	struct px_answer *started;
	struct px_client *client;
	struct px_spec spec;
	int status = PX_EXIT_FAILED;

	/* A start that is repeated by itself could not be told from a name that is taken. */
	target.once = true;
	if (px_spec_fill(&spec, &options->spec, call->operands, place) == 0 &&
	    (client = px_cli_connect(&target)) != NULL) {
		fill_in(&spec.command, options);
		if ((started = px_cli_start(client, &spec.command, &status)) != NULL) {
			print(&started->start, call->common.json);
			status = EXIT_SUCCESS;
			px_answer_free(started);
		}
		px_client_free(client);
	}
	px_spec_done(&spec);
	return status;
}

static const struct px_cli_option options[] = {
	PX_SPEC_OPTIONS(struct start_options, spec),
	{ 0, "name", PX_OPTION_TEXT, offsetof(struct start_options, name), .argument = "NAME",
	    .help = "the session's name; without it, the program's and a number" },
	{ 0, "rows", PX_OPTION_NUMBER, offsetof(struct start_options, rows), .min = 1,
	    .max = UINT16_MAX, .argument = "N", .help = "the terminal's height and" },
	{ 0, "cols", PX_OPTION_NUMBER, offsetof(struct start_options, cols), .min = 1,
	    .max = UINT16_MAX, .argument = "N",
	    .help = "width; without them, those of this terminal, $LINES and\n"
		    "$COLUMNS, or 24 x 80" },
	{ 0 },
};

const struct px_cli_command px_cmd_start = {
	.name = "start",
	.operands = "[--] CMD [ARG]...",
	.min_operands = 1,
	.max_operands = INT_MAX,
	.flags = PX_CLI_TARGET | PX_CLI_JSON | PX_CLI_WORDS_LAST | PX_CLI_RELAYS_STATUS,
	.options = options,
	.options_size = sizeof(struct start_options),
	.summary = "Starts a command in the background, as a session",
	.help =
	    "Prints the session's name. It runs on when everybody has left, until it ends or\n"
	    "is ended, and is known for an hour after that.\n"
	    "\n"
	    "On your own server the command gets the environment, directory and umask of\n"
	    "'ptyexec start' (of the environment, what is UTF-8). On another server (--url) it\n"
	    "gets those of the server, and $TERM for a terminal; --cwd is absolute then.\n"
	    "\n"
	    "Exit status: 0 when it runs, 125 if ptyexec failed, 126 if the command cannot be\n"
	    "run, 127 if it is not found.\n",
	.run = cmd_start,
};

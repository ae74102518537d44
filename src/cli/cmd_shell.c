#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <ptyexec/client.h>

#include "cli/attach.h"
#include "cli/command.h"
#include "cli/connect.h"
#include "cli/detach_keys.h"
#include "cli/program.h"
#include "cli/start.h"

enum { RELEASE_MS = 2000 };

struct shell_options {
	struct px_program_options program;
	const char *name, *keys;
};

/* The user's shell where it will run. Borrowed. */
static const char *
shell_find(struct px_client *client, bool is_remote)
{
	const char *path = is_remote ? px_client_greeting(client)->shell : getenv("SHELL");
	const struct passwd *user = is_remote ? NULL : getpwuid(getuid());

	if (path != NULL && path[0] == '/' && (is_remote || access(path, X_OK) == 0))
		return path;
	if (user != NULL && user->pw_shell[0] == '/')
		return user->pw_shell;
	return "/bin/sh";
}

/* Its end seen, a shell leaves nothing that somebody would want to look up. */
static int
attach(struct px_client *client, struct px_attach_options *options)
{
	struct px_attach_outcome outcome;

	px_attach(client, options, &outcome);
	if (outcome.end == PX_ATTACH_ENDED)
		px_client_settle(
		    client, px_client_release(client, options->session, NULL), RELEASE_MS, NULL);
	px_client_free(client);
	return px_attach_status(&outcome, options->session);
}

static int
start(const struct shell_options *given, const struct px_cli_target *target,
    const struct px_command *asked, const struct px_keys *keys)
{
	struct px_client *client = px_cli_connect(target);
	const char *argv[] = { NULL, NULL };
	struct px_command command = *asked;
	struct px_answer *started;
	int status = PX_EXIT_FAILED;

	if (client == NULL)
		return PX_EXIT_FAILED;
	argv[0] = shell_find(client, target->url != NULL);
	command.argv = argv;
	command.session = given->name;
	command.disposition = PX_DISPOSITION_KEEP;
	if ((started = px_cli_start(client, &command, &status)) == NULL) {
		px_client_free(client);
		return status;
	}
	status = attach(client, &(struct px_attach_options){ .session = started->start.session,
				    .pty = true,
				    .rows = command.rows,
				    .cols = command.cols,
				    .keys = *keys });
	px_answer_free(started);
	return status;
}

static int
cmd_shell(const struct px_cli_call *call)
{
	const struct shell_options *given = call->options;
	struct px_program_options options = given->program;
	struct px_cli_target target = call->common.target;
	enum px_program_place place = target.url != NULL ? PX_PROGRAM_REMOTE : PX_PROGRAM_LOCAL;
	int status = PX_EXIT_FAILED;
	struct px_keys keys;
	struct px_program program;

	options.terminal = 1;
	target.attached = true;
	if (px_detach_keys(given->keys, &keys) == -1)
		return PX_EXIT_FAILED;
	if (px_program_fill(&program, &options, call->operands, place) == 0)
		status = start(given, &target, &program.command, &keys);
	px_program_done(&program);
	return status;
}

static const struct px_cli_option options[] = {
	{ 0, "name", PX_OPTION_TEXT, offsetof(struct shell_options, name), .argument = "NAME",
	    .help = "the session's name; without it, the shell's and a number" },
	PX_DETACH_KEYS_OPTION(struct shell_options, keys),
	{ 0, "cwd", PX_OPTION_TEXT, offsetof(struct shell_options, program.cwd), .argument = "DIR",
	    .help = "in this directory" },
	{ 0, "env", PX_OPTION_TEXTS, offsetof(struct shell_options, program.env),
	    .argument = "NAME=VALUE", .help = "with this variable too; may be repeated" },
	{ 0 },
};

const struct px_cli_command px_cmd_shell = {
	.name = "shell",
	.operands = "",
	.min_operands = 0,
	.max_operands = 0,
	.flags = PX_CLI_TARGET | PX_CLI_RELAYS_STATUS,
	.options = options,
	.options_size = sizeof(struct shell_options),
	.summary = "Starts your shell as a session, and connects this terminal with it",
	.help = "It is $SHELL, else the one that the system knows for you; on another server\n"
		"(--url) the one of who runs that. It runs on when it is left, or when this\n"
		"terminal is closed; 'ptyexec attach NAME' comes back.\n"
		"\n" PX_DETACH_KEYS_HELP "\n"
		"Exit status: that of the shell; 0 if it was left; 125 if ptyexec failed.\n",
	.run = cmd_shell,
};

#include <string.h>

#include "cli/command.h"

static const struct px_cli_command *const commands[] = {
	&px_cmd_run,
	&px_cmd_shell,
	&px_cmd_start,
	&px_cmd_ps,
	&px_cmd_attach,
	&px_cmd_logs,
	&px_cmd_snapshot,
	&px_cmd_send,
	&px_cmd_close_stdin,
	&px_cmd_resize,
	&px_cmd_wait,
	&px_cmd_inspect,
	&px_cmd_signal,
	&px_cmd_kill,
	&px_cmd_rm,
	&px_cmd_server,
	&px_cmd_info,
	&px_cmd_tour,
};

const struct px_cli_command *
px_cli_command_at(size_t i)
{
	return i < sizeof commands / sizeof commands[0] ? commands[i] : NULL;
}

const struct px_cli_command *
px_cli_command_find(const char *name)
{
	const struct px_cli_command *command;

	for (size_t i = 0; (command = px_cli_command_at(i)) != NULL; i++)
		if (strcmp(command->name, name) == 0)
			return command;
	return NULL;
}

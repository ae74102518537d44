#include <string.h>

#include "cli/command.h"

static const struct px_cli_command *const commands[] = {
	&px_cmd_run,
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

#ifndef PX_CLI_HELP_H
#define PX_CLI_HELP_H

#include <stdio.h>

struct px_cli_command;

/* All commands, and the options that stand before them. */
void px_help_print(FILE *to);

/* How one is used. */
void px_help_print_command(const struct px_cli_command *command);

#endif

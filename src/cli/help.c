#include "cli/help.h"

#include <string.h>

#include "cli/command.h"

enum { OPTION_WIDTH = 20 };

/* "  -C, --cwd DIR     text", the text's further lines below its first. */
static void
print_option(FILE *to, const struct px_cli_option *row)
{
	const char *line = row->help;
	int width = 0;
	size_t len;

	fputs("  ", to);
	if (row->letter != 0)
		width += fprintf(to, "-%c%s", row->letter, row->name != NULL ? ", " : "");
	if (row->name != NULL)
		width += fprintf(to, "--%s", row->name);
	if (row->argument != NULL)
		width += fprintf(to, " %s", row->argument);
	if (width >= OPTION_WIDTH) {
		fputs("\n  ", to);
		width = 0;
	}
	for (;; line += len + 1) {
		len = strcspn(line, "\n");
		fprintf(to, "%*s%.*s\n", OPTION_WIDTH - width, "", (int)len, line);
		if (line[len] == '\0')
			return;
		width = -2;
	}
}

static void
print_common(FILE *to, unsigned flags)
{
	for (const struct px_cli_option *row = px_cli_common_options; px_cli_option_is_row(row);
	     row++)
		if (px_cli_common_applies(row, flags))
			print_option(to, row);
}

void
px_help_print(FILE *to)
{
	const struct px_cli_command *command;

	fputs("usage: ptyexec [OPTION]... COMMAND ...\n\n"
	      "Runs programs through a ptyexec server, and keeps them for whoever comes back.\n\n",
	    to);
	for (size_t i = 0; (command = px_cli_command_at(i)) != NULL; i++)
		fprintf(to, "  %-12s %s\n", command->name, command->summary);
	fputs("  help         How a command is used: ptyexec help COMMAND\n\n", to);
	print_common(to, PX_CLI_TARGET | PX_CLI_JSON);
	fprintf(to, "  %-*s%s\n\n", OPTION_WIDTH, "--version", "print the version");
	fputs("Exit status: 0; 1 for \"no\"; 2 for wrong usage; 124 when time was up; 125 when\n"
	      "ptyexec failed. That of a program where the command's help says so.\n",
	    to);
}

void
px_help_print_command(const struct px_cli_command *command)
{
	printf("usage: ptyexec %s [OPTION]...%s%s\n\n%s.\n\n", command->name,
	    *command->operands != '\0' ? " " : "", command->operands, command->summary);
	for (const struct px_cli_option *row = command->options; px_cli_option_is_row(row); row++)
		print_option(stdout, row);
	print_common(stdout, command->flags);
	printf("%s%s", *command->help != '\0' ? "\n" : "", command->help);
}

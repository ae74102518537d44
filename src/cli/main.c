#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "px_version.h"

static const struct px_cli_command *const commands[] = { &px_cmd_run, &px_cmd_tour };

enum { NCOMMANDS = sizeof commands / sizeof commands[0] };

static const struct px_cli_command *
command_find(const char *name)
{
	for (size_t i = 0; i < NCOMMANDS; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static int
print_help(FILE *to)
{
	fputs("Runs programs through a ptyexec server.\n\n", to);
	for (size_t i = 0; i < NCOMMANDS; i++)
		fprintf(to, "  ptyexec %-6s %s\n", commands[i]->name, commands[i]->summary);
	fputs("  ptyexec help   COMMAND: how it is used\n"
	      "\n"
	      "  -h, --help     this text\n"
	      "  --version      the version\n",
	    to);
	return EXIT_SUCCESS;
}

static int
print_command_help(const char *name)
{
	const struct px_cli_command *command = command_find(name);

	if (command == NULL) {
		px_complain("no command is named '%s'", name);
		return PX_EXIT_USAGE;
	}
	printf("usage: ptyexec %s%s%s\n\n%s.\n\n%s", command->name,
	    *command->arguments != '\0' ? " " : "", command->arguments, command->summary,
	    command->help);
	return EXIT_SUCCESS;
}

static int
dispatch(int argc, char **argv)
{
	const struct px_cli_command *command;

	if (argc < 2) {
		print_help(stderr);
		return PX_EXIT_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0)
		return printf("ptyexec %s\n", PX_VERSION) < 0;
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return print_help(stdout);
	if (strcmp(argv[1], "help") == 0)
		return argc > 2 ? print_command_help(argv[2]) : print_help(stdout);
	if ((command = command_find(argv[1])) == NULL) {
		px_complain("no command is named '%s'; 'ptyexec --help' lists them", argv[1]);
		return PX_EXIT_USAGE;
	}
	if (argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0))
		return print_command_help(command->name);
	return command->run(argc - 1, argv + 1);
}

/*
 * A standard descriptor that is closed would become some other file's number.
 * What stands in for it can neither be read nor written as that one is.
 */
static int
fix_stdio(void)
{
	static const int flags[] = { O_WRONLY, O_RDONLY, O_RDONLY };

	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", flags[fd]) != fd)
			return -1;
	return 0;
}

int
main(int argc, char **argv)
{
	int status;

	if (fix_stdio() == -1)
		return PX_EXIT_FAILED;
	status = dispatch(argc, argv);
	if (fflush(stdout) != 0 && status == EXIT_SUCCESS)
		status = PX_EXIT_FAILED;
	return status;
}

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/help.h"
#include "px_version.h"

static int
print_help(FILE *to)
{
	px_help_print(to);
	return EXIT_SUCCESS;
}

static const struct px_cli_command *
command_named(const char *name)
{
	const struct px_cli_command *command = px_cli_command_find(name);

	if (command == NULL)
		px_complain("no command is named '%s'; 'ptyexec help' lists them", name);
	return command;
}

static int
print_command_help(const struct px_cli_command *command)
{
	if (command == NULL)
		return PX_EXIT_USAGE;
	px_help_print_command(command);
	return EXIT_SUCCESS;
}

/* Options that stood before the command, and that it does not take. */
static int
common_check(const struct px_cli_common *common, const struct px_cli_command *command)
{
	const char *useless = NULL;

	if (common->json && (command->flags & PX_CLI_JSON) == 0)
		useless = "--json";
	if (common->target.workspace != NULL && (command->flags & PX_CLI_TARGET) == 0)
		useless = "--workspace";
	if (common->target.url != NULL && (command->flags & PX_CLI_TARGET) == 0)
		useless = "--url";
	if (useless != NULL)
		px_complain("'%s' takes no %s", command->name, useless);
	return useless == NULL ? 0 : -1;
}

static int
usage_status(const struct px_cli_command *command)
{
	return (command->flags & PX_CLI_RELAYS_STATUS) != 0 ? PX_EXIT_FAILED : PX_EXIT_USAGE;
}

/* argv[0] is the command's name. */
static int
run_command(const struct px_cli_common *common, int argc, char **argv)
{
	struct px_cli_call call = { .command = command_named(argv[0]), .common = *common };
	int status;

	if (call.command == NULL)
		return PX_EXIT_USAGE;
	status = usage_status(call.command);
	if (common_check(common, call.command) == -1)
		return status;
	if (px_cli_parse(&call, argc - 1, argv + 1) == 0) {
		px_cli_common_complete(&call.common);
		status =
		    call.common.help ? print_command_help(call.command) : call.command->run(&call);
	}
	px_cli_call_done(&call);
	return status;
}

static int
dispatch(int argc, char **argv)
{
	struct px_cli_common common = { 0 };
	int at;

	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return printf("ptyexec %s\n", PX_VERSION) < 0 ? PX_EXIT_FAILED : EXIT_SUCCESS;
	if ((at = px_cli_parse_common(&common, argc - 1, argv + 1)) == -1)
		return PX_EXIT_USAGE;
	argc -= at + 1;
	argv += at + 1;
	if (common.help)
		return print_help(stdout);
	if (argc == 0) {
		print_help(stderr);
		return PX_EXIT_USAGE;
	}
	if (strcmp(argv[0], "help") == 0)
		return argc > 1 ? print_command_help(command_named(argv[1])) : print_help(stdout);
	return run_command(&common, argc, argv);
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

/* What has been printed must arrive: else that is the status, whatever went before. */
static int
finish_output(int status)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	px_complain("cannot write to standard output: %s",
	    errno != 0 ? strerror(errno) : "it was not taken");
	return PX_EXIT_FAILED;
}

int
main(int argc, char **argv)
{
	if (fix_stdio() == -1)
		return PX_EXIT_FAILED;
	return finish_output(dispatch(argc, argv));
}

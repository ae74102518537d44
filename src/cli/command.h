#ifndef PX_CLI_COMMAND_H
#define PX_CLI_COMMAND_H

/* Exit statuses of our own, as env(1), nice(1) and timeout(1) have them. */
enum {
	PX_EXIT_USAGE = 2,
	PX_EXIT_TIMED_OUT = 124,
	PX_EXIT_FAILED = 125,
	PX_EXIT_CANNOT_RUN = 126,
	PX_EXIT_NOT_FOUND = 127
};

/* A command of ptyexec: a row of the table in main.c. */
struct px_cli_command {
	const char *name;
	const char *arguments;
	const char *summary; /* a line of 'ptyexec --help' */
	const char *help; /* what 'ptyexec help NAME' says below the usage; ends with a new line */
	int (*run)(int argc, char **argv); /* argv[0] is the name; returns the exit status */
};

extern const struct px_cli_command px_cmd_run, px_cmd_tour;

/* "ptyexec: TEXT" on stderr, in one line: control characters become '?'. */
void px_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif

#ifndef PX_CLI_COMMAND_H
#define PX_CLI_COMMAND_H

#include "cli/options.h"

/* Exit statuses of our own, as env(1), nice(1) and timeout(1) have them. */
enum {
	PX_EXIT_NO = 1, /* a question was asked, and that is the answer */
	PX_EXIT_USAGE = 2,
	PX_EXIT_TIMED_OUT = 124,
	PX_EXIT_FAILED = 125,
	PX_EXIT_CANNOT_RUN = 126,
	PX_EXIT_NOT_FOUND = 127
};

enum px_cli_flags {
	PX_CLI_TARGET = 1,     /* talks to a server: --url and --workspace are for it */
	PX_CLI_JSON = 2,       /* prints: --json */
	PX_CLI_WORDS_LAST = 4, /* the first operand ends the options */
	PX_CLI_RELAYS_STATUS =
	    8 /* exits with a program's status; so wrong usage is PX_EXIT_FAILED */
};

/* A command line that has been read. Everything is borrowed and lives as long as the command runs.
 */
struct px_cli_call {
	const struct px_cli_command *command;
	struct px_cli_common common;
	void *options;   /* the command's own struct: zero, but for what was given */
	char **operands; /* NULL-terminated */
	int noperands;
};

/* A command of ptyexec: a row of the table in commands.c. */
struct px_cli_command {
	const char *name;
	const char *operands; /* as the usage line shows them */
	int min_operands, max_operands;
	unsigned flags; /* px_cli_flags */
	const struct px_cli_option
	    *options;        /* its own, or NULL; the last one has no letter and no name */
	size_t options_size; /* of the struct that they fill */
	const char *summary; /* a line of 'ptyexec --help', without a full stop */
	const char
	    *help; /* what 'ptyexec help NAME' says below the options; ends with a new line */
	int (*run)(const struct px_cli_call *call); /* returns the exit status */
};

/* Row 'i', or NULL behind the last; the row of that name, or NULL. */
const struct px_cli_command *px_cli_command_at(size_t i);
const struct px_cli_command *px_cli_command_find(const char *name);

extern const struct px_cli_command px_cmd_attach, px_cmd_close_stdin, px_cmd_info, px_cmd_inspect,
    px_cmd_kill, px_cmd_logs, px_cmd_ps, px_cmd_resize, px_cmd_rm, px_cmd_run, px_cmd_send,
    px_cmd_server, px_cmd_shell, px_cmd_signal, px_cmd_snapshot, px_cmd_start, px_cmd_tour,
    px_cmd_wait;

/* "ptyexec: TEXT" on stderr, in one line: control characters become '?'. */
void px_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif

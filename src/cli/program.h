#ifndef PX_CLI_PROGRAM_H
#define PX_CLI_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include <ptyexec/command.h>

#include "cli/options.h"

/* What every command that starts a program is told about it. */
struct px_program_options {
	int terminal; /* 1: -t; -1: -T; 0: neither */
	const char *cwd;
	struct px_texts env;
	int64_t timeout_ms;
};

/* Their rows, in a command's table whose struct has them as 'member'. */
#define PX_PROGRAM_OPTIONS(type, member)                                                       \
	{ 't', NULL, PX_OPTION_FLAG, offsetof(type, member.terminal), .value = 1,              \
		.help = "on a terminal of its own; what it writes to stdout and stderr\n"      \
			"is one stream. The default when stdin is a terminal" },               \
	    { 'T', NULL, PX_OPTION_FLAG, offsetof(type, member.terminal), .value = -1,         \
		    .help = "on pipes; stdout and stderr are kept apart" },                    \
	    { 0, "cwd", PX_OPTION_TEXT, offsetof(type, member.cwd), .argument = "DIR",         \
		    .help = "in this directory" },                                             \
	    { 0, "env", PX_OPTION_TEXTS, offsetof(type, member.env), .argument = "NAME=VALUE", \
		    .help = "with this variable too; may be repeated" },                       \
	{                                                                                      \
		0, "timeout", PX_OPTION_SECONDS, offsetof(type, member.timeout_ms),            \
		    .min = 1, .argument = "SECONDS",                                           \
		    .help = "ends it when so much time has passed"                             \
	}

/* Where the program will run decides what of ours it gets. */
enum px_program_place {
	PX_PROGRAM_CHILD, /* a private server, which has our environment and directory already */
	PX_PROGRAM_LOCAL, /* the user's own server: it gets our environment, directory and umask */
	PX_PROGRAM_REMOTE /* some other server: it gets that one's, and of ours TERM on a terminal
			   */
};

/* A command and the memory behind it. */
struct px_program {
	struct px_command command;
	char *cwd;
	const char **env;
};

/*
 * Fills in what the program is, but for its session's name. 'argv' is borrowed,
 * as are the texts in 'options' and the environment. Of our own environment,
 * what is not UTF-8 cannot be sent and is left out. -1: what is wrong was told.
 * px_program_done() in any case.
 */
int px_program_fill(struct px_program *program, const struct px_program_options *options,
    char *const *argv, enum px_program_place place);
void px_program_done(struct px_program *program);

#endif

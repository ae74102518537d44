#ifndef PX_CLI_COMPLETE_H
#define PX_CLI_COMPLETE_H

#include <stdbool.h>

#include "cli/options.h"

struct px_cli_command;

/* What the last word of a command line that is being typed will be. Everything is borrowed. */
struct px_cli_cursor {
	const char *begun;                    /* what there is of it, after "--name=" */
	int kept;                             /* how long that "--name=" is; else 0 */
	const struct px_cli_command *command; /* that was named before, or NULL */
	bool of_help;                         /* it is whom 'help' shall be about */
	bool lost;                            /* before it stands what nobody understands */
	const struct px_cli_option *option;   /* whose value it is, or NULL */
	bool options_ended;                   /* it is no option, even if it begins like one */
	int operand;                          /* which operand, from 0 */
	int first_operand;                    /* the index of that one's word, or of this one */
	struct px_cli_common common;          /* what was given before */
};

/* Looks at 'words', at least one, after the program's name. */
void px_cli_cursor_find(struct px_cli_cursor *cursor, int nwords, char **words);

#endif

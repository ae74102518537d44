#ifndef PX_CLI_FORWARD_H
#define PX_CLI_FORWARD_H

#include <stdbool.h>

#include <ptyexec/client.h>

/* How it went. */
enum px_outcome_type {
	PX_OUTCOME_ENDED,     /* the program: 'exit_code' */
	PX_OUTCOME_TIMED_OUT, /* it was ended because its time was up */
	PX_OUTCOME_REFUSED,   /* it could not be started: 'error' */
	PX_OUTCOME_PIPE,      /* nobody reads our output any more */
	PX_OUTCOME_FAILED     /* we or the server: 'error' */
};

struct px_outcome {
	enum px_outcome_type type;
	int exit_code;
	struct px_error error;
};

/*
 * Starts the command, whose session has a name, and connects our standard
 * streams, terminal and signals with it until it has ended and its output is
 * written. The terminal is as before when this returns. 'client' has
 * 'answer_events'.
 */
void px_forward(struct px_client *client, const struct px_command *command, struct px_outcome *out);

#endif

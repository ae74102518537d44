#ifndef PX_CLI_ATTACH_H
#define PX_CLI_ATTACH_H

#include <stdbool.h>
#include <stdint.h>

#include <ptyexec/client.h>

#include "cli/keys.h"

/* Our standard streams, terminal and signals, connected with a session. */

struct px_attach_options {
	const char *session;
	bool pty;            /* it has a terminal, */
	uint16_t rows, cols; /* of this size now */
	bool is_ours;        /* the program ends when we do; so signals are passed on to it */
	bool follow;    /* it is not followed yet: from its beginning, as far as that is kept */
	bool redraw;    /* its program draws on the whole screen, perhaps */
	bool no_stdin;  /* our standard input is not read */
	bool read_only; /* neither what is typed nor our size is for it */
	struct px_keys keys; /* those that are for us, when our terminal is raw */
};

/* How it went. */
enum px_attach_end {
	PX_ATTACH_ENDED,     /* the program: 'exit_code' */
	PX_ATTACH_TIMED_OUT, /* it was ended because its time was up */
	PX_ATTACH_DETACHED,  /* it goes on without us, because the user wanted so, */
	PX_ATTACH_SIGNALLED, /* or because we got 'signal' */
	PX_ATTACH_PIPE,      /* nobody reads our output any more */
	PX_ATTACH_FAILED     /* we or the server: 'error' */
};

struct px_attach_outcome {
	enum px_attach_end end;
	int exit_code, signal;
	struct px_error error;
};

/*
 * Returns when the program has ended and its output is written, or when we
 * leave it. The terminal is as before then, whatever happens. 'client' has
 * 'answer_events'; what it hears of other sessions is dropped.
 */
void px_attach(struct px_client *client, const struct px_attach_options *options,
    struct px_attach_outcome *out);

/*
 * Says on stderr what there is to be said about it, and returns the exit status;
 * after a signal, or when nobody reads our output, it ends us by that.
 */
int px_attach_status(const struct px_attach_outcome *outcome, const char *session);

#endif

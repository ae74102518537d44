#ifndef PTYEXEC_EXEC_H
#define PTYEXEC_EXEC_H

#include <ptyexec/client.h>

PX_BEGIN_C

/* What most programs want to do with a client, in one call each. */

/* Bytes of which the middle may be left out. */
struct px_gathered {
	const char *data; /* the beginning and the end, joined; a NUL follows */
	size_t len;
	int64_t total;          /* what came in all */
	int64_t omitted_offset; /* where 'data' was cut, when 'omitted_bytes' is not 0 */
	int64_t omitted_bytes;
};

/* What a program has written, and whether and how it has ended. */
struct px_collected {
	struct px_gathered stream[PX_STREAM_COUNT];
	int64_t skipped_bytes; /* of any stream: they never came, see PX_EVENT_LAGGED */
	bool running;          /* there may be more to collect */
	bool exited;           /* 'end' is told */
	bool closed;           /* every stream has ended too */
	struct px_end end;
	const char *failure; /* why its end is not known, when it neither runs nor has exited; else
				NULL */
};
PX_API void px_collected_free(struct px_collected *collected); /* takes NULL; any thread */

/* When a collecting call returns, and how much it keeps. 0 is "no such bound". */
struct px_yield {
	int64_t idle_ms;     /* no output for so long, once there was some */
	int64_t deadline_ms; /* from the call on */
	size_t max_bytes;    /* per stream: half from the beginning, half from the end */
};

/*
 * Gathers the output that comes from a session which this client follows, until
 * it is closed or the window of 'yield' (NULL: no bound) is over. What it
 * returns is taken out of the events; later output is for the next call. A
 * program whose exit was told and whose streams a descendant holds open counts
 * as ended. A session that has told its close has nothing more to collect, and
 * only the window ends the call. What other sessions tell meanwhile must be taken
 * by somebody (see px_client_next()). NULL with 'err' set: the connection is lost,
 * and nothing had come before; or the session's events go to a callback (USAGE).
 */
PX_API struct px_collected *px_collect(struct px_client *client, const char *session,
    const struct px_yield *yield, struct px_error *err);

/*
 * The same, and meanwhile writes 'input' (NULL: none) to the program and then
 * ends its input; what it does not read is no failure.
 */
PX_API struct px_collected *px_communicate(struct px_client *client, const char *session,
    const void *input, size_t len, const struct px_yield *yield, struct px_error *err);

/*
 * Starts 'command', communicates with it until it has ended, and releases the
 * session. When the deadline of 'yield' comes first (its 'idle_ms' does not
 * count here), it is ended by force and 'cause' says "client". NULL with 'err'
 * set: it could not be started, or the connection is lost.
 */
PX_API struct px_collected *px_run(struct px_client *client, const struct px_command *command,
    const void *input, size_t len, const struct px_yield *yield, struct px_error *err);

PX_END_C

#endif

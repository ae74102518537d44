#ifndef PTYEXEC_EXEC_H
#define PTYEXEC_EXEC_H

#include <ptyexec/client.h>

PX_BEGIN_C

/* What most programs want to do with a client, in one call each. */

/* Bytes of which the middle may be left out. */
struct px_gathered {
	const void *data; /* the beginning and the end, joined; NUL-terminated beyond 'len' */
	size_t len;
	int64_t total;          /* what there was in all */
	int64_t omitted_offset; /* where 'data' was cut, when 'omitted_bytes' is not 0 */
	int64_t omitted_bytes;  /* left out here, or skipped by the server */
};

/* What a program has written, and whether and how it has ended. */
struct px_collected {
	struct px_gathered stream[PX_STREAM_COUNT];
	bool running; /* there may be more to collect */
	bool exited;  /* 'end' is told */
	bool closed;  /* every stream has ended too */
	struct px_end end;
};
PX_API void px_collected_free(struct px_collected *collected); /* takes NULL */

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
 * as ended. NULL with 'err' set: LOST, or the server lost the program.
 */
PX_API struct px_collected *px_collect(struct px_client *client, const char *session,
    const struct px_yield *yield, struct px_error *err);

/*
 * Starts 'command', writes 'input' (NULL: none) and ends its input, and collects
 * until it has ended; then the session is released. When the deadline of 'yield'
 * comes first, it is terminated and 'cause' says "client".
 */
PX_API struct px_collected *px_run(struct px_client *client, const struct px_command *command,
    const void *input, size_t len, const struct px_yield *yield, struct px_error *err);

/* The same for a session that this client follows: writes, ends its input, collects. It is neither
 * terminated nor released. */
PX_API struct px_collected *px_communicate(struct px_client *client, const char *session,
    const void *input, size_t len, const struct px_yield *yield, struct px_error *err);

PX_END_C

#endif

#ifndef PX_CLI_SIZE_H
#define PX_CLI_SIZE_H

#include <stdbool.h>
#include <stdint.h>

#include <ptyexec/client.h>

/*
 * The size of a session's terminal follows ours. Of several clients, the last
 * one to tell a size wins.
 */
struct px_size {
	struct px_client *client;
	const char *session;
	bool follows;        /* else nothing is ever told */
	uint16_t rows, cols; /* what was told last, */
	int64_t request;     /* with this one, unanswered; 0: it was answered */
	int64_t restore_at;  /* until then one row less is told (px_now_ms()); 0: the real one */
};

/*
 * Tells our size, if it is another than before; as long as that is not answered,
 * however often it changes, no other one. -1: it could not be sent.
 */
int px_size_tell(struct px_size *size, struct px_error *err);
int px_size_answered(struct px_size *size, const struct px_answer *answer, struct px_error *err);

/*
 * Makes a full-screen program draw everything: a size of one row less, and the
 * real one after a moment. Both must be seen: a program that finds the old size
 * again when SIGWINCH comes draws nothing.
 */
int px_size_redraw(struct px_size *size, struct px_error *err);

/* How long poll(2) may wait, and what is due then. */
int px_size_timeout_ms(const struct px_size *size);
int px_size_tick(struct px_size *size, struct px_error *err);

#endif

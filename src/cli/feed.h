#ifndef PX_CLI_FEED_H
#define PX_CLI_FEED_H

#include <stdbool.h>

#include <ptyexec/client.h>

/*
 * Standard input on its way into a session. It is read no faster than the
 * program, or the queue before it, takes it.
 */
enum { PX_FEED_WRITES = 4 };

struct px_feed {
	struct px_client *client;
	const char *session;
	bool pty;
	bool ended;                     /* nothing more is read: it has ended, or nobody takes it */
	bool in_line;                   /* the last byte that went in was no new line */
	int64_t writes[PX_FEED_WRITES]; /* unanswered; 0: a free place */
};

/* May standard input be read now? */
bool px_feed_wants(const struct px_feed *feed);

/* Reads standard input, which is readable, and sends what there is. -1: it could not be sent. */
int px_feed_read(struct px_feed *feed, struct px_error *err);

/* An answer has come, perhaps to one of ours. */
void px_feed_answered(struct px_feed *feed, const struct px_answer *answer);

#endif

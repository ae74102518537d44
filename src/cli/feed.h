#ifndef PX_CLI_FEED_H
#define PX_CLI_FEED_H

#include <stdbool.h>

#include <ptyexec/client.h>

#include "cli/keys.h"

/*
 * Standard input on its way into a session. It is read no faster than the
 * program, or the queue before it, takes it; but what is typed at a terminal is
 * read on for a while, since there may be a key for us in it.
 */
enum { PX_FEED_WRITES = 4, PX_FEED_READ = 48 * 1024, PX_FEED_TYPED = 64 * 1024 };

struct px_feed {
	struct px_client *client;
	const char *session;
	struct px_keys keys;
	bool pty;
	bool mute;                      /* nothing goes into the session */
	bool closes;                    /* the end of standard input ends the session's */
	bool ended;                     /* nothing more is read: it has ended, or nobody takes it */
	bool end_due;                   /* the session's input is to be ended after 'queue' */
	bool in_line;                   /* the last byte that went in was no new line */
	int64_t writes[PX_FEED_WRITES]; /* unanswered; 0: a free place */

	char in[PX_FEED_READ]; /* read, and not looked at yet */
	const char *next;
	size_t left;
	char queue[PX_FEED_TYPED + PX_FEED_READ + PX_KEYS_HELD]; /* for the program, not sent yet */
	size_t queued;
};

/* May standard input be read now? */
bool px_feed_wants(const struct px_feed *feed);

/* Reads standard input, which is readable. px_feed_next() until that has no action any more. */
void px_feed_read(struct px_feed *feed);

/* The next key for us in what was read; all before it is sent, or queued. -1: it could not be
 * sent. */
int px_feed_next(struct px_feed *feed, enum px_key_action *out, struct px_error *err);

/* An answer has come, perhaps to one of ours: there may be room for more. -1: it could not be sent.
 */
int px_feed_answered(struct px_feed *feed, const struct px_answer *answer, struct px_error *err);

#endif

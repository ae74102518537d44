#ifndef PX_SESSION_DENIAL_H
#define PX_SESSION_DENIAL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Does a failure look as if the sandbox has caused it? A guess, from the exit code
 * and words in the output, made as the Codex CLI's own server makes it, which shows
 * the result to its user. Feed it the output in the order of the chunks. Pure.
 */
enum { PX_DENIAL_STREAMS = 2, PX_DENIAL_KEPT = 32 };

struct px_denial {
	bool found;
	/* What may be the beginning of a word: of each stream, and of both as one. */
	struct {
		char text[PX_DENIAL_KEPT];
		size_t len;
	} end[PX_DENIAL_STREAMS + 1];
};

/* 'denial' is zeroed before the first. 'stream' is 0 or 1. */
void px_denial_feed(struct px_denial *denial, unsigned stream, const void *data, size_t len);

struct px_session;

/* Of a process that has exited so. */
bool px_denial_is_likely(const struct px_denial *denial, int exit_code);

/* The same from the end of what is kept of a session's output. */
bool px_denial_of(struct px_session *session, int exit_code);

#endif

#ifndef PX_SESSION_READING_H
#define PX_SESSION_READING_H

#include <stdbool.h>
#include <stdint.h>

#include "transcript/transcript.h"

struct px_session;

/*
 * A walk over what is kept of a session's output, chunk by chunk and by size: it
 * stops before the chunk that would go beyond it, but gives one at least. It
 * lives where the caller puts it and owns nothing; the loop must not run meanwhile.
 */
struct px_reading {
	struct px_transcript *transcript;
	struct px_cursor cursor;
	uint64_t max, bytes, last;
	/* When the walk is over: where the next one goes on, and what is no longer kept before that
	 * place. */
	uint64_t next_seq, lost;
};

/* From behind sequence number 'after'; at most 'max' bytes, UINT64_MAX: no limit. */
void px_reading_begin(
    struct px_reading *reading, struct px_session *session, uint64_t after, uint64_t max);

/* False: there is none, or none that fits; the walk is over. */
bool px_reading_next(struct px_reading *reading, struct px_chunk *out);

#endif

#ifndef PX_TRANSCRIPT_READER_PLACES_H
#define PX_TRANSCRIPT_READER_PLACES_H

#include <stddef.h>
#include <stdint.h>

#include "transcript/transcript.h"

/*
 * The places of the last few readers of a transcript, newest first. A reader
 * that comes back with nothing but a sequence number gets its exact place even
 * when the chunk that led there is forgotten. Two readers at one place have an
 * entry each. Only the transcript uses this.
 */
struct px_reader_places {
	struct px_cursor place[PX_READERS_REMEMBERED];
	size_t n;
};

/* A reader went from the place after 'from' to 'to': its entry, or else the oldest, now says so. */
void px_reader_places_move(
    struct px_reader_places *places, uint64_t from, const struct px_cursor *to);

/* The furthest place whose number is at most 'seq'; NULL when there is none. */
const struct px_cursor *px_reader_places_find(const struct px_reader_places *places, uint64_t seq);

#endif

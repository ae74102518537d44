#ifndef PX_PROC_TRANSCRIPT_H
#define PX_PROC_TRANSCRIPT_H

#include <stddef.h>
#include <stdint.h>

/*
 * What a process has written, as far as it is kept: per stream the first half
 * of the cap from the beginning and the rest from the end, the middle dropped
 * and counted, everything addressed by absolute byte offset. Beside the bytes
 * it keeps the border lines between chunks, numbered over all streams together
 * with the process's other events, so that a reader can go on from a sequence
 * number. Pure: no descriptor, no clock. Memory grows with what is held.
 */

enum { PX_STREAMS_MAX = 2 };

struct px_transcript;

/* 'cap': bytes kept per stream, at least 2; 'nstreams': 1 or 2. */
struct px_transcript *px_transcript_new(unsigned nstreams, size_t cap);
void px_transcript_free(struct px_transcript *t); /* takes NULL */

/* Adds one chunk (len > 0) to a stream; returns its sequence number. The first number is 1. */
uint64_t px_transcript_append(struct px_transcript *t, unsigned stream, const void *data, size_t len);

/* Takes the next sequence number for an event that has no bytes. */
uint64_t px_transcript_mark(struct px_transcript *t);

/* The number that the next chunk or event will get. */
uint64_t px_transcript_next_seq(const struct px_transcript *t);

uint64_t px_transcript_total(const struct px_transcript *t, unsigned stream);    /* bytes ever appended */
size_t px_transcript_retained(const struct px_transcript *t, unsigned stream);   /* bytes held */
size_t px_transcript_memory(const struct px_transcript *t);                      /* heap bytes used, for tests and metrics */

/* The whole of a stream as kept: head, then the tail as one or two runs. Pointers live until the next append. */
struct px_run {
	const uint8_t *data;
	size_t len;
};
struct px_view {
	struct px_run head, tail[2];
	uint64_t omitted_offset; /* where the dropped middle begins; 0 when nothing is dropped */
	uint64_t omitted_bytes;
};
void px_transcript_view(const struct px_transcript *t, unsigned stream, struct px_view *out);

/*
 * A reader's place: everything up to and including 'seq' is behind it, and
 * 'offset' says how far that is in each stream.
 */
struct px_cursor {
	uint64_t seq;
	uint64_t offset[PX_STREAMS_MAX];
};

/*
 * The place after sequence number 'after' (0: the beginning; beyond the end:
 * the end). Exact for every number whose chunk border is still known, for 0,
 * for the end, and for the numbers of the last places that px_transcript_read()
 * led to; for a number inside the dropped middle it is the middle's beginning
 * (the loss is then counted too high, never too low).
 */
void px_transcript_seek(const struct px_transcript *t, uint64_t after, struct px_cursor *out);

struct px_chunk {
	uint64_t seq;
	unsigned stream;
	uint64_t offset;      /* of the first byte given */
	struct px_run run[2]; /* the bytes, in one or two runs; never both empty */
	uint64_t lost;        /* bytes between the cursor's place and this chunk, over all streams, that are no longer held */
};

/*
 * The next chunk after 'cur' that is held, wholly or in part; moves 'cur' behind
 * it. 0 when there is none: then 'cur' moves to the end and '*out_lost' (may be
 * NULL) is what was lost on the way there. Otherwise 1. Pointers live until the
 * next append.
 */
int px_transcript_read(struct px_transcript *t, struct px_cursor *cur, struct px_chunk *out, uint64_t *out_lost);

/* Bytes that can still be appended to every stream before anything after 'cur' is dropped. */
size_t px_transcript_slack(const struct px_transcript *t, const struct px_cursor *cur);

#endif

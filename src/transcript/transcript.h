#ifndef PX_TRANSCRIPT_TRANSCRIPT_H
#define PX_TRANSCRIPT_TRANSCRIPT_H

#include <stddef.h>
#include <stdint.h>

/*
 * What a process has written, as far as it is kept: per stream the first half
 * of the cap from the beginning and the rest from the end, the middle dropped
 * and counted, everything addressed by absolute byte offset. Beside the bytes
 * it keeps the border lines between chunks, numbered over all streams together
 * with the process's other events, so that a reader can go on from a sequence
 * number. Pure: no descriptor, no clock. Memory grows with what is held.
 *
 * A chunk is known, and so can be read by number, as long as both hold:
 * - its count: per stream at most max(1024, cap / 16) chunks are known. The
 *   first ones, up to half of that and as long as they begin in the first half
 *   of the cap, are known for good; of the later ones the newest are;
 * - its bytes: a later one reaches into what is kept from the end, or nothing
 *   of its stream has been dropped yet.
 * The newest chunk of a stream is always known. px_transcript_view() has all
 * bytes that are held, those of forgotten chunks too.
 */

enum { PX_STREAMS_MAX = 2, PX_READERS_REMEMBERED = 8 };

struct px_transcript;

/* 'cap': bytes kept per stream, at least 2; 'nstreams': 1 or 2. */
struct px_transcript *px_transcript_new(unsigned nstreams, size_t cap);

/*
 * As above, but the newest 'cap' bytes are kept and nothing from the beginning,
 * and a chunk is known as long as all its bytes are: at most max(1024, cap / 128)
 * of a stream. No chunk may be larger than 'cap'.
 */
struct px_transcript *px_transcript_new_tail(unsigned nstreams, size_t cap);
void px_transcript_free(struct px_transcript *t); /* takes NULL */

/* Adds one chunk (len > 0) to a stream; returns its sequence number. The first number is 1. */
uint64_t px_transcript_append(
    struct px_transcript *t, unsigned stream, const void *data, size_t len);

/*
 * The size of the newest chunk when it is of this stream, numbered above 'after',
 * and no event has come since; else 0. Only one that nobody has read may grow.
 */
size_t px_transcript_open_chunk(const struct px_transcript *t, unsigned stream, uint64_t after);
void px_transcript_grow(struct px_transcript *t, unsigned stream, const void *data, size_t len);

/* Takes the next sequence number for an event that has no bytes. */
uint64_t px_transcript_mark(struct px_transcript *t);

/* The number that the next chunk or event will get. */
uint64_t px_transcript_next_seq(const struct px_transcript *t);

/* Bytes ever appended to a stream; bytes of it that are held. */
uint64_t px_transcript_total(const struct px_transcript *t, unsigned stream);
size_t px_transcript_retained(const struct px_transcript *t, unsigned stream);

/* Heap bytes used, for tests and metrics. */
size_t px_transcript_memory(const struct px_transcript *t);

/*
 * The whole of a stream as kept: head, then the tail as one or two runs.
 * Pointers live until the next append.
 */
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
 * the end). Exact for 0, for the end, for every known chunk, for an event that
 * follows an exact place with no chunk between, and for the places to which
 * px_transcript_read() led its last 8 readers (a place read on from gives way to
 * the one that it led to). For any other number the offsets are those of the
 * nearest such place before it: the loss is then counted too high, never too low.
 */
void px_transcript_seek(const struct px_transcript *t, uint64_t after, struct px_cursor *out);

struct px_chunk {
	uint64_t seq;
	unsigned stream;
	uint64_t offset;      /* of the first byte given */
	struct px_run run[2]; /* the bytes, in one or two runs; the first is never empty */
	uint64_t lost; /* bytes, over all streams, that the cursor passed and 'run' has not */
};

/*
 * The next known chunk after 'cur', as far as its bytes are held; moves 'cur'
 * to the exact place behind it. Of a chunk that the dropped middle cuts in two
 * only the first part is given; the rest of it counts as lost. 0 when there is
 * no chunk: then 'cur' moves to the end and '*out_lost' (may be NULL) is what
 * was lost on the way there. Otherwise 1. So bytes given and lost together are
 * always the distance that the cursor moved. Pointers live until the next append.
 */
int px_transcript_read(
    struct px_transcript *t, struct px_cursor *cur, struct px_chunk *out, uint64_t *out_lost);

/*
 * The earliest place for which px_transcript_slack() is at least 'bytes' and
 * 'chunks'; the end when there is none.
 */
void px_transcript_rewind(
    const struct px_transcript *t, size_t bytes, size_t chunks, struct px_cursor *out);

/*
 * How many bytes, and how many chunks of whatever size, can still be appended to
 * every stream before anything after 'cur' is dropped or forgotten; 0 when more is
 * being dropped there already. A chunk needs both its bytes and its place.
 */
struct px_slack {
	size_t bytes, chunks;
};
struct px_slack px_transcript_slack(const struct px_transcript *t, const struct px_cursor *cur);

#endif

#ifndef PX_TRANSCRIPT_STREAM_STORE_H
#define PX_TRANSCRIPT_STREAM_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "transcript/transcript.h"

/*
 * The kept bytes of one stream: a head that fills once and a ring behind it
 * that always holds the newest bytes. Both grow with what they hold, to at
 * most twice the need and never beyond the cap.
 */
struct px_stream_store {
	uint8_t *head, *ring;
	size_t head_size, ring_size; /* allocated */
	size_t head_cap, ring_cap;
	uint64_t total; /* bytes ever appended */
};

/* 'head' may be 0. */
void px_stream_store_init(struct px_stream_store *s, size_t head, size_t ring);
void px_stream_store_done(struct px_stream_store *s);

void px_stream_store_append(struct px_stream_store *s, const uint8_t *data, size_t len);

/* Bytes dropped between the head and what the ring holds; the first offset behind them. */
uint64_t px_stream_store_dropped(const struct px_stream_store *s);
uint64_t px_stream_store_tail_from(const struct px_stream_store *s);

/* Bytes that can still be appended before one at or behind 'offset' is dropped. */
size_t px_stream_store_slack(const struct px_stream_store *s, uint64_t offset);

/* What is held of [from, to): by the head as one run, by the ring as up to two. Empty: no data. */
void px_stream_store_head(
    const struct px_stream_store *s, uint64_t from, uint64_t to, struct px_run *out);
void px_stream_store_tail(
    const struct px_stream_store *s, uint64_t from, uint64_t to, struct px_run out[2]);

/*
 * The size that an array of 'size' grows to so that it has room for 'need',
 * which is at most 'limit': geometric, at most twice the need.
 */
size_t px_grown_size(size_t size, size_t need, size_t limit);

#endif

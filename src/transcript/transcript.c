#include "transcript/transcript.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "transcript/chunk_index.h"
#include "transcript/reader_places.h"
#include "transcript/stream_store.h"

struct transcript_stream {
	struct px_stream_store store;
	struct px_chunk_index chunks;
};

struct px_transcript {
	unsigned nstreams;
	uint64_t last_seq;
	struct transcript_stream stream[PX_STREAMS_MAX];
	struct px_reader_places readers;
};

enum { CHUNKS_MIN = 1024, BYTES_PER_CHUNK = 16, BYTES_PER_WHOLE_CHUNK = 128 };

static struct px_transcript *
transcript_new(unsigned nstreams, size_t head, size_t ring, bool whole)
{
	struct px_transcript *t = px_new(struct px_transcript);
	size_t limit = (head + ring) / (whole ? BYTES_PER_WHOLE_CHUNK : BYTES_PER_CHUNK);
	unsigned s;

	assert(nstreams >= 1 && nstreams <= PX_STREAMS_MAX && head + ring >= 2);
	t->nstreams = nstreams;
	for (s = 0; s < nstreams; s++) {
		px_stream_store_init(&t->stream[s].store, head, ring);
		px_chunk_index_init(
		    &t->stream[s].chunks, s, limit > CHUNKS_MIN ? limit : CHUNKS_MIN, whole);
	}
	return t;
}

struct px_transcript *
px_transcript_new(unsigned nstreams, size_t cap)
{
	return transcript_new(nstreams, cap / 2, cap - cap / 2, false);
}

struct px_transcript *
px_transcript_new_tail(unsigned nstreams, size_t cap)
{
	return transcript_new(nstreams, 0, cap, true);
}

void
px_transcript_free(struct px_transcript *t)
{
	unsigned s;

	if (t == NULL)
		return;
	for (s = 0; s < t->nstreams; s++) {
		px_stream_store_done(&t->stream[s].store);
		px_chunk_index_done(&t->stream[s].chunks);
	}
	free(t);
}

static void
transcript_totals(const struct px_transcript *t, uint64_t offset[PX_STREAMS_MAX])
{
	unsigned s;

	for (s = 0; s < PX_STREAMS_MAX; s++)
		offset[s] = t->stream[s].store.total;
}

static void
stream_drop(struct transcript_stream *stream)
{
	if (px_stream_store_dropped(&stream->store) > 0)
		px_chunk_index_drop(&stream->chunks, px_stream_store_tail_from(&stream->store));
}

uint64_t
px_transcript_append(struct px_transcript *t, unsigned stream, const void *data, size_t len)
{
	struct transcript_stream *to = &t->stream[stream];
	struct px_border border = { .seq = ++t->last_seq };

	assert(stream < t->nstreams && len > 0);
	transcript_totals(t, border.offset);
	px_stream_store_append(&to->store, data, len);
	px_chunk_index_add(&to->chunks, &border, to->store.total, to->store.head_cap);
	stream_drop(to);
	return border.seq;
}

size_t
px_transcript_open_chunk(const struct px_transcript *t, unsigned stream, uint64_t after)
{
	const struct px_chunk_index *chunks = &t->stream[stream].chunks;
	size_t count = px_chunk_index_count(chunks);
	const struct px_border *last;

	if (count == 0 || t->last_seq <= after)
		return 0;
	last = px_chunk_index_at(chunks, count - 1);
	return last->seq == t->last_seq ? chunks->end - last->offset[stream] : 0;
}

void
px_transcript_grow(struct px_transcript *t, unsigned stream, const void *data, size_t len)
{
	struct transcript_stream *to = &t->stream[stream];

	assert(px_transcript_open_chunk(t, stream, 0) > 0);
	px_stream_store_append(&to->store, data, len);
	px_chunk_index_extend(&to->chunks, to->store.total);
	stream_drop(to);
}

uint64_t
px_transcript_mark(struct px_transcript *t)
{
	return ++t->last_seq;
}

uint64_t
px_transcript_next_seq(const struct px_transcript *t)
{
	return t->last_seq + 1;
}

uint64_t
px_transcript_total(const struct px_transcript *t, unsigned stream)
{
	assert(stream < t->nstreams);
	return t->stream[stream].store.total;
}

size_t
px_transcript_retained(const struct px_transcript *t, unsigned stream)
{
	const struct px_stream_store *store = &t->stream[stream].store;

	assert(stream < t->nstreams);
	return store->total - px_stream_store_dropped(store);
}

size_t
px_transcript_memory(const struct px_transcript *t)
{
	size_t sum = sizeof(*t);
	unsigned s;

	for (s = 0; s < t->nstreams; s++) {
		const struct px_stream_store *store = &t->stream[s].store;
		const struct px_chunk_index *chunks = &t->stream[s].chunks;

		sum += store->head_size + store->ring_size;
		sum += (chunks->first_size + chunks->last_size) * sizeof(struct px_border);
	}
	return sum;
}

void
px_transcript_view(const struct px_transcript *t, unsigned stream, struct px_view *out)
{
	const struct px_stream_store *store = &t->stream[stream].store;

	assert(stream < t->nstreams);
	px_stream_store_head(store, 0, store->total, &out->head);
	px_stream_store_tail(store, 0, store->total, out->tail);
	out->omitted_bytes = px_stream_store_dropped(store);
	out->omitted_offset = out->omitted_bytes > 0 ? store->head_cap : 0;
}

/* The place after known chunk 'i' of a stream. */
static void
transcript_place_after(const struct px_chunk_index *chunks, size_t i, struct px_cursor *out)
{
	const struct px_border *border = px_chunk_index_at(chunks, i);
	unsigned s;

	out->seq = border->seq;
	for (s = 0; s < PX_STREAMS_MAX; s++)
		out->offset[s] = border->offset[s];
	out->offset[chunks->stream] = px_chunk_index_end(chunks, i);
}

static void
transcript_end(const struct px_transcript *t, struct px_cursor *out)
{
	out->seq = t->last_seq;
	transcript_totals(t, out->offset);
}

/*
 * Every known place lies on the one true line of places, so the furthest of
 * them that is not beyond 'after' is the closest lower bound there is.
 */
void
px_transcript_seek(const struct px_transcript *t, uint64_t after, struct px_cursor *out)
{
	const struct px_cursor *reader = px_reader_places_find(&t->readers, after);
	struct px_cursor best = { 0 }, place;
	unsigned s;

	if (after >= t->last_seq) {
		transcript_end(t, out);
		return;
	}
	if (reader != NULL)
		best = *reader;
	for (s = 0; s < t->nstreams; s++) {
		const struct px_chunk_index *chunks = &t->stream[s].chunks;
		size_t upto = px_chunk_index_upto(chunks, after);

		if (upto == 0)
			continue;
		transcript_place_after(chunks, upto - 1, &place);
		if (place.seq > best.seq)
			best = place;
	}
	best.seq = after;
	*out = best;
}

/* The runs of a chunk [from, to); returns the offset of the first byte given. */
static uint64_t
transcript_chunk_runs(
    const struct px_stream_store *store, uint64_t from, uint64_t to, struct px_run run[2])
{
	uint64_t tail_from = px_stream_store_tail_from(store);

	px_stream_store_tail(store, from, to, run);
	if (from >= store->head_cap)
		return from > tail_from ? from : tail_from;
	/* Without a hole the ring has not wrapped, so what follows the head is a single run. */
	run[1] = px_stream_store_dropped(store) == 0 ? run[0] : (struct px_run){ NULL, 0 };
	px_stream_store_head(store, from, to, &run[0]);
	return from;
}

/* The first known chunk numbered above 'seq', as stream and index; false when there is none. */
static bool
transcript_next(const struct px_transcript *t, uint64_t seq, unsigned *out_stream, size_t *out_i)
{
	uint64_t best = UINT64_MAX;
	unsigned s;

	for (s = 0; s < t->nstreams; s++) {
		const struct px_chunk_index *chunks = &t->stream[s].chunks;
		size_t i = px_chunk_index_upto(chunks, seq);

		if (i == px_chunk_index_count(chunks) || px_chunk_index_at(chunks, i)->seq > best)
			continue;
		best = px_chunk_index_at(chunks, i)->seq;
		*out_stream = s;
		*out_i = i;
	}
	return best != UINT64_MAX;
}

/* Moves a cursor to 'to'; returns the bytes passed. */
static uint64_t
transcript_move(struct px_transcript *t, struct px_cursor *cur, const struct px_cursor *to)
{
	uint64_t passed = 0;
	unsigned s;

	assert(t->nstreams <= PX_STREAMS_MAX);
	for (s = 0; s < t->nstreams; s++)
		passed += to->offset[s] - cur->offset[s];
	px_reader_places_move(&t->readers, cur->seq, to);
	*cur = *to;
	return passed;
}

int
px_transcript_read(
    struct px_transcript *t, struct px_cursor *cur, struct px_chunk *out, uint64_t *out_lost)
{
	struct px_cursor to;
	uint64_t from, lost;
	unsigned s;
	size_t i;

	if (!transcript_next(t, cur->seq, &s, &i)) {
		transcript_end(t, &to);
		lost = transcript_move(t, cur, &to);
		if (out_lost != NULL)
			*out_lost = lost;
		return 0;
	}
	from = px_chunk_index_at(&t->stream[s].chunks, i)->offset[s];
	transcript_place_after(&t->stream[s].chunks, i, &to);
	out->seq = to.seq;
	out->stream = s;
	out->offset = transcript_chunk_runs(&t->stream[s].store, from, to.offset[s], out->run);
	out->lost = transcript_move(t, cur, &to) - out->run[0].len - out->run[1].len;
	return 1;
}

struct px_slack
px_transcript_slack(const struct px_transcript *t, const struct px_cursor *cur)
{
	struct px_slack slack = { SIZE_MAX, SIZE_MAX };
	size_t bytes, chunks;
	unsigned s;

	for (s = 0; s < t->nstreams; s++) {
		bytes = px_stream_store_slack(&t->stream[s].store, cur->offset[s]);
		chunks = px_chunk_index_slack(&t->stream[s].chunks, cur->seq);
		if (bytes < slack.bytes)
			slack.bytes = bytes;
		if (chunks < slack.chunks)
			slack.chunks = chunks;
	}
	return slack;
}

static bool
slack_is_enough(
    const struct px_transcript *t, const struct px_cursor *cur, size_t bytes, size_t chunks)
{
	struct px_slack slack = px_transcript_slack(t, cur);

	return slack.bytes >= bytes && slack.chunks >= chunks;
}

/* The later a place, the more can follow before it is dropped. */
void
px_transcript_rewind(
    const struct px_transcript *t, size_t bytes, size_t chunks, struct px_cursor *out)
{
	uint64_t low = 0, high = t->last_seq;

	while (low < high) {
		uint64_t mid = low + (high - low) / 2;

		px_transcript_seek(t, mid, out);
		if (slack_is_enough(t, out, bytes, chunks))
			high = mid;
		else
			low = mid + 1;
	}
	px_transcript_seek(t, low, out);
}

#ifndef TRANSCRIPT_MODEL_H
#define TRANSCRIPT_MODEL_H

/*
 * A model of the transcript that forgets nothing: what is held, known and exact
 * it works out from the whole history by the definitions in transcript.h.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"
#include "transcript/transcript.h"

enum {
	MODEL_BYTES = 1 << 17, /* a stream's whole history */
	MODEL_SEQS = 4096,
};

struct model_chunk {
	uint64_t seq, from, to;
};

struct model {
	unsigned nstreams;
	size_t cap, head, limit;
	uint8_t *bytes[PX_STREAMS_MAX];
	uint64_t total[PX_STREAMS_MAX];
	struct model_chunk *chunk[PX_STREAMS_MAX];
	size_t nchunks[PX_STREAMS_MAX];
	struct px_cursor *place; /* the true place after every number */
	uint64_t last;
	uint64_t reader[PX_READERS_REMEMBERED]; /* newest first */
	size_t nreaders;
	uint64_t work; /* steps of the loops below */
};

static void
model_init(struct model *m, unsigned nstreams, size_t cap)
{
	unsigned s;

	*m = (struct model){ .nstreams = nstreams, .cap = cap, .head = cap / 2 };
	m->limit = cap / 16 > 1024 ? cap / 16 : 1024;
	m->place = calloc(MODEL_SEQS + 1, sizeof(*m->place));
	MUST(m->place != NULL);
	for (s = 0; s < nstreams; s++) {
		m->bytes[s] = malloc(MODEL_BYTES);
		m->chunk[s] = calloc(MODEL_SEQS, sizeof(*m->chunk[s]));
		MUST(m->bytes[s] != NULL && m->chunk[s] != NULL);
	}
}

static void
model_done(struct model *m)
{
	unsigned s;

	for (s = 0; s < m->nstreams; s++) {
		free(m->bytes[s]);
		free(m->chunk[s]);
	}
	free(m->place);
}

static void
model_event(struct model *m)
{
	unsigned s;

	m->last++;
	m->place[m->last].seq = m->last;
	for (s = 0; s < m->nstreams; s++)
		m->place[m->last].offset[s] = m->total[s];
}

static void
model_append(struct model *m, unsigned s, const uint8_t *data, size_t len)
{
	memcpy(m->bytes[s] + m->total[s], data, len);
	m->chunk[s][m->nchunks[s]++] = (struct model_chunk){
		.seq = m->last + 1,
		.from = m->total[s],
		.to = m->total[s] + len,
	};
	m->total[s] += len;
	model_event(m);
}

/* Is the byte held once 'total' bytes were written? */
static bool
model_held(const struct model *m, uint64_t total, uint64_t offset)
{
	return offset < m->head || offset + (m->cap - m->head) >= total;
}

/* Chunk 'i' of stream 's'; beyond those that came, each further one has a byte. */
static struct model_chunk
model_chunk(const struct model *m, unsigned s, size_t i)
{
	uint64_t from;

	if (i < m->nchunks[s])
		return m->chunk[s][i];
	from = m->total[s] + (i - m->nchunks[s]);
	return (struct model_chunk){ .seq = UINT64_MAX, .from = from, .to = from + 1 };
}

/* How many are known for good once 'more' further ones came. */
static size_t
model_first(struct model *m, unsigned s, size_t more)
{
	size_t n = 0;

	while (n < m->limit / 2 && n < m->nchunks[s] + more && model_chunk(m, s, n).from < m->head)
		n++;
	m->work += n;
	return n;
}

/* Would chunk 'i' be known then, 'first' being so for good? */
static bool
model_known(const struct model *m, unsigned s, size_t i, size_t more, size_t first)
{
	uint64_t total = m->total[s] + more;

	if (i < first)
		return true;
	if (i + (m->limit - first) < m->nchunks[s] + more)
		return false;
	return total <= m->cap || model_chunk(m, s, i).to + (m->cap - m->head) > total;
}

static const struct model_chunk *
model_next(struct model *m, uint64_t after, unsigned *out_s)
{
	const struct model_chunk *best = NULL;
	size_t i, first;
	unsigned s;

	for (s = 0; s < m->nstreams; s++) {
		first = model_first(m, s, 0);
		for (i = 0; i < m->nchunks[s]; i++, m->work++) {
			if (m->chunk[s][i].seq <= after || !model_known(m, s, i, 0, first))
				continue;
			if (best == NULL || m->chunk[s][i].seq < best->seq) {
				best = &m->chunk[s][i];
				*out_s = s;
			}
			break;
		}
	}
	return best;
}

static void
model_seek(struct model *m, uint64_t after, struct px_cursor *out)
{
	uint64_t best = 0;
	size_t i, first;
	unsigned s;

	if (after > m->last)
		after = m->last;
	if (after == m->last)
		best = after;
	for (i = 0; i < m->nreaders; i++)
		if (m->reader[i] <= after && m->reader[i] > best)
			best = m->reader[i];
	for (s = 0; s < m->nstreams; s++) {
		first = model_first(m, s, 0);
		for (i = 0; i < m->nchunks[s]; i++, m->work++)
			if (m->chunk[s][i].seq <= after && m->chunk[s][i].seq > best &&
			    model_known(m, s, i, 0, first))
				best = m->chunk[s][i].seq;
	}
	*out = m->place[best];
	out->seq = after;
}

static void
model_reader_moved(struct model *m, uint64_t from, uint64_t to)
{
	uint64_t before[PX_READERS_REMEMBERED];
	size_t i, n = 0;
	bool gone = false;

	for (i = 0; i < m->nreaders; i++) {
		if (!gone && m->reader[i] == from)
			gone = true;
		else
			before[n++] = m->reader[i];
	}
	m->reader[0] = to;
	m->nreaders = 1;
	for (i = 0; i < n && m->nreaders < PX_READERS_REMEMBERED; i++)
		m->reader[m->nreaders++] = before[i];
}

/* How many bytes from 'from' on a read of the chunk gives: one run of held bytes. */
static size_t
model_given(struct model *m, unsigned s, const struct model_chunk *c, uint64_t *out_from)
{
	uint64_t at = c->from, n = 0;

	while (!model_held(m, m->total[s], at))
		at++;
	*out_from = at;
	for (; at < c->to && model_held(m, m->total[s], at); at++)
		n++;
	m->work += c->to - c->from;
	return n;
}

static uint64_t
model_distance(const struct model *m, const struct px_cursor *a, const struct px_cursor *b)
{
	uint64_t sum = 0;
	unsigned s;

	for (s = 0; s < m->nstreams; s++)
		sum += b->offset[s] - a->offset[s];
	return sum;
}

/* Could 'n' more bytes come on stream 's' and no byte after 'cur' be dropped? The oldest goes
 * first; it may be one that is only coming. */
static bool
model_keeps_bytes(const struct model *m, unsigned s, const struct px_cursor *cur, size_t n)
{
	uint64_t at = cur->offset[s] > m->head ? cur->offset[s] : m->head;

	return at >= m->total[s] + n || model_held(m, m->total[s] + n, at);
}

/* The same in chunks of one byte each, all of them known. */
static bool
model_keeps(struct model *m, unsigned s, const struct px_cursor *cur, size_t n)
{
	size_t first = model_first(m, s, 0), then = model_first(m, s, n), i;

	if (!model_keeps_bytes(m, s, cur, n))
		return false;
	for (i = 0; i < m->nchunks[s] + n; i++, m->work++) {
		bool known = i >= m->nchunks[s] || model_known(m, s, i, 0, first);

		if (known && model_chunk(m, s, i).seq > cur->seq && !model_known(m, s, i, n, then))
			return false;
	}
	return true;
}

#endif

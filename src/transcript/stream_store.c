#include "transcript/stream_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static uint64_t
min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t
max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

size_t
px_grown_size(size_t size, size_t need, size_t limit)
{
	if (need <= size)
		return size;
	return min_u64(limit, max_u64(need, 2 * size));
}

void
px_stream_store_init(struct px_stream_store *s, size_t head, size_t ring)
{
	*s = (struct px_stream_store){ .head_cap = head, .ring_cap = ring };
}

void
px_stream_store_done(struct px_stream_store *s)
{
	free(s->head);
	free(s->ring);
}

static void
store_reserve(uint8_t **buf, size_t *size, uint64_t need, size_t cap)
{
	size_t grown = px_grown_size(*size, min_u64(need, cap), cap);

	if (grown == *size)
		return;
	*buf = px_realloc_array(*buf, grown, 1);
	*size = grown;
}

/*
 * Where an offset behind the head lies in the ring: it wraps only at its full
 * size, so that growing never moves a byte.
 */
static size_t
store_ring_index(const struct px_stream_store *s, uint64_t offset)
{
	return (offset - s->head_cap) % s->ring_cap;
}

/* Puts the bytes that end at 'end' into the ring; of more than the ring holds only the last count.
 */
static void
store_ring_put(struct px_stream_store *s, const uint8_t *data, size_t len, uint64_t end)
{
	size_t at, first;

	store_reserve(&s->ring, &s->ring_size, end - s->head_cap, s->ring_cap);
	if (len > s->ring_cap) {
		data += len - s->ring_cap;
		len = s->ring_cap;
	}
	at = store_ring_index(s, end - len);
	first = min_u64(len, s->ring_cap - at);
	memcpy(s->ring + at, data, first);
	if (first < len)
		memcpy(s->ring, data + first, len - first);
}

void
px_stream_store_append(struct px_stream_store *s, const uint8_t *data, size_t len)
{
	uint64_t end = s->total + len;
	size_t part;

	if (s->total < s->head_cap) {
		part = min_u64(len, s->head_cap - s->total);
		store_reserve(&s->head, &s->head_size, s->total + part, s->head_cap);
		memcpy(s->head + s->total, data, part);
		data += part;
		len -= part;
	}
	if (len > 0)
		store_ring_put(s, data, len, end);
	s->total = end;
}

uint64_t
px_stream_store_dropped(const struct px_stream_store *s)
{
	uint64_t cap = (uint64_t)s->head_cap + s->ring_cap;

	return s->total > cap ? s->total - cap : 0;
}

uint64_t
px_stream_store_tail_from(const struct px_stream_store *s)
{
	return s->head_cap + px_stream_store_dropped(s);
}

size_t
px_stream_store_slack(const struct px_stream_store *s, uint64_t offset)
{
	uint64_t keep = max_u64(offset, s->head_cap) + s->ring_cap;

	return keep > s->total ? keep - s->total : 0;
}

void
px_stream_store_head(
    const struct px_stream_store *s, uint64_t from, uint64_t to, struct px_run *out)
{
	*out = (struct px_run){ NULL, 0 };
	to = min_u64(to, min_u64(s->total, s->head_cap));
	if (from < to)
		*out = (struct px_run){ s->head + from, to - from };
}

void
px_stream_store_tail(
    const struct px_stream_store *s, uint64_t from, uint64_t to, struct px_run out[2])
{
	size_t at, len, first;

	out[0] = out[1] = (struct px_run){ NULL, 0 };
	from = max_u64(from, px_stream_store_tail_from(s));
	to = min_u64(to, s->total);
	if (from >= to)
		return;
	len = to - from;
	at = store_ring_index(s, from);
	first = min_u64(len, s->ring_cap - at);
	out[0] = (struct px_run){ s->ring + at, first };
	if (first < len)
		out[1] = (struct px_run){ s->ring, len - first };
}

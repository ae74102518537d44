#include "transcript/chunk_index.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "transcript/stream_store.h"

void
px_chunk_index_init(struct px_chunk_index *ix, unsigned stream, size_t limit, bool whole)
{
	*ix = (struct px_chunk_index){ .stream = stream, .limit = limit, .whole = whole };
}

void
px_chunk_index_done(struct px_chunk_index *ix)
{
	free(ix->first);
	free(ix->last);
}

static size_t
index_last_pos(const struct px_chunk_index *ix, size_t i)
{
	size_t pos = ix->last_at + i;

	return pos < ix->last_size ? pos : pos - ix->last_size;
}

static void
index_last_pop(struct px_chunk_index *ix)
{
	ix->last_at = index_last_pos(ix, 1);
	ix->nlast--;
}

/* Makes room for one more. The older part of a ring that had wrapped moves up to the new end. */
static void
index_last_reserve(struct px_chunk_index *ix)
{
	size_t old = ix->last_size;
	size_t size = px_grown_size(old, ix->nlast + 1, ix->limit - ix->nfirst);
	size_t older = old - ix->last_at;

	if (size == old)
		return;
	ix->last = px_realloc_array(ix->last, size, sizeof(*ix->last));
	ix->last_size = size;
	if (ix->last_at + ix->nlast > old) {
		memmove(ix->last + size - older, ix->last + ix->last_at, older * sizeof(*ix->last));
		ix->last_at = size - older;
	}
}

static void
index_first_add(struct px_chunk_index *ix, const struct px_border *border)
{
	size_t size = px_grown_size(ix->first_size, ix->nfirst + 1, ix->limit / 2);

	if (size != ix->first_size) {
		ix->first = px_realloc_array(ix->first, size, sizeof(*ix->first));
		ix->first_size = size;
	}
	ix->first[ix->nfirst++] = *border;
}

/*
 * Once a chunk has gone to the newest half all later ones do, for the first
 * half then is full or the stream is past its head: so 'nfirst' is final there.
 */
void
px_chunk_index_add(
    struct px_chunk_index *ix, const struct px_border *border, uint64_t end, size_t head_cap)
{
	if (border->offset[ix->stream] < head_cap && ix->nfirst < ix->limit / 2) {
		index_first_add(ix, border);
		ix->first_end = end;
	} else {
		if (ix->nlast == ix->limit - ix->nfirst)
			index_last_pop(ix);
		index_last_reserve(ix);
		ix->last[index_last_pos(ix, ix->nlast++)] = *border;
	}
	ix->end = end;
}

void
px_chunk_index_extend(struct px_chunk_index *ix, uint64_t end)
{
	if (ix->nlast == 0)
		ix->first_end = end;
	ix->end = end;
}

static bool
index_is_dropped(const struct px_chunk_index *ix, size_t i, uint64_t offset)
{
	return ix->whole ? px_chunk_index_at(ix, i)->offset[ix->stream] < offset
			 : px_chunk_index_end(ix, i) <= offset;
}

void
px_chunk_index_drop(struct px_chunk_index *ix, uint64_t offset)
{
	while (ix->nlast > 0 && index_is_dropped(ix, ix->nfirst, offset))
		index_last_pop(ix);
}

size_t
px_chunk_index_count(const struct px_chunk_index *ix)
{
	return ix->nfirst + ix->nlast;
}

const struct px_border *
px_chunk_index_at(const struct px_chunk_index *ix, size_t i)
{
	if (i < ix->nfirst)
		return &ix->first[i];
	return &ix->last[index_last_pos(ix, i - ix->nfirst)];
}

uint64_t
px_chunk_index_end(const struct px_chunk_index *ix, size_t i)
{
	if (i + 1 == ix->nfirst)
		return ix->first_end;
	if (i + 1 == px_chunk_index_count(ix))
		return ix->end;
	return px_chunk_index_at(ix, i + 1)->offset[ix->stream];
}

size_t
px_chunk_index_upto(const struct px_chunk_index *ix, uint64_t seq)
{
	size_t low = 0, high = px_chunk_index_count(ix);

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (px_chunk_index_at(ix, mid)->seq <= seq)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

size_t
px_chunk_index_slack(const struct px_chunk_index *ix, uint64_t seq)
{
	size_t behind = px_chunk_index_upto(ix, seq);
	size_t poppable = behind > ix->nfirst ? behind - ix->nfirst : 0;

	return ix->limit - px_chunk_index_count(ix) + poppable;
}

#ifndef PX_TRANSCRIPT_CHUNK_INDEX_H
#define PX_TRANSCRIPT_CHUNK_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transcript/transcript.h"

/* Where a chunk begins: its number, and how far every stream was just before it. */
struct px_border {
	uint64_t seq;
	uint64_t offset[PX_STREAMS_MAX];
};

/*
 * The known chunks of one stream, oldest first: some of the first, which stay
 * for good, and a deque of the newest, with a hole between them when chunks
 * were forgotten. The limits are those of transcript.h. Only the transcript
 * uses this.
 */
struct px_chunk_index {
	unsigned stream;
	size_t limit;            /* chunks known at most; half of them may be in 'first' */
	bool whole;              /* one that has lost its first byte is forgotten */
	struct px_border *first; /* begin within the head */
	size_t nfirst, first_size;
	uint64_t first_end;     /* where the last of them ends */
	struct px_border *last; /* ring: 'nlast' entries from 'last_at' */
	size_t last_at, nlast, last_size;
	uint64_t end; /* where the newest chunk ends */
};

void px_chunk_index_init(struct px_chunk_index *ix, unsigned stream, size_t limit, bool whole);
void px_chunk_index_done(struct px_chunk_index *ix);

/* Adds the newest chunk, which ends at 'end'; the head's bytes end at 'head_cap'. */
void px_chunk_index_add(
    struct px_chunk_index *ix, const struct px_border *border, uint64_t end, size_t head_cap);

/* The newest chunk, which the transcript's last number belongs to, has grown: it ends at 'end'. */
void px_chunk_index_extend(struct px_chunk_index *ix, uint64_t end);

/* Forgets the newest-half chunks that end at or before 'offset'; with 'whole', that begin before.
 */
void px_chunk_index_drop(struct px_chunk_index *ix, uint64_t offset);

size_t px_chunk_index_count(const struct px_chunk_index *ix);

/* How many known chunks have numbers up to and including 'seq'. */
size_t px_chunk_index_upto(const struct px_chunk_index *ix, uint64_t seq);

/* The known chunk 'i' < count, valid until the next add or drop; its end in its own stream. */
const struct px_border *px_chunk_index_at(const struct px_chunk_index *ix, size_t i);
uint64_t px_chunk_index_end(const struct px_chunk_index *ix, size_t i);

/* Chunks that can still be added before the count makes it forget one numbered above 'seq'. */
size_t px_chunk_index_slack(const struct px_chunk_index *ix, uint64_t seq);

#endif

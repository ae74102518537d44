#include "client/results.h"

#include "base/fields.h"
#include "base/json.h"
#include "client/rows.h"

/* What a transcript keeps: snapshots and reads. */

struct omission {
	struct px_int offset, bytes;
};

static const struct px_field omission_fields[] = {
	NUMBER(omission, offset, "offset"),
	NUMBER(omission, bytes, "bytes"),
};

/* One row for each stream, in the order of enum px_stream. */
struct per_stream {
	struct px_bytes kept[PX_STREAM_COUNT];
	struct px_int total[PX_STREAM_COUNT];
	bool cut[PX_STREAM_COUNT];
	struct omission omission[PX_STREAM_COUNT];
};

static const struct px_field kept_fields[] = {
	BYTES(per_stream, kept[PX_STREAM_STDOUT], "stdout"),
	BYTES(per_stream, kept[PX_STREAM_STDERR], "stderr"),
	BYTES(per_stream, kept[PX_STREAM_TERMINAL], "terminal"),
};

static const struct px_field total_fields[] = {
	MAYBE_NUMBER(per_stream, total[PX_STREAM_STDOUT], "stdout"),
	MAYBE_NUMBER(per_stream, total[PX_STREAM_STDERR], "stderr"),
	MAYBE_NUMBER(per_stream, total[PX_STREAM_TERMINAL], "terminal"),
};

int
px_totals_read(struct px_json_doc *doc, const struct px_json *from, int64_t out[PX_STREAM_COUNT],
    struct px_err *err)
{
	struct per_stream per = { 0 };

	if (px_fields_fill(doc, from, total_fields, COUNT(total_fields), &per, err) == -1)
		return -1;
	for (size_t i = 0; i < PX_STREAM_COUNT; i++)
		out[i] = per.total[i].v;
	return 0;
}

#define OMISSION(index, name) OBJECT(per_stream, omission[index], name, omission_fields, cut[index])
static const struct px_field omitted_fields[] = {
	OMISSION(PX_STREAM_STDOUT, "stdout"),
	OMISSION(PX_STREAM_STDERR, "stderr"),
	OMISSION(PX_STREAM_TERMINAL, "terminal"),
};

struct snapshot {
	const struct px_json *totals, *omitted;
	struct px_bool truncated, running;
	struct px_int next;
};

static const struct px_field snapshot_fields[] = {
	ROW(snapshot, totals, "totalBytes", PX_F_ANY, .flags = PX_F_REQUIRED),
	ROW(snapshot, omitted, "omitted", PX_F_ANY, .flags = PX_F_REQUIRED),
	FLAG(snapshot, truncated, "truncated"),
	FLAG(snapshot, running, "running"),
	NUMBER(snapshot, next, "nextSeq"),
};

int
px_snapshot_read(struct px_json_doc *doc, const struct px_json *from, struct px_snapshot *out,
    struct px_err *err)
{
	struct snapshot in = { 0 };
	struct per_stream per = { 0 };
	int64_t totals[PX_STREAM_COUNT];

	if (px_fields_fill(doc, from, snapshot_fields, COUNT(snapshot_fields), &in, err) == -1 ||
	    px_fields_fill(doc, from, kept_fields, COUNT(kept_fields), &per, err) == -1 ||
	    px_totals_read(doc, in.totals, totals, err) == -1 ||
	    px_fields_fill(doc, in.omitted, omitted_fields, COUNT(omitted_fields), &per, err) ==
		-1 ||
	    px_exit_read(doc, from, &out->exited, &out->end, err) == -1)
		return -1;
	for (size_t i = 0; i < PX_STREAM_COUNT; i++)
		out->stream[i] = (struct px_kept_stream){ .data = per.kept[i].p,
			.len = per.kept[i].len,
			.total = totals[i],
			.omitted_offset = per.omission[i].offset.v,
			.omitted_bytes = per.omission[i].bytes.v };
	out->truncated = in.truncated.v;
	out->running = in.running.v;
	out->next_seq = in.next.v;
	return 0;
}

/* ---- reads ---- */

struct chunk {
	struct px_int seq, offset;
	struct px_str stream;
	struct px_bytes bytes;
};

static const struct px_field chunk_fields[] = {
	NUMBER(chunk, seq, "seq"),
	STRING(chunk, stream, "stream"),
	NUMBER(chunk, offset, "offset"),
	BYTES(chunk, bytes, "chunk"),
};

static int
chunk_read(struct px_json_doc *doc, const struct px_json *from, struct px_output_chunk *out,
    struct px_err *err)
{
	struct chunk in = { 0 };

	if (from->type != PX_JSON_OBJECT)
		return px_fail(err, PX_E_PARAMS, "a chunk that is no object");
	if (px_fields_fill(doc, from, chunk_fields, COUNT(chunk_fields), &in, err) == -1 ||
	    px_stream_read(in.stream.p, &out->stream, err) == -1)
		return -1;
	out->seq = in.seq.v;
	out->offset = in.offset.v;
	out->data = in.bytes.p;
	out->len = in.bytes.len;
	return 0;
}

struct reading {
	const struct px_json *chunks;
	struct px_int next, lost;
	struct px_bool closed;
};

static const struct px_field reading_fields[] = {
	ROW(reading, chunks, "chunks", PX_F_ANY, .flags = PX_F_REQUIRED),
	NUMBER(reading, next, "nextSeq"),
	NUMBER(reading, lost, "lostBytes"),
	FLAG(reading, closed, "closed"),
};

int
px_chunks_read(
    struct px_json_doc *doc, const struct px_json *from, struct px_read *out, struct px_err *err)
{
	struct reading in = { 0 };
	struct px_output_chunk *chunks;
	size_t i = 0;

	if (px_fields_fill(doc, from, reading_fields, COUNT(reading_fields), &in, err) == -1 ||
	    px_exit_read(doc, from, &out->exited, &out->end, err) == -1)
		return -1;
	if (in.chunks->type != PX_JSON_ARRAY)
		return px_fail(err, PX_E_PARAMS, "\"chunks\" is no array");
	if ((chunks = px_json_arena(doc, in.chunks->count * sizeof *chunks)) == NULL)
		return px_fail(err, PX_E_NOMEM, "chunks");
	for (const struct px_json *node = in.chunks->first; node != NULL; node = node->next)
		if (chunk_read(doc, node, &chunks[i++], err) == -1)
			return -1;
	out->chunks = chunks;
	out->nchunks = in.chunks->count;
	out->next_seq = in.next.v;
	out->lost_bytes = in.lost.v;
	out->closed = in.closed.v;
	return 0;
}

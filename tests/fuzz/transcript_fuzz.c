/*
 * Random operations on a transcript and on the model of it; every answer is
 * compared.
 */
#include "transcript_model.h"

enum {
	CURSORS = 10,
	WORK_MAX = 500000, /* the model's steps in one input */
};

struct input {
	const uint8_t *p;
	size_t len;
};

static unsigned
input_byte(struct input *in)
{
	if (in->len == 0)
		return 0;
	in->len--;
	return *in->p++;
}

static unsigned
input_short(struct input *in)
{
	unsigned high = input_byte(in);

	return high << 8 | input_byte(in);
}

/* Compares one read; false at the end. */
static bool
check_read(struct px_transcript *t, struct model *m, struct px_cursor *cur)
{
	struct px_cursor before = *cur;
	struct px_chunk got = { 0 };
	const struct model_chunk *want;
	uint64_t lost = UINT64_MAX, from = 0;
	unsigned s = 0;
	size_t len;

	want = model_next(m, cur->seq, &s);
	MUST(px_transcript_read(t, cur, &got, &lost) == (want != NULL));
	model_reader_moved(m, before.seq, want != NULL ? want->seq : m->last);
	MUST(memcmp(cur, &m->place[want != NULL ? want->seq : m->last], sizeof(*cur)) == 0);
	if (want == NULL) {
		MUST(lost == model_distance(m, &before, cur));
		return false;
	}
	len = model_given(m, s, want, &from);
	MUST(got.seq == want->seq && got.stream == s && got.offset == from);
	MUST(got.run[0].len > 0 && got.run[0].len + got.run[1].len == len);
	MUST(got.lost == model_distance(m, &before, cur) - len);
	MUST(memcmp(got.run[0].data, m->bytes[s] + from, got.run[0].len) == 0);
	if (got.run[1].len > 0)
		MUST(memcmp(got.run[1].data, m->bytes[s] + from + got.run[0].len, got.run[1].len) ==
		     0);
	return true;
}

static void
check_view(const struct px_transcript *t, struct model *m)
{
	struct px_view view;
	struct px_run run[3];
	uint64_t at;
	unsigned s, r;

	for (s = 0; s < m->nstreams; s++) {
		size_t used = 0, held = 0;

		px_transcript_view(t, s, &view);
		run[0] = view.head;
		run[1] = view.tail[0];
		run[2] = view.tail[1];
		for (at = 0, r = 0; at < m->total[s]; at++) {
			if (!model_held(m, m->total[s], at)) {
				MUST(at >= view.omitted_offset);
				MUST(at < view.omitted_offset + view.omitted_bytes);
				continue;
			}
			held++;
			while (r < 3 && used == run[r].len) {
				used = 0;
				r++;
			}
			MUST(r < 3 && run[r].data[used++] == m->bytes[s][at]);
		}
		MUST(run[0].len + run[1].len + run[2].len == held);
		MUST(px_transcript_retained(t, s) == held && held + view.omitted_bytes == at);
		MUST(view.omitted_offset == (held < at ? m->head : 0));
		m->work += at;
	}
}

static void
check_slack(const struct px_transcript *t, struct model *m, const struct px_cursor *cur)
{
	struct px_slack both = px_transcript_slack(t, cur);
	size_t slack = both.bytes < both.chunks ? both.bytes : both.chunks;
	bool more = true, more_bytes = true;
	unsigned s;

	/* In chunks of one byte each, and in as few as one likes. */
	for (s = 0; s < m->nstreams; s++) {
		MUST(slack == 0 || model_keeps(m, s, cur, slack));
		more = more && model_keeps(m, s, cur, slack + 1);
		MUST(both.bytes == 0 || model_keeps_bytes(m, s, cur, both.bytes));
		more_bytes = more_bytes && model_keeps_bytes(m, s, cur, both.bytes + 1);
	}
	MUST(!more && !more_bytes);
}

/* Twice what is held, an index of at most its limit, and a fixed part. */
static void
check_memory(const struct px_transcript *t, const struct model *m)
{
	size_t most = 1024;
	unsigned s;

	for (s = 0; s < m->nstreams; s++) {
		size_t held = m->total[s] < m->cap ? m->total[s] : m->cap;
		size_t known = m->nchunks[s] < m->limit ? m->nchunks[s] : m->limit;

		most += 2 * held < m->cap ? 2 * held : m->cap;
		most += 2 * known * (PX_STREAMS_MAX + 1) * sizeof(uint64_t);
		MUST(px_transcript_total(t, s) == m->total[s]);
	}
	MUST(px_transcript_memory(t) <= most);
	MUST(px_transcript_next_seq(t) == m->last + 1);
}

static void
do_append(struct px_transcript *t, struct model *m, unsigned s, size_t len)
{
	uint8_t *data;
	size_t i;

	if (len == 0 || m->last == MODEL_SEQS || m->total[s] + len > MODEL_BYTES)
		return;
	data = malloc(len); /* exactly as long, so that a sanitizer sees a read beyond it */
	MUST(data != NULL);
	for (i = 0; i < len; i++)
		data[i] = (uint8_t)((m->total[s] + i) * 0x9e3779b1U >> 13 ^ s);
	MUST(px_transcript_append(t, s, data, len) == m->last + 1);
	model_append(m, s, data, len);
	free(data);
}

static void
run_op(struct px_transcript *t, struct model *m, struct input *in, struct px_cursor *cursors)
{
	unsigned op = input_byte(in), arg = op >> 3, n;
	unsigned s = (arg & 1) % m->nstreams;
	struct px_cursor *cur = &cursors[(arg >> 1) % CURSORS];
	struct px_cursor want;
	uint64_t after;

	switch (op & 7) {
	case 0:
		do_append(t, m, s, 1 + (arg >> 1));
		break;
	case 1:
		do_append(t, m, s, input_short(in) % (3 * m->cap + 2));
		break;
	case 2:
		for (n = 4 * input_byte(in); n > 0; n--)
			do_append(t, m, s, 1);
		break;
	case 3:
		if (m->last == MODEL_SEQS)
			break;
		MUST(px_transcript_mark(t) == m->last + 1);
		model_event(m);
		break;
	case 4:
		n = input_short(in);
		after = n & 1 ? cursors[n / 2 % CURSORS].seq : n / 2 % (m->last + 3);
		px_transcript_seek(t, after, cur);
		model_seek(m, after, &want);
		MUST(memcmp(cur, &want, sizeof(want)) == 0);
		break;
	case 5:
		for (n = 1 + input_byte(in) % 64; n > 0 && check_read(t, m, cur); n--)
			continue;
		break;
	case 6:
		check_view(t, m);
		break;
	case 7:
		check_slack(t, m, cur);
		break;
	}
	check_memory(t, m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct px_cursor cursors[CURSORS] = { 0 };
	struct input in = { data, size };
	unsigned nstreams = 1 + input_byte(&in) % 2;
	size_t cap = 2 + input_short(&in) % 20000;
	struct px_transcript *t = px_transcript_new(nstreams, cap);
	struct model m;

	model_init(&m, nstreams, cap);
	while (in.len > 0 && m.work < WORK_MAX)
		run_op(t, &m, &in, cursors);
	check_view(t, &m);
	model_done(&m);
	px_transcript_free(t);
	return 0;
}

#include "client/collect.h"

#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "client/error.h"

/* What callers hold, with the memory that it points into. */
struct collected {
	struct px_collected public;
	char signal[16], cause[32], failure[256];
	char bytes[];
};

void
px_collecting_init(struct px_collecting *collecting, size_t max_bytes)
{
	size_t cap = max_bytes > 0 ? max_bytes : PTRDIFF_MAX;

	*collecting = (struct px_collecting){ 0 };
	for (int i = 0; i < PX_STREAM_COUNT; i++)
		px_stream_store_init(&collecting->store[i], cap / 2, cap - cap / 2);
}

void
px_collecting_done(struct px_collecting *collecting)
{
	for (int i = 0; i < PX_STREAM_COUNT; i++)
		px_stream_store_done(&collecting->store[i]);
}

/* ---- taking in ---- */

static void
on_exited(struct px_collecting *collecting, const struct px_event *event)
{
	const struct px_end *end = &event->exited.end;

	collecting->exited = true;
	collecting->over = event->exited.output_open;
	collecting->end = *end;
	collecting->end.signal = NULL;
	if (end->signal != NULL)
		strlcpy(collecting->signal, end->signal, sizeof collecting->signal);
	if (end->cause != NULL)
		strlcpy(collecting->cause, end->cause, sizeof collecting->cause);
}

static void
on_failure(struct px_collecting *collecting, const char *why)
{
	strlcpy(collecting->failure, why, sizeof collecting->failure);
	collecting->over = true;
}

/* The second may be any number that a server says. */
static int64_t
plus(int64_t a, int64_t b)
{
	return a < INT64_MAX - b ? a + b : INT64_MAX;
}

void
px_collecting_add(struct px_collecting *collecting, const struct px_event *event)
{
	collecting->told = true;
	switch (event->type) {
	case PX_EVENT_OUTPUT:
		px_stream_store_append(&collecting->store[event->output.stream], event->output.data,
		    event->output.len);
		break;
	case PX_EVENT_LAGGED:
		collecting->skipped = plus(collecting->skipped, event->lagged.skipped_bytes);
		break;
	case PX_EVENT_EXITED:
		on_exited(collecting, event);
		break;
	case PX_EVENT_CLOSED:
		collecting->closed = collecting->over = true;
		break;
	case PX_EVENT_FAILED:
		/* Of a lost stream, the program's end still tells. */
		if (event->seq > 0)
			on_failure(collecting, event->failed.message);
		break;
	case PX_EVENT_LOST:
		on_failure(collecting, event->lost.text);
		break;
	case PX_EVENT_ANSWER:
	case PX_EVENT_STARTED:
		break;
	}
}

/* ---- giving out ---- */

/* Copies what is held to 'to', with a NUL; returns what follows it. */
static char *
join(const struct px_stream_store *store, char *to, struct px_gathered *out)
{
	struct px_run run[3];

	px_stream_store_head(store, 0, store->total, &run[0]);
	px_stream_store_tail(store, run[0].len, store->total, &run[1]);
	*out = (struct px_gathered){ .data = to, .total = (int64_t)store->total };
	for (int i = 0; i < 3; i++) {
		if (run[i].len > 0)
			memcpy(to + out->len, run[i].data, run[i].len);
		out->len += run[i].len;
	}
	to[out->len] = '\0';
	out->omitted_bytes = (int64_t)(store->total - out->len);
	out->omitted_offset = out->omitted_bytes > 0 ? (int64_t)run[0].len : 0;
	return to + out->len + 1;
}

static size_t
held(const struct px_collecting *collecting)
{
	size_t sum = 0;

	for (int i = 0; i < PX_STREAM_COUNT; i++)
		sum +=
		    collecting->store[i].total - px_stream_store_dropped(&collecting->store[i]) + 1;
	return sum;
}

struct px_collected *
px_collecting_result(const struct px_collecting *collecting, struct px_error *err)
{
	struct collected *result = calloc(1, sizeof *result + held(collecting));
	char *to;

	if (result == NULL) {
		px_error_set(err, PX_ERROR_SYSTEM, "no memory for the output");
		return NULL;
	}
	to = result->bytes;
	for (int i = 0; i < PX_STREAM_COUNT; i++)
		to = join(&collecting->store[i], to, &result->public.stream[i]);
	result->public.skipped_bytes = collecting->skipped;
	result->public.exited = collecting->exited;
	result->public.closed = collecting->closed;
	result->public.running = !collecting->over;
	result->public.end = collecting->end;
	strlcpy(result->signal, collecting->signal, sizeof result->signal);
	strlcpy(result->cause, collecting->cause, sizeof result->cause);
	strlcpy(result->failure, collecting->failure, sizeof result->failure);
	result->public.end.signal = result->signal[0] != '\0' ? result->signal : NULL;
	result->public.end.cause = collecting->exited ? result->cause : NULL;
	result->public.failure = result->failure[0] != '\0' ? result->failure : NULL;
	return &result->public;
}

void
px_collected_free(struct px_collected *collected)
{
	free(collected); /* the first member of what was allocated */
}

#include "cli/tour.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ANSWER_MS = 10000, WIDTH = 80, INDENT = 4 };

static const char *const stream_names[PX_STREAM_COUNT] = { "stdout", "stderr", "terminal" };

/* ---- bytes ---- */

/* One character as it can be shown, and its width. A carriage return shows as nothing. */
static int
put_byte(char c)
{
	if (c == '\r')
		return 0;
	if (c >= ' ' && c <= '~') {
		putchar(c);
		return 1;
	}
	return printf("\\x%02x", (unsigned char)c);
}

/* Lines of "| text", cut where the screen ends. */
static void
put_bytes(const char *data, size_t len)
{
	int column = WIDTH;
	bool at_start = true;

	for (size_t i = 0; i < len; i++) {
		if (at_start || column > WIDTH - INDENT) {
			column = printf("%s  | ", at_start ? "" : "\n");
			at_start = false;
		}
		if (data[i] == '\n') {
			putchar('\n');
			at_start = true;
		} else {
			column += put_byte(data[i]);
		}
	}
	if (!at_start)
		putchar('\n');
}

static void
output_flush(struct px_tour *tour)
{
	if (tour->hidden > 0)
		printf("< process/outputDelta  %s, %zu bytes in all, not shown\n",
		    stream_names[tour->stream], tour->hidden);
	if (tour->len > 0) {
		printf("< process/outputDelta  %s\n", stream_names[tour->stream]);
		put_bytes(tour->bytes, tour->len);
	}
	tour->len = tour->hidden = 0;
}

static void
output_add(struct px_tour *tour, enum px_stream stream, const char *data, size_t len)
{
	if (stream != tour->stream || (!tour->hide_output && len > sizeof tour->bytes - tour->len))
		output_flush(tour);
	tour->stream = stream;
	if (tour->hide_output || len > sizeof tour->bytes) {
		tour->hidden += len;
		return;
	}
	memcpy(tour->bytes + tour->len, data, len);
	tour->len += len;
}

/* ---- events ---- */

static void
put_end(const struct px_end *end)
{
	const struct px_resources *used = &end->resources;

	printf("exitCode %d", end->exit_code);
	if (end->signal != NULL)
		printf(", signal %s", end->signal);
	printf(", cause %s,\n    processor %" PRId64 " ms, memory %" PRId64 " KiB, time %" PRId64
	       " ms\n",
	    end->cause, used->user_ms + used->system_ms, used->max_rss_bytes / 1024, used->wall_ms);
}

/* 1: the answer to 'request'; 0: something else; -1: there will be none. */
static int
on_event(struct px_tour *tour, const struct px_event *event, int64_t request)
{
	if (event->type == PX_EVENT_OUTPUT) {
		output_add(tour, event->output.stream, event->output.data, event->output.len);
		return 0;
	}
	output_flush(tour);
	switch (event->type) {
	case PX_EVENT_ANSWER:
		tour->error = event->answer.error;
		if (event->answer.request != request)
			return 0;
		return event->answer.error.code == PX_ERROR_NONE ? 1 : -1;
	case PX_EVENT_EXITED:
		printf("< process/exited  \"%s\", ", event->session);
		put_end(&event->exited.end);
		return 0;
	case PX_EVENT_CLOSED:
		printf("< process/closed  \"%s\"\n", event->session);
		tour->closed = true;
		return 0;
	case PX_EVENT_LOST:
		tour->error = event->lost;
		return -1;
	default:
		return 0;
	}
}

/* It is the tour's until the next one. */
static bool
next_event(struct px_tour *tour)
{
	fflush(stdout);
	px_event_free(tour->event);
	tour->event = px_client_next(tour->client, NULL, ANSWER_MS, &tour->error);
	return tour->event != NULL;
}

/* The answer, when everything before it is printed; it lives until the next step. */
static const struct px_answer *
answer(struct px_tour *tour, int64_t request)
{
	int got = request == -1 ? -1 : 0;

	while (got == 0)
		got = next_event(tour) ? on_event(tour, tour->event, request) : -1;
	return got == 1 ? &tour->event->answer : NULL;
}

/* An answer that says nothing more than that it was done. */
static int
answer_done(struct px_tour *tour, int64_t request)
{
	return answer(tour, request) != NULL ? 0 : -1;
}

/* ---- steps ---- */

void
px_tour_title(struct px_tour *tour, const char *text)
{
	output_flush(tour);
	printf("\n%s\n", text);
}

int
px_tour_start(struct px_tour *tour, const struct px_command *command)
{
	printf("> process/start  \"%s\":", command->session);
	for (const char *const *arg = command->argv; *arg != NULL; arg++)
		printf(strchr(*arg, ' ') != NULL ? " '%s'" : " %s", *arg);
	if (command->pty)
		printf(", %d x %d", command->rows, command->cols);
	putchar('\n');
	tour->seen_seq = 0;
	tour->closed = false;
	return answer_done(tour, px_client_start(tour->client, command, &tour->error));
}

int
px_tour_write(struct px_tour *tour, const char *session, const char *text)
{
	printf("> process/write  \"%s\": ", session);
	fwrite(text, 1, strcspn(text, "\n"), stdout);
	putchar('\n');
	return answer_done(
	    tour, px_client_write(tour->client, session, text, strlen(text), &tour->error));
}

int
px_tour_close_stdin(struct px_tour *tour, const char *session)
{
	printf("> process/closeStdin  \"%s\"\n", session);
	return answer_done(tour, px_client_close_stdin(tour->client, session, &tour->error));
}

static int
wait_until(struct px_tour *tour, const char *session, const struct px_until *until)
{
	int64_t request = px_client_wait(tour->client, session, until, &tour->error);
	const struct px_answer *got = answer(tour, request);

	if (got == NULL)
		return -1;
	printf("< reason: %s\n", got->wait.reason);
	tour->seen_seq = got->wait.next_seq - 1;
	return 0;
}

int
px_tour_wait_match(struct px_tour *tour, const char *session, const char *text)
{
	const struct px_until until = { .match = text,
		.from_seq = true,
		.after_seq = tour->seen_seq,
		.timeout_ms = ANSWER_MS };

	printf("> process/wait  \"%s\", until its output has \"%s\"\n", session, text);
	return wait_until(tour, session, &until);
}

int
px_tour_wait_idle(struct px_tour *tour, const char *session, int64_t idle_ms)
{
	const struct px_until until = { .idle_ms = idle_ms, .timeout_ms = ANSWER_MS };

	printf("> process/wait  \"%s\", until nothing has come for %" PRId64 " ms\n", session,
	    idle_ms);
	return wait_until(tour, session, &until);
}

int
px_tour_closed(struct px_tour *tour)
{
	while (!tour->closed)
		if (!next_event(tour) || on_event(tour, tour->event, 0) == -1)
			return -1;
	return 0;
}

static void
put_kept(const char *name, const struct px_kept_stream *kept)
{
	const char *data = kept->data;
	size_t head = kept->omitted_bytes > 0 ? (size_t)kept->omitted_offset : kept->len;

	if (kept->total == 0)
		return;
	printf("< %s: %zu of %" PRId64 " bytes are kept\n", name, kept->len, kept->total);
	if (head > kept->len)
		head = kept->len;
	put_bytes(data, head);
	if (kept->omitted_bytes == 0)
		return;
	printf("    (%" PRId64 " bytes are missing from offset %" PRId64 " on)\n",
	    kept->omitted_bytes, kept->omitted_offset);
	put_bytes(data + head, kept->len - head);
}

int
px_tour_snapshot(struct px_tour *tour, const char *session)
{
	const struct px_answer *got;

	printf("> process/snapshot  \"%s\"\n", session);
	if ((got = answer(tour, px_client_snapshot(tour->client, session, &tour->error))) == NULL)
		return -1;
	for (size_t i = 0; i < PX_STREAM_COUNT; i++)
		put_kept(stream_names[i], &got->snapshot.stream[i]);
	return 0;
}

int
px_tour_terminate(struct px_tour *tour, const char *session)
{
	const struct px_answer *got;

	printf("> process/terminate  \"%s\"\n", session);
	got = answer(
	    tour, px_client_terminate(tour->client, session, PX_TERMINATE_GRACE, &tour->error));
	if (got == NULL)
		return -1;
	printf("< it was %s when asked\n", got->terminate.running ? "running" : "gone");
	return 0;
}

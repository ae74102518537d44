#include "cli/print.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum { LEAVE_MS = 200 }; /* for a terminal to take the last of it; it may be stopped */

void
px_print_init(struct px_print *print, bool pty)
{
	*print = (struct px_print){ .to_screen = pty && isatty(STDOUT_FILENO) };
	px_sink_init(&print->out, STDOUT_FILENO);
	px_sink_init(&print->err, STDERR_FILENO);
}

void
px_print_done(struct px_print *print)
{
	px_sink_done(&print->out);
	px_sink_done(&print->err);
	free(print->data);
}

bool
px_print_is_idle(const struct px_print *print)
{
	return print->at == print->len && print->note_at == print->note_len;
}

/* ---- taking ---- */

void
px_print_note(struct px_print *print, const char *text)
{
	size_t n = 0;

	for (; *text != '\0' && n + 2 < sizeof print->note; text++) {
		if (*text == '\n')
			print->note[n++] = '\r';
		print->note[n++] = *text;
	}
	print->note_at = 0;
	print->note_len = n;
	print->note_first = print->at == print->len;
}

static void
tell_hole(struct px_print *print, int64_t missing)
{
	char text[128];

	snprintf(text, sizeof text, "\n[ptyexec: %" PRId64 " bytes of output are no longer kept]\n",
	    missing);
	px_print_note(print, text);
}

void
px_print_output(struct px_print *print, const struct px_event *event)
{
	enum px_stream stream = event->output.stream;
	bool old = event->seq < print->old_until;
	size_t room = event->output.len + PX_SCREEN_SEQUENCE;

	if (event->output.offset > print->expected[stream])
		tell_hole(print, event->output.offset - print->expected[stream]);
	print->expected[stream] = event->output.offset + (int64_t)event->output.len;
	if (room > print->room) {
		print->data = px_realloc_array(print->data, room, 1);
		print->room = room;
	}
	print->sink = stream == PX_STREAM_STDERR ? &print->err : &print->out;
	print->at = 0;
	print->len = event->output.len;
	if (print->to_screen)
		print->len = px_screen_pass(
		    &print->screen, old, event->output.data, print->len, print->data);
	else
		memcpy(print->data, event->output.data, print->len);
}

/* ---- writing ---- */

static bool
note_is_next(const struct px_print *print)
{
	return print->note_at < print->note_len && (print->note_first || print->at == print->len);
}

/* 1: all of it; 0: not now; -1. */
static int
push(const struct px_sink *sink, const char *data, size_t *at, size_t len)
{
	ssize_t n;

	while (*at < len) {
		if ((n = px_sink_write(sink, data + *at, len - *at)) <= 0)
			return (int)n;
		*at += (size_t)n;
	}
	return 1;
}

int
px_print_flush(struct px_print *print, const char **out_name)
{
	const struct px_sink *sink;
	int result = 1;

	while (result == 1 && !px_print_is_idle(print)) {
		if (note_is_next(print)) {
			sink = &print->err;
			result = push(sink, print->note, &print->note_at, print->note_len);
		} else {
			sink = print->sink;
			result = push(sink, print->data, &print->at, print->len);
		}
		*out_name = sink == &print->err ? "standard error" : "standard output";
	}
	return result == -1 ? -1 : 0;
}

int
px_print_fd(const struct px_print *print)
{
	if (px_print_is_idle(print))
		return -1;
	return note_is_next(print) ? print->err.fd : print->sink->fd;
}

/* ---- leaving ---- */

/* As far as the terminal takes it in time. */
static void
push_now(struct px_print *print, const char *text)
{
	struct pollfd pfd = { .fd = print->out.fd, .events = POLLOUT };
	size_t at = 0, len = strlen(text);

	while (at < len && poll(&pfd, 1, LEAVE_MS) == 1)
		if (push(&print->out, text, &at, len) == -1)
			return;
}

void
px_print_leave(struct px_print *print)
{
	char undo[PX_SCREEN_UNDO];

	if (print->at < print->len && print->to_screen)
		push_now(print, "\030"); /* CAN ends a sequence that was cut off */
	print->at = print->len = print->note_at = print->note_len = 0;
	px_screen_undo(&print->screen, undo);
	push_now(print, undo);
}

void
px_print_sleep(struct px_print *print)
{
	char undo[PX_SCREEN_UNDO];

	print->asleep = px_print_is_idle(print);
	if (!print->asleep)
		return;
	px_screen_undo(&print->screen, undo);
	push_now(print, undo);
}

void
px_print_wake(struct px_print *print)
{
	char redo[PX_SCREEN_UNDO];

	if (!print->asleep)
		return;
	print->asleep = false;
	px_screen_redo(&print->screen, redo);
	push_now(print, redo);
}

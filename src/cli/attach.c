#include "cli/attach.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/attach_state.h"

enum { EVENTS = 64 };     /* at a time, before signals and input have their turn */
enum { LEAVE_MS = 2000 }; /* for a server to hear that we leave */

/* ---- the end ---- */

void
px_attached_finish(struct px_attached *a, enum px_attach_end end)
{
	a->done = true;
	a->out->end = end;
}

void
px_attached_fail(struct px_attached *a, const struct px_error *error)
{
	a->out->error = *error;
	px_attached_finish(a, PX_ATTACH_FAILED);
}

static void
fail_here(struct px_attached *a, const char *what, const char *name)
{
	struct px_error error = { .code = PX_ERROR_SYSTEM, .sys = errno };

	snprintf(error.text, sizeof error.text, "%s%s: %s", what, name, strerror(error.sys));
	px_attached_fail(a, &error);
}

void
px_attached_sent(struct px_attached *a, int64_t request, const struct px_error *error)
{
	if (request == -1 && error->code != PX_ERROR_LOST && error->code != PX_ERROR_PEER)
		px_attached_fail(a, error);
}

/* ---- output ---- */

static void
flush(struct px_attached *a)
{
	const char *name;

	if (px_print_flush(&a->print, &name) == 0)
		return;
	if (errno == EPIPE)
		px_attached_finish(a, PX_ATTACH_PIPE);
	else
		fail_here(a, "cannot write to ", name);
}

/* ---- events ---- */

static void
on_answer(struct px_attached *a, const struct px_answer *answer)
{
	struct px_error error;

	px_attached_sent(a, px_feed_answered(&a->feed, answer, &error), &error);
	px_attached_sent(a, px_size_answered(&a->size, answer, &error), &error);
	if (answer->request != a->follow_request || a->done)
		return;
	if (answer->error.code == PX_ERROR_NONE)
		a->print.old_until = answer->subscribe.next_seq;
	else
		px_attached_fail(a, &answer->error);
}

static void
on_exited(struct px_attached *a, const struct px_event *event)
{
	const char *cause = event->exited.end.cause;
	bool timed_out = cause != NULL && strcmp(cause, "timeout") == 0;

	a->exited = true;
	a->out->exit_code = event->exited.end.exit_code;
	a->out->end = timed_out ? PX_ATTACH_TIMED_OUT : PX_ATTACH_ENDED;
	/* All that the program wrote has come; who else has its streams may keep them for ever. */
	a->done = event->exited.output_open;
}

static void
on_event(struct px_attached *a, const struct px_event *event)
{
	struct px_error error = { .code = PX_ERROR_LOST };

	if (event->session != NULL && strcmp(event->session, a->options->session) != 0)
		return;
	switch (event->type) {
	case PX_EVENT_ANSWER:
		on_answer(a, &event->answer);
		break;
	case PX_EVENT_OUTPUT:
		px_print_output(&a->print, event);
		flush(a);
		break;
	case PX_EVENT_EXITED:
		on_exited(a, event);
		break;
	case PX_EVENT_CLOSED:
		a->done = true;
		break;
	case PX_EVENT_STARTED:
	case PX_EVENT_LAGGED: /* the offset of the next output tells it */
		break;
	case PX_EVENT_FAILED:
		snprintf(error.text, sizeof error.text, "the server lost the program: %s",
		    event->failed.message);
		px_attached_fail(a, &error);
		break;
	case PX_EVENT_LOST:
		px_attached_fail(a, &event->lost);
		break;
	}
}

/* Takes events until output has to wait. False: there are none now. */
static bool
take_events(struct px_attached *a)
{
	struct px_event *event;

	for (int i = 0; i < EVENTS && !a->done && px_print_is_idle(&a->print); i++) {
		if ((event = px_client_next(a->client, NULL, 0, NULL)) == NULL)
			return false;
		on_event(a, event);
		px_event_free(event);
	}
	return px_print_is_idle(&a->print);
}

/* ---- keys ---- */

static void
show_help(struct px_attached *a)
{
	char prefix[PX_KEYS_TEXT], text[PX_PRINT_NOTE];
	bool ctrl;
	char last = px_keys_last(&a->options->keys, &ctrl);

	px_keys_prefix(&a->options->keys, prefix, sizeof prefix);
	snprintf(text, sizeof text,
	    "\n[session %s]\n"
	    "  %s %s%c  leave it; 'ptyexec attach' comes back\n"
	    "  %s r  draw the screen again\n"
	    "  %s k  end it; again: kill it\n"
	    "  %s %s  type %s to it\n"
	    "  %s ?  this text\n",
	    a->options->session, prefix, ctrl ? "^" : "", last, prefix, prefix, prefix, prefix,
	    prefix, prefix);
	px_print_note(&a->print, text);
	flush(a);
}

static void
on_key(struct px_attached *a, enum px_key_action action)
{
	struct px_error error;

	switch (action) {
	case PX_KEY_NONE:
		break;
	case PX_KEY_DETACH:
		px_attached_finish(a, PX_ATTACH_DETACHED);
		break;
	case PX_KEY_HELP:
		show_help(a);
		break;
	case PX_KEY_REDRAW:
		px_attached_sent(a, px_size_redraw(&a->size, &error), &error);
		break;
	case PX_KEY_KILL:
		if (!a->options->read_only)
			px_attached_end_harder(a, PX_ENDING_GRACEFUL, "TERM");
		break;
	}
}

static void
take_input(struct px_attached *a)
{
	enum px_key_action action;
	struct px_error error;

	px_feed_read(&a->feed);
	do {
		if (px_feed_next(&a->feed, &action, &error) == -1)
			px_attached_sent(a, -1, &error);
		on_key(a, action);
	} while (action != PX_KEY_NONE && !a->done);
}

/* ---- the loop ---- */

static void
turn(struct px_attached *a)
{
	bool more = take_events(a);
	bool input = !a->exited && !a->options->no_stdin && px_feed_wants(&a->feed);
	struct px_error error;
	struct pollfd pfd[] = {
		{ .fd = px_client_fd(a->client), .events = POLLIN },
		{ .fd = a->signals.fd, .events = POLLIN },
		{ .fd = input ? STDIN_FILENO : -1, .events = POLLIN },
		{ .fd = px_print_fd(&a->print), .events = POLLOUT },
	};
	int n;

	if (a->done)
		return;
	n = poll(pfd, sizeof pfd / sizeof pfd[0], more ? 0 : px_size_timeout_ms(&a->size));
	px_attached_sent(a, px_size_tick(&a->size, &error), &error);
	if (n <= 0 || a->done)
		return;
	if (pfd[0].revents != 0)
		px_client_step(a->client);
	if (pfd[1].revents != 0)
		px_attached_take_signals(a);
	if (pfd[2].revents != 0 && !a->done)
		take_input(a);
	if (pfd[3].revents != 0 && !a->done)
		flush(a);
}

/* ---- the beginning and the end ---- */

static void
follow(struct px_attached *a)
{
	struct px_error error;

	if (a->options->follow) {
		a->follow_request = px_client_subscribe(a->client, a->options->session, 0, &error);
		px_attached_sent(a, a->follow_request, &error);
	}
}

/* Another size makes the program draw by itself, what it has drawn so far comes before that. */
static void
show(struct px_attached *a)
{
	uint16_t rows = a->size.rows, cols = a->size.cols;
	struct px_error error;

	px_attached_sent(a, px_size_tell(&a->size, &error), &error);
	if (a->options->redraw && rows == a->size.rows && cols == a->size.cols)
		px_attached_sent(a, px_size_redraw(&a->size, &error), &error);
}

/* What was typed before the user left is still sent, as far as the server takes it in time. */
static bool
is_all_sent(const struct px_attached *a)
{
	return a->feed.queued == 0 || a->feed.mute;
}

/* The program goes on without us; so the server keeps and holds back nothing for our sake. */
static void
unfollow(struct px_attached *a)
{
	int64_t deadline = px_now_ms() + LEAVE_MS, left = LEAVE_MS, request = 0;
	struct px_event *event;
	bool heard = false;

	while (!heard && left > 0) {
		if (request == 0 && is_all_sent(a))
			request = px_client_unsubscribe(a->client, a->options->session, NULL);
		if (request == -1 ||
		    (event = px_client_next(a->client, NULL, (int)left, NULL)) == NULL)
			return;
		if (event->type == PX_EVENT_ANSWER) {
			heard = event->answer.request == request;
			(void)px_feed_answered(&a->feed, &event->answer, NULL);
		}
		px_event_free(event);
		left = deadline - px_now_ms();
	}
}

static void
init(struct px_attached *a)
{
	const struct px_attach_options *options = a->options;

	px_print_init(&a->print, options->pty);
	a->feed = (struct px_feed){ .client = a->client,
		.session = options->session,
		.keys = a->raw ? options->keys : (struct px_keys){ .n = 0 },
		.pty = options->pty,
		.mute = options->read_only,
		.closes = options->is_ours };
	a->size = (struct px_size){ .client = a->client,
		.session = options->session,
		.follows = options->pty && !options->read_only,
		.rows = options->rows,
		.cols = options->cols };
}

void
px_attach(struct px_client *client, const struct px_attach_options *options,
    struct px_attach_outcome *out)
{
	struct px_attached a = { .client = client, .options = options, .out = out };
	bool has_ended;

	*out = (struct px_attach_outcome){ 0 };
	a.raw = options->pty && !options->no_stdin && isatty(STDIN_FILENO);
	if (a.raw)
		px_terminal_await();
	if (px_signals_open(&a.signals) == -1) {
		fail_here(&a, "cannot watch for signals", "");
		return;
	}
	init(&a);
	if (a.raw)
		px_terminal_raw(&a.terminal);
	follow(&a);
	show(&a);
	while (!a.done)
		turn(&a);
	has_ended = out->end == PX_ATTACH_ENDED || out->end == PX_ATTACH_TIMED_OUT;
	if (!has_ended)
		px_print_leave(&a.print);
	px_terminal_restore(&a.terminal);
	if (!has_ended && !options->is_ours)
		unfollow(&a);
	px_print_done(&a.print);
	px_signals_close(&a.signals);
}

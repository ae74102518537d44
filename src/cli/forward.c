#include "cli/forward.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/feed.h"
#include "cli/signals.h"
#include "cli/sink.h"
#include "cli/terminal.h"

enum { EVENTS = 64 }; /* at a time, before signals and input have their turn */

/* How far the user's wish that the program end has gone. */
enum ending { ENDING_NOT, ENDING_ASKED, ENDING_GRACEFUL, ENDING_FORCED, ENDING_WITHOUT_IT };

struct forward {
	struct px_client *client;
	const struct px_command *command;
	struct px_outcome *out;
	bool done;

	struct px_terminal terminal;
	struct px_signals signals;
	struct px_sink out_sink, err_sink;
	uint16_t rows, cols;

	int64_t start_request;
	bool started, exited;
	enum ending ending;

	struct px_feed feed;

	struct px_event *event; /* the last one */

	/* Output that is not written yet; it lies in 'event'. */
	const struct px_sink *sink;
	const char *data;
	size_t len;
};

/* ---- the end ---- */

static void
finish(struct forward *f, enum px_outcome_type type)
{
	f->done = true;
	f->out->type = type;
}

static void
fail(struct forward *f, const struct px_error *error)
{
	f->out->error = *error;
	finish(f, PX_OUTCOME_FAILED);
}

static void
fail_here(struct forward *f, const char *what)
{
	struct px_error error = { .code = PX_ERROR_SYSTEM, .sys = errno };

	snprintf(error.text, sizeof error.text, "%s: %s", what, strerror(error.sys));
	fail(f, &error);
}

/* A request that cannot be sent because the connection is lost is told about by PX_EVENT_LOST. */
static void
sent(struct forward *f, int64_t request, const struct px_error *error)
{
	if (request == -1 && error->code != PX_ERROR_LOST && error->code != PX_ERROR_PEER)
		fail(f, error);
}

/* ---- output ---- */

static void
output_flush(struct forward *f)
{
	ssize_t n;

	while (f->len > 0) {
		if ((n = px_sink_write(f->sink, f->data, f->len)) == 0)
			return;
		if (n == -1) {
			if (errno == EPIPE)
				finish(f, PX_OUTCOME_PIPE);
			else
				fail_here(f, f->sink == &f->err_sink
						 ? "cannot write to standard error"
						 : "cannot write to standard output");
			return;
		}
		f->data += n;
		f->len -= (size_t)n;
	}
}

static void
on_output(struct forward *f, const struct px_event *event)
{
	f->sink = event->output.stream == PX_STREAM_STDERR ? &f->err_sink : &f->out_sink;
	f->data = event->output.data;
	f->len = event->output.len;
	output_flush(f);
}

/* ---- events ---- */

static void
on_answer(struct forward *f, const struct px_answer *answer)
{
	px_feed_answered(&f->feed, answer);
	if (answer->request != f->start_request)
		return;
	f->started = answer->error.code == PX_ERROR_NONE;
	if (answer->error.code == PX_ERROR_REFUSED) {
		f->out->error = answer->error;
		finish(f, PX_OUTCOME_REFUSED);
	}
}

static void
on_event(struct forward *f, const struct px_event *event)
{
	struct px_error error = { .code = PX_ERROR_LOST };

	switch (event->type) {
	case PX_EVENT_ANSWER:
		on_answer(f, &event->answer);
		break;
	case PX_EVENT_OUTPUT:
		on_output(f, event);
		break;
	case PX_EVENT_EXITED:
		f->exited = true;
		f->out->exit_code = event->exited.end.exit_code;
		f->out->type = strcmp(event->exited.end.cause, "timeout") == 0
				   ? PX_OUTCOME_TIMED_OUT
				   : PX_OUTCOME_ENDED;
		/* All that the program wrote has come; who else has its streams may keep them for
		 * ever. */
		f->done = event->exited.output_open;
		break;
	case PX_EVENT_CLOSED:
		f->done = true;
		break;
	case PX_EVENT_STARTED:
	case PX_EVENT_LAGGED:
		break;
	case PX_EVENT_FAILED:
		snprintf(error.text, sizeof error.text, "the server lost the program: %s",
		    event->failed.message);
		fail(f, &error);
		break;
	case PX_EVENT_LOST:
		fail(f, &event->lost);
		break;
	}
}

/* Takes events until output has to wait. False: there are none now. */
static bool
take_events(struct forward *f)
{
	for (int i = 0; i < EVENTS && !f->done && f->len == 0; i++) {
		px_event_free(f->event);
		if ((f->event = px_client_next(f->client, NULL, 0, NULL)) == NULL)
			return false;
		on_event(f, f->event);
	}
	return f->len == 0;
}

/* ---- signals ---- */

/* Each further wish that the program end is a stronger one; the fourth is meant for us. */
static void
end_harder(struct forward *f, enum ending at_least, const char *name)
{
	struct px_client *client = f->client;
	const char *session = f->command->session;
	struct px_error error;

	if (f->ending < ENDING_WITHOUT_IT)
		f->ending++;
	if (f->ending < at_least)
		f->ending = at_least;
	switch (f->ending) {
	case ENDING_NOT:
		break;
	case ENDING_ASKED:
		sent(f, px_client_signal(client, session, name, &error), &error);
		break;
	case ENDING_GRACEFUL:
		sent(f, px_client_terminate(client, session, PX_TERMINATE_GRACE, &error), &error);
		break;
	case ENDING_FORCED:
		sent(f, px_client_terminate(client, session, PX_TERMINATE_FORCE, &error), &error);
		break;
	case ENDING_WITHOUT_IT:
		error = (struct px_error){ .code = PX_ERROR_TIMEOUT,
			.text = "the program does not end" };
		fail(f, &error);
		break;
	}
}

static void
resize(struct forward *f)
{
	uint16_t rows, cols;
	struct px_error error;

	px_terminal_size(&rows, &cols);
	if (!f->command->pty || (rows == f->rows && cols == f->cols))
		return;
	f->rows = rows;
	f->cols = cols;
	sent(f, px_client_resize(f->client, f->command->session, rows, cols, &error), &error);
}

/*
 * Without a terminal of its own, the program sleeps with us. It is in no job of
 * a shell's, so that SIGTSTP would do nothing (setpgid(2), orphaned groups).
 */
static void
stop(struct forward *f)
{
	struct px_error error;

	if (!f->command->pty)
		sent(f, px_client_signal(f->client, f->command->session, "STOP", &error), &error);
	px_terminal_restore(&f->terminal);
	raise(SIGSTOP);
}

static void
wake(struct forward *f)
{
	struct px_error error;

	if (!f->command->pty) {
		sent(f, px_client_signal(f->client, f->command->session, "CONT", &error), &error);
		return;
	}
	px_terminal_raw(&f->terminal);
	resize(f);
}

static void
on_signal(struct forward *f, enum px_signal_use use, const char *name)
{
	struct px_error error;

	switch (use) {
	case PX_SIGNAL_NONE:
		break;
	case PX_SIGNAL_ASK:
		/* What the user types at a raw terminal is input; a signal then is for us. */
		end_harder(f, f->terminal.raw ? ENDING_GRACEFUL : ENDING_ASKED, name);
		break;
	case PX_SIGNAL_END:
		end_harder(f, ENDING_GRACEFUL, name);
		break;
	case PX_SIGNAL_PASS:
		sent(f, px_client_signal(f->client, f->command->session, name, &error), &error);
		break;
	case PX_SIGNAL_RESIZE:
		resize(f);
		break;
	case PX_SIGNAL_STOP:
		stop(f);
		break;
	case PX_SIGNAL_CONTINUE:
		wake(f);
		break;
	}
}

static void
take_signals(struct forward *f)
{
	enum px_signal_use use;
	const char *name;

	while (!f->done && (use = px_signals_next(&f->signals, &name)) != PX_SIGNAL_NONE)
		on_signal(f, use, name);
}

/* ---- the loop ---- */

static bool
wants_input(const struct forward *f)
{
	return f->started && !f->exited && px_feed_wants(&f->feed);
}

static void
turn(struct forward *f)
{
	bool more = take_events(f);
	struct px_error error;
	struct pollfd pfd[] = {
		{ .fd = px_client_fd(f->client), .events = POLLIN },
		{ .fd = f->signals.fd, .events = POLLIN },
		{ .fd = wants_input(f) ? STDIN_FILENO : -1, .events = POLLIN },
		{ .fd = f->len > 0 ? f->sink->fd : -1, .events = POLLOUT },
	};

	if (f->done || poll(pfd, sizeof pfd / sizeof pfd[0], more ? 0 : -1) == -1)
		return;
	if (pfd[0].revents != 0)
		px_client_step(f->client);
	if (pfd[1].revents != 0)
		take_signals(f);
	if (pfd[2].revents != 0 && !f->done)
		sent(f, px_feed_read(&f->feed, &error), &error);
	if (pfd[3].revents != 0 && !f->done)
		output_flush(f);
}

void
px_forward(struct px_client *client, const struct px_command *command, struct px_outcome *out)
{
	struct forward f = { .client = client,
		.command = command,
		.out = out,
		.rows = command->rows,
		.cols = command->cols,
		.feed = { .client = client, .session = command->session, .pty = command->pty } };
	struct px_error error;

	*out = (struct px_outcome){ 0 };
	if (px_signals_open(&f.signals) == -1) {
		fail_here(&f, "cannot watch for signals");
		return;
	}
	px_sink_init(&f.out_sink, STDOUT_FILENO);
	px_sink_init(&f.err_sink, STDERR_FILENO);
	f.start_request = px_client_start(client, command, &error);
	if (f.start_request == -1)
		fail(&f, &error);
	else if (command->pty)
		px_terminal_raw(&f.terminal);
	resize(&f); /* it may have changed before we listened */
	while (!f.done)
		turn(&f);
	px_terminal_restore(&f.terminal);
	px_event_free(f.event);
	px_sink_done(&f.out_sink);
	px_sink_done(&f.err_sink);
	px_signals_close(&f.signals);
}

#include "cli/attach_state.h"

#include <signal.h>

void
px_attached_end_harder(struct px_attached *a, enum px_ending at_least, const char *name)
{
	struct px_client *client = a->client;
	const char *session = a->options->session;
	struct px_error error;

	if (a->ending < PX_ENDING_WITHOUT_IT)
		a->ending++;
	if (a->ending < at_least)
		a->ending = at_least;
	switch (a->ending) {
	case PX_ENDING_NOT:
		break;
	case PX_ENDING_ASKED:
		px_attached_sent(a, px_client_signal(client, session, name, &error), &error);
		break;
	case PX_ENDING_GRACEFUL:
		px_attached_sent(
		    a, px_client_terminate(client, session, PX_TERMINATE_GRACE, &error), &error);
		break;
	case PX_ENDING_FORCED:
		px_attached_sent(
		    a, px_client_terminate(client, session, PX_TERMINATE_FORCE, &error), &error);
		break;
	case PX_ENDING_WITHOUT_IT:
		error = (struct px_error){ .code = PX_ERROR_TIMEOUT,
			.text = "the program does not end" };
		px_attached_fail(a, &error);
		break;
	}
}

/* Something wants us to end: a program of ours ends first, any other goes on without us. */
static void
on_end(struct px_attached *a, const struct px_signal *signal)
{
	/* What the user types at a raw terminal is input; a signal then is for us. */
	bool first_asks = signal->use == PX_SIGNAL_ASK && !a->terminal.raw;

	if (a->options->is_ours) {
		px_attached_end_harder(
		    a, first_asks ? PX_ENDING_ASKED : PX_ENDING_GRACEFUL, signal->name);
		return;
	}
	a->out->signal = signal->number;
	px_attached_finish(a, PX_ATTACH_SIGNALLED);
}

/*
 * A program of ours without a terminal of its own sleeps with us. It is in no
 * job of a shell's, so that SIGTSTP would do nothing (setpgid(2), orphaned groups).
 */
static void
on_stop(struct px_attached *a)
{
	struct px_error error;

	if (a->options->is_ours && !a->options->pty)
		px_attached_sent(
		    a, px_client_signal(a->client, a->options->session, "STOP", &error), &error);
	px_print_sleep(&a->print);
	px_terminal_restore(&a->terminal);
	raise(SIGSTOP);
}

static void
on_continue(struct px_attached *a)
{
	struct px_error error;

	if (a->options->is_ours && !a->options->pty)
		px_attached_sent(
		    a, px_client_signal(a->client, a->options->session, "CONT", &error), &error);
	if (!a->raw)
		return;
	if (!px_terminal_raw(&a->terminal)) {
		raise(SIGTTOU); /* continued in the background: that is not where we can go on */
		return;
	}
	px_print_wake(&a->print);
	px_attached_sent(a, px_size_tell(&a->size, &error), &error);
	px_attached_sent(a, px_size_redraw(&a->size, &error), &error);
}

static void
on_signal(struct px_attached *a, const struct px_signal *signal)
{
	struct px_error error;

	switch (signal->use) {
	case PX_SIGNAL_NONE:
		break;
	case PX_SIGNAL_ASK:
	case PX_SIGNAL_END:
		on_end(a, signal);
		break;
	case PX_SIGNAL_PASS:
		px_attached_sent(a,
		    px_client_signal(a->client, a->options->session, signal->name, &error), &error);
		break;
	case PX_SIGNAL_RESIZE:
		px_attached_sent(a, px_size_tell(&a->size, &error), &error);
		break;
	case PX_SIGNAL_STOP:
		on_stop(a);
		break;
	case PX_SIGNAL_CONTINUE:
		on_continue(a);
		break;
	}
}

void
px_attached_take_signals(struct px_attached *a)
{
	struct px_signal signal;

	while (!a->done && (signal = px_signals_next(&a->signals)).use != PX_SIGNAL_NONE)
		on_signal(a, &signal);
}

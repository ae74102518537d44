#ifndef PX_CLI_SIGNALS_H
#define PX_CLI_SIGNALS_H

#include <signal.h>

/* What a signal to ptyexec is about. */
enum px_signal_use {
	PX_SIGNAL_NONE,
	PX_SIGNAL_ASK,    /* the user wants the program to end */
	PX_SIGNAL_END,    /* we have to end */
	PX_SIGNAL_PASS,   /* for the program */
	PX_SIGNAL_RESIZE, /* the terminal has another size */
	PX_SIGNAL_STOP,   /* to sleep */
	PX_SIGNAL_CONTINUE
};

/*
 * From _open to _close, the signals that would end or stop us are read from a
 * descriptor instead, so that nothing is left undone; SIGPIPE is blocked. Those
 * that were ignored stay ignored.
 */
struct px_signals {
	int fd; /* readable when one is there */
	sigset_t before;
};

int px_signals_open(struct px_signals *signals); /* -1: errno */
void px_signals_close(struct px_signals *signals);

struct px_signal {
	enum px_signal_use use;
	int number;
	const char *name; /* without SIG */
};

/* The next that is there; its use is PX_SIGNAL_NONE when there is none. */
struct px_signal px_signals_next(const struct px_signals *signals);

#endif

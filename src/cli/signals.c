#include "cli/signals.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const struct px_signal uses[] = {
	{ PX_SIGNAL_ASK, SIGINT, "INT" },
	{ PX_SIGNAL_ASK, SIGQUIT, "QUIT" },
	{ PX_SIGNAL_ASK, SIGTERM, "TERM" },
	{ PX_SIGNAL_END, SIGHUP, "HUP" },
	{ PX_SIGNAL_END, SIGALRM, "ALRM" },
	{ PX_SIGNAL_END, SIGVTALRM, "VTALRM" },
	{ PX_SIGNAL_END, SIGPROF, "PROF" },
	{ PX_SIGNAL_END, SIGIO, "IO" },
	{ PX_SIGNAL_END, SIGXCPU, "XCPU" },
	{ PX_SIGNAL_PASS, SIGUSR1, "USR1" },
	{ PX_SIGNAL_PASS, SIGUSR2, "USR2" },
	{ PX_SIGNAL_RESIZE, SIGWINCH, "WINCH" },
	{ PX_SIGNAL_STOP, SIGTSTP, "TSTP" },
	{ PX_SIGNAL_CONTINUE, SIGCONT, "CONT" },
};

enum { NUSES = sizeof uses / sizeof uses[0] };

/* While a signal is blocked, the kernel keeps it even when it is ignored: signalfd(2) would tell
 * it. */
static bool
is_ignored(int number)
{
	struct sigaction action;

	return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

int
px_signals_open(struct px_signals *signals)
{
	sigset_t set, blocked;

	sigemptyset(&set);
	for (size_t i = 0; i < NUSES; i++)
		if (!is_ignored(uses[i].number))
			sigaddset(&set, uses[i].number);
	blocked = set;
	sigaddset(&blocked, SIGPIPE);
	if ((signals->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) == -1)
		return -1;
	sigprocmask(SIG_BLOCK, &blocked, &signals->before);
	return 0;
}

void
px_signals_close(struct px_signals *signals)
{
	close(signals->fd);
	sigprocmask(SIG_SETMASK, &signals->before, NULL);
}

struct px_signal
px_signals_next(const struct px_signals *signals)
{
	const struct px_signal none = { .use = PX_SIGNAL_NONE };
	struct signalfd_siginfo info;

	if (read(signals->fd, &info, sizeof info) != sizeof info)
		return none;
	for (size_t i = 0; i < NUSES; i++)
		if (uses[i].number == (int)info.ssi_signo)
			return uses[i];
	return none;
}

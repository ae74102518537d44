#include "cli/signals.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const struct {
	int number;
	enum px_signal_use use;
	const char *name;
} uses[] = {
	{ SIGINT, PX_SIGNAL_ASK, "INT" },
	{ SIGQUIT, PX_SIGNAL_ASK, "QUIT" },
	{ SIGTERM, PX_SIGNAL_ASK, "TERM" },
	{ SIGHUP, PX_SIGNAL_END, "HUP" },
	{ SIGALRM, PX_SIGNAL_END, "ALRM" },
	{ SIGVTALRM, PX_SIGNAL_END, "VTALRM" },
	{ SIGPROF, PX_SIGNAL_END, "PROF" },
	{ SIGIO, PX_SIGNAL_END, "IO" },
	{ SIGXCPU, PX_SIGNAL_END, "XCPU" },
	{ SIGUSR1, PX_SIGNAL_PASS, "USR1" },
	{ SIGUSR2, PX_SIGNAL_PASS, "USR2" },
	{ SIGWINCH, PX_SIGNAL_RESIZE, "WINCH" },
	{ SIGTSTP, PX_SIGNAL_STOP, "TSTP" },
	{ SIGCONT, PX_SIGNAL_CONTINUE, "CONT" },
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

enum px_signal_use
px_signals_next(const struct px_signals *signals, const char **out_name)
{
	struct signalfd_siginfo info;

	if (read(signals->fd, &info, sizeof info) != sizeof info)
		return PX_SIGNAL_NONE;
	for (size_t i = 0; i < NUSES; i++)
		if (uses[i].number == (int)info.ssi_signo) {
			*out_name = uses[i].name;
			return uses[i].use;
		}
	return PX_SIGNAL_NONE;
}

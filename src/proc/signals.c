#include "proc/signals.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>

int
px_signal_number(const char *name)
{
	for (int sig = 1; sig < NSIG; sig++) {
		const char *abbrev = sigabbrev_np(sig);

		if (abbrev != NULL && strcmp(abbrev, name) == 0)
			return sig;
	}
	return -1;
}

int
px_signal_parse(const char *name, struct px_err *err)
{
	int sig = px_signal_number(name);

	if (sig == -1)
		return px_fail(
		    err, PX_E_PARAMS, "\"signal\" must be a signal's name without SIG, as \"INT\"");
	return sig;
}

const char *
px_signal_name(int sig)
{
	const char *abbrev;

	if (sig == 0)
		return NULL;
	abbrev = sigabbrev_np(sig);
	return abbrev != NULL ? abbrev : "RT";
}

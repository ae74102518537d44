#include <signal.h>
#include <stdio.h>

#include "cli/attach.h"
#include "cli/command.h"

/* As if the signal had found us unprepared: that is what who sent it, or waits for us, counts on.
 */
static int
end_by(int number)
{
	fflush(NULL);
	signal(number, SIG_DFL);
	raise(number);
	return 128 + number;
}

static void
tell_detached(const char *session)
{
	fprintf(stderr, "\ndetached from %s; 'ptyexec attach %s' comes back\n", session, session);
}

int
px_attach_status(const struct px_attach_outcome *outcome, const char *session)
{
	switch (outcome->end) {
	case PX_ATTACH_ENDED:
		return outcome->exit_code;
	case PX_ATTACH_TIMED_OUT:
		px_complain("the program was ended: its time was up");
		return PX_EXIT_TIMED_OUT;
	case PX_ATTACH_DETACHED:
		tell_detached(session);
		return 0;
	case PX_ATTACH_SIGNALLED:
		tell_detached(session);
		return end_by(outcome->signal);
	case PX_ATTACH_PIPE:
		return end_by(SIGPIPE);
	case PX_ATTACH_FAILED:
		break;
	}
	px_complain("%s", outcome->error.text);
	return PX_EXIT_FAILED;
}

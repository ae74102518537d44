#include "proc/become.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Numbers that cannot be changed (SIGKILL, SIGSTOP and those of the C library) fail harmlessly. */
void
px_become_reset_signals(void)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		sigaction(sig, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* A file that may not be executed is remembered, one that is not there is passed over. */
int
px_become(char *const *files, char *const *argv, char *const *env)
{
	bool denied = false;

	for (; *files != NULL; files++) {
		/* Not through the C library's name, which instrumented builds wrap. */
		syscall(SYS_execve, *files, argv, env);
		if (errno == EACCES)
			denied = true;
		else if (errno != ENOENT && errno != ENOTDIR && errno != ESTALE && errno != ENODEV)
			return errno;
	}
	return denied ? EACCES : errno;
}

#include "cli/own_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/surroundings.h"
#include "cli/command.h"
#include "cli/connect.h"
#include "cli/own_folder.h"

enum { PATH_SIZE = PATH_MAX, TEXT_SIZE = 256, NUMBER_SIZE = 16, READY_MS = 10000 };
enum { READY_FD = STDERR_FILENO + 1 };

static const char program[] = "ptyexecd";

/* ---- the daemon's side of the fork ---- */

/* What to start, as the library looks it up: a path, or a name for PATH. */
static const char *
server_find(char *path, size_t size)
{
	const char *named = getenv("PTYEXECD");

	/* It is started from another directory. */
	if (named != NULL && strchr(named, '/') != NULL && realpath(named, path) != NULL)
		return path;
	if (named != NULL && named[0] != '\0')
		return named;
	return px_find_beside(program, path, size) ? path : program;
}

/* Signals as a program finds them that nobody has prepared anything for. */
static void
signals_reset(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* 0, 1 and 2, and '*ready' becomes READY_FD; nothing else stays open. */
static int
descriptors_set(const struct px_own_folder *folder, int *ready)
{
	int log = openat(folder->fd, "server.log",
	    O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* Neither is in the other's way: fix_stdio() has 0, 1 and 2 taken. */
	if (log == -1 || null == -1 || dup2(null, STDIN_FILENO) == -1 ||
	    dup2(null, STDOUT_FILENO) == -1 || dup2(log, STDERR_FILENO) == -1)
		return -1;
	if (*ready == READY_FD ? fcntl(*ready, F_SETFD, 0) == -1 : dup2(*ready, READY_FD) == -1)
		return -1;
	*ready = READY_FD;
	return close_range(READY_FD + 1, ~0U, 0);
}

/* Becomes the server; returns only if it cannot, with errno. */
static void
daemon_become(const struct px_own_folder *folder, int *ready)
{
	char path[PATH_SIZE];
	const char *file = server_find(path, sizeof path);
	char fd[NUMBER_SIZE], idle[NUMBER_SIZE], retention[NUMBER_SIZE];
	const char *const argv[] = { program, "--listen", folder->url, "--ready-fd", fd,
		"--exit-when-idle-ms", idle, "--exited-retention-ms", retention,
		"--outbound-high-water-bytes", PX_CLI_HIGH_WATER, "--log-level", "warn", NULL };

	snprintf(fd, sizeof fd, "%d", READY_FD);
	snprintf(idle, sizeof idle, "%d", PX_OWN_IDLE_MS);
	snprintf(retention, sizeof retention, "%d", PX_OWN_RETENTION_MS);
	signals_reset();
	if (descriptors_set(folder, ready) == 0 && chdir("/") == 0)
		execvp(file, (char *const *)argv);
}

/* ---- ours ---- */

/*
 * Forks twice: what leads the new session ends, so that the server is no
 * session's leader, gets no controlling terminal and is nobody's child.
 */
static _Noreturn void
daemon_fork(const struct px_own_folder *folder, int ready)
{
	int sys;
	pid_t pid;

	if (setsid() == -1 || (pid = fork()) == -1) {
		sys = errno;
	} else if (pid > 0) {
		_exit(0);
	} else {
		daemon_become(folder, &ready);
		sys = errno;
	}
	(void)!write(ready, &sys, sizeof sys);
	_exit(1);
}

/* What the server has said last, which is why it has ended. */
static void
log_read(const struct px_own_folder *folder, char *text, size_t size)
{
	int fd = openat(folder->fd, "server.log", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = fd != -1 ? pread(fd, text, size - 1, 0) : -1;

	if (fd != -1)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

/* What comes through the pipe: a newline, an errno, or its end. */
static int
ready_await(const struct px_own_folder *folder, int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char path[PATH_SIZE], text[TEXT_SIZE] = "";
	const char *file = server_find(path, sizeof path);
	ssize_t n = -1;
	int sys, got;

	while ((got = poll(&pfd, 1, READY_MS)) == -1 && errno == EINTR)
		;
	if (got > 0)
		n = read(fd, &sys, sizeof sys);
	if (n == 1)
		return 0;
	if (n == sizeof sys) {
		px_complain("cannot start your own server '%s': %s", file, strerror(sys));
	} else if (n == 0) {
		log_read(folder, text, sizeof text);
		px_complain("your own server '%s' has ended at once%s%s", file,
		    *text != '\0' ? ": " : "", text);
	} else {
		px_complain("your own server '%s' does not begin to listen; see '%s/server.log'",
		    file, folder->path);
	}
	return -1;
}

int
px_own_daemon_start(const struct px_own_folder *folder)
{
	int fd[2], result, status;
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC) == -1 || (pid = fork()) == -1) {
		px_complain("cannot start your own server: %s", strerror(errno));
		return -1;
	}
	if (pid == 0)
		daemon_fork(folder, fd[1]);
	close(fd[1]);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	result = ready_await(folder, fd[0]);
	close(fd[0]);
	return result;
}

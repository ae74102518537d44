#include "client/daemon.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/surroundings.h"
#include "client/error.h"

enum { PATH_SIZE = 4096, KILL_WAIT_MS = 2000, ASK_MS = 5 };

static const char program[] = "ptyexecd";

/* ---- starting ---- */

const char *
px_daemon_program(char *buf, size_t size)
{
	const char *named = getenv("PTYEXECD");

	if (named != NULL && named[0] != '\0')
		return named;
	return px_find_beside(program, buf, size) ? buf : program;
}

static size_t
count(const char *const *list)
{
	size_t n = 0;

	while (list != NULL && list[n] != NULL)
		n++;
	return n;
}

/* Two lists as one, to be freed; the strings are borrowed. */
static char **
join(const char *const *first, const char *const *second)
{
	size_t a = count(first), b = count(second);
	char **argv = px_alloc((a + b + 1) * sizeof *argv);

	memcpy(argv, first, a * sizeof *argv);
	if (second != NULL)
		memcpy(argv + a, second, b * sizeof *argv);
	return argv;
}

/*
 * A session of its own, so that what is typed at our terminal is not for it;
 * none of our ignored or blocked signals; no descriptor but the three.
 */
static int
attributes(posix_spawnattr_t *attr, posix_spawn_file_actions_t *actions, int fd)
{
	sigset_t all, none;
	int sys;

	sigfillset(&all);
	sigemptyset(&none);
	if ((sys = posix_spawnattr_setsigdefault(attr, &all)) != 0 ||
	    (sys = posix_spawnattr_setsigmask(attr, &none)) != 0 ||
	    (sys = posix_spawnattr_setflags(
		 attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK)) != 0 ||
	    (sys = posix_spawn_file_actions_adddup2(actions, fd, STDIN_FILENO)) != 0 ||
	    (sys = posix_spawn_file_actions_adddup2(actions, fd, STDOUT_FILENO)) != 0 ||
	    (sys = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1)) != 0)
		return sys;
	return 0;
}

/* Returns 0 or the errno that says why not. */
static int
spawn(const char *path, char **argv, int fd, pid_t *out_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int sys;

	if ((sys = posix_spawnattr_init(&attr)) != 0)
		return sys;
	if ((sys = posix_spawn_file_actions_init(&actions)) == 0) {
		if ((sys = attributes(&attr, &actions, fd)) == 0)
			sys = posix_spawnp(out_pid, path, &actions, &attr, argv, environ);
		posix_spawn_file_actions_destroy(&actions);
	}
	posix_spawnattr_destroy(&attr);
	return sys;
}

static int
start(struct px_daemon *daemon, const char *path, char **argv, int fd, struct px_error *err)
{
	int sys = spawn(path, argv, fd, &daemon->pid);

	if (sys != 0)
		return px_error_set_sys(
		    err, PX_ERROR_START, sys, "cannot start the server '%s'", path);
	daemon->pidfd = pidfd_open(daemon->pid, 0);
	strlcpy(daemon->name, path, sizeof daemon->name);
	return 0;
}

static int
start_joined(struct px_daemon *daemon, const char *const *first, const char *const *second,
    int *out_fd, struct px_error *err)
{
	int pair[2], result;
	char **argv;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == -1)
		return px_error_set_sys(
		    err, PX_ERROR_SYSTEM, errno, "cannot make a socket for the server");
	argv = join(first, second);
	result = start(daemon, argv[0], argv, pair[1], err);
	free(argv);
	close(pair[1]);
	if (result == -1)
		close(pair[0]);
	else
		*out_fd = pair[0];
	return result;
}

int
px_daemon_start(struct px_daemon *daemon, const char *const *argv, const char *const *flags,
    int *out_fd, struct px_error *err)
{
	char buf[PATH_SIZE];
	const char *const private_server[] = { px_daemon_program(buf, sizeof buf), "--listen",
		"stdio://", "--log-level", "error", NULL };

	if (argv == NULL)
		return start_joined(daemon, private_server, flags, out_fd, err);
	if (argv[0] == NULL)
		return px_error_set(err, PX_ERROR_USAGE, "there is no command");
	return start_joined(daemon, argv, NULL, out_fd, err);
}

/* ---- stopping ---- */

static void
daemon_forget(struct px_daemon *daemon)
{
	if (daemon->pidfd != -1)
		close(daemon->pidfd);
	daemon->pid = 0;
}

/* Sleeps until it may have ended, at most 'ms'. */
static void
daemon_sleep(const struct px_daemon *daemon, int64_t ms)
{
	struct pollfd pfd = { .fd = daemon->pidfd, .events = POLLIN };

	/* Without a pidfd, poll(2) ignores the entry and is a mere sleep. */
	if (daemon->pidfd == -1 && ms > ASK_MS)
		ms = ASK_MS;
	/* It is readable as soon as the leader is dead, which may be a moment before it can be
	 * reaped. */
	if (poll(&pfd, 1, (int)ms) > 0)
		poll(NULL, 0, 1);
}

/*
 * Reaps it when it ends within 'timeout_ms'. What waitpid() says is in
 * '*out_status', -1 when somebody else has reaped it.
 */
static bool
daemon_reap(struct px_daemon *daemon, int timeout_ms, int *out_status)
{
	int64_t deadline = px_now_ms() + timeout_ms, left;
	pid_t got;

	*out_status = -1;
	while ((got = waitpid(daemon->pid, out_status, WNOHANG)) == 0 ||
	       (got == -1 && errno == EINTR)) {
		if ((left = deadline - px_now_ms()) <= 0)
			return false;
		daemon_sleep(daemon, left);
	}
	daemon_forget(daemon);
	return true;
}

void
px_daemon_stop(struct px_daemon *daemon, int grace_ms)
{
	int status;

	/* Until it is reaped, the number is its own. */
	if (daemon->pid == 0 || daemon_reap(daemon, grace_ms, &status))
		return;
	kill(daemon->pid, SIGTERM);
	if (daemon_reap(daemon, grace_ms, &status))
		return;
	kill(daemon->pid, SIGKILL);
	if (!daemon_reap(daemon, KILL_WAIT_MS, &status))
		daemon_forget(daemon);
}

bool
px_daemon_ended(struct px_daemon *daemon, int timeout_ms, char *text, size_t size)
{
	int status;

	if (daemon->pid == 0 || !daemon_reap(daemon, timeout_ms, &status))
		return false;
	if (status != -1 && WIFEXITED(status))
		snprintf(text, size, "ended with status %d", WEXITSTATUS(status));
	else if (status != -1 && WIFSIGNALED(status))
		snprintf(text, size, "was killed by signal %d", WTERMSIG(status));
	else
		snprintf(text, size, "has ended");
	return true;
}

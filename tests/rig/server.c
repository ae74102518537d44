#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bsd/stdlib.h>

enum { FLAGS_MAX = 16, START_MS = 20000 };

_Noreturn void
rig_die(const char *what)
{
	fprintf(stderr, "rig: %s: %s\n", what, strerror(errno));
	abort();
}

const char *
rig_program(const char *variable)
{
	const char *path = getenv(variable);

	if (path == NULL) {
		fprintf(stderr, "rig: $%s names no program\n", variable);
		abort();
	}
	return path;
}

const char *
rig_child(void)
{
	return rig_program("PX_CHILD");
}

int
rig_number(const char *variable, int otherwise)
{
	const char *value = getenv(variable), *error = NULL;
	long long n = value != NULL ? strtonum(value, 1, INT_MAX, &error) : otherwise;

	if (error != NULL) {
		fprintf(stderr, "rig: $%s is '%s': %s\n", variable, value, error);
		abort();
	}
	return (int)n;
}

int
rig_ms(int ms)
{
	return ms * rig_number("PX_TIME_SCALE", 1);
}

/* ---- starting ---- */

/* The next line of its log, or NULL: it has ended, or nothing came in time. */
static const char *
read_line(const struct rig_server *server, char *buf, size_t size)
{
	struct pollfd pfd = { .fd = server->log, .events = POLLIN };
	size_t len = 0;

	while (len + 1 < size) {
		if (poll(&pfd, 1, rig_ms(START_MS)) <= 0 || read(server->log, buf + len, 1) != 1)
			return NULL;
		if (buf[len] == '\n')
			break;
		len++;
	}
	buf[len] = '\0';
	return buf;
}

/* "ptyexecd listening on URL", a line for each listener, come when it is ready. */
static void
await_listeners(struct rig_server *server)
{
	char line[512];

	for (int seen = 0; seen < 2;) {
		const char *url;

		if (read_line(server, line, sizeof line) == NULL) {
			fputs("rig: the server has not started\n", stderr);
			abort();
		}
		if (strstr(line, "listening on ") == NULL) {
			fprintf(stderr, "%s\n", line);
			continue;
		}
		seen++;
		if ((url = strstr(line, "ws://")) != NULL)
			snprintf(server->ws_url, sizeof server->ws_url, "%s", url);
	}
}

static void
spawn(struct rig_server *server, const char *const *flags)
{
	const char *argv[FLAGS_MAX + 16] = { rig_program("PTYEXECD"), "--listen", server->unix_url,
		"--listen", "ws://127.0.0.1:0", "--log-level", "warn" };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int log[2], sys;
	size_t n = 7;

	for (; flags != NULL && *flags != NULL && n < FLAGS_MAX + 15; flags++)
		argv[n++] = *flags;
	if (pipe2(log, O_CLOEXEC) == -1)
		rig_die("pipe2");
	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, log[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, log[1], STDERR_FILENO);
	sys = posix_spawn(&server->pid, argv[0], &actions, &attr, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	errno = sys;
	if (sys != 0)
		rig_die(argv[0]);
	close(log[1]);
	server->log = log[0];
	await_listeners(server);
}

void
rig_server_start(struct rig_server *server, const char *const *flags)
{
	*server = (struct rig_server){ .dir = "/tmp/px-rig-XXXXXX" };
	if (mkdtemp(server->dir) == NULL)
		rig_die("mkdtemp");
	snprintf(server->path, sizeof server->path, "%s/socket", server->dir);
	snprintf(server->unix_url, sizeof server->unix_url, "unix://%s", server->path);
	spawn(server, flags);
}

/* ---- ending ---- */

static int
end(struct rig_server *server, int signal)
{
	int status;

	kill(server->pid, signal);
	while (waitpid(server->pid, &status, 0) == -1)
		if (errno != EINTR)
			rig_die("waitpid");
	return status;
}

/* What it still had to say. */
static void
print_log(const struct rig_server *server)
{
	char buf[4096];
	ssize_t n;

	while ((n = read(server->log, buf, sizeof buf)) > 0)
		fwrite(buf, 1, (size_t)n, stderr);
}

void
rig_server_stop(struct rig_server *server)
{
	int status = end(server, SIGTERM);

	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		print_log(server);
		fprintf(stderr, "rig: the server ended with wait status %#x\n", (unsigned)status);
		abort();
	}
	close(server->log);
	unlink(server->path);
	rmdir(server->dir);
}

void
rig_server_restart(struct rig_server *server, const char *const *flags)
{
	end(server, SIGKILL);
	close(server->log);
	spawn(server, flags);
}

/* ---- sharing ---- */

static const char *const shared[] = { [RIG_UNIX] = "PX_RIG_UNIX", [RIG_WS] = "PX_RIG_WS" };

void
rig_server_share(const struct rig_server *server)
{
	setenv(shared[RIG_UNIX], server->unix_url, 1);
	setenv(shared[RIG_WS], server->ws_url, 1);
}

const char *
rig_url(enum rig_socket kind)
{
	return rig_program(shared[kind]);
}

#include "bench.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LISTENERS = 3, OPTIONS_MAX = 16 };

/* "ptyexecd listening on URL", a line for each listener, come when it is ready. */
static void
await_listeners(struct bench_server *server, int err)
{
	FILE *lines = fdopen(err, "r");
	char line[256];
	int seen = 0;

	if (lines == NULL)
		bench_die("fdopen");
	while (seen < LISTENERS && fgets(line, sizeof line, lines) != NULL) {
		const char *url = strstr(line, "listening on ");

		if (url == NULL) {
			fputs(line, stderr);
			continue;
		}
		seen++;
		if ((url = strstr(url, "ws://127.0.0.1:")) != NULL)
			server->port = (unsigned)strtoul(url + strlen("ws://127.0.0.1:"), NULL, 10);
	}
	if (seen < LISTENERS) {
		fputs("bench: the server has not started\n", stderr);
		exit(EXIT_FAILURE);
	}
	fclose(lines);
}

/* Its stderr ends with the last of those lines: what a server says later has nobody to read it, and
 * it goes on. */
void
bench_server_start(struct bench_server *server, const char *const options[])
{
	char unix_url[128];
	const char *argv[OPTIONS_MAX + 16] = { bench_program("PTYEXECD"), "--listen", "stdio://",
		"--listen", unix_url, "--listen", "ws://127.0.0.1:0", "--log-level", "warn" };
	posix_spawn_file_actions_t actions;
	int in[2], out[2], err[2];
	size_t n = 9;

	snprintf(server->dir, sizeof server->dir, "/tmp/ptyexec-bench-XXXXXX");
	if (mkdtemp(server->dir) == NULL || pipe2(in, O_CLOEXEC) == -1 ||
	    pipe2(out, O_CLOEXEC) == -1 || pipe2(err, O_CLOEXEC) == -1)
		bench_die("surroundings of the server");
	snprintf(server->path, sizeof server->path, "%s/socket", server->dir);
	snprintf(unix_url, sizeof unix_url, "unix://%s", server->path);
	for (size_t i = 0; options[i] != NULL && i < OPTIONS_MAX; i++)
		argv[n++] = options[i];
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
	if (posix_spawn(&server->pid, argv[0], &actions, NULL, (char *const *)argv, environ) != 0)
		bench_die(argv[0]);
	posix_spawn_file_actions_destroy(&actions);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	server->in = in[1];
	server->out = out[0];
	await_listeners(server, err[0]);
}

void
bench_server_stop(struct bench_server *server)
{
	kill(server->pid, SIGTERM);
	bench_reap(server->pid);
	close(server->in);
	close(server->out);
	unlink(server->path);
	rmdir(server->dir);
}

double
bench_server_cpu(const struct bench_server *server)
{
	struct timespec used;
	clockid_t clock;

	if (clock_getcpuclockid(server->pid, &clock) != 0 || clock_gettime(clock, &used) == -1)
		bench_die("processor time of the server");
	return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

double
bench_server_memory(const struct bench_server *server)
{
	unsigned long long size, resident;
	char path[64];
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/statm", (int)server->pid);
	if ((file = fopen(path, "re")) == NULL || fscanf(file, "%llu %llu", &size, &resident) != 2)
		bench_die(path);
	fclose(file);
	return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

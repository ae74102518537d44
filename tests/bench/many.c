#include "bench.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/*
 * Many terminals with a program on each: what they cost to start and to keep, and
 * how a keystroke in one of them fares among the others. Beside it the same
 * programs at PTYs of ours.
 */

enum {
	SESSIONS = 2000,
	IN_FLIGHT = 32,
	STROKES = 500,
	ROUNDS = 5,
	FILES_PER_SESSION = 2,
	FILES_BESIDE = 64
};

/* As many as the limits of files and terminals leave room for. */
static int
count_sessions(void)
{
	FILE *file = fopen("/proc/sys/kernel/pty/max", "re");
	long ptys = 4096, n = SESSIONS;
	struct rlimit files;

	if (file == NULL || fscanf(file, "%ld", &ptys) != 1 ||
	    getrlimit(RLIMIT_NOFILE, &files) == -1)
		bench_die("limits");
	fclose(file);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_max != RLIM_INFINITY &&
	    n > ((long)files.rlim_max - FILES_BESIDE) / FILES_PER_SESSION)
		n = ((long)files.rlim_max - FILES_BESIDE) / FILES_PER_SESSION;
	if (n > ptys - FILES_BESIDE)
		n = ptys - FILES_BESIDE;
	if (n < SESSIONS)
		printf("only %ld sessions: files %llu, terminals %ld\n", n,
		    (unsigned long long)files.rlim_max, ptys);
	return (int)n;
}

/* ---- without a server ---- */

struct direct {
	int *master;
	pid_t *pid;
};

static double
start_directly(struct direct *direct, int n)
{
	char *argv[] = { (char *)bench_program("PX_CHILD"), "raw-echo", NULL };
	int64_t begun = bench_now_ns();

	direct->master = calloc((size_t)n, sizeof *direct->master);
	direct->pid = calloc((size_t)n, sizeof *direct->pid);
	if (direct->master == NULL || direct->pid == NULL)
		bench_die("memory");
	for (int i = 0; i < n; i++)
		direct->pid[i] = bench_spawn_pty(argv, &direct->master[i]);
	for (int i = 0; i < n; i++)
		bench_read_until(direct->master[i], "ready\n");
	return (double)(bench_now_ns() - begun) / 1e9;
}

/* A program reads the end of its input when its terminal has gone. */
static void
end_directly(struct direct *direct, int n)
{
	for (int i = 0; i < n; i++)
		close(direct->master[i]);
	for (int i = 0; i < n; i++)
		bench_reap(direct->pid[i]);
	free(direct->master);
	free(direct->pid);
}

/* ---- with the server ---- */

static void
send_start(struct bench_client *client, int i)
{
	bench_send(client,
	    "{\"id\":%d,\"method\":\"process/start\",\"params\":{\"sessionId\":\"s%d\","
	    "\"direct\":{\"argv\":[\"%s\",\"raw-echo\"]},\"io\":{\"pty\":{\"rows\":24,"
	    "\"cols\":80}}}}",
	    i + 10, i, bench_program("PX_CHILD"));
}

static double
start_sessions(struct bench_client *client, int n)
{
	int64_t begun = bench_now_ns();
	int sent = 0;

	while (sent < n && sent < IN_FLIGHT)
		send_start(client, sent++);
	for (int ready = 0; ready < n; ready++) {
		bench_await(client, "\"chunk\":\"cmVhZHkK\"", NULL);
		if (sent < n)
			send_start(client, sent++);
	}
	return (double)(bench_now_ns() - begun) / 1e9;
}

static void
stroke(struct bench_client *client, const char *session)
{
	bool answered = false, echoed = false;
	const char *message;
	size_t len;

	bench_send(client,
	    "{\"id\":2,\"method\":\"process/write\",\"params\":"
	    "{\"sessionId\":\"%s\",\"chunk\":\"eA==\"}}",
	    session);
	while (!answered || !echoed) {
		message = bench_receive(client, &len);
		answered = answered || bench_has(message, len, "\"id\":2,");
		echoed = echoed || bench_has(message, len, "process/outputDelta");
	}
}

static void
measure_echo(struct bench_client *client, const char *session, struct bench_series *p50)
{
	double samples[STROKES];
	int64_t begun;

	for (int i = 0; i < STROKES; i++) {
		begun = bench_now_ns();
		stroke(client, session);
		samples[i] = (double)(bench_now_ns() - begun) / 1e3;
	}
	bench_add(p50, bench_quantile(samples, STROKES, 0.5));
}

static void
report(int n, double direct, double started, const double memory[2], double idle_cpu)
{
	bench_title("%d live PTY sessions on one connection", n);
	printf("\n  %-52s %10.2f s\n", "kernel: their programs at PTYs of ours, to ready", direct);
	printf(
	    "  %-52s %10.2f s %8.2f / kernel\n", "the server, to ready", started, started / direct);
	printf("  %-52s %10.2f MB\n", "the server's resident memory before", memory[0] / 1e6);
	printf("  %-52s %10.2f MB\n", "with all of them", memory[1] / 1e6);
	printf("  %-52s %10.2f KB\n", "for each session", (memory[1] - memory[0]) / n / 1e3);
	printf("  %-52s %10.2f ms\n", "its processor time in a second of their silence",
	    idle_cpu * 1e3);
}

int
main(void)
{
	static const char *const options[] = { "--max-processes", "8192",
		"--max-processes-per-connection", "8192", NULL };
	struct bench_series alone = { 0 }, among = { 0 };
	struct bench_server one, many;
	struct bench_client *client_one, *client_many;
	double direct, started, memory[2], cpu;
	int n = count_sessions();
	struct direct children;
	int64_t begun;

	signal(SIGPIPE, SIG_IGN);
	direct = start_directly(&children, n);
	end_directly(&children, n);
	bench_server_start(&one, options);
	client_one = bench_connect(&one, BENCH_UNIX);
	bench_start_echo(client_one, "echo");
	bench_server_start(&many, options);
	client_many = bench_connect(&many, BENCH_UNIX);
	memory[0] = bench_server_memory(&many);
	started = start_sessions(client_many, n);
	memory[1] = bench_server_memory(&many);
	cpu = bench_server_cpu(&many);
	sleep(1);
	report(n, direct, started, memory, bench_server_cpu(&many) - cpu);
	for (int round = 0; round < ROUNDS; round++) {
		measure_echo(client_one, "echo", &alone);
		measure_echo(client_many, "s7", &among);
	}
	bench_head("keystroke echo in one of them, p50", "microseconds", "alone");
	bench_line("alone on its server", &alone, &alone);
	bench_line("among the others", &among, &alone);
	begun = bench_now_ns();
	kill(many.pid, SIGTERM);
	bench_drain(client_many);
	printf("\n  %-52s %10.2f s\n", "SIGTERM to the last message, all programs ended",
	    (double)(bench_now_ns() - begun) / 1e9);
	bench_disconnect(client_many);
	bench_disconnect(client_one);
	bench_server_stop(&many);
	bench_server_stop(&one);
	return EXIT_SUCCESS;
}

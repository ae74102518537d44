#include "bench.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/spawn.h"
#include "proc/spec.h"

/*
 * A program that does nothing, from its start to the end of all it has: through
 * the server, and by posix_spawn(3) with pipes. Then px_spawn() alone in a small
 * process and in one with a GiB of memory in use.
 */

enum {
	ROUNDS = 10,
	STARTS = 200,
	RIVALS = 5,
	MEMORY_ROUNDS = 5,
	MEMORY_STARTS = 40,
	MEMORY = 1 << 30,
	WAYS = 3
};

static char *const program[] = { "/bin/true", NULL };

/* ---- through the server ---- */

struct rival {
	const char *name;
	void (*start)(struct rival *rival);
	struct bench_client *client;
	struct bench_series p50, p99;
};

static void
start_alone(struct rival *rival)
{
	char c;
	int out[2];
	pid_t pid = bench_spawn_pipe(program, out);

	(void)rival;
	for (int i = 0; i < 2; i++) {
		if (read(out[i], &c, 1) != 0)
			bench_die("end of file");
		close(out[i]);
	}
	bench_reap(pid);
}

static void
start_session(struct rival *rival)
{
	bench_send(rival->client,
	    "{\"id\":1,\"method\":\"process/start\",\"params\":{\"direct\":{\"argv\":[\"%s\"]},"
	    "\"io\":{\"pipe\":{\"stdin\":\"closed\"}}}}",
	    program[0]);
	bench_await(rival->client, "process/closed", NULL);
}

static void
run_session(struct rival *rival)
{
	bench_send(rival->client,
	    "{\"id\":2,\"method\":\"process/run\",\"params\":{\"direct\":{\"argv\":[\"%s\"]},"
	    "\"io\":{\"pipe\":{\"stdin\":\"closed\"}}}}",
	    program[0]);
	bench_await(rival->client, "\"id\":2,", NULL);
}

static void
measure(struct rival *rival)
{
	double samples[STARTS];
	int64_t begun;

	for (int i = 0; i < STARTS; i++) {
		begun = bench_now_ns();
		rival->start(rival);
		samples[i] = (double)(bench_now_ns() - begun) / 1e3;
	}
	bench_add(&rival->p50, bench_quantile(samples, STARTS, 0.5));
	bench_add(&rival->p99, bench_quantile(samples, STARTS, 0.99));
}

static void
server_against_kernel(void)
{
	static const char *const options[] = { NULL };
	struct rival rivals[RIVALS] = {
		{ .name = "kernel: posix_spawn, pipes, waitpid", .start = start_alone },
		{ .name = "process/start to closed, unix://", .start = start_session },
		{ .name = "process/start to closed, ws://", .start = start_session },
		{ .name = "process/run, unix://", .start = run_session },
		{ .name = "process/run, ws://", .start = run_session },
	};
	struct bench_server server;

	bench_server_start(&server, options);
	for (int i = 1; i < RIVALS; i++)
		rivals[i].client = bench_connect(&server, i % 2 == 1 ? BENCH_UNIX : BENCH_WS);
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < RIVALS; i++)
			measure(&rivals[i]);
	bench_title("%s, one after the other: %d each, %d rounds in turn", program[0],
	    ROUNDS * STARTS, ROUNDS);
	bench_head("p50", "microseconds", "kernel");
	for (int i = 0; i < RIVALS; i++)
		bench_line(rivals[i].name, &rivals[i].p50, &rivals[0].p50);
	bench_head("p99", "microseconds", "kernel");
	for (int i = 0; i < RIVALS; i++)
		bench_line(rivals[i].name, &rivals[i].p99, &rivals[0].p99);
	for (int i = 1; i < RIVALS; i++)
		bench_disconnect(rivals[i].client);
	bench_server_stop(&server);
}

/* ---- px_spawn() and the memory of its caller ---- */

static void
spawn_posix(void)
{
	int out[2];

	bench_reap(bench_spawn_pipe(program, out));
	close(out[0]);
	close(out[1]);
}

static void
spawn_ours(void)
{
	static char *no_env[] = { NULL };
	static char cwd[] = "/";
	const struct px_spec spec = { .argv = (char **)program,
		.argc = 1,
		.cwd = cwd,
		.env = no_env,
		.io = PX_IO_PIPE,
		.umask = -1 };
	const struct px_spawn_extra extra = { .cgroup_fd = -1 };
	struct px_spawned child;
	struct px_err err;

	if (px_spawn(&spec, &extra, &child, &err) == -1)
		bench_die(err.text);
	bench_reap(child.pid);
	close(child.pidfd);
	close(child.out);
	close(child.err);
}

static void
spawn_fork(void)
{
	int out[2];
	pid_t pid;

	if (pipe(out) == -1 || (pid = fork()) == -1)
		bench_die("fork");
	if (pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		execv(program[0], program);
		_exit(127);
	}
	close(out[1]);
	bench_reap(pid);
	close(out[0]);
}

static double
cost_of(void (*spawn)(void))
{
	double samples[MEMORY_STARTS];
	int64_t begun;

	for (int i = 0; i < MEMORY_STARTS; i++) {
		begun = bench_now_ns();
		spawn();
		samples[i] = (double)(bench_now_ns() - begun) / 1e3;
	}
	return bench_quantile(samples, MEMORY_STARTS, 0.5);
}

/* In pages of the ordinary size, as the many small objects of a long-lived server have it. */
static void *
memory_take(void)
{
	void *p = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		bench_die("a GiB of memory");
	madvise(p, MEMORY, MADV_NOHUGEPAGE);
	memset(p, 1, MEMORY);
	return p;
}

static void
spawn_against_memory(void)
{
	static const struct {
		const char *small, *large;
		void (*spawn)(void);
	} ways[WAYS] = {
		{ "kernel: posix_spawn, small process", "posix_spawn, 1 GiB in use", spawn_posix },
		{ "px_spawn, small process", "px_spawn, 1 GiB in use", spawn_ours },
		{ "fork and exec, small process", "fork and exec, 1 GiB in use", spawn_fork },
	};
	struct bench_series small[WAYS] = { 0 }, large[WAYS] = { 0 };

	for (int round = 0; round < MEMORY_ROUNDS; round++) {
		void *memory;

		for (int i = 0; i < WAYS; i++)
			bench_add(&small[i], cost_of(ways[i].spawn));
		memory = memory_take();
		for (int i = 0; i < WAYS; i++)
			bench_add(&large[i], cost_of(ways[i].spawn));
		munmap(memory, MEMORY);
	}
	bench_head("start to reaped, p50", "microseconds", "kernel");
	for (int i = 0; i < WAYS; i++) {
		bench_line(ways[i].small, &small[i], &small[0]);
		bench_line(ways[i].large, &large[i], &small[0]);
	}
}

int
main(void)
{
	signal(SIGPIPE, SIG_IGN);
	server_against_kernel();
	spawn_against_memory();
	return EXIT_SUCCESS;
}

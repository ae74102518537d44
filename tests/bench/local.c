#include "bench.h"

#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <unistd.h>

#include <ptyexec/client.h>

/*
 * The core inside this process, beside the kernel alone in the same process: a
 * program that does nothing, from its start to its end, and a keystroke there
 * and back.
 */

enum { ROUNDS = 15, STARTS = 80, STROKES = 500, WARM_UP = 50, RIVALS_MAX = 5 };

static char *const program[] = { "/bin/true", NULL };

struct rival {
	const char *name;
	void (*once)(struct rival *rival);
	struct px_client *client;
	int fd;
	struct bench_series p50, p99;
};

static void
measure(struct rival *rival, int samples_max)
{
	double samples[STROKES];
	int64_t begun;

	for (int i = -WARM_UP; i < samples_max; i++) {
		begun = bench_now_ns();
		rival->once(rival);
		if (i >= 0)
			samples[i] = (double)(bench_now_ns() - begun) / 1e3;
	}
	bench_add(&rival->p50, bench_quantile(samples, (size_t)samples_max, 0.5));
	bench_add(&rival->p99, bench_quantile(samples, (size_t)samples_max, 0.99));
}

static void
race(struct rival *rivals, size_t n, int samples)
{
	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < n; i++)
			measure(&rivals[i], samples);
	bench_head("p50", "microseconds", "kernel");
	for (size_t i = 0; i < n; i++)
		bench_line(rivals[i].name, &rivals[i].p50, &rivals[0].p50);
	bench_head("p99", "microseconds", "kernel");
	for (size_t i = 0; i < n; i++)
		bench_line(rivals[i].name, &rivals[i].p99, &rivals[0].p99);
}

static struct px_client *
embed(void)
{
	struct px_client *client;
	struct px_error err;

	if (px_client_embed(NULL, &client, &err) == -1)
		bench_die(err.text);
	return client;
}

/* ---- start to end ---- */

static void
spawn_bare(struct rival *rival)
{
	pid_t pid;

	(void)rival;
	if (posix_spawn(&pid, program[0], NULL, NULL, program, environ) != 0)
		bench_die("posix_spawn");
	bench_reap(pid);
}

static void
spawn_pipes(struct rival *rival)
{
	int out[2];
	pid_t pid = bench_spawn_pipe(program, out);
	char c;

	(void)rival;
	for (int i = 0; i < 2; i++) {
		if (read(out[i], &c, 1) != 0)
			bench_die("end of file");
		close(out[i]);
	}
	bench_reap(pid);
}

static const struct px_command command = { .argv = (const char *const *)program, .no_stdin = true };

static void
run_embedded(struct rival *rival)
{
	struct px_error err;
	struct px_answer *answer = px_client_await(
	    rival->client, px_client_run(rival->client, &command, NULL, 0, 0, &err), -1, &err);

	if (answer == NULL)
		bench_die(err.text);
	px_answer_free(answer);
}

static void
start_embedded(struct rival *rival)
{
	enum px_event_type type = PX_EVENT_STARTED;
	struct px_event *event;
	struct px_error err;
	int64_t start = px_client_start(rival->client, &command, &err);

	if (px_client_settle(rival->client, start, -1, &err) == -1)
		bench_die(err.text);
	while (type != PX_EVENT_CLOSED) {
		if ((event = px_client_next(rival->client, NULL, -1, &err)) == NULL)
			bench_die(err.text);
		type = event->type;
		px_event_free(event);
	}
}

static void
starts(void)
{
	struct rival rivals[] = {
		{ .name = "kernel: posix_spawn, waitpid", .once = spawn_bare },
		{ .name = "posix_spawn, pipes, waitpid", .once = spawn_pipes },
		{ .name = "px_client_run, embedded", .once = run_embedded },
		{ .name = "px_client_start to closed, embedded", .once = start_embedded },
	};

	rivals[2].client = rivals[3].client = embed();
	bench_title(
	    "%s in one process: %d each, %d rounds in turn", program[0], ROUNDS * STARTS, ROUNDS);
	race(rivals, sizeof rivals / sizeof rivals[0], STARTS);
	px_client_free(rivals[2].client);
}

/* ---- a keystroke ---- */

static void
stroke_fd(struct rival *rival)
{
	struct pollfd ready = { .fd = rival->fd, .events = POLLIN };
	char c = 'x';

	if (write(rival->fd, &c, 1) != 1 || poll(&ready, 1, -1) != 1 || read(rival->fd, &c, 1) != 1)
		bench_die("echo");
}

static void
stroke_embedded(struct rival *rival)
{
	struct px_event *event;
	struct px_error err;
	int64_t write = px_client_write(rival->client, "echo", "x", 1, &err);

	px_client_forget(rival->client, write);
	if ((event = px_client_next(rival->client, "echo", -1, &err)) == NULL)
		bench_die(err.text);
	px_event_free(event);
}

static void
open_echo(struct rival *raw, struct rival *embedded)
{
	char *argv[] = { (char *)bench_program("PX_CHILD"), "raw-echo", NULL };
	const struct px_command echo = { .session = "echo",
		.argv = (const char *const *)argv,
		.pty = true,
		.rows = 24,
		.cols = 80 };
	struct px_error err;
	const struct px_until ready = { .match = "ready", .from_seq = true };

	bench_spawn_pty(argv, &raw->fd);
	bench_read_until(raw->fd, "ready\n");
	embedded->client = embed();
	if (px_client_settle(
		embedded->client, px_client_start(embedded->client, &echo, &err), -1, &err) == -1 ||
	    px_client_settle(embedded->client,
		px_client_wait(embedded->client, "echo", &ready, &err), -1, &err) == -1)
		bench_die(err.text);
	px_event_free(px_client_next(embedded->client, "echo", -1, NULL));
}

static void
strokes(void)
{
	struct rival rivals[] = {
		{ .name = "kernel: a PTY", .once = stroke_fd },
		{ .name = "embedded", .once = stroke_embedded },
	};

	open_echo(&rivals[0], &rivals[1]);
	bench_title("keystroke echo in one process: %d each", ROUNDS * STROKES);
	race(rivals, sizeof rivals / sizeof rivals[0], STROKES);
	px_client_free(rivals[1].client);
	close(rivals[0].fd);
}

int
main(void)
{
	starts();
	strokes();
	return 0;
}

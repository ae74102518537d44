#include "bench.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * How long a keystroke takes from the client to the program on the PTY and back.
 * Beside it: the same program at a PTY of ours, and a relay, the least that any
 * server has to do: it copies bytes between a socket and the PTY.
 */

enum { ROUNDS = 10, STROKES = 500, WARM_UP = 50, RIVALS = 6 };

struct rival {
	const char *name;
	void (*stroke)(struct rival *rival); /* one byte there and back */
	int fd;
	struct bench_client *client;
	bool answered; /* the request's response has come before its output */
	struct bench_series p50, p99;
};

static void
stroke_fd(struct rival *rival)
{
	struct pollfd ready = { .fd = rival->fd, .events = POLLIN };
	char c = 'x';

	if (write(rival->fd, &c, 1) != 1 || poll(&ready, 1, -1) != 1 || read(rival->fd, &c, 1) != 1)
		bench_die("echo");
}

static void
stroke_server(struct rival *rival)
{
	const char *message;
	size_t len;

	bench_send(rival->client, "{\"id\":2,\"method\":\"process/write\",\"params\":"
				  "{\"sessionId\":\"echo\",\"chunk\":\"eA==\"}}");
	rival->answered = false;
	for (;;) {
		message = bench_receive(rival->client, &len);
		if (bench_has(message, len, "process/outputDelta"))
			return;
		rival->answered = rival->answered || bench_has(message, len, "\"id\":2,");
	}
}

/* The response may come behind the output; the next stroke must find the line empty. */
static void
settle(struct rival *rival)
{
	if (rival->client != NULL && !rival->answered)
		bench_await(rival->client, "\"id\":2,", NULL);
}

static void
measure(struct rival *rival)
{
	double samples[STROKES];
	int64_t begun;

	for (int i = -WARM_UP; i < STROKES; i++) {
		begun = bench_now_ns();
		rival->stroke(rival);
		if (i >= 0)
			samples[i] = (double)(bench_now_ns() - begun) / 1e3;
		settle(rival);
	}
	bench_add(&rival->p50, bench_quantile(samples, STROKES, 0.5));
	bench_add(&rival->p99, bench_quantile(samples, STROKES, 0.99));
}

/* ---- the other rivals ---- */

static _Noreturn void
relay(int sock, int master)
{
	struct pollfd ends[2] = { { .fd = sock, .events = POLLIN },
		{ .fd = master, .events = POLLIN } };
	char buf[4096];
	ssize_t n;

	for (;;) {
		if (poll(ends, 2, -1) == -1)
			_exit(1);
		for (int i = 0; i < 2; i++) {
			if (ends[i].revents == 0)
				continue;
			if ((n = read(ends[i].fd, buf, sizeof buf)) <= 0)
				_exit(0);
			bench_write_all(ends[!i].fd, buf, (size_t)n);
		}
	}
}

static _Noreturn void
mirror(int sock)
{
	char buf[4096];
	ssize_t n;

	while ((n = read(sock, buf, sizeof buf)) > 0)
		bench_write_all(sock, buf, (size_t)n);
	_exit(0);
}

/* Forks a process at the other end of a socket: a relay to 'master', or with -1 a mirror. Ends with
 * the socket. */
static int
fork_peer(int master)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1 || (pid = fork()) == -1)
		bench_die("socketpair, fork");
	if (pid != 0) {
		close(pair[1]);
		return pair[0];
	}
	close(pair[0]);
	if (master == -1)
		mirror(pair[1]);
	relay(pair[1], master);
}

static int
open_echo(void)
{
	char *argv[] = { (char *)bench_program("PX_CHILD"), "raw-echo", NULL };
	int master;

	bench_spawn_pty(argv, &master);
	bench_read_until(master, "ready\n");
	return master;
}

static void
open_server_rivals(const struct bench_server *server, struct rival *rivals)
{
	static const char *const names[] = { "server, unix://", "server, ws://",
		"server, stdio://" };

	for (int i = 0; i < BENCH_TRANSPORTS; i++) {
		rivals[i].name = names[i];
		rivals[i].stroke = stroke_server;
		rivals[i].client = bench_connect(server, (enum bench_transport)i);
		bench_start_echo(rivals[i].client, "echo");
	}
}

int
main(void)
{
	static const char *const options[] = { NULL };
	struct rival rivals[RIVALS] = {
		{ .name = "kernel: the program at a PTY, no server", .stroke = stroke_fd },
		{ .name = "a socket's echo, no PTY", .stroke = stroke_fd },
		{ .name = "a relay: socket to PTY, bytes only", .stroke = stroke_fd },
	};
	struct bench_server server;

	signal(SIGPIPE, SIG_IGN);
	rivals[0].fd = open_echo();
	rivals[1].fd = fork_peer(-1);
	rivals[2].fd = fork_peer(open_echo());
	bench_server_start(&server, options);
	open_server_rivals(&server, rivals + 3);
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < RIVALS; i++)
			measure(&rivals[i]);
	bench_title(
	    "keystroke echo: %d keystrokes each, %d rounds in turn", ROUNDS * STROKES, ROUNDS);
	bench_head("p50", "microseconds", "kernel");
	for (int i = 0; i < RIVALS; i++)
		bench_line(rivals[i].name, &rivals[i].p50, &rivals[0].p50);
	bench_head("p99", "microseconds", "kernel");
	for (int i = 0; i < RIVALS; i++)
		bench_line(rivals[i].name, &rivals[i].p99, &rivals[0].p99);
	for (int i = 3; i < RIVALS; i++)
		bench_disconnect(rivals[i].client);
	bench_server_stop(&server);
	return EXIT_SUCCESS;
}

#include "bench.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * A program that writes as fast as it can, and a client that drops what it gets:
 * bytes of the program per second. Beside it the same program, read at the pipe
 * or the PTY directly, 64 KiB a read.
 */

enum { ROUNDS = 5, RIVALS = 3, READ_SIZE = 65536 };

struct flood {
	const char *name;
	long long bytes;
	bool pty;
};

struct rival {
	const char *name;
	struct bench_client *client; /* NULL: no server */
	struct bench_series speed, cpu;
};

/* A PTY ends with EIO. */
static long long
drain(int fd)
{
	static char buf[READ_SIZE];
	long long total = 0;
	ssize_t n;

	while ((n = read(fd, buf, sizeof buf)) > 0)
		total += n;
	if (n == -1 && errno != EIO)
		bench_die("read");
	close(fd);
	return total;
}

static long long
flood_directly(const struct flood *flood)
{
	char bytes[32], *argv[] = { (char *)bench_program("PX_CHILD"), "spew", bytes, NULL };
	int out[2] = { -1, -1 };
	long long total;
	pid_t pid;

	snprintf(bytes, sizeof bytes, "%lld", flood->bytes);
	pid = flood->pty ? bench_spawn_pty(argv, &out[0]) : bench_spawn_pipe(argv, out);
	total = drain(out[0]);
	if (!flood->pty)
		close(out[1]);
	bench_reap(pid);
	return total;
}

/* The bytes behind the base64 text, which is the message's last member. */
static long long
chunk_bytes(const char *message, size_t len)
{
	static const char key[] = "\"chunk\":\"", end[] = "\"}}";
	const char *text = memmem(message, len < 256 ? len : 256, key, sizeof key - 1);
	size_t chars;

	if (text == NULL)
		return 0;
	chars = len - (size_t)(text + sizeof key - 1 - message) - (sizeof end - 1);
	return (long long)(chars / 4 * 3) - (message[len - 4] == '=') - (message[len - 5] == '=');
}

static long long
flood_server(const struct flood *flood, struct bench_client *client)
{
	static const char *const io[] = { "\"pipe\":{\"stdin\":\"closed\"}",
		"\"pty\":{\"rows\":24,\"cols\":80}" };
	const char *message;
	long long total = 0;
	size_t len;

	bench_send(client,
	    "{\"id\":1,\"method\":\"process/start\",\"params\":"
	    "{\"direct\":{\"argv\":[\"%s\",\"spew\",\"%lld\"]},"
	    "\"io\":{%s}}}",
	    bench_program("PX_CHILD"), flood->bytes, io[flood->pty]);
	for (;;) {
		message = bench_receive(client, &len);
		if (bench_has(message, len, "process/outputDelta"))
			total += chunk_bytes(message, len);
		else if (bench_has(message, len, "process/exited") && total != flood->bytes)
			fprintf(stderr, "bench: %.*s\n", (int)len, message);
		else if (bench_has(message, len, "process/closed"))
			return total;
	}
}

static void
measure(const struct bench_server *server, const struct flood *flood, struct rival *rival)
{
	double cpu = bench_server_cpu(server), seconds;
	int64_t begun = bench_now_ns();
	long long total =
	    rival->client != NULL ? flood_server(flood, rival->client) : flood_directly(flood);

	seconds = (double)(bench_now_ns() - begun) / 1e9;
	if (total != flood->bytes) {
		fprintf(
		    stderr, "bench: %s: %lld of %lld bytes\n", rival->name, total, flood->bytes);
		exit(EXIT_FAILURE);
	}
	bench_add(&rival->speed, (double)total / 1e6 / seconds);
	bench_add(&rival->cpu, bench_server_cpu(server) - cpu);
}

static void
measure_flood(const struct bench_server *server, const struct flood *flood)
{
	struct rival rivals[RIVALS] = {
		{ .name = flood->pty ? "kernel: read from the PTY" : "kernel: read from the pipe" },
		{ .name = "server, unix://", .client = bench_connect(server, BENCH_UNIX) },
		{ .name = "server, ws://", .client = bench_connect(server, BENCH_WS) },
	};

	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < RIVALS; i++)
			measure(server, flood, &rivals[i]);
	bench_title("flood: %s, %d rounds in turn", flood->name, ROUNDS);
	bench_head("bytes of the program", "MB/s", "kernel");
	for (int i = 0; i < RIVALS; i++)
		bench_line(rivals[i].name, &rivals[i].speed, &rivals[0].speed);
	printf("  the server's processor time: %.2f s for unix://, %.2f s for ws://\n\n",
	    bench_median(&rivals[1].cpu), bench_median(&rivals[2].cpu));
	for (int i = 1; i < RIVALS; i++)
		bench_disconnect(rivals[i].client);
}

int
main(void)
{
	static const struct flood floods[] = {
		{ "500 MB through a pipe", 500000000, false },
		{ "100 MB through a PTY", 100000000, true },
	};
	static const char *const options[] = { NULL };
	struct bench_server server;

	signal(SIGPIPE, SIG_IGN);
	bench_server_start(&server, options);
	for (size_t i = 0; i < sizeof floods / sizeof floods[0]; i++)
		measure_flood(&server, &floods[i]);
	bench_server_stop(&server);
	return EXIT_SUCCESS;
}

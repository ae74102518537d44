#include "bench.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * How long it takes from a ^C in a flood until the prompt is there, and how much
 * of the flood comes in between: to a terminal that takes what comes as fast as
 * it can.
 */

enum { ROUNDS = 10, RIVALS = 3, FLOOD = 4 * 1000 * 1000, PIECE = 65536 };

static const char script[] = "trap 'printf PROMPT' INT; yes flood; exit 0";

struct rival {
	const char *name;
	bool through_ptyexec, elsewhere;
	struct bench_series ms, kib;
};

/* Reads on until there were 'bytes', or 'text' has come; returns how many there were. */
static size_t
read_on(int master, size_t bytes, const char *text)
{
	char piece[PIECE + 1];
	size_t total = 0;
	ssize_t n;

	for (;;) {
		if ((n = read(master, piece, PIECE)) <= 0)
			bench_die("the flood ended early");
		total += (size_t)n;
		piece[n] = '\0';
		if (text != NULL ? strstr(piece, text) != NULL : total >= bytes)
			return total;
	}
}

static void
drain(int master)
{
	char piece[PIECE];

	while (read(master, piece, sizeof piece) > 0)
		;
	close(master);
}

static void
measure(struct rival *rival, const char *url)
{
	char *alone[] = { "/bin/sh", "-c", (char *)script, NULL };
	char *through[] = { (char *)bench_program("PTYEXEC"), "run", "-t", "--", "/bin/sh", "-c",
		(char *)script, NULL };
	int64_t begun;
	size_t bytes;
	int master;
	pid_t pid;

	if (rival->elsewhere)
		setenv("PTYEXEC_URL", url, 1);
	else
		unsetenv("PTYEXEC_URL");
	pid = bench_spawn_pty(rival->through_ptyexec ? through : alone, &master);
	read_on(master, FLOOD, NULL);
	begun = bench_now_ns();
	bench_write_all(master, "\003", 1);
	bytes = read_on(master, 0, "PROMPT");
	bench_add(&rival->ms, (double)(bench_now_ns() - begun) / 1e6);
	bench_add(&rival->kib, (double)bytes / 1024);
	drain(master);
	bench_reap(pid);
}

int
main(void)
{
	static const char *const options[] = { NULL };
	struct rival rivals[RIVALS] = {
		{ .name = "kernel: the program at a PTY, no server" },
		{ .name = "ptyexec run, private server", .through_ptyexec = true },
		{ .name = "ptyexec run --url, server as it comes",
		    .through_ptyexec = true,
		    .elsewhere = true },
	};
	struct bench_server server;
	char url[128];

	bench_server_start(&server, options);
	snprintf(url, sizeof url, "unix://%s", server.path);
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < RIVALS; i++)
			measure(&rivals[i], url);
	bench_title("^C in a flood without end, %d rounds in turn", ROUNDS);
	bench_head("until the prompt", "milliseconds", "kernel");
	for (int i = 0; i < RIVALS; i++)
		bench_line(rivals[i].name, &rivals[i].ms, &rivals[0].ms);
	bench_head("still printed", "KiB", "kernel");
	for (int i = 0; i < RIVALS; i++)
		bench_line(rivals[i].name, &rivals[i].kib, &rivals[0].kib);
	bench_server_stop(&server);
	return EXIT_SUCCESS;
}

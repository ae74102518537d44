#include "bench.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Thirty programs that write as fast as they can on one connection, one more that
 * does not read what is written to it, and a client that asks one thing after
 * another meanwhile: how long it waits for an answer, which comes behind whatever
 * output is on its way. In the dialect of the Codex CLI, so that its own server can
 * stand beside ours, if PX_CODEX names a launcher (./dev bench codex installs one).
 */

enum {
	PROGRAMS = 30,
	BYTES_EACH = 20 * 1000 * 1000,
	INPUT = 1000 * 1000,
	ROUNDS = 5,
	RIVALS = 2,
	PAUSE = 256 * 1024, /* of output between an answer and the next request */
	ASKED_MAX = 10000
};

enum figure { P50, P99, WORST, SPEED, FIGURES };

static const struct {
	const char *name, *unit;
} figures[FIGURES] = {
	[P50] = { "a request meanwhile, p50", "milliseconds" },
	[P99] = { "p99", "milliseconds" },
	[WORST] = { "worst", "milliseconds" },
	[SPEED] = { "output", "MB/s" },
};

struct rival {
	const char *name;
	struct bench_server server;
	struct bench_series figures[FIGURES];
};

/* ---- the CLI's own server ---- */

/* It says where it listens in its first line, and ends with a group of its own. */
static void
reference_start(struct bench_server *server, const char *launcher)
{
	const char *argv[] = { launcher, "exec-server", "--listen", "ws://127.0.0.1:0", NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	char line[128] = "";
	FILE *lines;
	int out[2];

	if (pipe2(out, O_CLOEXEC) == -1 || (lines = fdopen(out[0], "r")) == NULL)
		bench_die("pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
	if (posix_spawn(&server->pid, launcher, &actions, &attr, (char *const *)argv, environ) != 0)
		bench_die(launcher);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	close(out[1]);
	if (fgets(line, sizeof line, lines) == NULL ||
	    sscanf(line, "ws://127.0.0.1:%u", &server->port) != 1)
		bench_die("the first line of the CLI's own server");
	fclose(lines);
}

static void
reference_stop(const struct bench_server *server)
{
	kill(-server->pid, SIGTERM);
	bench_reap(server->pid);
}

/* ---- a round ---- */

static void
program_start(struct bench_client *client, int id, const char *argv)
{
	bench_send(client,
	    "{\"id\":%d,\"method\":\"process/start\",\"params\":{"
	    "\"processId\":\"p%d\",\"argv\":[%s],"
	    "\"cwd\":\"file:///\",\"env\":{},\"tty\":false,\"pipeStdin\":true}}",
	    id, id, argv);
}

static void
deaf_start(struct bench_client *client)
{
	char *zeroes = malloc(INPUT / 3 * 4 + 1);

	if (zeroes == NULL)
		bench_die("memory");
	memset(zeroes, 'A', INPUT / 3 * 4);
	zeroes[INPUT / 3 * 4] = '\0';
	program_start(client, 1, "\"/bin/sleep\",\"1000000\"");
	bench_await(client, "\"id\":1,", NULL);
	bench_send(client,
	    "{\"id\":2,\"method\":\"process/write\",\"params\":{"
	    "\"processId\":\"p1\",\"writeId\":\"1\",\"chunk\":\"%s\"}}",
	    zeroes);
	free(zeroes);
}

/* The next message; returns its length. '*left' counts the programs that have not closed. */
static size_t
take(struct bench_client *client, const char *wanted, int *left, bool *out_found)
{
	size_t len;
	const char *message = bench_receive(client, &len);

	*left -= bench_has(message, len, "\"process/closed\"");
	*out_found = bench_has(message, len, wanted);
	return len;
}

/* How long one request takes; the answer comes behind what is on its way. */
static double
ask(struct bench_client *client, int *left)
{
	int64_t begun = bench_now_ns();
	bool found = false;

	bench_send(client, "{\"id\":3,\"method\":\"environment/status\"}");
	while (!found)
		take(client, "\"id\":3,", left, &found);
	return (double)(bench_now_ns() - begun) / 1e6;
}

/* Lets some of the output come, so that what is asked is asked all along it. */
static void
pause_for_output(struct bench_client *client, int *left)
{
	size_t wanted = PAUSE, len;
	bool found;

	while (*left > 0 && wanted > 0) {
		len = take(client, "", left, &found);
		wanted -= len < wanted ? len : wanted;
	}
}

static void
measure(struct rival *rival)
{
	struct bench_client *client = bench_connect_codex(&rival->server);
	char spew[PATH_MAX + 32], last[32];
	double *ms = malloc(ASKED_MAX * sizeof *ms), seconds;
	int64_t begun;
	int left = PROGRAMS;
	size_t n = 0;

	if (ms == NULL)
		bench_die("memory");
	snprintf(
	    spew, sizeof spew, "\"%s\",\"spew\",\"%d\"", bench_program("PX_CHILD"), BYTES_EACH);
	snprintf(last, sizeof last, "\"id\":%d,", 10 + PROGRAMS - 1);
	deaf_start(client);
	begun = bench_now_ns();
	for (int i = 0; i < PROGRAMS; i++)
		program_start(client, 10 + i, spew);
	for (bool found = false; !found;)
		take(client, last, &left, &found);
	while (left > 0 && n < ASKED_MAX) {
		ms[n++] = ask(client, &left);
		pause_for_output(client, &left);
	}
	seconds = (double)(bench_now_ns() - begun) / 1e9;
	bench_add(&rival->figures[SPEED], (double)PROGRAMS * BYTES_EACH / 1e6 / seconds);
	bench_add(&rival->figures[P50], bench_quantile(ms, n, 0.5));
	bench_add(&rival->figures[P99], bench_quantile(ms, n, 0.99));
	bench_add(&rival->figures[WORST], bench_quantile(ms, n, 1));
	bench_send(client,
	    "{\"id\":3,\"method\":\"process/terminate\",\"params\":{\"processId\":\"p1\"}}");
	bench_await(client, "\"id\":3,", NULL);
	free(ms);
	bench_disconnect(client);
}

int
main(void)
{
	static const char *const options[] = { NULL };
	struct rival rivals[RIVALS] = { { .name = "ptyexecd" },
		{ .name = "the CLI's own server" } };
	const char *launcher = getenv("PX_CODEX");
	int n = launcher != NULL && access(launcher, X_OK) == 0 ? RIVALS : 1;

	signal(SIGPIPE, SIG_IGN);
	bench_server_start(&rivals[0].server, options);
	if (n == RIVALS)
		reference_start(&rivals[1].server, launcher);
	bench_title("%d programs that write %d MB each, and one that does not read", PROGRAMS,
	    BYTES_EACH / 1000000);
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < n; i++)
			measure(&rivals[i]);
	for (int figure = 0; figure < FIGURES; figure++) {
		bench_head(figures[figure].name, figures[figure].unit, rivals[0].name);
		for (int i = 0; i < n; i++)
			bench_line(
			    rivals[i].name, &rivals[i].figures[figure], &rivals[0].figures[figure]);
	}
	if (n == RIVALS)
		reference_stop(&rivals[1].server);
	bench_server_stop(&rivals[0].server);
	return EXIT_SUCCESS;
}

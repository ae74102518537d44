#ifndef PX_TESTS_BENCH_H
#define PX_TESTS_BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * What the benchmarks share. The rivals of a table are measured in turn, one
 * round of each, so that a machine that slows down slows down all of them; a
 * ratio is taken within a round, to the first rival: the kernel alone, as a rule.
 * Whatever goes wrong ends the program with a message.
 */

_Noreturn void bench_die(const char *what); /* adds the text of errno */
int64_t bench_now_ns(void);
const char *bench_program(const char *variable); /* a path from the environment, as meson sets it */

enum { BENCH_ROUNDS_MAX = 64 };

/* One figure per round. */
struct bench_series {
	double v[BENCH_ROUNDS_MAX];
	size_t n;
};

void bench_add(struct bench_series *series, double value);
double bench_median(const struct bench_series *series);

/* The 'share' quantile (0..1) of samples, which are put in order. */
double bench_quantile(double *samples, size_t n, double share);

/* A table: a title, a head, and a line for each rival: median, least and greatest round, median of
 * the ratios to 'base'. */
void bench_title(const char *format, ...) __attribute__((format(printf, 1, 2)));
void bench_head(const char *quantity, const char *unit, const char *base);
void bench_line(
    const char *name, const struct bench_series *series, const struct bench_series *base);

/* ---- children without a server ---- */

/* Started by posix_spawn(3) with stdout and stderr on one pipe each, stdin on /dev/null. The caller
 * reaps. */
pid_t bench_spawn_pipe(char *const argv[], int out[2]);

/* Started as the leader of a session on a new PTY of 24 by 80; returns the pid, 'out_master'
 * blocks. */
pid_t bench_spawn_pty(char *const argv[], int *out_master);

void bench_read_until(int fd, const char *text); /* what comes up to 'text' is dropped */
void bench_reap(pid_t pid);
void bench_write_all(int fd, const void *data, size_t len);

/* ---- the server ---- */

struct bench_server {
	pid_t pid;
	char dir[64];
	char path[96]; /* of the unix socket */
	unsigned port; /* of the WebSocket on 127.0.0.1 */
	int in, out;   /* stdio transport: what we write, what we read */
};

/* A server with all three transports, ready. 'options' ends with NULL. */
void bench_server_start(struct bench_server *server, const char *const options[]);
void bench_server_stop(struct bench_server *server);
double bench_server_cpu(const struct bench_server *server); /* seconds of processor time so far */
double bench_server_memory(const struct bench_server *server); /* resident bytes */

/* ---- a client ---- */

enum bench_transport { BENCH_UNIX, BENCH_WS, BENCH_STDIO, BENCH_TRANSPORTS };

struct bench_client;

/* Connected and initialized for exec-server.v1; there can be one over stdio, once. */
struct bench_client *bench_connect(
    const struct bench_server *server, enum bench_transport transport);
struct bench_client *bench_connect_codex(
    const struct bench_server *server); /* the same over ws, as the Codex CLI; the port is enough */
void bench_disconnect(struct bench_client *client);
void bench_drain(struct bench_client *client); /* reads until the server has closed */

void bench_send(struct bench_client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The next message; borrowed until the next call, not terminated. */
const char *bench_receive(struct bench_client *client, size_t *out_len);

/* Does 'text' stand in the first bytes of the message? Enough to tell methods and ids apart. */
int bench_has(const char *message, size_t len, const char *text);

/* The next message with 'text'; an error of the server's ends the program. */
const char *bench_await(struct bench_client *client, const char *text, size_t *out_len);

/* Starts the raw-echo puppet on a PTY and waits until it is ready. */
void bench_start_echo(struct bench_client *client, const char *session);

#endif

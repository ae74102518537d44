#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void
bench_die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

int64_t
bench_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

const char *
bench_program(const char *variable)
{
	const char *path = getenv(variable);

	if (path == NULL) {
		fprintf(stderr, "bench: %s is not set; run ./dev bench\n", variable);
		exit(EXIT_FAILURE);
	}
	return path;
}

/* ---- figures ---- */

void
bench_add(struct bench_series *series, double value)
{
	if (series->n == BENCH_ROUNDS_MAX)
		abort();
	series->v[series->n++] = value;
}

static int
compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double
bench_quantile(double *samples, size_t n, double share)
{
	size_t at = (size_t)(share * (double)n);

	qsort(samples, n, sizeof samples[0], compare_doubles);
	return samples[at < n ? at : n - 1];
}

double
bench_median(const struct bench_series *series)
{
	struct bench_series sorted = *series;

	return bench_quantile(sorted.v, sorted.n, 0.5);
}

void
bench_title(const char *format, ...)
{
	time_t now = time(NULL);
	struct utsname host;
	char day[16];
	struct tm tm;
	va_list ap;

	uname(&host);
	strftime(day, sizeof day, "%Y-%m-%d", gmtime_r(&now, &tm));
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n%s, %s %s, %ld processors\n", day, host.sysname, host.release,
	    sysconf(_SC_NPROCESSORS_ONLN));
}

void
bench_head(const char *quantity, const char *unit, const char *base)
{
	char left[96], right[32];

	snprintf(left, sizeof left, "%s, %s", quantity, unit);
	snprintf(right, sizeof right, "/ %s", base);
	printf("\n%-46s %10s %10s %10s %9s\n", left, "median", "least", "greatest", right);
}

void
bench_line(const char *name, const struct bench_series *series, const struct bench_series *base)
{
	struct bench_series sorted = *series, ratios = { .n = series->n };

	for (size_t i = 0; i < series->n; i++)
		ratios.v[i] = series->v[i] / base->v[i];
	bench_quantile(sorted.v, sorted.n, 0);
	printf("  %-44s %10.2f %10.2f %10.2f %9.2f\n", name, bench_median(series), sorted.v[0],
	    sorted.v[sorted.n - 1], bench_median(&ratios));
	fflush(stdout);
}

/* ---- children without a server ---- */

static pid_t
spawn_with(char *const argv[], const posix_spawn_file_actions_t *actions, short flags)
{
	static char *const no_env[] = { NULL };
	posix_spawnattr_t attr;
	pid_t pid;

	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, flags);
	if ((errno = posix_spawn(&pid, argv[0], actions, &attr, argv, no_env)) != 0)
		bench_die(argv[0]);
	posix_spawnattr_destroy(&attr);
	return pid;
}

pid_t
bench_spawn_pipe(char *const argv[], int out[2])
{
	posix_spawn_file_actions_t actions;
	int pipes[2][2];
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	for (int i = 0; i < 2; i++) {
		if (pipe2(pipes[i], O_CLOEXEC) == -1)
			bench_die("pipe2");
		posix_spawn_file_actions_adddup2(&actions, pipes[i][1], STDOUT_FILENO + i);
	}
	pid = spawn_with(argv, &actions, 0);
	posix_spawn_file_actions_destroy(&actions);
	for (int i = 0; i < 2; i++) {
		close(pipes[i][1]);
		out[i] = pipes[i][0];
	}
	return pid;
}

/* The first terminal that a session's leader opens becomes its controlling terminal. */
pid_t
bench_spawn_pty(char *const argv[], int *out_master)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	posix_spawn_file_actions_t actions;
	char slave[64];
	pid_t pid;

	if (master == -1 || unlockpt(master) == -1 || ptsname_r(master, slave, sizeof slave) != 0 ||
	    ioctl(master, TIOCSWINSZ, &size) == -1)
		bench_die("pseudo-terminal");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, slave, O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDERR_FILENO);
	pid = spawn_with(argv, &actions, POSIX_SPAWN_SETSID);
	posix_spawn_file_actions_destroy(&actions);
	*out_master = master;
	return pid;
}

void
bench_read_until(int fd, const char *text)
{
	size_t want = strlen(text), len = 0;
	char seen[256];

	while (len < want || memmem(seen, len, text, want) == NULL) {
		ssize_t n = len < sizeof seen ? read(fd, seen + len, sizeof seen - len) : 0;

		if (n <= 0)
			bench_die(text);
		len += (size_t)n;
	}
}

void
bench_reap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			bench_die("waitpid");
}

void
bench_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n == -1)
			bench_die("write");
		p += n;
		len -= (size_t)n;
	}
}

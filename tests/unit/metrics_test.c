#include "server/metrics.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/clock.h"
#include "cases.h"
#include "net/net.h"
#include "proc/input.h"
#include "proc/spec.h"
#include "server/config.h"
#include "server/loop_watch.h"
#include "server/web.h"
#include "session/core.h"

/* ---- a checker of the text exposition format 0.0.4 ---- */

enum { NAME_MAX_ = 100, SAMPLES_MAX = 500 };

struct family {
	char name[NAME_MAX_];
	char type[16];
	bool helped, sampled;
	double last_edge, last_count; /* of a histogram's buckets */
};

struct checker {
	struct family family; /* the one that is being read */
	char seen[SAMPLES_MAX][2 * NAME_MAX_];
	size_t nseen;
	char families[SAMPLES_MAX][NAME_MAX_];
	size_t nfamilies;
};

static size_t
name_length(const char *s)
{
	size_t n = 0;

	while (isalpha((unsigned char)s[n]) || s[n] == '_' || s[n] == ':' ||
	       (n > 0 && isdigit((unsigned char)s[n])))
		n++;
	return n;
}

/* {name="value",...}: the length, 0 when there are none. */
static size_t
labels_length(const char *s)
{
	const char *p = s;
	size_t n;

	if (*p != '{')
		return 0;
	do {
		p++;
		n = name_length(p);
		ck_assert_msg(n > 0 && p[n] == '=' && p[n + 1] == '"', "labels: %s", s);
		for (p += n + 2; *p != '"'; p++) {
			ck_assert_msg(*p != '\0', "labels: %s", s);
			if (*p == '\\')
				ck_assert_msg(
				    *++p == '\\' || *p == '"' || *p == 'n', "labels: %s", s);
		}
		p++;
	} while (*p == ',');
	ck_assert_msg(*p == '}', "labels: %s", s);
	return (size_t)(p + 1 - s);
}

static double
number(const char *s)
{
	char *end;
	double value = strtod(s, &end);

	ck_assert_msg(end != s && *end == '\0' && !isspace((unsigned char)*s), "number: %s", s);
	return value;
}

static void
check_help(struct checker *c, const char *line)
{
	size_t n = name_length(line);

	ck_assert_msg(n > 0 && n < NAME_MAX_ && line[n] == ' ' && line[n + 1] != '\0', "%s", line);
	memset(&c->family, 0, sizeof(c->family));
	memcpy(c->family.name, line, n);
	for (size_t i = 0; i < c->nfamilies; i++)
		ck_assert_str_ne(c->families[i], c->family.name);
	memcpy(c->families[c->nfamilies++], c->family.name, NAME_MAX_);
	c->family.helped = true;
	for (const char *p = line; *p != '\0'; p++)
		if (*p == '\\')
			ck_assert_msg(*++p == '\\' || *p == 'n', "%s", line);
}

static void
check_type(struct checker *c, const char *line)
{
	size_t n = name_length(line), len = strlen(c->family.name);

	ck_assert_msg(
	    c->family.helped && !c->family.sampled && c->family.type[0] == '\0', "%s", line);
	ck_assert_msg(
	    n == len && memcmp(line, c->family.name, n) == 0 && line[n] == ' ', "%s", line);
	snprintf(c->family.type, sizeof(c->family.type), "%s", line + n + 1);
	ck_assert_msg(strcmp(c->family.type, "counter") == 0 ||
			  strcmp(c->family.type, "gauge") == 0 ||
			  strcmp(c->family.type, "histogram") == 0,
	    "%s", line);
	if (strcmp(c->family.type, "counter") == 0)
		ck_assert_msg(
		    len > 6 && strcmp(c->family.name + len - 6, "_total") == 0, "%s", line);
}

static void
check_bucket(struct family *f, const char *labels, double count)
{
	double edge;

	ck_assert_msg(strncmp(labels, "{le=\"", 5) == 0, "%s", labels);
	edge = strtod(labels + 5, NULL);
	ck_assert_msg(!f->sampled || edge > f->last_edge, "%s", labels);
	ck_assert_msg(count >= f->last_count, "%s", labels);
	f->last_edge = edge;
	f->last_count = count;
}

/* 'suffix': what the sample's name has behind the family's. */
static void
check_member(struct family *f, const char *suffix, const char *labels, double value)
{
	if (strcmp(f->type, "histogram") != 0) {
		ck_assert_msg(*suffix == '\0', "%s%s", f->name, suffix);
		ck_assert(strcmp(f->type, "counter") != 0 || value >= 0);
	} else if (strcmp(suffix, "_bucket") == 0) {
		check_bucket(f, labels, value);
	} else if (strcmp(suffix, "_count") == 0) {
		ck_assert(isinf(f->last_edge));
		ck_assert_double_eq(value, f->last_count);
	} else {
		ck_assert_str_eq(suffix, "_sum");
	}
	f->sampled = true;
}

static void
check_sample(struct checker *c, const char *line)
{
	size_t n = name_length(line), labels = labels_length(line + n);
	char name[NAME_MAX_], suffix[NAME_MAX_];
	size_t family = strlen(c->family.name);

	ck_assert_msg(c->family.type[0] != '\0', "no type: %s", line);
	ck_assert_msg(n >= family && n < NAME_MAX_ && memcmp(line, c->family.name, family) == 0,
	    "not of %s: %s", c->family.name, line);
	ck_assert_msg(line[n + labels] == ' ', "%s", line);
	snprintf(suffix, sizeof(suffix), "%.*s", (int)(n - family), line + family);
	snprintf(name, sizeof(name), "%.*s", (int)(n + labels), line);
	for (size_t i = 0; i < c->nseen; i++)
		ck_assert_str_ne(c->seen[i], name);
	memcpy(c->seen[c->nseen++], name, sizeof(name));
	check_member(&c->family, suffix, line + n, number(line + n + labels + 1));
}

static void
check_text(const char *text)
{
	struct checker *c = calloc(1, sizeof(*c));
	char *copy = strdup(text), *line, *rest = copy;

	ck_assert_uint_gt(strlen(text), 0);
	ck_assert_int_eq(text[strlen(text) - 1], '\n');
	copy[strlen(text) - 1] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (strncmp(line, "# HELP ", 7) == 0)
			check_help(c, line + 7);
		else if (strncmp(line, "# TYPE ", 7) == 0)
			check_type(c, line + 7);
		else
			check_sample(c, line);
	}
	ck_assert(c->family.sampled);
	free(copy);
	free(c);
}

/* ---- the metrics ---- */

static struct event_base *base;
static struct px_config config;
static struct px_web web;
static char text[65536];

static void
setup(void)
{
	struct px_core_options core = { .max_running = 1, .procs.stdin_queue_bytes = 1000 };
	struct px_net_options net = { .max_connections = 1, .high_water = 1000 };

	base = event_base_new();
	web = (struct px_web){ .config = &config,
		.core = px_core_new(base, &core),
		.net = px_net_new(base, &net),
		.loop = px_loop_watch_new(base),
		.started_ms = INT64_C(1700000000042) };
}

static void
teardown(void)
{
	px_loop_watch_free(web.loop);
	px_net_free((struct px_net *)(uintptr_t)web.net);
	px_core_free(web.core);
	event_base_free(base);
}

static void
scrape(void)
{
	struct evbuffer *out = evbuffer_new();
	int n;

	px_metrics_put(&web, out);
	n = evbuffer_remove(out, text, sizeof(text) - 1);
	ck_assert_int_gt(n, 0);
	ck_assert_uint_eq(evbuffer_get_length(out), 0);
	text[n] = '\0';
	ck_assert_uint_eq(strlen(text), (size_t)n);
	evbuffer_free(out);
	check_text(text);
}

/* 'name' with its labels */
static double
value(const char *name)
{
	char start[200];
	const char *at;

	snprintf(start, sizeof(start), "\n%s ", name);
	at = strstr(text, start);
	ck_assert_msg(at != NULL, "no %s", name);
	return strtod(at + strlen(start), NULL);
}

START_TEST(test_every_metric_is_there)
{
	static const char *const zero[] = { "ptyexec_connections", "ptyexec_connections_total",
		"ptyexec_connections_refused_total", "ptyexec_sessions{state=\"running\"}",
		"ptyexec_sessions{state=\"exited\"}", "ptyexec_workspaces", "ptyexec_spawns_total",
		"ptyexec_spawn_failures_total", "ptyexec_child_output_bytes_total",
		"ptyexec_child_input_bytes_total", "ptyexec_network_bytes_total{direction=\"in\"}",
		"ptyexec_network_bytes_total{direction=\"out\"}", "ptyexec_outbound_queue_bytes",
		"ptyexec_stdin_queue_bytes", "ptyexec_ptys", "ptyexec_refused_origins_total",
		"ptyexec_refused_hosts_total", "ptyexec_loop_latency_seconds_bucket{le=\"0.0005\"}",
		"ptyexec_loop_latency_seconds_bucket{le=\"1\"}",
		"ptyexec_loop_latency_seconds_bucket{le=\"+Inf\"}",
		"ptyexec_loop_latency_seconds_sum", "ptyexec_loop_latency_seconds_count",
		"ptyexec_loop_latency_max_seconds" };

	scrape();
	for (size_t i = 0; i < sizeof(zero) / sizeof(zero[0]); i++)
		ck_assert_msg(value(zero[i]) == 0, "%s", zero[i]);
}
END_TEST

START_TEST(test_process)
{
	struct rlimit files;
	double fds;
	int more[2];

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
	scrape();
	ck_assert_ptr_nonnull(strstr(text, "\nprocess_start_time_seconds 1700000000.042000\n"));
	ck_assert_double_ge(value("process_resident_memory_bytes"), 4096);
	ck_assert_double_gt(value("process_cpu_seconds_total"), 0);
	ck_assert_double_eq(value("process_max_fds"), (double)files.rlim_cur);
	fds = value("process_open_fds");
	ck_assert_double_ge(fds, 1);
	ck_assert_int_eq(pipe(more), 0);
	scrape();
	ck_assert_double_eq(value("process_open_fds"), fds + 2);
	close(more[0]);
	close(more[1]);
}
END_TEST

START_TEST(test_refusals)
{
	web.refused_origins = 3;
	web.refused_hosts = UINT64_MAX;
	scrape();
	ck_assert_double_eq(value("ptyexec_refused_origins_total"), 3);
	ck_assert_ptr_nonnull(strstr(text, "\nptyexec_refused_hosts_total 18446744073709551615\n"));
}
END_TEST

START_TEST(test_connections)
{
	px_net_count_refused((struct px_net *)(uintptr_t)web.net);
	scrape();
	ck_assert_double_eq(value("ptyexec_connections_refused_total"), 1);
}
END_TEST

START_TEST(test_loop_latency)
{
	scrape();
	while (value("ptyexec_loop_latency_seconds_count") < 2) {
		event_base_loop(base, EVLOOP_ONCE);
		scrape();
	}
	ck_assert_double_eq(value("ptyexec_loop_latency_seconds_bucket{le=\"+Inf\"}"),
	    value("ptyexec_loop_latency_seconds_count"));
}
END_TEST

/* ---- with a process ---- */

static size_t output;

static size_t
on_room(void *arg)
{
	(void)arg;
	return SIZE_MAX;
}

static void
on_output(void *arg, unsigned stream, const void *data, size_t len)
{
	(void)arg;
	(void)stream;
	(void)data;
	output += len;
}

static void
on_exited(void *arg, const struct px_exit *exit)
{
	(void)arg;
	(void)exit;
}

static void
on_closed(void *arg)
{
	(void)arg;
}

static void
on_failed(void *arg, const char *message)
{
	(void)arg;
	ck_abort_msg("%s", message);
}

static const struct px_proc_ops ops = { on_room, on_output, on_exited, on_closed, on_failed, NULL };

static struct px_proc *
start(enum px_io io, const char *program, const char *arg)
{
	char *argv[] = { (char *)(uintptr_t)program, (char *)(uintptr_t)arg, NULL };
	char *env[] = { NULL };
	struct px_spec spec = { .argv = argv,
		.argc = 2,
		.cwd = "/",
		.env = env,
		.io = io,
		.rows = 24,
		.cols = 80,
		.stdin_open = true,
		.umask = -1 };
	struct px_proc *proc = NULL;

	(void)px_proc_start(px_core_procs(web.core), &spec, 1, 1, &ops, NULL, &proc, NULL);
	return proc;
}

START_TEST(test_input_and_output)
{
	static const char data[] = "0123456789";
	struct px_proc *proc = start(PX_IO_PIPE, "/bin/cat", "-");
	struct px_input_op *op;

	ck_assert_ptr_nonnull(proc);
	ck_assert_int_eq(px_input_write(px_proc_input(proc), data, 10, NULL, NULL, &op, NULL), 1);
	while (output < 10)
		event_base_loop(base, EVLOOP_ONCE);
	scrape();
	ck_assert_double_eq(value("ptyexec_spawns_total"), 1);
	ck_assert_double_eq(value("ptyexec_child_input_bytes_total"), 10);
	ck_assert_double_eq(value("ptyexec_child_output_bytes_total"), 10);
	ck_assert_double_eq(value("ptyexec_stdin_queue_bytes"), 0);
	px_proc_free(proc);
	scrape(); /* counters stay */
	ck_assert_double_eq(value("ptyexec_child_input_bytes_total"), 10);
	ck_assert_double_eq(value("ptyexec_child_output_bytes_total"), 10);
}
END_TEST

START_TEST(test_input_that_waits)
{
	enum { MUCH = 1 << 20, QUEUE = 1000 };
	struct px_proc *proc = start(PX_IO_PIPE, "/bin/sleep", "1000");
	char *much = calloc(1, MUCH);
	struct px_input_op *op;

	ck_assert_int_eq(px_input_write(px_proc_input(proc), much, MUCH, NULL, NULL, &op, NULL), 0);
	scrape();
	ck_assert_double_eq(value("ptyexec_stdin_queue_bytes"), QUEUE);
	ck_assert_double_ge(value("ptyexec_child_input_bytes_total"), 4096); /* a pipe's least */
	ck_assert_double_lt(value("ptyexec_child_input_bytes_total"), MUCH - QUEUE);
	free(much);
	px_proc_free(proc);
	scrape();
	ck_assert_double_eq(value("ptyexec_stdin_queue_bytes"), 0);
}
END_TEST

START_TEST(test_terminals_and_failures)
{
	struct px_proc *proc = start(PX_IO_PTY, "/bin/sleep", "1000");

	ck_assert_ptr_nonnull(proc);
	ck_assert_ptr_null(start(PX_IO_PIPE, "/nonexistent", "x"));
	scrape();
	ck_assert_double_eq(value("ptyexec_ptys"), 1);
	ck_assert_double_eq(value("ptyexec_spawns_total"), 1);
	ck_assert_double_eq(value("ptyexec_spawn_failures_total"), 1);
	px_proc_free(proc);
	scrape();
	ck_assert_double_eq(value("ptyexec_ptys"), 0);
}
END_TEST

static Suite *
metrics_suite(void)
{
	Suite *s = suite_create("metrics");
	TCase *tc = tcase_create("metrics");

	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_every_metric_is_there);
	tcase_add_test(tc, test_process);
	tcase_add_test(tc, test_refusals);
	tcase_add_test(tc, test_connections);
	tcase_add_test(tc, test_loop_latency);
	tcase_add_test(tc, test_input_and_output);
	tcase_add_test(tc, test_input_that_waits);
	tcase_add_test(tc, test_terminals_and_failures);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return run_suite(metrics_suite());
}

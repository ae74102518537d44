#include "server/metrics.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>

#include "net/net.h"
#include "proc/procs.h"
#include "px_version.h"
#include "server/loop_watch.h"
#include "server/web.h"
#include "session/core.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct row {
	const char *name, *labels, *type, *help; /* 'help' without '\\' and line feed */
	uint64_t value;
};

static void
put_head(struct evbuffer *out, const char *name, const char *type, const char *help)
{
	evbuffer_add_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Rows of one name, told apart by labels, stand together under the first one's head. */
static void
put_rows(struct evbuffer *out, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || strcmp(rows[i].name, rows[i - 1].name) != 0)
			put_head(out, rows[i].name, rows[i].type, rows[i].help);
		evbuffer_add_printf(
		    out, "%s%s %" PRIu64 "\n", rows[i].name, rows[i].labels, rows[i].value);
	}
}

static void
put_seconds(struct evbuffer *out, const char *name, const char *type, const char *help, int64_t us)
{
	put_head(out, name, type, help);
	evbuffer_add_printf(out, "%s %" PRId64 ".%06d\n", name, us / 1000000, (int)(us % 1000000));
}

static void
put_net(struct evbuffer *out, const struct px_web *web)
{
	struct px_net_stats net;

	px_net_stats(web->net, &net);
	const struct row rows[] = {
		{ "ptyexec_connections", "", "gauge", "Open connections.", net.connections },
		{ "ptyexec_connections_total", "", "counter", "Connections accepted.",
		    net.accepted },
		{ "ptyexec_connections_refused_total", "", "counter",
		    "Connections refused because of max_connections.", net.refused },
		{ "ptyexec_network_bytes_total", "{direction=\"in\"}", "counter",
		    "Bytes read from and written to connections.", net.bytes_in },
		{ "ptyexec_network_bytes_total", "{direction=\"out\"}", "", "", net.bytes_out },
		{ "ptyexec_outbound_queue_bytes", "", "gauge",
		    "Bytes that wait to be written to connections.", net.queued },
		{ "ptyexec_refused_origins_total", "", "counter",
		    "HTTP requests refused because of their Origin.", web->refused_origins },
		{ "ptyexec_refused_hosts_total", "", "counter",
		    "HTTP requests refused because of their Host.", web->refused_hosts },
	};
	put_rows(out, rows, COUNT(rows));
}

static void
put_sessions(struct evbuffer *out, const struct px_web *web)
{
	struct px_core_counts core;
	struct px_procs_stats procs;

	px_core_counts(web->core, &core);
	px_procs_stats(px_core_procs(web->core), &procs);
	const struct row rows[] = {
		{ "ptyexec_sessions", "{state=\"running\"}", "gauge",
		    "Sessions, by whether their process has exited.", core.running },
		/* One that runs and is forgotten counts as running alone. */
		{ "ptyexec_sessions", "{state=\"exited\"}", "", "",
		    core.sessions > core.running ? core.sessions - core.running : 0 },
		{ "ptyexec_workspaces", "", "gauge", "Workspaces.", core.workspaces },
		{ "ptyexec_spawns_total", "", "counter", "Processes started.", procs.spawned },
		{ "ptyexec_spawn_failures_total", "", "counter",
		    "Processes that could not be started.", procs.spawn_failures },
		{ "ptyexec_child_output_bytes_total", "", "counter", "Bytes read from processes.",
		    procs.bytes_read },
		{ "ptyexec_child_input_bytes_total", "", "counter", "Bytes written to processes.",
		    procs.bytes_written },
		{ "ptyexec_stdin_queue_bytes", "", "gauge",
		    "Bytes that wait to be written to processes.", procs.bytes_queued },
		{ "ptyexec_ptys", "", "gauge", "Open pseudo-terminals.", procs.ptys },
	};
	put_rows(out, rows, COUNT(rows));
}

static void
put_loop(struct evbuffer *out, struct px_loop_watch *watch)
{
	static const char name[] = "ptyexec_loop_latency_seconds";
	struct px_loop_latency seen;
	uint64_t below = 0;

	px_loop_watch_read(watch, &seen);
	put_head(out, name, "histogram",
	    "How long an event waits for its callback, sampled while metrics are read.");
	for (size_t i = 0; i < PX_LOOP_BUCKETS - 1; i++) {
		below += seen.bucket[i];
		evbuffer_add_printf(out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name,
		    (double)px_loop_bucket_us(i) / 1e6, below);
	}
	evbuffer_add_printf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, seen.count);
	evbuffer_add_printf(out, "%s_sum %.6f\n", name, (double)seen.sum_us / 1e6);
	evbuffer_add_printf(out, "%s_count %" PRIu64 "\n", name, seen.count);
	put_seconds(out, "ptyexec_loop_latency_max_seconds", "gauge",
	    "The longest such wait since metrics were read last.", seen.max_us);
}

/* 0: unknown. The listing's own descriptor does not count, nor do "." and "..". */
static uint64_t
open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (dir == NULL)
		return 0;
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n > 3 ? n - 3 : 0;
}

/* 0: unknown. The second number of /proc/self/statm, in pages (proc_pid_statm(5)). */
static uint64_t
resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	uint64_t pages = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%*u %" SCNu64, &pages) != 1)
		pages = 0;
	fclose(file);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int64_t
cpu_us(void)
{
	struct timespec used = { 0, 0 };

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (int64_t)used.tv_sec * 1000000 + used.tv_nsec / 1000;
}

/* The names that Prometheus' own client libraries give to these. */
static void
put_process(struct evbuffer *out, const struct px_web *web)
{
	struct rlimit files = { 0, 0 };

	getrlimit(RLIMIT_NOFILE, &files);
	const struct row rows[] = {
		{ "process_open_fds", "", "gauge", "Open file descriptors.", open_fds() },
		{ "process_max_fds", "", "gauge", "How many file descriptors may be open.",
		    files.rlim_cur },
		{ "process_resident_memory_bytes", "", "gauge", "Resident memory.",
		    resident_bytes() },
	};
	put_rows(out, rows, COUNT(rows));
	put_seconds(out, "process_cpu_seconds_total", "counter", "CPU time used.", cpu_us());
	put_seconds(out, "process_start_time_seconds", "gauge",
	    "When the server started, in seconds since the epoch.", web->started_ms * 1000);
}

void
px_metrics_put(struct px_web *web, struct evbuffer *out)
{
	static const struct row build[] = {
		{ "ptyexec_build_info", "{version=\"" PX_VERSION "\"}", "gauge",
		    "Always 1; the version is the label.", 1 },
	};

	put_rows(out, build, COUNT(build));
	put_net(out, web);
	put_sessions(out, web);
	put_loop(out, web->loop);
	put_process(out, web);
}

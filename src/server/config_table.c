#include "server/config_setting.h"

#include "server/config.h"

#define KIB  (INT64_C(1) << 10)
#define MIB  (INT64_C(1) << 20)
#define GIB  (INT64_C(1) << 30)
#define YEAR (INT64_C(365) * 24 * 60 * 60 * 1000)

/* Where a member is; it does not compile when the member has another type than its row says. */
#define AT(member, ctype)                                              \
	.key = #member, .offset = offsetof(struct px_config, member) + \
				  _Generic(((struct px_config *)NULL)->member, ctype : 0)

#define LIST(member)   AT(member, struct px_config_list), .type = PX_SETTING_LIST
#define BOOL(member)   AT(member, bool), .type = PX_SETTING_BOOL
#define STRING(member) AT(member, char *), .type = PX_SETTING_STRING
#define CHOICE(member) AT(member, char *), .type = PX_SETTING_CHOICE

/* A number of things, of bytes, of milliseconds: told to clients by 'name', unless that is NULL. */
#define INT(member, name)   AT(member, int64_t), .type = PX_SETTING_INT, .limit = (name)
#define COUNT(member, name) INT(member, name), .argument = "N"
#define SIZE(member, name)  INT(member, name), .argument = "BYTES", .unit = PX_UNIT_BYTES
#define TIME(member, name)  INT(member, name), .argument = "MS", .unit = PX_UNIT_MS

static const char *const files_choices[] = { "auto", "on", "off", NULL };
static const char *const cgroup_choices[] = { "auto", "off", NULL };
static const char *const log_levels[] = { "error", "warn", "info", "debug", NULL };
static const char *const log_formats[] = { "text", "json", NULL };

static const struct px_setting settings[] = {
	{ LIST(listen), .group = PX_GROUP_LISTEN, .min = 1, .text = "stdio://", .argument = "URL",
	    .help = "Serve here: stdio://, unix://PATH or ws://IP:PORT. May be repeated." },
	{ LIST(allow_origin), .group = PX_GROUP_LISTEN, .argument = "ORIGIN",
	    .help = "Accept WebSocket handshakes with this Origin. May be repeated." },
	{ LIST(allow_host), .group = PX_GROUP_LISTEN, .argument = "HOST",
	    .help = "Accept WebSocket handshakes for this Host. May be repeated." },
	{ BOOL(insecure_allow_remote), .group = PX_GROUP_LISTEN,
	    .help = "Listen on addresses other than loopback: who reaches it can run programs." },
	{ COUNT(max_connections, "maxConnections"), .group = PX_GROUP_LISTEN, .min = 1,
	    .max = 1000000, .preset = 1024, .help = "Connections at one time." },
	{ TIME(initialize_timeout_ms, "initializeTimeoutMs"), .group = PX_GROUP_LISTEN, .min = 1,
	    .max = 10 * YEAR, .preset = 10000,
	    .help = "Close a connection that has not initialized by then." },
	{ TIME(exit_when_idle_ms, NULL), .group = PX_GROUP_LISTEN, .max = 10 * YEAR,
	    .help = "Exit when unused for so long, at first for 3 s. 0: never." },
	{ INT(ready_fd, NULL), .argument = "FD", .group = PX_GROUP_LISTEN, .max = 1000000,
	    .help = "Write a newline to this descriptor when ready. 0: none." },

	{ BOOL(allow_direct_exec), .group = PX_GROUP_PROCESS, .preset = 1,
	    .help = "Start programs that are looked up in PATH, with defaults filled in." },
	{ BOOL(allow_prepared_exec), .group = PX_GROUP_PROCESS, .preset = 1,
	    .help = "Start programs from complete, prepared requests." },
	{ STRING(prepared_key_file), .group = PX_GROUP_PROCESS, .argument = "FILE",
	    .help = "Start only prepared requests that are signed with the key in this file." },
	{ CHOICE(cgroup), .group = PX_GROUP_PROCESS, .text = "auto", .choices = cgroup_choices,
	    .or_path = true, .argument = "WHERE",
	    .help = "Keep each program in a cgroup below this directory (v2, delegated)." },
	{ TIME(shutdown_grace_period_ms, "shutdownGracePeriodMs"), .group = PX_GROUP_PROCESS,
	    .max = 10 * YEAR, .preset = 5000,
	    .help = "From asking programs to end to killing them." },
	{ TIME(detach_ttl_ms, "detachTtlMs"), .group = PX_GROUP_PROCESS, .max = 10 * YEAR,
	    .preset = 80000, .help = "How long a workspace waits for its client." },
	{ TIME(exited_retention_ms, "exitedRetentionMs"), .group = PX_GROUP_PROCESS,
	    .max = 10 * YEAR, .preset = 600000,
	    .help = "How long an exited session is kept for its readers." },

	{ CHOICE(files), .group = PX_GROUP_PROCESS, .text = "auto", .choices = files_choices,
	    .argument = "WHEN",
	    .help = "Offer fs/*: on, off, or auto, where any program may be started." },
	{ COUNT(file_threads, NULL), .group = PX_GROUP_PROCESS, .min = 1, .max = 64, .preset = 4,
	    .help = "Threads for files, which start when they are needed." },
	{ BOOL(codex_terminate_group_only), .group = PX_GROUP_PROCESS,
	    .help = "A Codex client's terminate spares what left the program's group." },
	{ BOOL(codex_ignore_sandbox), .group = PX_GROUP_PROCESS,
	    .help = "Run for Codex clients unconfined what should be in a sandbox." },
	{ STRING(bwrap), .group = PX_GROUP_PROCESS, .argument = "FILE",
	    .help = "Make sandboxes with this bubblewrap, not the one in PATH." },

	{ COUNT(max_processes, "maxProcesses"), .group = PX_GROUP_LIMIT, .min = 1, .max = 1000000,
	    .preset = 4096, .help = "Processes at one time, of all connections together." },
	{ COUNT(max_processes_per_connection, "maxProcessesPerConnection"), .group = PX_GROUP_LIMIT,
	    .min = 1, .max = 1000000, .preset = 256,
	    .help = "Processes at one time of a connection or workspace." },
	{ COUNT(max_concurrent_requests_per_connection, "maxConcurrentRequestsPerConnection"),
	    .group = PX_GROUP_LIMIT, .min = 1, .max = 1000000, .preset = 128,
	    .help = "Unanswered requests at one time of a connection." },
	{ SIZE(max_message_bytes, "maxMessageBytes"), .group = PX_GROUP_LIMIT, .min = KIB,
	    .max = GIB, .preset = 64 * MIB, .help = "The largest message taken from a client." },
	{ COUNT(max_file_requests_per_connection, "maxFileRequestsPerConnection"),
	    .group = PX_GROUP_LIMIT, .min = 1, .max = 1000000, .preset = 256,
	    .help = "Of those, about files." },
	{ SIZE(max_file_bytes, "maxFileBytes"), .group = PX_GROUP_LIMIT, .min = 1, .max = 768 * MIB,
	    .preset = 44 * MIB, .help = "The largest file read as a whole." },
	{ SIZE(max_file_answer_bytes, "maxFileAnswerBytes"), .group = PX_GROUP_LIMIT, .min = MIB,
	    .max = 1024 * GIB, .preset = 256 * MIB,
	    .help = "Large answers about files, of all connections together." },
	{ SIZE(retained_output_bytes_per_process, "retainedOutputBytesPerProcess"),
	    .group = PX_GROUP_LIMIT, .min = 2, .max = GIB, .preset = MIB,
	    .help = "Output kept of each stream, half of it from the start." },
	{ SIZE(codex_replay_bytes, NULL), .group = PX_GROUP_LIMIT, .min = 64 * KIB, .max = 32 * MIB,
	    .preset = 8 * MIB, .help = "Output kept of each stream for a Codex client's return." },
	{ SIZE(codex_closed_bytes, NULL), .group = PX_GROUP_LIMIT, .min = 64 * KIB,
	    .max = 1024 * GIB, .preset = 64 * MIB,
	    .help = "Output kept of closed processes of Codex clients, in all." },
	{ SIZE(stdin_queue_bytes, "stdinQueueBytes"), .group = PX_GROUP_LIMIT, .min = 1, .max = GIB,
	    .preset = MIB, .help = "Input waiting for a program to read it." },
	{ SIZE(outbound_high_water_bytes, "outboundHighWaterBytes"), .group = PX_GROUP_LIMIT,
	    .min = 64 * KIB, .max = GIB, .preset = 4 * MIB,
	    .help = "Unsent bytes of a connection beyond which its programs wait." },

	{ CHOICE(log_level), .group = PX_GROUP_LOG, .text = "info", .choices = log_levels,
	    .argument = "LEVEL", .help = "What is logged to stderr." },
	{ CHOICE(log_format), .group = PX_GROUP_LOG, .text = "text", .choices = log_formats,
	    .argument = "FORMAT", .help = "How it is written." },
};

const struct px_setting *
px_setting_at(size_t i)
{
	return i < sizeof(settings) / sizeof(settings[0]) ? &settings[i] : NULL;
}

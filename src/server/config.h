#ifndef PX_SERVER_CONFIG_H
#define PX_SERVER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct evbuffer;

/*
 * All settings of a server, from one table (config_table.c): name, type, range,
 * default and help of each. A key is "--max-processes 4096" on the command line
 * and "max_processes": 4096 in the JSON file of --config; a flag wins. Settings
 * that are lists (listen, allow_origin, allow_host) collect: repeated flags, or
 * an array in the file; flags replace the file's list.
 */
struct px_config_list {
	char **v; /* owned */
	size_t n;
};

struct px_config {
	struct px_config_list listen; /* URLs; the default is one, "stdio://" */
	struct px_config_list allow_origin, allow_host;
	bool insecure_allow_remote;

	int64_t shutdown_grace_period_ms;               /* 5000 */
	int64_t max_processes_per_connection;           /* 256 */
	int64_t max_processes;                          /* 4096 */
	int64_t max_connections;                        /* 1024 */
	int64_t retained_output_bytes_per_process;      /* 1 MiB */
	int64_t max_message_bytes;                      /* 64 MiB */
	int64_t max_concurrent_requests_per_connection; /* 128 */
	int64_t stdin_queue_bytes;                      /* 1 MiB */
	int64_t outbound_high_water_bytes;              /* 4 MiB */
	int64_t detach_ttl_ms;                          /* 80000 */
	int64_t exited_retention_ms;                    /* 600000 */
	int64_t initialize_timeout_ms;                  /* 10000 */
	int64_t exit_when_idle_ms;                      /* 0: never */
	int64_t ready_fd;                               /* 0: none */
	int64_t codex_replay_bytes;                     /* 8 MiB */
	int64_t codex_closed_bytes;                     /* 64 MiB */
	int64_t max_file_bytes;                         /* 44 MiB */
	int64_t max_file_answer_bytes;                  /* 256 MiB */
	int64_t max_file_requests_per_connection;       /* 256 */
	int64_t file_threads;                           /* 4 */
	bool codex_terminate_group_only, codex_ignore_sandbox;
	bool allow_direct_exec, allow_prepared_exec; /* true */
	char *prepared_key_file; /* NULL: unsigned prepared requests are taken */
	char *files;             /* "on", "off", or "auto": as far as programs may be started */
	char *bwrap;             /* bubblewrap's path; NULL: it is looked for in PATH */
	char *cgroup;     /* "auto", "off", or the directory of a delegated cgroup v2 subtree */
	char *log_level;  /* "info" */
	char *log_format; /* "text" or "json" */
};

enum px_config_action { PX_CONFIG_RUN, PX_CONFIG_HELP, PX_CONFIG_VERSION };

/* Fills 'config' with the defaults; px_config_done() frees what any of these calls allocated. */
void px_config_init(struct px_config *config);
void px_config_done(struct px_config *config);

/*
 * Applies argv[1..]: reads --config FILE first wherever it stands, then the
 * flags. "--name value", "--name=value"; a boolean flag alone means true,
 * "--no-name" false; a size may end in K, M or G. Errors are PX_E_USAGE and name
 * the flag or the file's key, and what was expected; 'config' then is as it was.
 * '*out_action' says whether --help or --version was given: nothing behind it
 * was looked at and nothing applied.
 */
int px_config_parse(struct px_config *config, int argc, char **argv,
    enum px_config_action *out_action, struct px_err *err);

/* Applies the text of a config file, wholly or not at all; 'name' stands in the messages. */
int px_config_apply_json(
    struct px_config *config, const char *name, const char *text, size_t len, struct px_err *err);

/* The help text, printed from the table. */
void px_config_help(struct evbuffer *out);

/*
 * The numeric limits that clients are told (initialize, server/info): i = 0, 1,
 * ... until false. Names are camelCase ("maxProcesses").
 */
bool px_config_limit(
    const struct px_config *config, size_t i, const char **out_name, int64_t *out_value);

/* Are programs started that nobody has prepared? With a key, only what was signed with it is. */
bool px_config_allows_direct(const struct px_config *config);

/*
 * Are there files for clients? "auto": as far as any program may be started, which
 * could do the same. Where programs are started on the word of a key's holder alone,
 * or not at all, files would be a way around that.
 */
bool px_config_offers_files(const struct px_config *config);

#endif

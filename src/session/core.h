#ifndef PX_SESSION_CORE_H
#define PX_SESSION_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proc/procs.h"

struct event_base;
struct px_log;
struct px_workspace;

/*
 * The execution core: all workspaces with their sessions, and the processes
 * under them. It knows no JSON and no connection, so that every dialect and an
 * embedding program drive the same thing. One thread.
 */
struct px_core;

struct px_core_options {
	struct px_procs_options procs;
	size_t max_running;               /* processes in all */
	size_t max_running_per_workspace; /* also how many exited sessions a workspace keeps */
	size_t retained_bytes;            /* per stream of a session */
	/*
	 * Of all sessions together that are kept from their close (px_terms): beyond it the
	 * longest closed are freed, but none whose subscriber may not have had all of it.
	 * 0: no bound.
	 */
	size_t closed_bytes;
	int64_t grace_ms, detach_ttl_ms, exited_retention_ms;
	const struct px_log *log; /* borrowed; NULL: silent */
};

struct px_core_counts {
	size_t workspaces, sessions, running;
};

struct px_core *px_core_new(struct event_base *base, const struct px_core_options *options);

/* Ends everything at once, without grace; no callback of a watch or a wait comes any more. Takes
 * NULL. */
void px_core_free(struct px_core *core);

/* The orderly end: every session is terminated with the server's grace, cause "shutdown". Poll
 * px_core_idle(). */
void px_core_stop(struct px_core *core);
bool px_core_idle(const struct px_core *core); /* nothing runs and nothing is being ended */

/* Has every watch been told that its session is closed? Where nothing runs, only a watch without
 * room keeps it from that. */
bool px_core_told(const struct px_core *core);

const struct px_core_options *px_core_options(const struct px_core *core);
struct px_procs *px_core_procs(struct px_core *core);
void px_core_counts(const struct px_core *core, struct px_core_counts *out);

#endif

#ifndef PX_SESSION_SESSION_H
#define PX_SESSION_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proc/proc.h"
#include "proc/spec.h"
#include "transcript/transcript.h"

struct px_workspace;
struct px_member;

/* One managed process with its transcript, the watches on it and those who wait for it. Owned by
 * its workspace. */
struct px_session;

enum px_on_disconnect { PX_DISCONNECT_DEFAULT, PX_DISCONNECT_KILL, PX_DISCONNECT_KEEP };

struct px_session_request {
	const char *id; /* NULL: the workspace makes one */
	size_t id_len;
	struct px_spec
	    *spec; /* its content is taken over on success, and on existing = true given up */
	enum px_on_disconnect on_disconnect;
	struct px_member *starter;
	bool unique;       /* a known id is an error even if the spec is the same */
	const char *trace; /* for the log; NULL: none */
};

/*
 * Starts a session. A known id with the same spec gives the existing session and
 * '*out_existing' true; with another spec PX_E_EXISTS. PX_E_LIMIT, PX_E_SPAWN. One
 * in a sandbox is px_session_opening() at first.
 */
int px_session_start(struct px_workspace *ws, struct px_session_request *req,
    struct px_session **out, bool *out_existing, struct px_err *err);

/* Forgets an exited session and kills what is left of its tree. PX_E_RUNNING. */
int px_session_release(struct px_session *session, struct px_err *err);

/*
 * Takes the id out of use; the session drops what it still reads and goes when
 * its streams have ended. May be called from a watch's callback.
 */
void px_session_forget(struct px_session *session);

/* Ends the tree, see px_proc_terminate(). Returns whether it ran. */
bool px_session_terminate(struct px_session *session, int64_t grace_ms, enum px_cause cause);

/* Kills the program's own process group only, see px_proc_kill_group(). Returns whether it ran. */
bool px_session_kill_group(struct px_session *session, enum px_cause cause);

const char *px_session_id(const struct px_session *session);
struct px_workspace *px_session_workspace(const struct px_session *session);
const struct px_spec *px_session_spec(
    const struct px_session *session); /* without its environment */
struct px_transcript *px_session_transcript(struct px_session *session);
struct px_proc *px_session_proc(const struct px_session *session);
unsigned px_session_streams(const struct px_session *session);
bool px_session_running(const struct px_session *session); /* its end has not been told */
/*
 * Its sandbox is being made: nothing is told of it yet. Wait for 'opened'
 * (session/wait.h); when that fails the session is gone, as if it had not been started.
 */
bool px_session_opening(const struct px_session *session);
bool px_session_caged(const struct px_session *session);  /* in a sandbox */
bool px_session_denied(const struct px_session *session); /* session/denial.h */
/* Why a wait was told GONE: its start has failed, or PX_E_SESSION. Returns -1. */
int px_session_fail_gone(const struct px_session *session, struct px_err *err);
/* NULL while it runs, and when the server lost the program: then it is known neither. */
const struct px_exit *px_session_exit(const struct px_session *session);
bool px_session_closed(const struct px_session *session);
int64_t px_session_started_ms(const struct px_session *session); /* wall clock */
int64_t px_session_exited_ms(const struct px_session *session);  /* wall clock; 0 while it runs */
int64_t px_session_idle_ms(
    const struct px_session *session); /* since the last output, or the start */
size_t px_session_subscribers(const struct px_session *session);

#endif

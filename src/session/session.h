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
struct px_input_op;

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

/*
 * Writes to stdin. Results as px_input_write(). A 'write_id' seen before is
 * answered 1 and not written. A waiting write that has one should be forgotten,
 * not cancelled, when its caller goes away: the caller may come back with it.
 */
int px_session_write(struct px_session *session, const void *data, size_t len, const char *write_id,
    size_t write_id_len, void (*done)(void *arg, const struct px_err *err), void *arg,
    struct px_input_op **out_op, struct px_err *err);

/* Ends stdin (see px_input_eof()); 1 too when it has ended already. 'write_id' as for a write. */
int px_session_close_stdin(struct px_session *session, const char *write_id, size_t write_id_len,
    void (*done)(void *arg, const struct px_err *err), void *arg, struct px_input_op **out_op,
    struct px_err *err);

/*
 * Writes 'data' (NULL: none) and ends stdin behind it, both on their own: nobody
 * is told when they are done. 0, also for a 'write_id' seen before, or -1: refused,
 * as a write or an end of stdin is. Data that was taken is not taken again under
 * its id, even if the end behind it was refused.
 */
int px_session_feed(struct px_session *session, const void *data, size_t len, const char *write_id,
    size_t write_id_len, struct px_err *err);

/* PX_E_NOT_A_PTY; after the exit it does nothing. Results as px_input_resize(). */
int px_session_resize(struct px_session *session, uint16_t rows, uint16_t cols,
    void (*done)(void *arg, const struct px_err *err), void *arg, struct px_input_op **out_op,
    struct px_err *err);

bool px_session_signal(struct px_session *session, int sig);

/* Nobody comes back for what a parked watch (session/watch.h) holds: the program runs on. */
void px_session_unpark(struct px_session *session);
bool px_session_is_parked(const struct px_session *session);

/*
 * Who came back for what a parked watch holds has had it, up to and including 'seq'; if
 * that is where it began to watch anew, px_session_unpark().
 */
void px_session_had(struct px_session *session, uint64_t seq);

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

#include "session/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "session/park.h"
#include "session/state.h"

int
px_session_compare(const struct px_session *a, const struct px_session *b)
{
	return strcmp(a->id, b->id);
}

RB_GENERATE(px_session_tree, px_session, by_id, px_session_compare)

static void
session_on_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct px_session *session = arg;

	(void)fd;
	(void)what;
	px_proc_terminate(session->proc, session->ws->core->options.grace_ms, PX_CAUSE_TIMEOUT);
}

static size_t
workspace_running(const struct px_workspace *ws)
{
	const struct px_session *session;
	size_t n = ws->running;

	if (ws->terms->kept_from_close)
		TAILQ_FOREACH (session, &ws->sessions, link)
			n += session->exited && !session->closed;
	return n;
}

static int
limits_check(const struct px_workspace *ws, struct px_err *err)
{
	const struct px_core_options *options = &ws->core->options;
	size_t running = workspace_running(ws);

	if (ws->core->stopping)
		return px_fail(err, PX_E_OVERLOADED, "the server is stopping");
	if (running >= options->max_running_per_workspace)
		return px_fail_limit(err, "max_processes_per_connection",
		    (int64_t)options->max_running_per_workspace, "%zu processes run already",
		    running);
	if (ws->core->counts.running >= options->max_running)
		return px_fail_limit(err, "max_processes", (int64_t)options->max_running,
		    "%zu processes run on this server already", ws->core->counts.running);
	return 0;
}

/* An id that the caller did not choose: the first free number. */
static char *
id_make(struct px_workspace *ws)
{
	char id[PX_NAME_MAX + 1];

	do
		snprintf(id, sizeof id, "session-%llu", (unsigned long long)ws->next_id++);
	while (px_workspace_find(ws, id, strlen(id)) != NULL);
	return px_strdup(id);
}

static bool
serial_is_used(const struct px_session_list *list, uint32_t serial)
{
	const struct px_session *session;

	TAILQ_FOREACH (session, list, link)
		if (session->serial == serial)
			return true;
	return false;
}

/* A mark has room for so many serials: when all were given, one is used again that nobody has. */
static uint32_t
serial_take(struct px_workspace *ws)
{
	const uint32_t mask = ((uint32_t)1 << PX_MARK_SERIAL_BITS) - 1;
	uint32_t serial;

	if (ws->next_serial <= mask)
		return ws->next_serial++;
	do {
		serial = ws->next_serial & mask;
		ws->next_serial =
		    (ws->next_serial + 1) | (mask + 1); /* so it is known as used up */
	} while (serial_is_used(&ws->sessions, serial) || serial_is_used(&ws->forgotten, serial));
	return serial;
}

static struct px_session *
session_new(struct px_workspace *ws, struct px_session_request *req, struct px_proc *proc)
{
	struct px_session *session = px_new(struct px_session);

	session->ws = ws;
	session->proc = proc;
	session->caged = session->opening = px_proc_opening(proc);
	session->on_disconnect = req->on_disconnect;
	session->starter = req->starter;
	session->started_ms = px_wall_ms();
	session->last_output_ms = px_now_ms();
	TAILQ_INIT(&session->watches);
	TAILQ_INIT(&session->waits);
	px_spec_fingerprint(req->spec, session->fingerprint);
	session->spec = *req->spec;
	memset(req->spec, 0, sizeof *req->spec);
	px_spec_forget_env(&session->spec);
	session->unseen_after = UINT64_MAX;
	if (ws->terms->newest_bytes > 0) {
		session->kept = ws->terms->newest_bytes;
		session->transcript =
		    px_transcript_new_tail(px_session_streams(session), session->kept);
	} else {
		session->kept = ws->core->options.retained_bytes;
		session->transcript = px_transcript_new(px_session_streams(session), session->kept);
	}
	return session;
}

static void
session_enter(struct px_session *session, const struct px_session_request *req)
{
	struct px_workspace *ws = session->ws;

	session->id = req->id != NULL ? px_strndup(req->id, req->id_len) : id_make(ws);
	RB_INSERT(px_session_tree, &ws->by_id, session);
	TAILQ_INSERT_TAIL(&ws->sessions, session, link);
	ws->running++;
	ws->core->counts.running++;
	ws->core->counts.sessions++;
	if (session->spec.timeout_ms > 0) {
		struct timeval tv = px_ms_tv(session->spec.timeout_ms);

		session->timeout = evtimer_new(ws->core->base, session_on_timeout, session);
		event_add(session->timeout, &tv);
	}
	px_log_event(ws->core->options.log, PX_LOG_INFO, "start", PX_S("workspace", ws->id),
	    PX_S("session", session->id), PX_I("pid", px_proc_pid(session->proc)),
	    PX_S("program", session->spec.argv[0]),
	    PX_S("io", session->spec.io == PX_IO_PTY ? "pty" : "pipe"), PX_S("trace", req->trace));
}

static int
session_existing(
    struct px_session *session, const struct px_session_request *req, struct px_err *err)
{
	uint8_t fingerprint[PX_SHA256_LEN];

	px_spec_fingerprint(req->spec, fingerprint);
	if (req->unique || memcmp(fingerprint, session->fingerprint, sizeof fingerprint) != 0)
		return px_fail(err, PX_E_EXISTS, "session ID already exists");
	px_spec_done(req->spec);
	return 0;
}

static void
members_tell(struct px_workspace *ws, const struct px_member *starter, struct px_session *session)
{
	struct px_member *member;

	TAILQ_FOREACH (member, &ws->members, link)
		if (member->started != NULL)
			member->started(member->arg, starter, session);
}

int
px_session_start(struct px_workspace *ws, struct px_session_request *req, struct px_session **out,
    bool *out_existing, struct px_err *err)
{
	struct px_session *session =
	    req->id != NULL ? px_workspace_find(ws, req->id, req->id_len) : NULL;
	struct px_proc *proc;
	uint32_t serial;

	*out_existing = session != NULL;
	if (session != NULL) {
		if (session_existing(session, req, err) == -1)
			return -1;
		*out = session;
		return 0;
	}
	if (limits_check(ws, err) == -1)
		return -1;
	serial = serial_take(ws);
	if (px_proc_start(ws->core->procs, req->spec, ws->group, serial, &px_session_proc_ops, NULL,
		&proc, err) == -1)
		return -1;
	session = session_new(ws, req, proc);
	session->serial = serial;
	px_proc_set_arg(proc, session);
	session_enter(session, req);
	members_tell(ws, req->starter, session);
	*out = session;
	return 0;
}

static void
watches_gone(struct px_session *session)
{
	while (!TAILQ_EMPTY(&session->watches)) {
		struct px_watch *watch = TAILQ_FIRST(&session->watches);

		TAILQ_REMOVE(&session->watches, watch, link);
		watch->ops->gone(watch->arg);
		free(watch);
	}
}

/* Out of the workspace's lists and counts. */
static void
session_leave(struct px_session *session)
{
	struct px_workspace *ws = session->ws;

	if (session->forgotten) {
		TAILQ_REMOVE(&ws->forgotten, session, link);
	} else {
		RB_REMOVE(px_session_tree, &ws->by_id, session);
		TAILQ_REMOVE(&ws->sessions, session, link);
		ws->exited -= session->exited;
		ws->core->counts.sessions--;
	}
}

static void
session_drop_record(struct px_session *session)
{
	px_waits_gone(session);
	px_session_unpark(session);
	watches_gone(session);
	px_transcript_free(session->transcript);
	session->transcript = NULL;
	px_write_ids_free(session->write_ids);
	session->write_ids = NULL;
	if (session->retention != NULL)
		event_free(session->retention);
	session->retention = NULL;
}

/* Does what its program left behind live on? */
static bool
session_leaves_rest(const struct px_session *session)
{
	const struct px_workspace *ws = session->ws;

	return ws->terms->kept_from_close && session->closed && !ws->ending && !ws->core->stopping;
}

void
px_session_free(struct px_session *session)
{
	struct px_workspace *ws = session->ws;

	px_closed_remove(session);
	session_leave(session);
	if (!session->exited) {
		ws->running--;
		ws->core->counts.running--;
	}
	session_drop_record(session);
	if (session->timeout != NULL)
		event_free(session->timeout);
	if (session_leaves_rest(session))
		px_proc_leave(session->proc);
	else
		px_proc_free(session->proc);
	px_spec_done(&session->spec);
	free(session->unopened);
	free(session->id);
	free(session);
	px_workspace_on_removed(ws);
}

bool
px_session_terminate(struct px_session *session, int64_t grace_ms, enum px_cause cause)
{
	bool running = px_proc_running(session->proc);

	if (running)
		px_proc_terminate(session->proc, grace_ms, cause);
	return running;
}

bool
px_session_kill_group(struct px_session *session, enum px_cause cause)
{
	bool running = px_proc_running(session->proc);

	if (running)
		px_proc_kill_group(session->proc, cause);
	return running;
}

int
px_session_release(struct px_session *session, struct px_err *err)
{
	if (!session->exited)
		return px_fail(err, PX_E_RUNNING, "session '%s' is running", session->id);
	px_session_free(session);
	return 0;
}

void
px_session_forget(struct px_session *session)
{
	session_leave(session);
	session->forgotten = true;
	TAILQ_INSERT_TAIL(&session->ws->forgotten, session, link);
	event_active(session->ws->core->sweep, EV_TIMEOUT, 0);
}

void
px_session_drop_record(struct px_session *session)
{
	if (session->transcript == NULL)
		return;
	session_drop_record(session);
	px_proc_wake(session->proc);
}

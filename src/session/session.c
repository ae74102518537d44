#include "session/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "proc/input.h"
#include "proc/signals.h"
#include "session/denial.h"
#include "session/state.h"
#include "session/wait.h"

int
px_session_compare(const struct px_session *a, const struct px_session *b)
{
	return strcmp(a->id, b->id);
}

RB_GENERATE(px_session_tree, px_session, by_id, px_session_compare)

/* The only place that decides how fast a child may talk. */
static size_t
session_room(void *arg)
{
	const struct px_session *session = arg;
	struct px_watch *watch;
	size_t room = SIZE_MAX, each;

	TAILQ_FOREACH (watch, &session->watches, link)
		if ((each = px_watch_room(watch)) < room)
			room = each;
	return room;
}

/* Joins the bytes to a chunk that nobody has seen, so that few numbers are used up meanwhile. */
static bool
session_grows_chunk(struct px_session *session, unsigned stream, const void *data, size_t len)
{
	size_t open = px_transcript_open_chunk(session->transcript, stream, session->unseen_after);

	if (open == 0 || open + len > session->spec.chunk_max)
		return false;
	px_transcript_grow(session->transcript, stream, data, len);
	session->last_output_ms = px_now_ms();
	return true;
}

static void
session_add_chunk(struct px_session *session, unsigned stream, const void *data, size_t len)
{
	struct px_watch *watch, *next;
	struct px_chunk chunk = { .stream = stream, .run[0] = { data, len } };

	if (session_grows_chunk(session, stream, data, len))
		return;

	chunk.offset = px_transcript_total(session->transcript, stream);
	chunk.seq = px_transcript_append(session->transcript, stream, data, len);
	session->last_output_ms = px_now_ms();
	TAILQ_FOREACH_SAFE (watch, &session->watches, link, next)
		px_watch_on_output(watch, &chunk);
	if (!TAILQ_EMPTY(&session->waits))
		px_waits_on_output(session, &chunk);
}

/*
 * No chunk crosses from the kept head into the tail, and none is larger than the
 * tail: so one that is held is held as a single part, and what is lost can be
 * said to the byte.
 */
static void
session_on_output(void *arg, unsigned stream, const void *data, size_t len)
{
	struct px_session *session = arg;
	size_t cap = session->kept, head = session->ws->terms->newest_bytes > 0 ? 0 : cap / 2, n;
	uint64_t total;

	while (len > 0 && !session->forgotten) {
		total = px_transcript_total(session->transcript, stream);
		n = total < head ? head - (size_t)total : cap - head;
		if (n > len)
			n = len;
		session_add_chunk(session, stream, data, n);
		data = (const char *)data + n;
		len -= n;
	}
}

static void
session_log_exit(const struct px_session *session)
{
	const struct px_exit *exit = &session->exit;

	if (exit->lost) {
		px_log_event(session->ws->core->options.log, PX_LOG_ERROR, "lost",
		    PX_S("workspace", session->ws->id), PX_S("session", session->id),
		    PX_I("pid", px_proc_pid(session->proc)), PX_S("reason", px_status_taken));
		return;
	}
	px_log_event(session->ws->core->options.log, PX_LOG_INFO, "exit",
	    PX_S("workspace", session->ws->id), PX_S("session", session->id),
	    PX_I("pid", px_proc_pid(session->proc)), PX_I("code", exit->code),
	    PX_S("signal", px_signal_name(exit->signal)), PX_S("cause", px_cause_word(exit->cause)),
	    PX_I("wall_ms", exit->usage.wall_ms));
}

static void
session_on_retained(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	px_session_free(arg);
}

static void
retention_start(struct px_session *session, int64_t ms)
{
	struct timeval tv = px_ms_tv(ms);

	session->retention = evtimer_new(session->ws->core->base, session_on_retained, session);
	event_add(session->retention, &tv);
}

static void
session_count_exit(struct px_session *session)
{
	session->ws->running--;
	session->ws->core->counts.running--;
	if (!session->forgotten)
		session->ws->exited++;
}

static void
session_on_exited(void *arg, const struct px_exit *exit)
{
	struct px_session *session = arg;
	struct px_watch *watch, *next;

	session->exit = *exit;
	session->exited = true;
	session->exited_ms = px_wall_ms();
	session_count_exit(session);
	if (session->timeout != NULL)
		event_del(session->timeout);
	session_log_exit(session);
	px_workspace_on_exited(session->ws);
	if (session->forgotten)
		return;
	session->denied = session->caged && px_denial_of(session, exit->code);
	session->exit_seq = px_transcript_mark(session->transcript);
	if (!session->ws->terms->kept_from_close)
		retention_start(session, session->ws->core->options.exited_retention_ms);
	TAILQ_FOREACH_SAFE (watch, &session->watches, link, next)
		px_watch_on_end(watch);
	px_waits_on_exit(session);
}

static void
session_on_closed(void *arg)
{
	struct px_session *session = arg;
	struct px_watch *watch, *next;

	session->closed = true;
	if (session->forgotten) {
		event_active(session->ws->core->sweep, EV_TIMEOUT, 0);
		return;
	}
	session->closed_seq = px_transcript_mark(session->transcript);
	if (session->ws->terms->kept_from_close)
		retention_start(session, session->ws->core->options.detach_ttl_ms);
	TAILQ_FOREACH_SAFE (watch, &session->watches, link, next)
		px_watch_on_end(watch);
	px_waits_on_closed(session);
	px_closed_add(session);
}

static void
session_on_failed(void *arg, const char *message)
{
	struct px_session *session = arg;
	struct px_watch *watch, *next;

	px_log_event(session->ws->core->options.log, PX_LOG_ERROR, "lost",
	    PX_S("session", session->id), PX_S("reason", message));
	TAILQ_FOREACH_SAFE (watch, &session->watches, link, next)
		watch->ops->failed(watch->arg, session, 0, message);
}

/* One that has failed is out of the way at once; its process is on its way out. */
static void
session_on_opened(void *arg, const struct px_err *err)
{
	struct px_session *session = arg;

	session->opening = false;
	if (err == NULL) {
		if (!session->forgotten)
			px_waits_on_opened(session);
		return;
	}
	session->unopened = px_new(struct px_err);
	*session->unopened = *err;
	px_proc_terminate(session->proc, 0, PX_CAUSE_SELF);
	if (!session->forgotten)
		px_session_forget(session);
}

static const struct px_proc_ops session_proc_ops = {
	.opened = session_on_opened,
	.room = session_room,
	.output = session_on_output,
	.exited = session_on_exited,
	.closed = session_on_closed,
	.failed = session_on_failed,
};

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
	if (px_proc_start(ws->core->procs, req->spec, ws->group, serial, &session_proc_ops, NULL,
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

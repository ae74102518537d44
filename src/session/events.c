#include <event2/event.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "proc/signals.h"
#include "session/denial.h"
#include "session/state.h"

/* What a session's process tells it: into the transcript, and on to the watches and waits. */

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

const struct px_proc_ops px_session_proc_ops = {
	.opened = session_on_opened,
	.room = session_room,
	.output = session_on_output,
	.exited = session_on_exited,
	.closed = session_on_closed,
	.failed = session_on_failed,
};

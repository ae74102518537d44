#include "session/core.h"

#include <stdlib.h>

#include <event2/event.h>

#include "base/mem.h"
#include "session/state.h"

static bool
workspace_is_over(const struct px_workspace *ws)
{
	return ws->ending && ws->running == 0 && TAILQ_EMPTY(&ws->members);
}

/* Under terms with 'kept_from_close' a session is not over before its client has had all of it, but
 * for a client that does not take it for long. */
static bool
session_is_over(const struct px_session *session)
{
	const struct px_workspace *ws = session->ws;

	if (!session->exited || !ws->terms->kept_from_close)
		return session->exited;
	return session->closed && (px_closed_is_settled(session) ||
				      ws->exited > 2 * ws->core->options.max_running_per_workspace);
}

/* A workspace keeps a bounded number of exited sessions: the oldest make way. */
static void
workspace_trim(struct px_workspace *ws)
{
	struct px_session *session, *next;

	TAILQ_FOREACH_SAFE (session, &ws->sessions, link, next) {
		if (ws->exited <= ws->core->options.max_running_per_workspace)
			return;
		if (session_is_over(session))
			px_session_free(session);
	}
}

static void
core_on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct px_core *core = arg;
	struct px_workspace *ws, *next_ws;
	struct px_session *session, *next;

	(void)fd;
	(void)what;
	TAILQ_FOREACH_SAFE (ws, &core->workspaces, link, next_ws) {
		TAILQ_FOREACH_SAFE (session, &ws->forgotten, link, next) {
			px_session_drop_record(session);
			if (session->closed)
				px_session_free(session);
		}
		workspace_trim(ws);
		if (workspace_is_over(ws))
			px_workspace_free(ws);
	}
	px_closed_trim(core);
}

struct px_core *
px_core_new(struct event_base *base, const struct px_core_options *options)
{
	struct px_core *core = px_new(struct px_core);

	core->base = base;
	core->options = *options;
	core->procs = px_procs_new(base, &options->procs);
	TAILQ_INIT(&core->workspaces);
	TAILQ_INIT(&core->closed);
	core->sweep = event_new(base, -1, 0, core_on_sweep, core);
	return core;
}

void
px_core_free(struct px_core *core)
{
	if (core == NULL)
		return;
	while (!TAILQ_EMPTY(&core->workspaces))
		px_workspace_free(TAILQ_FIRST(&core->workspaces));
	px_procs_free(core->procs);
	event_free(core->sweep);
	free(core);
}

void
px_core_stop(struct px_core *core)
{
	struct px_workspace *ws;

	core->stopping = true;
	TAILQ_FOREACH (ws, &core->workspaces, link)
		px_workspace_unpark(ws);
	px_procs_stop_all(core->procs, core->options.grace_ms, PX_CAUSE_SHUTDOWN);
}

bool
px_core_idle(const struct px_core *core)
{
	return px_procs_idle(core->procs);
}

static bool
workspace_is_told(const struct px_workspace *ws)
{
	const struct px_session *session;
	const struct px_watch *watch;

	TAILQ_FOREACH (session, &ws->sessions, link)
		TAILQ_FOREACH (watch, &session->watches, link)
			if (!watch->close_told && watch != session->parked)
				return false;
	return true;
}

bool
px_core_told(const struct px_core *core)
{
	const struct px_workspace *ws;

	TAILQ_FOREACH (ws, &core->workspaces, link)
		if (!workspace_is_told(ws))
			return false;
	return true;
}

const struct px_core_options *
px_core_options(const struct px_core *core)
{
	return &core->options;
}

struct px_procs *
px_core_procs(struct px_core *core)
{
	return core->procs;
}

void
px_core_counts(const struct px_core *core, struct px_core_counts *out)
{
	*out = core->counts;
}

#include <event2/event.h>

#include "session/state.h"

/* Sessions that stay readable for a time after their close: what they keep is bounded in all. */

void
px_closed_add(struct px_session *session)
{
	struct px_core *core = session->ws->core;

	if (!session->ws->terms->kept_from_close)
		return;
	session->closed_bytes = px_transcript_memory(session->transcript);
	core->closed_bytes += session->closed_bytes;
	TAILQ_INSERT_TAIL(&core->closed, session, closed_link);
	px_closed_settled(session);
}

void
px_closed_remove(struct px_session *session)
{
	struct px_core *core = session->ws->core;

	if (session->closed_bytes == 0)
		return;
	core->closed_bytes -= session->closed_bytes;
	session->closed_bytes = 0;
	TAILQ_REMOVE(&core->closed, session, closed_link);
}

static bool
core_keeps_too_much(const struct px_core *core)
{
	return core->options.closed_bytes > 0 && core->closed_bytes > core->options.closed_bytes;
}

void
px_closed_settled(struct px_session *session)
{
	struct px_core *core = session->ws->core;

	if (session->closed_bytes > 0 && core_keeps_too_much(core))
		event_active(core->sweep, EV_TIMEOUT, 0);
}

bool
px_closed_is_settled(const struct px_session *session)
{
	const struct px_watch *watch;

	if (session->parked != NULL || !TAILQ_EMPTY(&session->waits))
		return false;
	TAILQ_FOREACH (watch, &session->watches, link)
		if (!watch->close_told ||
		    (watch->acknowledges && watch->acked.seq < session->closed_seq))
			return false;
	return true;
}

void
px_closed_trim(struct px_core *core)
{
	struct px_session *session, *next;

	TAILQ_FOREACH_SAFE (session, &core->closed, closed_link, next) {
		if (!core_keeps_too_much(core))
			return;
		if (px_closed_is_settled(session))
			px_session_free(session);
	}
}

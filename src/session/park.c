#include "session/park.h"

#include <event2/event.h>

#include "base/clock.h"
#include "session/state.h"

/* A quarter of the bytes and of the chunks stays free for what comes next
 * (px_transcript_new_tail()). */
enum { BYTE_SHARE = 4, CHUNK_SHARE = 4 * 128 };

/* The watch whose subscriber is gone: it is held, so that it is told nothing but a failure. */

static void
parked_failed(void *arg, struct px_session *session, uint64_t seq, const char *message)
{
	(void)arg;
	(void)session;
	(void)seq;
	(void)message;
}

static const struct px_watch_ops parked_ops = { .failed = parked_failed };

static void
session_on_park_end(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	px_session_unpark(arg);
}

void
px_session_unpark(struct px_session *session)
{
	struct px_watch *parked = session->parked;

	if (parked == NULL)
		return;
	session->parked = NULL;
	event_free(session->park_end);
	session->park_end = NULL;
	px_watch_free(parked);
}

/* Since the session is watched anew, the parked watch's cursor is where the new one began. */
void
px_session_had(struct px_session *session, uint64_t seq)
{
	struct px_watch *parked = session->parked;

	if (parked == NULL)
		return;
	if (seq >= parked->cursor.seq)
		px_session_unpark(session);
	else
		px_watch_ack(parked, seq);
}

bool
px_session_is_parked(const struct px_session *session)
{
	return session->parked != NULL;
}

static bool
watch_has_all(const struct px_watch *watch)
{
	return watch->session->closed && watch->acked.seq >= watch->session->closed_seq;
}

static bool
watch_may_park(const struct px_watch *watch)
{
	const struct px_session *session = watch->session;
	const struct px_workspace *ws = session->ws;

	if ((!watch->acknowledges && !watch->replays) || session->forgotten || ws->ending ||
	    ws->core->stopping)
		return false;
	return !session->closed ||
	       (watch->replays && !(watch->acknowledges && watch_has_all(watch)));
}

/*
 * Nobody said what has arrived: what was written last is what may be missing.
 * From now on it counts as a watch that acknowledges.
 */
static void
watch_rewind(struct px_watch *watch)
{
	const struct px_session *session = watch->session;

	px_transcript_rewind(session->transcript, session->kept / BYTE_SHARE,
	    session->kept / CHUNK_SHARE, &watch->acked);
	if (watch->acked.seq > watch->cursor.seq)
		watch->acked = watch->cursor;
	watch->acknowledges = true;
}

void
px_watch_hold(struct px_watch *watch, uint64_t seq)
{
	watch_rewind(watch);
	if (!px_watch_ack(watch, seq))
		px_proc_wake(watch->session->proc);
}

void
px_watch_let_go(struct px_watch *watch)
{
	watch->acknowledges = false;
	px_proc_wake(watch->session->proc);
	px_closed_settled(watch->session);
}

void
px_watch_park(struct px_watch *watch)
{
	struct px_session *session = watch->session;
	const struct px_core *core = session->ws->core;
	struct timeval tv = px_ms_tv(core->options.detach_ttl_ms);

	if (!watch_may_park(watch)) {
		px_watch_free(watch);
		return;
	}
	if (!watch->acknowledges)
		watch_rewind(watch);
	if (watch->replays)
		session->unseen_after = px_transcript_next_seq(session->transcript) - 1;
	if (session->parked != NULL && session->parked->acked.seq < watch->acked.seq)
		watch->acked = session->parked->acked;
	px_session_unpark(session);
	watch->cursor = watch->acked;
	watch->held = true;
	watch->ops = &parked_ops;
	watch->arg = NULL;
	session->parked = watch;
	session->park_end = evtimer_new(core->base, session_on_park_end, session);
	event_add(session->park_end, &tv);
	px_proc_wake(session->proc); /* the subscriber may have had less room than this leaves */
}

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

static bool
session_may_park(const struct px_session *session)
{
	const struct px_workspace *ws = session->ws;

	return !session->forgotten && !session->closed && !ws->ending && !ws->core->stopping;
}

/*
 * Nobody said what has arrived: what was written last is what may be missing.
 * From now on it counts as a watch that acknowledges, and never does.
 */
static void
watch_rewind(struct px_watch *watch)
{
	struct px_session *session = watch->session;

	px_transcript_rewind(session->transcript, session->kept / BYTE_SHARE,
	    session->kept / CHUNK_SHARE, &watch->acked);
	watch->acknowledges = true;
	watch->replays = false;
	session->unseen_after = px_transcript_next_seq(session->transcript) - 1;
}

void
px_watch_park(struct px_watch *watch)
{
	struct px_session *session = watch->session;
	const struct px_core *core = session->ws->core;
	struct timeval tv = px_ms_tv(core->options.detach_ttl_ms);

	if ((!watch->acknowledges && !watch->replays) || !session_may_park(session)) {
		px_watch_free(watch);
		return;
	}
	if (watch->replays)
		watch_rewind(watch);
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

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "local/state.h"
#include "proc/signals.h"
#include "session/watch.h"

/* A session that the client follows: its events become what the client hears. */

struct px_follow {
	TAILQ_ENTRY(px_follow) link;
	struct px_local *local;
	struct px_session *session;
	struct px_watch *watch;
};

static size_t
follow_room(void *arg)
{
	struct px_local *local = ((struct px_follow *)arg)->local;

	if (atomic_load(&local->cost) < local->queue_bytes)
		return SIZE_MAX;
	/* Asked again: the consumer may have made room before it could see that we are stalled. */
	atomic_store(&local->stalled, true);
	return atomic_load(&local->cost) < local->queue_bytes ? SIZE_MAX : 0;
}

/* An event of the session, with so many bytes more behind its name. */
static struct px_heard *
event_new(enum px_event_type type, const struct px_session *session, uint64_t seq)
{
	struct px_heard *heard = px_heard_new(type);
	const char *id = px_session_id(session);

	heard->event.session = px_heard_copy(heard, id, strlen(id));
	heard->event.seq = (int64_t)seq;
	return heard;
}

/* Memory is out where a few bytes are asked for: as px_alloc() does. */
static void
tell(struct px_follow *follow, struct px_heard *heard)
{
	if (heard->event.session == NULL)
		abort();
	px_local_tell(follow->local, heard);
}

static void
follow_output(void *arg, struct px_session *session, const struct px_chunk *chunk)
{
	struct px_heard *heard = event_new(PX_EVENT_OUTPUT, session, chunk->seq);

	heard->event.output.stream = px_fill_stream(session, chunk->stream);
	heard->event.output.offset = (int64_t)chunk->offset;
	if (!px_fill_chunk(heard, chunk, &heard->event.output.data, &heard->event.output.len))
		abort();
	tell(arg, heard);
}

static void
follow_exited(void *arg, struct px_session *session, uint64_t seq, const struct px_exit *exit)
{
	struct px_heard *heard = event_new(PX_EVENT_EXITED, session, seq);

	px_fill_end(&heard->event.exited.end, exit, true);
	heard->event.exited.core_dumped = exit->core_dumped;
	heard->event.exited.output_open = exit->output_open;
	tell(arg, heard);
}

static void
follow_closed(void *arg, struct px_session *session, uint64_t seq)
{
	tell(arg, event_new(PX_EVENT_CLOSED, session, seq));
}

static void
follow_failed(void *arg, struct px_session *session, uint64_t seq, const char *message)
{
	struct px_heard *heard = event_new(PX_EVENT_FAILED, session, seq);

	heard->event.failed.message = px_heard_copy(heard, message, strlen(message));
	tell(arg, heard);
}

static void
follow_lagged(void *arg, struct px_session *session, uint64_t skipped, uint64_t next_seq)
{
	struct px_heard *heard = event_new(PX_EVENT_LAGGED, session, 0);

	heard->event.lagged.skipped_bytes = (int64_t)skipped;
	heard->event.lagged.next_seq = (int64_t)next_seq;
	tell(arg, heard);
}

static void
follow_gone(void *arg)
{
	struct px_follow *follow = arg;

	TAILQ_REMOVE(&follow->local->follows, follow, link);
	free(follow);
}

static const struct px_watch_ops follow_ops = {
	.room = follow_room,
	.output = follow_output,
	.exited = follow_exited,
	.closed = follow_closed,
	.failed = follow_failed,
	.lagged = follow_lagged,
	.gone = follow_gone,
};

/* The latest first: it is asked for most. */
struct px_follow *
px_follow_find(struct px_local *local, const struct px_session *session)
{
	struct px_follow *follow;

	TAILQ_FOREACH_REVERSE(follow, &local->follows, px_follow_list, link)
	if (follow->session == session)
		return follow;
	return NULL;
}

static struct px_follow *
follow_new(struct px_local *local, struct px_session *session, uint64_t after)
{
	struct px_follow *follow = px_new(struct px_follow);
	unsigned flags = local->lossy ? PX_WATCH_LOSSY : 0;

	follow->local = local;
	follow->session = session;
	follow->watch = px_watch_new(session, after, flags, &follow_ops, follow);
	TAILQ_INSERT_TAIL(&local->follows, follow, link);
	return follow;
}

void
px_follow_new(struct px_local *local, struct px_session *session)
{
	follow_new(local, session, 0);
}

uint64_t
px_follow_add(struct px_local *local, struct px_session *session, uint64_t after)
{
	struct px_follow *follow = px_follow_find(local, session);

	if (follow == NULL)
		follow = follow_new(local, session, after);
	else
		px_watch_seek(follow->watch, after);
	return px_watch_lost(follow->watch);
}

void
px_follow_pump(struct px_local *local, struct px_session *session)
{
	struct px_follow *follow = px_follow_find(local, session);

	if (follow != NULL)
		px_watch_pump(follow->watch);
}

void
px_follow_pump_all(struct px_local *local)
{
	struct px_follow *follow, *next;

	TAILQ_FOREACH_SAFE (follow, &local->follows, link, next)
		px_watch_pump(follow->watch);
}

void
px_follow_remove(struct px_local *local, struct px_session *session)
{
	struct px_follow *follow = px_follow_find(local, session);

	if (follow == NULL)
		return;
	px_watch_free(follow->watch);
	follow_gone(follow);
}

void
px_follow_remove_all(struct px_local *local)
{
	struct px_follow *follow;

	while ((follow = TAILQ_FIRST(&local->follows)) != NULL) {
		px_watch_free(follow->watch);
		follow_gone(follow);
	}
}

void
px_follow_tell_started(struct px_local *local, struct px_session *session)
{
	struct px_heard *heard = event_new(PX_EVENT_STARTED, session, 0);

	heard->event.started.pid = px_proc_pid(px_session_proc(session));
	if (heard->event.session == NULL)
		abort();
	px_local_tell(local, heard);
}

#include "session/watch.h"

#include <stdlib.h>

#include "base/mem.h"
#include "session/park.h"
#include "session/state.h"

const char px_status_taken[] = "the exit status was taken by somebody else";

enum {
	READ_CHUNKS_MAX =
	    2,          /* what is read at once into the room there is, see session_on_output() */
	ACK_SHARES = 8, /* of the kept bytes; half of them, the tail, move with the child */
	SPARE_CHUNKS = 64
};

size_t
px_watch_ack_bytes(size_t retained)
{
	return retained > ACK_SHARES ? retained / ACK_SHARES : 1;
}

/*
 * The place after 'after', for which the transcript alone may have forgotten the
 * way: the chunk that led to an acknowledged place need not be known any more.
 */
static void
session_seek(const struct px_session *session, uint64_t after, struct px_cursor *out)
{
	const struct px_watch *watch;

	px_transcript_seek(session->transcript, after, out);
	TAILQ_FOREACH (watch, &session->watches, link) {
		if (!watch->acknowledges || watch->acked.seq > after)
			continue;
		for (unsigned i = 0; i < px_session_streams(session); i++)
			if (out->offset[i] < watch->acked.offset[i])
				out->offset[i] = watch->acked.offset[i];
	}
}

struct px_watch *
px_watch_new(struct px_session *session, uint64_t after, unsigned flags,
    const struct px_watch_ops *ops, void *arg)
{
	struct px_watch *watch = px_new(struct px_watch);

	watch->session = session;
	watch->ops = ops;
	watch->arg = arg;
	watch->lossy = (flags & PX_WATCH_LOSSY) != 0;
	watch->held = (flags & PX_WATCH_HELD) != 0;
	watch->acknowledges = (flags & PX_WATCH_ACKNOWLEDGES) != 0;
	watch->replays = (flags & PX_WATCH_REPLAYS) != 0;
	TAILQ_INSERT_TAIL(&session->watches, watch, link);
	px_watch_seek(watch, after);
	return watch;
}

void
px_watch_free(struct px_watch *watch)
{
	struct px_session *session;

	if (watch == NULL)
		return;
	session = watch->session;
	TAILQ_REMOVE(&session->watches, watch, link);
	free(watch);
	px_proc_wake(session->proc);
	px_closed_settled(session);
}

/* Whoever watches anew says itself what it has had. */
void
px_watch_seek(struct px_watch *watch, uint64_t after)
{
	struct px_session *session = watch->session;

	session_seek(session, after, &watch->cursor);
	watch->acked = watch->cursor;
	watch->exit_told = session->exited && after >= session->exit_seq;
	watch->close_told = session->closed && after >= session->closed_seq;
	watch->skipped = 0;
	session->unseen_after = UINT64_MAX;
	if (!watch->replays)
		px_session_unpark(session);
	else if (session->parked != NULL)
		px_transcript_seek(session->transcript, UINT64_MAX, &session->parked->cursor);
}

bool
px_watch_ack(struct px_watch *watch, uint64_t seq)
{
	struct px_cursor place = watch->cursor;

	if (!watch->acknowledges || seq < watch->acked.seq || seq > watch->cursor.seq)
		return false;
	if (seq < watch->cursor.seq)
		session_seek(watch->session, seq, &place);
	watch->acked = place;
	px_proc_wake(watch->session->proc);
	px_closed_settled(watch->session);
	return true;
}

uint64_t
px_watch_given(const struct px_watch *watch)
{
	return watch->cursor.seq;
}

uint64_t
px_watch_lost(const struct px_watch *watch)
{
	struct px_cursor cursor = watch->cursor;
	struct px_chunk chunk;
	uint64_t lost = 0, at_end = 0;

	while (px_transcript_read(watch->session->transcript, &cursor, &chunk, &at_end) == 1)
		lost += chunk.lost;
	return lost + at_end;
}

/* 'next_seq' is the number of what is told right behind this. */
static void
watch_report_lag(struct px_watch *watch, uint64_t next_seq)
{
	struct px_session *session = watch->session;
	uint64_t skipped = watch->skipped;

	if (skipped == 0)
		return;
	watch->skipped = 0;
	watch->ops->lagged(watch->arg, session, skipped, next_seq);
}

static void
watch_pass(struct px_watch *watch, uint64_t seq)
{
	if (watch->cursor.seq < seq)
		watch->cursor.seq = seq;
}

/* Tells the end events that are due before sequence number 'before'. */
static void
watch_tell_end(struct px_watch *watch, uint64_t before)
{
	struct px_session *session = watch->session;

	if (session->exited && !watch->exit_told && session->exit_seq < before) {
		watch->exit_told = true;
		watch_report_lag(watch, session->exit_seq);
		watch_pass(watch, session->exit_seq);
		if (session->exit.lost)
			watch->ops->failed(watch->arg, session, session->exit_seq, px_status_taken);
		else
			watch->ops->exited(watch->arg, session, session->exit_seq, &session->exit);
	}
	if (session->closed && !watch->close_told && session->closed_seq < before) {
		watch->close_told = true;
		watch_report_lag(watch, session->closed_seq);
		watch_pass(watch, session->closed_seq);
		watch->ops->closed(watch->arg, session, session->closed_seq);
		px_closed_settled(session);
	}
}

/* A lossy watch without room lets everything go by that it has not had. */
static void
watch_skip(struct px_watch *watch)
{
	struct px_transcript *transcript = watch->session->transcript;
	struct px_cursor end;

	px_transcript_seek(transcript, UINT64_MAX, &end);
	for (unsigned i = 0; i < px_session_streams(watch->session); i++)
		watch->skipped += end.offset[i] - watch->cursor.offset[i];
	watch->cursor = end;
}

void
px_watch_pump(struct px_watch *watch)
{
	struct px_session *session = watch->session;
	struct px_chunk chunk;
	struct px_cursor next;

	if (watch->held)
		return;
	for (;;) {
		if (watch->ops->room(watch->arg) == 0) {
			if (!watch->lossy)
				return;
			watch_skip(watch);
			break;
		}
		watch_report_lag(watch, watch->cursor.seq + 1);
		next = watch->cursor;
		if (px_transcript_read(session->transcript, &next, &chunk, NULL) == 0) {
			watch->cursor = next;
			break;
		}
		watch_tell_end(watch, chunk.seq);
		watch->cursor = next;
		watch->ops->output(watch->arg, session, &chunk);
	}
	watch_tell_end(watch, UINT64_MAX);
	px_proc_wake(session->proc);
}

void
px_watch_release(struct px_watch *watch)
{
	watch->held = false;
}

/* What may be read at once so that nothing after 'place' is lost and 'spare' stays free. */
static size_t
watch_keeps(
    const struct px_watch *watch, const struct px_cursor *place, const struct px_slack *spare)
{
	struct px_slack slack = px_transcript_slack(watch->session->transcript, place);

	if (slack.bytes <= spare->bytes || slack.chunks < spare->chunks + READ_CHUNKS_MAX)
		return 0;
	return slack.bytes - spare->bytes;
}

/* What may be read until the transcript would drop what the watch has not had. */
static size_t
watch_unheard_room(const struct px_watch *watch)
{
	static const struct px_slack none = { 0, 0 };

	return watch_keeps(watch, &watch->cursor, &none);
}

bool
px_watch_is_full(const struct px_watch *watch)
{
	return watch_unheard_room(watch) == 0;
}

/* The hot path: a watch at the live end takes the chunk as it came from the read, without a look
 * into the transcript. */
void
px_watch_on_output(struct px_watch *watch, const struct px_chunk *chunk)
{
	if (watch->held && watch->ops->full != NULL && px_watch_is_full(watch))
		watch->ops->full(watch->arg);
	if (watch->held || watch->deferred)
		return;
	if (watch->lossy && watch->ops->room(watch->arg) == 0) {
		watch_skip(watch);
		return;
	}
	if (chunk->seq != watch->cursor.seq + 1)
		return;
	watch_report_lag(watch, chunk->seq);
	watch->cursor.seq = chunk->seq;
	watch->cursor.offset[chunk->stream] = chunk->offset + chunk->run[0].len;
	watch->ops->output(watch->arg, watch->session, chunk);
}

/* The number of the end that is to be told next; 0: it is not there yet. */
static uint64_t
watch_end_due(const struct px_watch *watch)
{
	return watch->exit_told ? watch->session->closed_seq : watch->session->exit_seq;
}

void
px_watch_on_end(struct px_watch *watch)
{
	uint64_t due;

	/* One by one: between them may be output that the watch has not had. */
	while (!watch->held && watch->cursor.seq + 1 == (due = watch_end_due(watch)))
		watch_tell_end(watch, due + 1);
}

/* A program that runs leaves free what is needed to read the rest of it when it is gone. */
static size_t
watch_unacked_room(const struct px_watch *watch)
{
	const struct px_session *session = watch->session;
	size_t retained = session->kept;
	struct px_slack spare = { 0, 0 };

	if (px_proc_running(session->proc))
		spare = (struct px_slack){ retained / ACK_SHARES, SPARE_CHUNKS };
	return watch_keeps(watch, &watch->acked, &spare);
}

/*
 * What a program that is gone has left is little, and whoever waits for its end
 * must not wait for a slow watch: it is read as far as the transcript can keep it
 * for that watch, which has it from there when it has room.
 */
static size_t
watch_given_room(struct px_watch *watch)
{
	size_t room = watch->held ? 0 : watch->ops->room(watch->arg);

	watch->deferred = room == 0 && !px_proc_running(watch->session->proc);
	return watch->held || watch->deferred ? watch_unheard_room(watch) : room;
}

size_t
px_watch_room(struct px_watch *watch)
{
	size_t room, unacked;

	if (watch->lossy && !watch->held)
		return SIZE_MAX;
	room = watch_given_room(watch);
	if (room == 0 || !watch->acknowledges)
		return room;
	unacked = watch_unacked_room(watch);
	return unacked < room ? unacked : room;
}

#include "rpc/sub.h"

#include <stdlib.h>

#include "base/mem.h"
#include "net/conn.h"
#include "rpc/peer.h"
#include "session/park.h"
#include "session/session.h"
#include "session/watch.h"

struct px_sub {
	TAILQ_ENTRY(px_sub) link;
	struct px_peer *peer;
	struct px_session *session;
	struct px_watch *watch;
	uint64_t reread; /* the client was told up to here by an answer; 0: it was not */
	uint64_t asked, asked_reread; /* what it was told before the question under way */
	bool held;
	bool announce; /* process/started is due before anything else */
};

static size_t
sub_room(void *arg)
{
	const struct px_sub *sub = arg;

	if (!px_peer_wants(sub->peer, PX_NOTE_OUTPUT))
		return SIZE_MAX;
	return px_conn_congested(sub->peer->conn) ? 0 : SIZE_MAX;
}

static void
sub_output(void *arg, struct px_session *session, const struct px_chunk *chunk)
{
	struct px_peer *peer = ((struct px_sub *)arg)->peer;

	if (px_peer_note(peer, PX_NOTE_OUTPUT) == NULL)
		return;
	peer->dialect->put_output(peer, session, chunk);
	px_peer_note_end(peer);
	if (peer->dialect->replays)
		px_proof_given(peer, chunk->run[0].len + chunk->run[1].len);
}

static void
sub_exited(void *arg, struct px_session *session, uint64_t seq, const struct px_exit *exit)
{
	struct px_peer *peer = ((struct px_sub *)arg)->peer;

	if (px_peer_note(peer, PX_NOTE_EXITED) != NULL) {
		peer->dialect->put_exited(peer, session, seq, exit);
		px_peer_note_end(peer);
	}
	if (peer->dialect->forgets_at_exit)
		px_session_forget(session);
}

static void
sub_closed(void *arg, struct px_session *session, uint64_t seq)
{
	struct px_peer *peer = ((struct px_sub *)arg)->peer;

	if (px_peer_note(peer, PX_NOTE_CLOSED) == NULL)
		return;
	peer->dialect->put_closed(peer, session, seq);
	px_peer_note_end(peer);
	if (peer->dialect->replays)
		px_proof_ask(peer);
}

static void
sub_failed(void *arg, struct px_session *session, uint64_t seq, const char *message)
{
	static const struct px_exit lost = { .lost = true, .code = -1 };
	struct px_peer *peer = ((struct px_sub *)arg)->peer;

	if (seq != 0 && peer->dialect->lost_is_exit)
		sub_exited(arg, session, seq, &lost);
	if (px_peer_note(peer, PX_NOTE_FAILED) != NULL) {
		peer->dialect->put_failed(peer, session, seq, message);
		px_peer_note_end(peer);
	}
	if (seq != 0 && peer->dialect->forgets_at_exit)
		px_session_forget(session);
}

static void
sub_lagged(void *arg, struct px_session *session, uint64_t skipped, uint64_t next_seq)
{
	struct px_peer *peer = ((struct px_sub *)arg)->peer;

	if (px_peer_note(peer, PX_NOTE_LAGGED) == NULL)
		return;
	peer->dialect->put_lagged(peer, session, skipped, next_seq);
	px_peer_note_end(peer);
}

static void
sub_release(struct px_sub *sub)
{
	sub->held = false;
	px_watch_release(sub->watch);
}

static void
sub_pump(struct px_sub *sub)
{
	struct px_peer *peer = sub->peer;

	/* What the batch waits for may be the end of a program that waits for us. */
	if (sub->held && px_watch_is_full(sub->watch))
		sub_release(sub);
	if (sub->held)
		return;
	if (sub->announce) {
		sub->announce = false;
		if (px_peer_note(peer, PX_NOTE_STARTED) != NULL) {
			peer->dialect->put_started(peer, sub->session);
			px_peer_note_end(peer);
		}
	}
	px_watch_pump(sub->watch);
}

static void
sub_full(void *arg)
{
	sub_pump(arg);
}

static void
sub_gone(void *arg)
{
	struct px_sub *sub = arg;

	TAILQ_REMOVE(&sub->peer->subs, sub, link);
	free(sub);
}

static const struct px_watch_ops sub_watch_ops = {
	.room = sub_room,
	.output = sub_output,
	.exited = sub_exited,
	.closed = sub_closed,
	.failed = sub_failed,
	.lagged = sub_lagged,
	.full = sub_full,
	.gone = sub_gone,
};

struct px_sub *
px_sub_find(const struct px_peer *peer, const struct px_session *session)
{
	struct px_sub *sub;

	TAILQ_FOREACH (sub, &peer->subs, link)
		if (sub->session == session)
			return sub;
	return NULL;
}

static struct px_sub *
sub_new(struct px_peer *peer, struct px_session *session, uint64_t after, unsigned flags)
{
	struct px_sub *sub = px_new(struct px_sub);
	unsigned watch_flags =
	    (peer->lossy ? PX_WATCH_LOSSY : 0) | ((flags & PX_SUB_HELD) ? PX_WATCH_HELD : 0);

	/* Who does not want the outputs has nothing to acknowledge. */
	if (peer->acknowledges && px_peer_wants(peer, PX_NOTE_OUTPUT))
		watch_flags |= PX_WATCH_ACKNOWLEDGES;
	if (peer->dialect->replays)
		watch_flags |= PX_WATCH_REPLAYS | (peer->proof.answers ? PX_WATCH_ACKNOWLEDGES : 0);
	sub->peer = peer;
	sub->session = session;
	sub->held = (flags & PX_SUB_HELD) != 0;
	sub->announce = (flags & PX_SUB_STARTED) != 0;
	sub->watch = px_watch_new(session, after, watch_flags, &sub_watch_ops, sub);
	TAILQ_INSERT_TAIL(&peer->subs, sub, link);
	return sub;
}

uint64_t
px_sub_add(struct px_peer *peer, struct px_session *session, uint64_t after, unsigned flags)
{
	struct px_sub *sub = px_sub_find(peer, session);

	if (sub == NULL)
		sub = sub_new(peer, session, after, flags);
	else
		px_watch_seek(sub->watch, after);
	return px_watch_lost(sub->watch);
}

void
px_sub_pump(struct px_peer *peer, struct px_session *session)
{
	struct px_sub *sub = px_sub_find(peer, session);

	if (sub != NULL)
		sub_pump(sub);
}

static void
sub_free(struct px_sub *sub)
{
	TAILQ_REMOVE(&sub->peer->subs, sub, link);
	px_watch_free(sub->watch);
	free(sub);
}

void
px_sub_remove(struct px_peer *peer, struct px_session *session)
{
	struct px_sub *sub = px_sub_find(peer, session);

	if (sub != NULL)
		sub_free(sub);
}

bool
px_sub_ack(struct px_peer *peer, struct px_session *session, uint64_t seq)
{
	struct px_sub *sub = px_sub_find(peer, session);

	return sub != NULL && px_watch_ack(sub->watch, seq);
}

void
px_sub_reread(struct px_peer *peer, struct px_session *session, uint64_t seq)
{
	struct px_sub *sub = px_sub_find(peer, session);

	if (sub == NULL || !peer->proof.answers) {
		px_session_had(session, seq);
	} else if (px_session_is_parked(session)) {
		if (sub->reread < seq)
			sub->reread = seq;
		px_proof_ask(peer);
	}
}

void
px_subs_asked(struct px_peer *peer)
{
	struct px_sub *sub;

	TAILQ_FOREACH (sub, &peer->subs, link) {
		sub->asked = px_watch_given(sub->watch);
		sub->asked_reread = sub->reread;
	}
}

void
px_subs_answered(struct px_peer *peer, bool first)
{
	struct px_sub *sub;

	TAILQ_FOREACH (sub, &peer->subs, link) {
		if (first)
			px_watch_hold(sub->watch, sub->asked);
		else
			px_watch_ack(sub->watch, sub->asked);
		if (sub->asked_reread > 0)
			px_session_had(sub->session, sub->asked_reread);
	}
}

void
px_subs_let_go(struct px_peer *peer)
{
	struct px_sub *sub;

	TAILQ_FOREACH (sub, &peer->subs, link)
		px_watch_let_go(sub->watch);
}

void
px_subs_release(struct px_peer *peer)
{
	struct px_sub *sub, *next;

	TAILQ_FOREACH_SAFE (sub, &peer->subs, link, next) {
		if (!sub->held)
			continue;
		sub_release(sub);
		sub_pump(sub);
	}
}

void
px_subs_pump(struct px_peer *peer)
{
	struct px_sub *sub, *next;

	TAILQ_FOREACH_SAFE (sub, &peer->subs, link, next)
		sub_pump(sub);
}

void
px_subs_leave(struct px_peer *peer)
{
	struct px_sub *sub;

	while ((sub = TAILQ_FIRST(&peer->subs)) != NULL) {
		TAILQ_REMOVE(&peer->subs, sub, link);
		px_watch_park(sub->watch);
		free(sub);
	}
}

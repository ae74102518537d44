#ifndef PX_SESSION_PARK_H
#define PX_SESSION_PARK_H

#include <stdbool.h>
#include <stdint.h>

struct px_session;
struct px_watch;

/* What a session holds for a subscriber that is gone and may come back. */

/*
 * Takes the watch from a subscriber that is gone and may come back; no callback
 * comes any more. One that acknowledges stays, parked: it holds the child at the
 * acknowledged place (one that replays, while it is not known what was read: at three
 * quarters of what is kept before now) until the session is watched anew, which is not
 * enough where it replays, px_session_had() or px_session_unpark(), the end of session,
 * workspace or core, or the detach time. Another, or one that has had everything of a
 * session that has closed, is freed. A session has one parked watch: of two the lower
 * place and the later time hold.
 */
void px_watch_park(struct px_watch *watch);

/*
 * Of a watch that replays it is known from now on what its subscriber has read, at first
 * all up to and including 'seq': it acknowledges, from there, or from three quarters of
 * what is kept if that is later. px_watch_let_go(): it is known no more.
 */
void px_watch_hold(struct px_watch *watch, uint64_t seq);
void px_watch_let_go(struct px_watch *watch);

/* Nobody comes back for what a parked watch holds: the program runs on. */
void px_session_unpark(struct px_session *session);
bool px_session_is_parked(const struct px_session *session);

/*
 * Who came back for what a parked watch holds has had it, up to and including 'seq'; if
 * that is where it began to watch anew, px_session_unpark().
 */
void px_session_had(struct px_session *session, uint64_t seq);

#endif

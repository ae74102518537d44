#ifndef PX_RPC_SUB_H
#define PX_RPC_SUB_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>

struct px_peer;
struct px_session;
struct px_batch;

/* A connection's subscription to a session: the only place that knows both. */
struct px_sub;

struct px_sub *px_sub_find(const struct px_peer *peer, const struct px_session *session);

/*
 * Subscribes after sequence number 'after', or moves the subscription there.
 * Returns how many bytes after that place are no longer held. Notifications begin
 * with px_sub_pump(), or, for one that is held because the request's batch is not
 * answered yet, with px_subs_release(). PX_SUB_STARTED: process/started is the
 * first of them.
 */
enum { PX_SUB_HELD = 1, PX_SUB_STARTED = 2 };
uint64_t px_sub_add(
    struct px_peer *peer, struct px_session *session, uint64_t after, unsigned flags);
void px_sub_pump(struct px_peer *peer, struct px_session *session);
void px_sub_remove(
    struct px_peer *peer, struct px_session *session); /* nothing when there is none */

/* The client has had all up to and including 'seq'. False: that makes no sense (px_watch_ack()). */
bool px_sub_ack(struct px_peer *peer, struct px_session *session, uint64_t seq);

/*
 * An answer of process/read has told the client everything up to and including 'seq':
 * with that, once it has read it, what is parked for it is settled (px_session_had()).
 */
void px_sub_reread(struct px_peer *peer, struct px_session *session, uint64_t seq);

/* Told by rpc/proof.c: the client is asked what it has read; it has read what was given before;
 * it is mute. 'first': it was mute before. */
void px_subs_asked(struct px_peer *peer);
void px_subs_answered(struct px_peer *peer, bool first);
void px_subs_let_go(struct px_peer *peer);

void px_subs_release(struct px_peer *peer); /* what was held goes on */
void px_subs_pump(struct px_peer *peer);    /* the connection has room again */
void px_subs_leave(struct px_peer *peer);   /* the connection is over: px_watch_park() */

#endif

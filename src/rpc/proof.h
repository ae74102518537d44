#ifndef PX_RPC_PROOF_H
#define PX_RPC_PROOF_H

#include <stdbool.h>
#include <stddef.h>

struct event;
struct px_peer;

/*
 * What a client has read that acknowledges nothing itself but comes back for what it
 * missed (px_dialect.replays): its connection is asked again and again, px_conn_probe(),
 * and the answers acknowledge in its place. One question is under way at a time.
 *
 * A client that has not answered yet, or not for detach_ttl_ms, is mute: its
 * subscriptions hold nothing back, until it answers.
 */
struct px_proof {
	struct event *late;    /* NULL: nothing was ever asked */
	bool asked;            /* a question is under way */
	bool again;            /* another is due as soon as it is answered */
	bool answers;          /* the client is not mute */
	size_t bytes, outputs; /* given since the last question */
};

/* The client is about to be told that it has its session. */
void px_proof_begin(struct px_peer *peer);
void px_proof_end(struct px_peer *peer); /* the connection is over */

/* An output of so many bytes was given: asks when it is time. */
void px_proof_given(struct px_peer *peer, size_t bytes);

/* Asks, at once or behind the present question. */
void px_proof_ask(struct px_peer *peer);

/* The question under way is answered (px_conn_ops.reached). */
void px_proof_answered(struct px_peer *peer);

#endif

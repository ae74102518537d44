#ifndef PX_RPC_PEER_H
#define PX_RPC_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bsd/sys/queue.h>

#include "rpc/dialect.h"
#include "rpc/proof.h"
#include "rpc/rpc.h"
#include "session/workspace.h"

struct evbuffer;
struct px_conn;
struct px_json_out;
struct px_sub;

TAILQ_HEAD(px_call_list, px_call);
TAILQ_HEAD(px_batch_list, px_batch);
TAILQ_HEAD(px_sub_list, px_sub);

/* The protocol state of one connection. */
struct px_peer {
	struct px_rpc *rpc;
	struct px_conn *conn;
	const struct px_dialect *dialect; /* NULL before a successful initialize */
	struct px_member member;          /* in the workspace, once there is one */
	struct px_call_list calls;        /* in flight */
	size_t ncalls, call_bytes;
	struct px_batch_list batches;
	struct px_sub_list subs;
	struct px_proof proof;
	struct px_pool_owner *files;      /* its jobs in rpc->files; NULL before the first */
	struct px_file_share *file_share; /* of the room for large answers; with 'files' */
	struct px_handles *handles;       /* its open files; NULL before the first */
	struct px_file_watch *file_watch; /* or NULL */
	int64_t next_watch;               /* the smallest id that its next watch may have */
	struct evbuffer *msg;             /* the message that is being written */
	bool jsonrpc;     /* initialize carried "jsonrpc": every message of ours does too */
	bool initialized; /* the notification has come */
	bool experimental, lossy, acknowledges;
	unsigned muted; /* 1 << enum px_note: opted out */
	bool gone;      /* the connection is over */
};

/*
 * Starts a notification and returns the writer, which is where the params go.
 * px_peer_note_end() sends it. NULL: this client does not get it.
 */
struct px_json_out *px_peer_note(struct px_peer *peer, enum px_note note);
void px_peer_note_end(struct px_peer *peer);

/* Ends what precedes a message's own members: opens the object and writes jsonrpc where it is due.
 */
struct px_json_out *px_peer_message(struct px_peer *peer, struct evbuffer *buf);

/* Sends 'msg', a complete text, and empties it. */
void px_peer_send(struct px_peer *peer, struct evbuffer *msg);

bool px_peer_wants(const struct px_peer *peer, enum px_note note);

/* PX_E_FORBIDDEN: no program is started here but as a prepared request. */
int px_peer_check_direct(const struct px_peer *peer, struct px_err *err);

/* Errors that answer no call: id null. */
void px_peer_send_error(struct px_peer *peer, const struct px_err *err);

#endif

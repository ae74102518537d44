#include "rpc/peer.h"

#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/conn.h"
#include "rpc/call.h"
#include "rpc/dispatch.h"
#include "rpc/files.h"
#include "rpc/sub.h"

struct px_json_out *
px_peer_message(struct px_peer *peer, struct evbuffer *buf)
{
	struct px_json_out *json = peer->rpc->json;

	px_json_out_begin(json, buf);
	px_json_open(json);
	if (peer->jsonrpc)
		px_json_kv_str(json, "jsonrpc", "2.0");
	return json;
}

void
px_peer_send(struct px_peer *peer, struct evbuffer *msg)
{
	px_conn_send(peer->conn, msg);
}

bool
px_peer_wants(const struct px_peer *peer, enum px_note note)
{
	return !peer->gone && peer->dialect->notes[note] != NULL && (peer->muted >> note & 1) == 0;
}

struct px_json_out *
px_peer_note(struct px_peer *peer, enum px_note note)
{
	struct px_json_out *json;

	if (!px_peer_wants(peer, note))
		return NULL;
	json = px_peer_message(peer, peer->msg);
	px_json_kv_str(json, "method", peer->dialect->notes[note]);
	px_json_key(json, "params");
	return json;
}

void
px_peer_note_end(struct px_peer *peer)
{
	px_json_close(peer->rpc->json);
	px_peer_send(peer, peer->msg);
}

void
px_peer_send_error(struct px_peer *peer, const struct px_err *err)
{
	struct px_err said = *err;

	if (peer->dialect != NULL && peer->dialect->malformed != NULL) {
		said.code = PX_E_REQUEST;
		px_wrap(&said, "%s", peer->dialect->malformed);
	}
	px_error_put(peer, peer->msg, NULL, &said);
	px_peer_send(peer, peer->msg);
}

/* Of its workspace and of all that is under way there; a second time it does nothing. */
static void
peer_let_go(struct px_peer *peer)
{
	px_calls_cancel(peer);
	px_peer_files_end(peer);
	px_subs_leave(peer);
	px_workspace_leave(&peer->member);
	px_proof_end(peer);
}

/* Another connection has resumed its workspace: this one has nothing of it from now on. */
static void
peer_on_taken(void *arg)
{
	struct px_peer *peer = arg;

	peer_let_go(peer);
	px_conn_close(peer->conn, PX_END_POLICY, "the session was resumed by another connection");
}

/* Another connection of the workspace has started a session; the starter itself is told behind its
 * answer. */
static void
peer_on_started(void *arg, const struct px_member *starter, struct px_session *session)
{
	struct px_peer *peer = arg;

	if (starter == &peer->member || px_peer_note(peer, PX_NOTE_STARTED) == NULL)
		return;
	peer->dialect->put_started(peer, session);
	px_peer_note_end(peer);
}

static void
peer_on_message(void *arg, const char *text, size_t len)
{
	px_dispatch(arg, text, len);
}

static void
peer_on_too_big(void *arg, size_t limit)
{
	struct px_peer *peer = arg;
	struct px_err err;

	px_fail(&err, PX_E_REQUEST, "message is larger than %zu bytes", limit);
	px_peer_send_error(peer, &err);
}

static void
peer_on_drained(void *arg)
{
	px_subs_pump(arg);
	px_peer_files_drained(arg);
}

static void
peer_on_reached(void *arg)
{
	px_proof_answered(arg);
}

static bool
peer_on_request(void *arg, const struct px_http_request *req, struct evbuffer *out)
{
	struct px_peer *peer = arg;

	return peer->rpc->request(peer->rpc->request_arg, req, out);
}

static void
peer_on_closed(void *arg)
{
	struct px_peer *peer = arg;

	peer->gone = true;
	peer_let_go(peer);
	evbuffer_free(peer->msg);
	free(peer);
}

static const struct px_conn_ops peer_conn_ops = {
	.message = peer_on_message,
	.request = peer_on_request,
	.too_big = peer_on_too_big,
	.drained = peer_on_drained,
	.reached = peer_on_reached,
	.closed = peer_on_closed,
};

int
px_peer_check_direct(const struct px_peer *peer, struct px_err *err)
{
	if (peer->rpc->allow_direct)
		return 0;
	return px_fail(err, PX_E_FORBIDDEN, "direct execution is not allowed on this server");
}

void
px_rpc_serve(struct px_rpc *rpc, struct px_conn *conn)
{
	struct px_peer *peer = px_new(struct px_peer);

	peer->rpc = rpc;
	peer->conn = conn;
	peer->msg = evbuffer_new();
	peer->member.started = peer_on_started;
	peer->member.taken = peer_on_taken;
	peer->member.arg = peer;
	TAILQ_INIT(&peer->calls);
	TAILQ_INIT(&peer->batches);
	TAILQ_INIT(&peer->subs);
	px_conn_start(conn, &peer_conn_ops, peer);
}

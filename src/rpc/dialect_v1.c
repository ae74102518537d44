#include "rpc/dialect.h"

#include <string.h>

#include "base/log.h"
#include "net/conn.h"
#include "rpc/v1_fs.h"
#include "transcript/transcript.h"

/* exec-server.v1: protocol/exec-server.v1.md. */

static bool
v1_claims(const struct px_json *params)
{
	const struct px_json *version = px_json_get(params, "protocolVersion");

	return version != NULL && px_json_is(version, "exec-server.v1");
}

static int
v1_admit(const struct px_peer *peer, const char *method, struct px_err *err)
{
	(void)peer;
	if (strcmp(method, "initialize") == 0)
		return px_fail(err, PX_E_INITIALIZED, "Already initialized");
	return 0;
}

static bool
v1_notified(
    struct px_peer *peer, const char *method, struct px_json_doc *doc, const struct px_json *params)
{
	if (strcmp(method, "initialized") == 0)
		peer->initialized = true;
	else if (strcmp(method, "process/ack") == 0)
		px_v1_ack(peer, doc, params);
	else
		px_log_event(peer->rpc->log, PX_LOG_DEBUG, "ignore",
		    PX_I("conn", (int64_t)px_conn_number(peer->conn)),
		    PX_S("notification", method));
	return true;
}

static void
v1_put_started(struct px_peer *peer, struct px_session *session)
{
	struct px_json_out *json = peer->rpc->json;

	px_json_open(json);
	px_v1_put_started(json, session);
	px_json_close(json);
}

static void
v1_put_output(struct px_peer *peer, struct px_session *session, const struct px_chunk *chunk)
{
	struct px_json_out *json = peer->rpc->json;

	px_json_open(json);
	px_json_kv_str(json, "sessionId", px_session_id(session));
	px_json_kv_int(json, "seq", (int64_t)chunk->seq);
	px_json_kv_str(json, "stream", px_v1_stream_name(session, chunk->stream));
	px_json_kv_int(json, "offset", (int64_t)chunk->offset);
	px_json_key(json, "chunk");
	px_put_chunk(json, chunk);
	px_json_close(json);
}

static void
v1_put_exited(
    struct px_peer *peer, struct px_session *session, uint64_t seq, const struct px_exit *exit)
{
	struct px_json_out *json = peer->rpc->json;

	px_json_open(json);
	px_json_kv_str(json, "sessionId", px_session_id(session));
	px_json_kv_int(json, "seq", (int64_t)seq);
	px_v1_put_exit(json, exit);
	px_json_kv_bool(json, "coreDumped", exit->core_dumped);
	px_json_kv_str(json, "cause", px_cause_word(exit->cause));
	px_json_kv_bool(json, "outputOpen", exit->output_open);
	px_v1_put_usage(json, exit);
	px_json_close(json);
}

static void
v1_put_closed(struct px_peer *peer, struct px_session *session, uint64_t seq)
{
	struct px_json_out *json = peer->rpc->json;

	px_json_open(json);
	px_json_kv_str(json, "sessionId", px_session_id(session));
	px_json_kv_int(json, "seq", (int64_t)seq);
	px_json_close(json);
}

static void
v1_put_failed(struct px_peer *peer, struct px_session *session, uint64_t seq, const char *message)
{
	struct px_json_out *json = peer->rpc->json;

	px_json_open(json);
	px_json_kv_str(json, "sessionId", px_session_id(session));
	if (seq != 0)
		px_json_kv_int(json, "seq", (int64_t)seq);
	px_json_kv_str(json, "message", message);
	px_json_close(json);
}

static void
v1_put_lagged(struct px_peer *peer, struct px_session *session, uint64_t skipped, uint64_t next_seq)
{
	struct px_json_out *json = peer->rpc->json;

	px_json_open(json);
	px_json_kv_str(json, "sessionId", px_session_id(session));
	px_json_kv_int(json, "skippedBytes", (int64_t)skipped);
	px_json_kv_int(json, "nextSeq", (int64_t)next_seq);
	px_json_close(json);
}

static const struct px_method *const v1_methods[] = {
	&px_v1_initialize,
	&px_v1_start,
	&px_v1_run,
	&px_v1_write,
	&px_v1_close_stdin,
	&px_v1_resize,
	&px_v1_signal,
	&px_v1_terminate,
	&px_v1_wait,
	&px_v1_inspect,
	&px_v1_snapshot,
	&px_v1_read,
	&px_v1_communicate,
	&px_v1_subscribe,
	&px_v1_unsubscribe,
	&px_v1_list,
	&px_v1_release,
	&px_v1_info,
	&px_v1_fs_stat,
	&px_v1_fs_canonicalize,
	&px_v1_fs_read,
	&px_v1_fs_write,
	&px_v1_fs_make,
	&px_v1_fs_remove,
	&px_v1_fs_copy,
	&px_v1_fs_list,
	&px_v1_fs_walk,
	&px_v1_fs_open,
	&px_v1_fs_read_block,
	&px_v1_fs_write_block,
	&px_v1_fs_close,
	&px_v1_fs_watch,
};

const struct px_dialect px_dialect_v1 = {
	.name = "exec-server.v1",
	.by_version = true,
	.methods = v1_methods,
	.nmethods = PX_COUNT(v1_methods),
	.claims = v1_claims,
	.unknown = { "unknown method: ", "" },
	.admit = v1_admit,
	.notified = v1_notified,
	.notes = {
		[PX_NOTE_STARTED] = "process/started",
		[PX_NOTE_OUTPUT] = "process/outputDelta",
		[PX_NOTE_EXITED] = "process/exited",
		[PX_NOTE_CLOSED] = "process/closed",
		[PX_NOTE_FAILED] = "process/failed",
		[PX_NOTE_LAGGED] = "process/lagged",
		[PX_NOTE_MISSING] = "fs/missingChanged",
	},
	.put_started = v1_put_started,
	.put_output = v1_put_output,
	.put_exited = v1_put_exited,
	.put_closed = v1_put_closed,
	.put_failed = v1_put_failed,
	.put_lagged = v1_put_lagged,
};

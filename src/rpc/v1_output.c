#include "rpc/call_wait.h"
#include "rpc/sub.h"
#include "rpc/v1.h"
#include "session/park.h"
#include "session/reading.h"
#include "transcript/transcript.h"

/* process/snapshot, read, subscribe, unsubscribe, release: what a session has written. */

struct session_params {
	struct px_str id;
};

static const struct px_field session_fields[] = {
	V1_FIELD(session_params, id, "sessionId", PX_F_STRING, .flags = PX_F_REQUIRED),
};

static int
snapshot_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct session_params *p = params;
	struct px_session *session = px_v1_session(call, &p->id, err);
	struct px_json_out *json;

	if (session == NULL)
		return -1;
	json = px_call_result(call);
	px_json_open(json);
	px_v1_put_snapshot(json, session);
	px_json_close(json);
	px_call_end(call);
	return 0;
}

const struct px_method px_v1_snapshot =
    PX_METHOD("process/snapshot", 0, session_fields, session_params, snapshot_run);

/* ---- read ---- */

struct read_params {
	struct px_str id;
	struct px_int after, max, wait;
};

static const struct px_field read_fields[] = {
	V1_FIELD(read_params, id, "sessionId", PX_F_STRING, .flags = PX_F_REQUIRED),
	V1_FIELD(read_params, after, "afterSeq", PX_F_INT, .max = INT64_MAX),
	V1_FIELD(read_params, max, "maxBytes", PX_F_INT, .max = INT64_MAX),
	V1_FIELD(read_params, wait, "waitMs", PX_F_INT, .max = V1_MS_MAX),
};

static void
put_chunk(struct px_json_out *json, const struct px_session *session, const struct px_chunk *chunk)
{
	px_json_open(json);
	px_json_kv_int(json, "seq", (int64_t)chunk->seq);
	px_json_kv_str(json, "stream", px_v1_stream_name(session, chunk->stream));
	px_json_kv_int(json, "offset", (int64_t)chunk->offset);
	px_json_key(json, "chunk");
	px_put_chunk(json, chunk);
	px_json_close(json);
}

static void
read_answer(const struct px_call_wait *w, enum px_reason reason)
{
	const struct px_exit *exit = px_session_exit(w->session);
	struct px_json_out *json = px_call_result(w->call);
	struct px_reading reading;
	struct px_chunk chunk;

	(void)reason;
	px_reading_begin(&reading, w->session, w->after, w->max);
	px_json_open(json);
	px_json_key(json, "chunks");
	px_json_open_array(json);
	while (px_reading_next(&reading, &chunk))
		put_chunk(json, w->session, &chunk);
	px_json_close_array(json);
	px_json_kv_int(json, "nextSeq", (int64_t)reading.next_seq);
	px_json_kv_int(json, "lostBytes", (int64_t)reading.lost);
	px_json_kv_bool(json, "exited", exit != NULL);
	px_v1_put_exit(json, exit);
	px_json_kv_bool(json, "closed", px_session_closed(w->session));
	px_json_close(json);
	px_call_end(w->call);
}

static int
read_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct read_params *p = params;
	struct px_wait_until until = px_wait_until_exit;
	struct px_session *session = px_v1_session(call, &p->id, err);
	struct px_call_wait w = { .call = call, .session = session, .answer = read_answer };

	if (session == NULL)
		return -1;
	until.event = true;
	until.has_after = true;
	until.after = (uint64_t)p->after.v;
	until.timeout_ms = p->wait.v;
	w.after = (uint64_t)p->after.v;
	w.max = p->max.set ? (uint64_t)p->max.v : UINT64_MAX;
	px_call_wait(&w, &until);
	return 0;
}

const struct px_method px_v1_read =
    PX_METHOD("process/read", 0, read_fields, read_params, read_run);

/* ---- subscriptions ---- */

struct subscribe_params {
	struct px_str id;
	struct px_int after;
};

static const struct px_field subscribe_fields[] = {
	V1_FIELD(subscribe_params, id, "sessionId", PX_F_STRING, .flags = PX_F_REQUIRED),
	V1_FIELD(subscribe_params, after, "afterSeq", PX_F_INT, .max = INT64_MAX),
};

static void
subscription_answer(struct px_call *call, struct px_session *session, uint64_t lost)
{
	struct px_json_out *json = px_call_result(call);

	px_json_open(json);
	px_json_kv_int(
	    json, "nextSeq", (int64_t)px_transcript_next_seq(px_session_transcript(session)));
	px_json_kv_int(json, "lostBytes", (int64_t)lost);
	px_json_close(json);
	px_call_end(call);
}

static int
subscribe_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct subscribe_params *p = params;
	struct px_session *session = px_v1_session(call, &p->id, err);
	struct px_peer *peer = call->peer;
	uint64_t after, lost;

	if (session == NULL)
		return -1;
	after = p->after.set ? (uint64_t)p->after.v
			     : px_transcript_next_seq(px_session_transcript(session)) - 1;
	lost = px_sub_add(peer, session, after, call->batch != NULL ? PX_SUB_HELD : 0);
	subscription_answer(call, session, lost);
	px_sub_pump(peer, session);
	return 0;
}

const struct px_method px_v1_subscribe =
    PX_METHOD("process/subscribe", 0, subscribe_fields, subscribe_params, subscribe_run);

static int
unsubscribe_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct session_params *p = params;
	struct px_session *session = px_v1_session(call, &p->id, err);

	if (session == NULL)
		return -1;
	px_sub_remove(call->peer, session);
	px_session_unpark(session);
	subscription_answer(call, session, 0);
	return 0;
}

const struct px_method px_v1_unsubscribe =
    PX_METHOD("process/unsubscribe", 0, session_fields, session_params, unsubscribe_run);

static int
release_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct session_params *p = params;
	struct px_session *session = px_v1_session(call, &p->id, err);

	if (session == NULL || px_session_release(session, err) == -1)
		return -1;
	px_call_empty(call);
	return 0;
}

const struct px_method px_v1_release =
    PX_METHOD("process/release", 0, session_fields, session_params, release_run);

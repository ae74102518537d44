#include "rpc/v1.h"

#include "proc/signals.h"
#include "session/core.h"
#include "session/watch.h"
#include "transcript/transcript.h"

void
px_v1_put_exit(struct px_json_out *json, const struct px_exit *exit)
{
	px_json_key(json, "exitCode");
	if (exit == NULL)
		px_json_put_null(json);
	else
		px_json_put_int(json, exit->code);
	px_json_kv_str(json, "signal", exit != NULL ? px_signal_name(exit->signal) : NULL);
}

void
px_v1_put_usage(struct px_json_out *json, const struct px_exit *exit)
{
	px_json_key(json, "usage");
	if (exit == NULL) {
		px_json_put_null(json);
		return;
	}
	px_json_open(json);
	px_json_kv_int(json, "userMs", exit->usage.user_ms);
	px_json_kv_int(json, "systemMs", exit->usage.system_ms);
	px_json_kv_int(json, "maxRssBytes", exit->usage.max_rss_bytes);
	px_json_kv_int(json, "wallMs", exit->usage.wall_ms);
	px_json_close(json);
}

const char *
px_v1_stream_name(const struct px_session *session, unsigned stream)
{
	if (px_session_spec(session)->io == PX_IO_PTY)
		return "terminal";
	return stream == 1 ? "stderr" : "stdout";
}

static void
put_stream(struct px_json_out *json, struct px_session *session, unsigned stream)
{
	struct px_view view;

	px_transcript_view(px_session_transcript(session), stream, &view);
	px_json_put_base64(json,
	    (const struct px_piece[]){ { view.head.data, view.head.len },
		{ view.tail[0].data, view.tail[0].len }, { view.tail[1].data, view.tail[1].len } },
	    3);
}

static void
put_streams(struct px_json_out *json, struct px_session *session)
{
	bool pty = px_session_spec(session)->io == PX_IO_PTY;

	if (pty) {
		px_json_kv_str(json, "stdout", "");
		px_json_kv_str(json, "stderr", "");
		px_json_key(json, "terminal");
		put_stream(json, session, 0);
		return;
	}
	px_json_key(json, "stdout");
	put_stream(json, session, 0);
	px_json_key(json, "stderr");
	put_stream(json, session, 1);
	px_json_kv_str(json, "terminal", "");
}

/* 'omitted': an entry for each stream that has lost its middle; returns whether any has. */
static bool
put_omitted(struct px_json_out *json, struct px_session *session)
{
	bool truncated = false;
	struct px_view view;

	px_json_key(json, "omitted");
	px_json_open(json);
	for (unsigned i = 0; i < px_session_streams(session); i++) {
		px_transcript_view(px_session_transcript(session), i, &view);
		if (view.omitted_bytes == 0)
			continue;
		truncated = true;
		px_json_key(json, px_v1_stream_name(session, i));
		px_json_open(json);
		px_json_kv_int(json, "offset", (int64_t)view.omitted_offset);
		px_json_kv_int(json, "bytes", (int64_t)view.omitted_bytes);
		px_json_close(json);
	}
	px_json_close(json);
	return truncated;
}

void
px_v1_put_total_bytes(struct px_json_out *json, struct px_session *session)
{
	px_json_key(json, "totalBytes");
	px_json_open(json);
	for (unsigned i = 0; i < px_session_streams(session); i++)
		px_json_kv_int(json, px_v1_stream_name(session, i),
		    (int64_t)px_transcript_total(px_session_transcript(session), i));
	px_json_close(json);
}

static int64_t
next_seq(struct px_session *session)
{
	return (int64_t)px_transcript_next_seq(px_session_transcript(session));
}

void
px_v1_put_output(struct px_json_out *json, struct px_session *session)
{
	bool truncated;

	put_streams(json, session);
	truncated = put_omitted(json, session);
	px_json_kv_bool(json, "truncated", truncated);
	px_v1_put_total_bytes(json, session);
	px_json_kv_bool(json, "running", px_session_running(session));
}

void
px_v1_put_snapshot(struct px_json_out *json, struct px_session *session)
{
	px_v1_put_output(json, session);
	px_v1_put_exit(json, px_session_exit(session));
	px_json_kv_int(json, "nextSeq", next_seq(session));
}

void
px_v1_put_wait(struct px_json_out *json, struct px_session *session, enum px_reason reason)
{
	const struct px_exit *exit = px_session_exit(session);

	px_json_kv_str(json, "reason", px_reason_word(reason));
	px_json_kv_bool(json, "exited", exit != NULL);
	px_v1_put_exit(json, exit);
	px_json_kv_str(json, "cause", exit != NULL ? px_cause_word(exit->cause) : NULL);
	px_json_kv_bool(json, "timedOut", reason == PX_REASON_TIMEOUT);
	px_json_kv_int(json, "nextSeq", next_seq(session));
	px_v1_put_usage(json, exit);
}

void
px_v1_put_started(struct px_json_out *json, const struct px_session *session)
{
	px_json_kv_str(json, "sessionId", px_session_id(session));
	px_json_kv_int(json, "pid", px_proc_pid(px_session_proc(session)));
}

void
px_v1_put_limits(struct px_json_out *json, const struct px_rpc *rpc)
{
	const char *name;
	int64_t value;

	px_json_key(json, "limits");
	px_json_open(json);
	for (size_t i = 0; rpc->limit(rpc->limit_arg, i, &name, &value); i++)
		px_json_kv_int(json, name, value);
	px_json_kv_int(json, "acknowledgeBytes",
	    (int64_t)px_watch_ack_bytes(px_core_options(rpc->core)->retained_bytes));
	px_json_close(json);
}

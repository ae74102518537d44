#include "rpc/codex.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proc/input.h"
#include "rpc/call_wait.h"
#include "rpc/sub.h"
#include "session/input.h"
#include "session/reading.h"
#include "session/wait.h"
#include "session/watch.h"
#include "session/write_ids.h"
#include "transcript/transcript.h"

/* process/read, write, signal, terminate. */

struct px_session *
px_codex_process(const struct px_call *call, const struct px_str *id)
{
	return px_workspace_find(call->peer->member.workspace, id->p, id->len);
}

/* ---- read ---- */

enum { WAIT_MS_MAX = 24 * 60 * 60 * 1000 };

/* Of base64 in one answer, with what stands around the chunks: a client takes 64 MiB. */
enum { ANSWER_MAX = 44 * 1024 * 1024 };

struct read_params {
	struct px_str id;
	struct px_int after, max, wait;
};

static const struct px_field read_fields[] = {
	CODEX_FIELD(read_params, id, "processId", PX_F_STRING, .flags = PX_F_REQUIRED),
	CODEX_FIELD(read_params, after, "afterSeq", PX_F_INT, .max = INT64_MAX),
	CODEX_FIELD(read_params, max, "maxBytes", PX_F_INT, .max = INT64_MAX),
	CODEX_FIELD(read_params, wait, "waitMs", PX_F_INT, .max = INT64_MAX),
};

static void
put_chunk(struct px_json_out *json, const struct px_session *session, const struct px_chunk *chunk)
{
	px_json_open(json);
	px_json_kv_int(json, "seq", (int64_t)chunk->seq);
	px_json_kv_str(json, "stream", px_codex_stream_name(session, chunk->stream));
	px_json_key(json, "chunk");
	px_put_chunk(json, chunk);
	px_json_close(json);
}

static void
put_end(struct px_json_out *json, const struct px_session *session)
{
	const struct px_exit *exit = px_session_exit(session);
	bool lost = exit == NULL && !px_session_running(session);

	px_json_kv_bool(json, "exited", exit != NULL || lost);
	px_json_key(json, "exitCode");
	if (exit != NULL || lost)
		px_json_put_int(json, lost ? -1 : exit->code);
	else
		px_json_put_null(json);
	px_json_kv_bool(json, "closed", px_session_closed(session));
	px_json_kv_str(json, "failure", lost ? px_status_taken : NULL);
	px_json_kv_bool(json, "sandboxDenied", px_session_denied(session));
}

static void
read_answer(const struct px_call_wait *w, enum px_reason reason)
{
	struct px_peer *peer = w->call->peer;
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
	put_end(json, w->session);
	px_json_close(json);
	px_call_end(w->call);
	px_sub_reread(peer, w->session, reading.next_seq - 1);
}

static int
unknown_process(const char *id, size_t len, struct px_err *err)
{
	return px_fail(
	    err, PX_E_SESSION, "unknown process id %.*s", len < 128 ? (int)len : 128, id);
}

static int
read_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct read_params *p = params;
	struct px_wait_until until = px_wait_until_exit;
	struct px_session *session = px_codex_process(call, &p->id);
	struct px_call_wait w = { .call = call, .session = session, .answer = read_answer };

	if (session == NULL)
		return unknown_process(p->id.p, p->id.len, err);
	until.event = true;
	until.has_after = until.exact = true;
	until.after = (uint64_t)p->after.v;
	until.timeout_ms = p->wait.v < WAIT_MS_MAX ? p->wait.v : WAIT_MS_MAX;
	w.after = (uint64_t)p->after.v;
	w.max = p->max.set && p->max.v < ANSWER_MAX ? (uint64_t)p->max.v : ANSWER_MAX;
	px_call_wait(&w, &until);
	return 0;
}

const struct px_method px_codex_read =
    PX_METHOD("process/read", 0, read_fields, read_params, read_run);

/* ---- write ---- */

struct write_params {
	struct px_str id, write_id;
	struct px_bytes chunk;
};

static const struct px_field write_fields[] = {
	CODEX_FIELD(write_params, id, "processId", PX_F_STRING, .flags = PX_F_REQUIRED),
	CODEX_FIELD(write_params, chunk, "chunk", PX_F_BYTES, .flags = PX_F_REQUIRED),
	CODEX_FIELD(write_params, write_id, "writeId", PX_F_STRING, .flags = PX_F_REQUIRED,
	    .min = 1, .max = PX_WRITE_ID_MAX),
};

static void
answer_status(struct px_call *call, const char *status)
{
	struct px_json_out *json = px_call_result(call);

	px_json_open(json);
	px_json_kv_str(json, "status", status);
	px_json_close(json);
	px_call_end(call);
}

static void
answer_accepted(struct px_call *call)
{
	answer_status(call, "accepted");
}

/* A program that has ended, or has closed its stdin, takes everything and reads nothing. */
static void
write_on_done(void *arg, const struct px_err *err)
{
	(void)err;
	answer_accepted(arg);
}

static bool
has_stdin(const struct px_session *session)
{
	const struct px_spec *spec = px_session_spec(session);

	return spec->io == PX_IO_PTY || spec->stdin_open;
}

static int
write_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct write_params *p = params;
	struct px_session *session = px_codex_process(call, &p->id);
	struct px_input_op *op = NULL;
	int result;

	if (session == NULL || !has_stdin(session)) {
		answer_status(call, session == NULL ? "unknownProcess" : "stdinClosed");
		return 0;
	}
	result = px_session_write(session, p->chunk.p, p->chunk.len, p->write_id.p, p->write_id.len,
	    write_on_done, call, &op, err);
	if (result == -1 && err->code == PX_E_STDIN_CLOSED)
		result = 1;
	return px_call_await_input(call, result, op, true, answer_accepted);
}

const struct px_method px_codex_write =
    PX_METHOD("process/write", 0, write_fields, write_params, write_run);

/* ---- signal ---- */

struct signal_params {
	struct px_str id, signal;
};

static const struct px_field signal_fields[] = {
	CODEX_FIELD(signal_params, id, "processId", PX_F_STRING, .flags = PX_F_REQUIRED),
	CODEX_FIELD(signal_params, signal, "signal", PX_F_CSTR, .flags = PX_F_REQUIRED),
};

static int
signal_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct signal_params *p = params;
	struct px_session *session = px_codex_process(call, &p->id);

	if (strcmp(p->signal.p, "interrupt") != 0)
		return px_fail(
		    err, PX_E_PARAMS, "unknown variant `%.64s`, expected `interrupt`", p->signal.p);
	if (session != NULL)
		px_session_signal(session, SIGINT);
	px_call_empty(call);
	return 0;
}

const struct px_method px_codex_signal =
    PX_METHOD("process/signal", 0, signal_fields, signal_params, signal_run);

/* ---- terminate ---- */

struct terminate_params {
	struct px_str id;
};

static const struct px_field terminate_fields[] = {
	CODEX_FIELD(terminate_params, id, "processId", PX_F_STRING, .flags = PX_F_REQUIRED),
};

static int
terminate_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct terminate_params *p = params;
	struct px_session *session = px_codex_process(call, &p->id);
	bool running = false;

	(void)err;
	if (session != NULL && call->peer->rpc->codex.terminate_group_only)
		running = px_session_kill_group(session, PX_CAUSE_CLIENT);
	else if (session != NULL)
		running = px_session_terminate(session, 0, PX_CAUSE_CLIENT);
	px_call_bool(call, "running", running);
	return 0;
}

const struct px_method px_codex_terminate =
    PX_METHOD("process/terminate", 0, terminate_fields, terminate_params, terminate_run);

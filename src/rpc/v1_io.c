#include "rpc/v1.h"

#include <stdlib.h>

#include "base/mem.h"
#include "proc/signals.h"
#include "session/core.h"
#include "session/input.h"

/* process/write, closeStdin, resize, signal, terminate. */

struct px_session *
px_v1_session(const struct px_call *call, const struct px_str *id, struct px_err *err)
{
	return px_workspace_get(call->peer->member.workspace, id->p, id->len, err);
}

/* ---- write ---- */

struct write_params {
	struct px_str id, write_id;
	struct px_bytes chunk;
};

static const struct px_field write_fields[] = {
	V1_FIELD(write_params, id, "sessionId", PX_F_STRING, .flags = PX_F_REQUIRED),
	V1_FIELD(write_params, chunk, "chunk", PX_F_BYTES, .flags = PX_F_REQUIRED),
	V1_WRITE_ID(write_params),
};

static void
write_answer(struct px_call *call)
{
	px_call_bool(call, "accepted", true);
}

static int
write_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct write_params *p = params;
	struct px_session *session = px_v1_session(call, &p->id, err);

	if (session == NULL)
		return -1;
	return px_call_write(call, session, &p->chunk, &p->write_id, write_answer, err);
}

const struct px_method px_v1_write =
    PX_METHOD("process/write", 0, write_fields, write_params, write_run);

/* ---- closeStdin ---- */

struct close_params {
	struct px_str id, write_id;
};

static const struct px_field close_fields[] = {
	V1_FIELD(close_params, id, "sessionId", PX_F_STRING, .flags = PX_F_REQUIRED),
	V1_WRITE_ID(close_params),
};

static int
close_stdin_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct close_params *p = params;
	struct px_session *session = px_v1_session(call, &p->id, err);
	struct px_input_op *op = NULL;
	int result;

	if (session == NULL)
		return -1;
	result = px_session_close_stdin(
	    session, p->write_id.p, p->write_id.len, px_call_input, call, &op, err);
	return px_call_await_input(call, result, op, true, px_call_empty);
}

const struct px_method px_v1_close_stdin =
    PX_METHOD("process/closeStdin", 0, close_fields, close_params, close_stdin_run);

/* ---- resize ---- */

struct resize_params {
	struct px_str id;
	struct px_int rows, cols;
};

static const struct px_field resize_fields[] = {
	V1_FIELD(resize_params, id, "sessionId", PX_F_STRING, .flags = PX_F_REQUIRED),
	V1_FIELD(resize_params, rows, "rows", PX_F_INT, .flags = PX_F_REQUIRED, .min = 1,
	    .max = UINT16_MAX),
	V1_FIELD(resize_params, cols, "cols", PX_F_INT, .flags = PX_F_REQUIRED, .min = 1,
	    .max = UINT16_MAX),
};

static int
resize_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct resize_params *p = params;
	struct px_session *session = px_v1_session(call, &p->id, err);
	struct px_input_op *op = NULL;
	int result;

	if (session == NULL)
		return -1;
	result = px_session_resize(
	    session, (uint16_t)p->rows.v, (uint16_t)p->cols.v, px_call_input, call, &op, err);
	return px_call_await_input(call, result, op, false, px_call_empty);
}

const struct px_method px_v1_resize =
    PX_METHOD("process/resize", 0, resize_fields, resize_params, resize_run);

/* ---- signal ---- */

struct signal_params {
	struct px_str id, signal;
};

static const struct px_field signal_fields[] = {
	V1_FIELD(signal_params, id, "sessionId", PX_F_STRING, .flags = PX_F_REQUIRED),
	V1_FIELD(signal_params, signal, "signal", PX_F_CSTR, .flags = PX_F_REQUIRED, .max = 16),
};

static int
signal_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct signal_params *p = params;
	struct px_session *session = px_v1_session(call, &p->id, err);
	bool delivered;
	int sig;

	if (session == NULL || (sig = px_signal_parse(p->signal.p, err)) == -1)
		return -1;
	delivered = px_session_signal(session, sig);
	px_call_bool(call, "delivered", delivered);
	return 0;
}

const struct px_method px_v1_signal =
    PX_METHOD("process/signal", 0, signal_fields, signal_params, signal_run);

/* ---- terminate ---- */

struct terminate_params {
	struct px_str id;
	const struct px_json *mode;
};

static const struct px_field terminate_fields[] = {
	V1_FIELD(terminate_params, id, "sessionId", PX_F_STRING, .flags = PX_F_REQUIRED),
	V1_FIELD(terminate_params, mode, "mode", PX_F_ANY, .flags = 0),
};

struct graceful_params {
	struct px_int timeout;
};

struct mode_params {
	bool graceful;
	struct graceful_params how;
};

static const struct px_field graceful_fields[] = {
	V1_FIELD(graceful_params, timeout, "timeoutMs", PX_F_INT, .flags = PX_F_REQUIRED,
	    .max = V1_MS_MAX),
};

static const struct px_field mode_fields[] = {
	V1_FIELD(mode_params, how, "graceful", PX_F_OBJECT, .flags = PX_F_REQUIRED,
	    .sub = graceful_fields, .nsub = PX_COUNT(graceful_fields),
	    .present_offset = offsetof(struct mode_params, graceful)),
};

/* -1 in '*out_grace': force. */
static int
mode_read(struct px_call *call, const struct px_json *mode, int64_t *out_grace, struct px_err *err)
{
	struct mode_params p = { 0 };

	if (mode == NULL || mode->type == PX_JSON_NULL) {
		*out_grace = px_core_options(call->peer->rpc->core)->grace_ms;
		return 0;
	}
	if (px_json_is(mode, "force")) {
		*out_grace = -1;
		return 0;
	}
	if (mode->type != PX_JSON_OBJECT)
		return px_fail(err, PX_E_PARAMS,
		    "\"mode\" must be \"force\" or {\"graceful\":{\"timeoutMs\":N}}");
	if (px_fields_fill(call->doc, mode, mode_fields, PX_COUNT(mode_fields), &p, err) == -1)
		return px_wrap(err, "mode");
	*out_grace = p.how.timeout.v;
	return 0;
}

static void
terminate_answer(struct px_call *call, bool running)
{
	px_call_bool(call, "running", running);
}

/* A graceful terminate is answered at the end; the session may even be gone by then. */
struct terminating {
	struct px_call *call;
	struct px_wait *wait;
};

static void
terminating_cancel(void *arg)
{
	struct terminating *t = arg;

	px_wait_cancel(t->wait);
	free(t);
}

static void
terminating_done(void *arg, enum px_reason reason)
{
	struct terminating *t = arg;
	struct px_call *call = t->call;

	(void)reason;
	free(t);
	terminate_answer(call, true);
}

static int
terminate_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct terminate_params *p = params;
	struct px_session *session;
	struct terminating *t;
	enum px_reason reason;
	int64_t grace = -1;
	bool running;

	if (mode_read(call, p->mode, &grace, err) == -1 ||
	    (session = px_v1_session(call, &p->id, err)) == NULL)
		return -1;
	running = px_session_terminate(session, grace == -1 ? 0 : grace, PX_CAUSE_CLIENT);
	if (!running || grace == -1) {
		terminate_answer(call, running);
		return 0;
	}
	t = px_new(struct terminating);
	t->call = call;
	t->wait = px_wait_new(session, &px_wait_until_exit, terminating_done, t, &reason);
	if (t->wait == NULL)
		terminating_done(t, reason);
	else
		px_call_defer(call, terminating_cancel, t);
	return 0;
}

const struct px_method px_v1_terminate =
    PX_METHOD("process/terminate", 0, terminate_fields, terminate_params, terminate_run);

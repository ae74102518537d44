#include "rpc/dialect.h"

#include <string.h>

#include "base/json.h"
#include "proc/spec_build.h"
#include "rpc/common.h"
#include "rpc/sub.h"
#include "session/core.h"
#include "session/session.h"
#include "transcript/transcript.h"

/* exec-server.v0: protocol/exec-server.v0.md. */

enum { V0_ROWS = 24, V0_COLS = 80 };

static bool
v0_claims(const struct px_json *params)
{
	return px_json_get(params, "protocolVersion") == NULL &&
	       px_json_get(params, "resumeSessionId") == NULL;
}

static int
v0_admit(const struct px_peer *peer, const char *method, struct px_err *err)
{
	if (strcmp(method, "initialize") == 0)
		return px_fail(
		    err, PX_E_INITIALIZED, "initialize may only be sent once per connection");
	if (!peer->initialized)
		return px_fail(err, PX_E_NOT_INITIALIZED,
		    "client must send initialized before using exec methods");
	return 0;
}

static bool
v0_notified(
    struct px_peer *peer, const char *method, struct px_json_doc *doc, const struct px_json *params)
{
	(void)doc;
	(void)params;
	if (strcmp(method, "initialized") != 0)
		return false;
	peer->initialized = true;
	return true;
}

/* ---- methods ---- */

struct initialize_params {
	struct px_str client_name;
};

static const struct px_field initialize_fields[] = {
	{ .name = "clientName",
	    .type = PX_F_STRING,
	    .offset = offsetof(struct initialize_params, client_name),
	    .flags = PX_F_REQUIRED },
};

static int
initialize_run(struct px_call *call, const void *params, struct px_err *err)
{
	struct px_peer *peer = call->peer;
	struct px_json_out *json;

	(void)params;
	(void)err;
	px_workspace_join_new(peer->rpc->core, &px_terms_fleeting, &peer->member);
	json = px_call_result(call);
	px_json_open(json);
	px_json_kv_str(json, "protocolVersion", px_dialect_v0.name);
	px_json_close(json);
	px_call_end(call);
	return 0;
}

struct exec_params {
	struct px_strv argv, env;
	struct px_str cwd, arg0;
	struct px_bool tty;
};

static const struct px_field exec_fields[] = {
	{ .name = "argv",
	    .type = PX_F_STRV,
	    .offset = offsetof(struct exec_params, argv),
	    .flags = PX_F_REQUIRED },
	{ .name = "cwd",
	    .type = PX_F_CSTR,
	    .offset = offsetof(struct exec_params, cwd),
	    .flags = PX_F_REQUIRED },
	{ .name = "env",
	    .type = PX_F_ENV,
	    .offset = offsetof(struct exec_params, env),
	    .flags = PX_F_REQUIRED },
	{ .name = "tty",
	    .type = PX_F_BOOL,
	    .offset = offsetof(struct exec_params, tty),
	    .flags = PX_F_REQUIRED },
	{ .name = "arg0", .type = PX_F_CSTR, .offset = offsetof(struct exec_params, arg0) },
};

static void
session_answer(struct px_call *call, const struct px_session *session)
{
	struct px_json_out *json = px_call_result(call);

	px_json_open(json);
	px_json_kv_str(json, "sessionId", px_session_id(session));
	px_json_close(json);
	px_call_end(call);
}

static int
exec_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct exec_params *p = params;
	struct px_peer *peer = call->peer;
	unsigned held = call->batch != NULL ? PX_SUB_HELD : 0;
	struct px_spec spec;
	struct px_session_request req = {
		.spec = &spec, .starter = &peer->member, .trace = px_call_trace(call)
	};
	struct px_session *session;
	bool existing;

	if (px_peer_check_direct(peer, err) == -1 ||
	    px_spec_build(&spec, p->argv.v, p->cwd.p, p->arg0.p, err) == -1)
		return -1;
	px_spec_build_env(&spec, NULL, p->env.v, &call->trace);
	spec.io = p->tty.v ? PX_IO_PTY : PX_IO_PIPE;
	spec.rows = V0_ROWS;
	spec.cols = V0_COLS;
	if (px_session_start(peer->member.workspace, &req, &session, &existing, err) == -1) {
		px_spec_done(&spec);
		return -1;
	}
	px_sub_add(peer, session, 0, held);
	session_answer(call, session);
	px_sub_pump(peer, session);
	return 0;
}

struct session_params {
	struct px_str id;
};

static const struct px_field session_fields[] = {
	{ .name = "sessionId",
	    .type = PX_F_STRING,
	    .offset = offsetof(struct session_params, id),
	    .flags = PX_F_REQUIRED },
};

static struct px_session *
session_find(const struct px_call *call, const struct px_str *id)
{
	return px_workspace_find(call->peer->member.workspace, id->p, id->len);
}

struct write_params {
	struct px_str id;
	struct px_bytes chunk;
};

static const struct px_field write_fields[] = {
	{ .name = "sessionId",
	    .type = PX_F_STRING,
	    .offset = offsetof(struct write_params, id),
	    .flags = PX_F_REQUIRED },
	{ .name = "chunk",
	    .type = PX_F_BYTES,
	    .offset = offsetof(struct write_params, chunk),
	    .flags = PX_F_REQUIRED },
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
	struct px_session *session = session_find(call, &p->id);
	struct px_err cause;
	int result;

	if (session == NULL)
		return px_fail(err, PX_E_SESSION, "unknown session id %.*s",
		    p->id.len < 128 ? (int)p->id.len : 128, p->id.p);
	result = px_call_write(call, session, &p->chunk, NULL, write_answer, &cause);
	if (result == -1)
		return px_fail(err, PX_E_STDIN_CLOSED, "stdin is closed for session %s",
		    px_session_id(session));
	return 0;
}

static int
terminate_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct session_params *p = params;
	struct px_session *session = session_find(call, &p->id);
	struct px_peer *peer = call->peer;
	bool running = false;

	(void)err;
	if (session != NULL)
		running = px_session_terminate(
		    session, px_core_options(peer->rpc->core)->grace_ms, PX_CAUSE_CLIENT);
	px_call_bool(call, "running", running);
	return 0;
}

static const struct px_method v0_initialize =
    PX_METHOD("initialize", 0, initialize_fields, initialize_params, initialize_run);
static const struct px_method v0_exec =
    PX_METHOD("command/exec", 0, exec_fields, exec_params, exec_run);
static const struct px_method v0_write =
    PX_METHOD("command/exec/write", 0, write_fields, write_params, write_run);
static const struct px_method v0_terminate =
    PX_METHOD("command/exec/terminate", 0, session_fields, session_params, terminate_run);

static const struct px_method *const v0_methods[] = { &v0_initialize, &v0_exec, &v0_write,
	&v0_terminate };

/* ---- notifications ---- */

static void
v0_put_output(struct px_peer *peer, struct px_session *session, const struct px_chunk *chunk)
{
	struct px_json_out *json = peer->rpc->json;

	px_json_open(json);
	px_json_kv_str(json, "sessionId", px_session_id(session));
	px_json_kv_str(json, "stream", chunk->stream == 1 ? "stderr" : "stdout");
	px_json_key(json, "chunk");
	px_put_chunk(json, chunk);
	px_json_close(json);
}

static void
v0_put_exited(
    struct px_peer *peer, struct px_session *session, uint64_t seq, const struct px_exit *exit)
{
	struct px_json_out *json = peer->rpc->json;

	(void)seq;
	px_json_open(json);
	px_json_kv_str(json, "sessionId", px_session_id(session));
	px_json_kv_int(json, "exitCode", exit->code);
	px_json_close(json);
}

/* 0: -32603. */
static const int v0_numbers[PX_E_COUNT] = {
	[PX_E_PARSE] = -32700,
	[PX_E_REQUEST] = -32600,
	[PX_E_METHOD] = -32600,
	[PX_E_PARAMS] = -32602,
	[PX_E_DUPLICATE] = -32600,
	[PX_E_NOT_INITIALIZED] = -32600,
	[PX_E_INITIALIZED] = -32600,
	[PX_E_OVERLOADED] = -32001,
	[PX_E_SESSION] = -32600,
	[PX_E_STDIN_CLOSED] = -32600,
	[PX_E_SPAWN] = -32603,
	[PX_E_LIMIT] = -32008,
};

const struct px_dialect px_dialect_v0 = {
	.name = "exec-server.v0",
	.methods = v0_methods,
	.nmethods = PX_COUNT(v0_methods),
	.claims = v0_claims,
	.unknown = { "unknown method: ", "" },
	.admit = v0_admit,
	.notified = v0_notified,
	.closes_on_response = true,
	.forgets_at_exit = true,
	.numbers = v0_numbers,
	.notes = {
		[PX_NOTE_OUTPUT] = "command/exec/outputDelta",
		[PX_NOTE_EXITED] = "command/exec/exited",
	},
	.put_output = v0_put_output,
	.put_exited = v0_put_exited,
};

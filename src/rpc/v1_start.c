#include "rpc/v1.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "proc/spec_build.h"
#include "rpc/sub.h"
#include "session/input.h"
#include "session/name.h"

/* process/start and process/run. */

/* ---- what to run ---- */

struct rlimit_params {
	struct px_int cpu, memory, files, file_size;
};

struct spec_params {
	struct px_strv argv, env;
	struct px_str cwd, arg0;
	struct px_bool inherit;
	struct px_int timeout, umask;
	bool has_rlimits;
	struct rlimit_params rlimits;
};

static const struct px_field rlimit_fields[] = {
	V1_FIELD(rlimit_params, cpu, "cpuSeconds", PX_F_INT, .max = INT32_MAX),
	V1_FIELD(rlimit_params, memory, "memoryBytes", PX_F_INT, .max = INT64_MAX),
	V1_FIELD(rlimit_params, files, "openFiles", PX_F_INT, .max = INT32_MAX),
	V1_FIELD(rlimit_params, file_size, "fileSizeBytes", PX_F_INT, .max = INT64_MAX),
};

#define SPEC_FIELDS(needed)                                                                    \
	V1_FIELD(spec_params, argv, "argv", PX_F_STRV, .flags = PX_F_REQUIRED),                \
	    V1_FIELD(spec_params, cwd, "cwd", PX_F_CSTR, .flags = (needed)),                   \
	    V1_FIELD(spec_params, env, "env", PX_F_ENV, .flags = (needed)),                    \
	    V1_FIELD(spec_params, arg0, "arg0", PX_F_CSTR, .flags = 0),                        \
	    V1_FIELD(spec_params, timeout, "timeoutMs", PX_F_INT, .min = 1, .max = V1_MS_MAX), \
	    V1_FIELD(spec_params, umask, "umask", PX_F_INT, .max = 0777),                      \
	    V1_FIELD(spec_params, rlimits, "rlimits", PX_F_OBJECT, .sub = rlimit_fields,       \
		.nsub = PX_COUNT(rlimit_fields),                                               \
		.present_offset = offsetof(struct spec_params, has_rlimits))

static const struct px_field direct_fields[] = {
	SPEC_FIELDS(0),
	V1_FIELD(spec_params, inherit, "inheritEnv", PX_F_BOOL, .flags = 0),
};

static const struct px_field prepared_fields[] = { SPEC_FIELDS(PX_F_REQUIRED) };

static void
limit_add(struct px_spec *spec, int resource, const struct px_int *value)
{
	if (value->set)
		px_spec_add_limit(spec, resource, value->v);
}

static int
spec_make(const struct px_call *call, const struct spec_params *p, struct px_spec *spec,
    struct px_err *err)
{
	const char *cwd = p->cwd.p != NULL ? p->cwd.p : call->peer->rpc->surroundings.cwd;

	if (px_spec_build(spec, p->argv.v, cwd, p->arg0.p, err) == -1)
		return -1;
	px_spec_build_env(spec, p->inherit.v ? environ : NULL, p->env.v, &call->trace);
	spec->timeout_ms = p->timeout.v;
	if (p->umask.set)
		spec->umask = (int)p->umask.v;
	limit_add(spec, RLIMIT_CPU, &p->rlimits.cpu);
	limit_add(spec, RLIMIT_AS, &p->rlimits.memory);
	limit_add(spec, RLIMIT_NOFILE, &p->rlimits.files);
	limit_add(spec, RLIMIT_FSIZE, &p->rlimits.file_size);
	return 0;
}

static int
direct_make(
    struct px_call *call, const struct px_json *node, struct px_spec *spec, struct px_err *err)
{
	struct spec_params p = { 0 };

	if (px_peer_check_direct(call->peer, err) == -1)
		return -1;
	if (px_fields_fill(call->doc, node, direct_fields, PX_COUNT(direct_fields), &p, err) == -1)
		return px_wrap(err, "direct");
	return spec_make(call, &p, spec, err);
}

/* Exactly as it stands: no look-up, no default, nothing inherited. */
static int
prepared_read(struct px_call *call, struct px_json_doc *doc, const struct px_json *node,
    struct px_spec *spec, struct px_err *err)
{
	struct spec_params p = { 0 };

	if (px_fields_fill(doc, node, prepared_fields, PX_COUNT(prepared_fields), &p, err) == -1)
		return px_wrap(err, "prepared");
	if (p.argv.n > 0 && p.argv.v[0][0] != '/')
		return px_fail(err, PX_E_PARAMS, "prepared: \"argv[0]\" must be an absolute path");
	if (spec_make(call, &p, spec, err) == -1)
		return -1;
	spec->search_path = false;
	return 0;
}

struct signed_params {
	struct px_bytes spec, signature;
};

static const struct px_field signed_fields[] = {
	V1_FIELD(signed_params, spec, "spec", PX_F_BYTES, .flags = 0),
	V1_FIELD(signed_params, signature, "signature", PX_F_BYTES, .flags = 0),
};

static int
prepared_read_signed(
    struct px_call *call, const struct px_json *node, struct px_spec *spec, struct px_err *err)
{
	const struct px_rpc *rpc = call->peer->rpc;
	struct signed_params p = { 0 };
	uint8_t mac[PX_SHA256_LEN];
	struct px_json_doc *doc;
	int result;

	if (px_fields_fill(call->doc, node, signed_fields, PX_COUNT(signed_fields), &p, err) == -1)
		return px_wrap(err, "prepared");
	if (p.spec.p == NULL || p.signature.p == NULL)
		return px_fail(
		    err, PX_E_FORBIDDEN, "a prepared request must be signed on this server");
	px_hmac_sha256(rpc->prepared_key, rpc->prepared_key_len, p.spec.p, p.spec.len, mac);
	if (p.signature.len != sizeof mac || !px_equal_secret(mac, p.signature.p, sizeof mac))
		return px_fail(
		    err, PX_E_FORBIDDEN, "the signature does not match the prepared request");
	if (px_json_parse((const char *)p.spec.p, p.spec.len, &doc, err) == -1) {
		err->code = PX_E_PARAMS;
		return px_wrap(err, "prepared.spec");
	}
	result = prepared_read(call, doc, px_json_root(doc), spec, err);
	px_json_free(doc);
	return result;
}

static int
prepared_make(
    struct px_call *call, const struct px_json *node, struct px_spec *spec, struct px_err *err)
{
	if (!call->peer->rpc->allow_prepared)
		return px_fail(
		    err, PX_E_FORBIDDEN, "prepared execution is not allowed on this server");
	if (call->peer->rpc->prepared_key != NULL)
		return prepared_read_signed(call, node, spec, err);
	return prepared_read(call, call->doc, node, spec, err);
}

/* ---- how it is connected ---- */

struct pty_params {
	struct px_int rows, cols;
};

struct pipe_params {
	struct px_str in;
};

struct io_params {
	bool has_pty, has_pipe;
	struct pty_params pty;
	struct pipe_params pipe;
};

static const struct px_field pty_fields[] = {
	V1_FIELD(pty_params, rows, "rows", PX_F_INT, .flags = PX_F_REQUIRED, .min = 1,
	    .max = UINT16_MAX),
	V1_FIELD(pty_params, cols, "cols", PX_F_INT, .flags = PX_F_REQUIRED, .min = 1,
	    .max = UINT16_MAX),
};

static const struct px_field pipe_fields[] = {
	V1_FIELD(pipe_params, in, "stdin", PX_F_CSTR, .flags = PX_F_REQUIRED),
};

static const struct px_field io_fields[] = {
	V1_FIELD(io_params, pty, "pty", PX_F_OBJECT, .sub = pty_fields,
	    .nsub = PX_COUNT(pty_fields), .present_offset = offsetof(struct io_params, has_pty)),
	V1_FIELD(io_params, pipe, "pipe", PX_F_OBJECT, .sub = pipe_fields,
	    .nsub = PX_COUNT(pipe_fields), .present_offset = offsetof(struct io_params, has_pipe)),
};

static int
io_read(const struct io_params *p, struct px_spec *spec, struct px_err *err)
{
	if (p->has_pty == p->has_pipe)
		return px_fail(
		    err, PX_E_PARAMS, "\"io\" must have exactly one of \"pty\" and \"pipe\"");
	if (p->has_pty) {
		spec->io = PX_IO_PTY;
		spec->rows = (uint16_t)p->pty.rows.v;
		spec->cols = (uint16_t)p->pty.cols.v;
		return 0;
	}
	spec->io = PX_IO_PIPE;
	spec->stdin_open = strcmp(p->pipe.in.p, "open") == 0;
	if (!spec->stdin_open && strcmp(p->pipe.in.p, "closed") != 0)
		return px_fail(
		    err, PX_E_PARAMS, "\"io.pipe.stdin\" must be \"open\" or \"closed\"");
	return 0;
}

/* ---- the two methods ---- */

struct start_params {
	struct px_str id, on_disconnect;
	const struct px_json *direct, *prepared;
	bool has_io;
	struct io_params io;
	struct px_bytes chunk;
	struct px_int timeout;
};

#define START_FIELDS                                                              \
	V1_FIELD(start_params, id, "sessionId", PX_F_STRING, .flags = 0),         \
	    V1_FIELD(start_params, direct, "direct", PX_F_ANY, .flags = 0),       \
	    V1_FIELD(start_params, prepared, "prepared", PX_F_ANY, .flags = 0),   \
	    V1_FIELD(start_params, io, "io", PX_F_OBJECT, .flags = PX_F_REQUIRED, \
		.sub = io_fields, .nsub = PX_COUNT(io_fields),                    \
		.present_offset = offsetof(struct start_params, has_io)),         \
	    V1_FIELD(start_params, on_disconnect, "onDisconnect", PX_F_CSTR, .flags = 0)

static const struct px_field start_fields[] = { START_FIELDS };

static const struct px_field run_fields[] = {
	START_FIELDS,
	V1_FIELD(start_params, chunk, "chunk", PX_F_BYTES, .flags = 0),
	V1_FIELD(start_params, timeout, "timeoutMs", PX_F_INT, .max = V1_MS_MAX),
};

static bool
is_given(const struct px_json *node)
{
	return node != NULL && node->type != PX_JSON_NULL;
}

static int
disconnect_read(const struct px_str *word, enum px_on_disconnect *out, struct px_err *err)
{
	if (word->p == NULL)
		*out = PX_DISCONNECT_DEFAULT;
	else if (strcmp(word->p, "kill") == 0)
		*out = PX_DISCONNECT_KILL;
	else if (strcmp(word->p, "keep") == 0)
		*out = PX_DISCONNECT_KEEP;
	else
		return px_fail(err, PX_E_PARAMS, "\"onDisconnect\" must be \"kill\" or \"keep\"");
	return 0;
}

static int
command_make(
    struct px_call *call, const struct start_params *p, struct px_spec *spec, struct px_err *err)
{
	if (is_given(p->direct) == is_given(p->prepared))
		return px_fail(err, PX_E_PARAMS,
		    "params must have exactly one of \"direct\" and \"prepared\"");
	return is_given(p->direct) ? direct_make(call, p->direct, spec, err)
				   : prepared_make(call, p->prepared, spec, err);
}

/* Starts what the params say. */
static int
session_start(struct px_call *call, const struct start_params *p, struct px_session **out,
    bool *out_existing, struct px_err *err)
{
	struct px_peer *peer = call->peer;
	struct px_spec spec = { 0 };
	struct px_session_request req = { .id = p->id.p,
		.id_len = p->id.len,
		.spec = &spec,
		.starter = &peer->member,
		.trace = px_call_trace(call) };

	if ((p->id.p != NULL && px_name_check("sessionId", p->id.p, p->id.len, err) == -1) ||
	    disconnect_read(&p->on_disconnect, &req.on_disconnect, err) == -1 ||
	    command_make(call, p, &spec, err) == -1)
		return -1;
	if (io_read(&p->io, &spec, err) == -1)
		goto fail;
	if (p->chunk.p != NULL && spec.io == PX_IO_PIPE && !spec.stdin_open) {
		px_fail(err, PX_E_STDIN_CLOSED, "\"chunk\" needs \"io.pipe.stdin\" to be \"open\"");
		goto fail;
	}
	if (px_session_start(peer->member.workspace, &req, out, out_existing, err) == 0)
		return 0;
fail:
	px_spec_done(&spec);
	return -1;
}

static int
start_run(struct px_call *call, const void *params, struct px_err *err)
{
	struct px_peer *peer = call->peer;
	unsigned flags = PX_SUB_STARTED | (call->batch != NULL ? PX_SUB_HELD : 0);
	struct px_session *session;
	struct px_json_out *json;
	bool existing;

	if (session_start(call, params, &session, &existing, err) == -1)
		return -1;
	if (px_sub_find(peer, session) == NULL)
		px_sub_add(peer, session, 0, flags);
	json = px_call_result(call);
	px_json_open(json);
	px_v1_put_started(json, session);
	px_json_kv_bool(json, "existing", existing);
	px_json_close(json);
	px_call_end(call);
	px_sub_pump(peer, session);
	return 0;
}

const struct px_method px_v1_start =
    PX_METHOD("process/start", 0, start_fields, start_params, start_run);

static int
run_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct start_params *p = params;
	struct px_session *session;
	struct px_err ignored;
	bool existing;

	if (session_start(call, p, &session, &existing, err) == -1)
		return -1;
	/* A program that ends without reading its input has not failed. */
	if (!existing)
		(void)px_session_feed(session, p->chunk.p, p->chunk.len, NULL, 0, &ignored);
	px_v1_answer_at_end(call, session, p->timeout.set ? p->timeout.v : -1, existing);
	return 0;
}

const struct px_method px_v1_run = PX_METHOD("process/run", 0, run_fields, start_params, run_run);

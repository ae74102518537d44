#include "rpc/codex.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "fs/uri.h"
#include "proc/env_policy.h"
#include "proc/spec_build.h"
#include "rpc/call_wait.h"
#include "rpc/sub.h"
#include "sandbox/policy.h"
#include "sandbox/sandbox.h"
#include "session/name.h"

/* process/start. */

enum { CODEX_ROWS = 24, CODEX_COLS = 80, CODEX_CHUNK_MAX = 8192 };

struct policy_params {
	struct px_str inherit;
	struct px_bool keep_secrets;
	struct px_strv exclude, set, include_only;
};

struct start_params {
	struct px_str id, cwd, arg0;
	struct px_strv argv, env;
	struct px_bool tty, pipe_stdin, managed;
	bool has_policy;
	struct policy_params policy;
	const struct px_json *sandbox, *network, *proxy, *snapshot;
};

static const struct px_field policy_fields[] = {
	CODEX_FIELD(policy_params, inherit, "inherit", PX_F_CSTR, .flags = PX_F_REQUIRED),
	CODEX_FIELD(policy_params, keep_secrets, "ignoreDefaultExcludes", PX_F_BOOL,
	    .flags = PX_F_REQUIRED),
	CODEX_FIELD(policy_params, exclude, "exclude", PX_F_STRV, .flags = PX_F_REQUIRED),
	CODEX_FIELD(policy_params, set, "set", PX_F_ENV, .flags = PX_F_REQUIRED),
	CODEX_FIELD(policy_params, include_only, "includeOnly", PX_F_STRV, .flags = PX_F_REQUIRED),
};

static const struct px_field start_fields[] = {
	CODEX_FIELD(
	    start_params, id, "processId", PX_F_CSTR, .flags = PX_F_REQUIRED, .max = PX_NAME_MAX),
	CODEX_FIELD(start_params, argv, "argv", PX_F_STRV, .flags = PX_F_REQUIRED),
	CODEX_FIELD(start_params, cwd, "cwd", PX_F_STRING, .flags = PX_F_REQUIRED),
	CODEX_FIELD(start_params, policy, "envPolicy", PX_F_OBJECT, .sub = policy_fields,
	    .nsub = PX_COUNT(policy_fields),
	    .present_offset = offsetof(struct start_params, has_policy)),
	CODEX_FIELD(start_params, env, "env", PX_F_ENV, .flags = PX_F_REQUIRED),
	CODEX_FIELD(start_params, tty, "tty", PX_F_BOOL, .flags = PX_F_REQUIRED),
	CODEX_FIELD(start_params, pipe_stdin, "pipeStdin", PX_F_BOOL, .flags = 0),
	CODEX_FIELD(start_params, arg0, "arg0", PX_F_CSTR, .flags = 0),
	CODEX_FIELD(start_params, sandbox, "sandbox", PX_F_ANY, .flags = 0),
	CODEX_FIELD(start_params, managed, "enforceManagedNetwork", PX_F_BOOL, .flags = 0),
	CODEX_FIELD(start_params, network, "managedNetwork", PX_F_ANY, .flags = 0),
	CODEX_FIELD(start_params, proxy, "networkProxy", PX_F_ANY, .flags = 0),
	CODEX_FIELD(start_params, snapshot, "shellSnapshot", PX_F_ANY, .flags = 0),
};

/* ---- what cannot be had ---- */

static bool
is_given(const struct px_json *node)
{
	return node != NULL && node->type != PX_JSON_NULL;
}

static int
demands_check(const struct px_call *call, const struct start_params *p, struct px_err *err)
{
	if (px_peer_check_direct(call->peer, err) == -1)
		return -1;
	if (p->managed.v || is_given(p->network) || is_given(p->proxy))
		return px_fail(err, PX_E_FORBIDDEN,
		    "this server has no managed network, so it starts no program that is to be "
		    "held to one");
	if (is_given(p->snapshot))
		return px_fail(err, PX_E_FORBIDDEN, "this server makes no shell snapshots");
	return 0;
}

/* ---- what to run ---- */

static int
inherit_read(const struct px_str *word, enum px_env_inherit *out, struct px_err *err)
{
	static const char *const words[] = {
		[PX_ENV_ALL] = "all", [PX_ENV_CORE] = "core", [PX_ENV_NONE] = "none"
	};

	for (size_t i = 0; i < PX_COUNT(words); i++)
		if (strcmp(word->p, words[i]) == 0) {
			*out = (enum px_env_inherit)i;
			return 0;
		}
	return px_fail(
	    err, PX_E_PARAMS, "\"envPolicy.inherit\" must be \"all\", \"core\" or \"none\"");
}

/* What lies underneath the request's own variables: '*out' is to be freed; NULL: nothing. */
static int
base_make(const struct start_params *p, char ***out, struct px_err *err)
{
	struct px_env_policy policy = { .keep_secrets = p->policy.keep_secrets.v,
		.exclude = p->policy.exclude.v,
		.include_only = p->policy.include_only.v,
		.set = p->policy.set.v };

	if (!p->has_policy) {
		*out = NULL;
		return 0;
	}
	if (inherit_read(&p->policy.inherit, &policy.inherit, err) == -1)
		return -1;
	*out = px_env_policy_apply(&policy, environ);
	return 0;
}

static void
spec_connect(struct px_spec *spec, const struct start_params *p, const struct px_rpc *rpc)
{
	spec->io = p->tty.v ? PX_IO_PTY : PX_IO_PIPE;
	spec->rows = CODEX_ROWS;
	spec->cols = CODEX_COLS;
	spec->stdin_open = p->pipe_stdin.v;
	spec->chunk_max = CODEX_CHUNK_MAX;
	if (p->tty.v)
		px_spec_default_env(spec, "SHELL", rpc->surroundings.shell);
}

static int
spec_make(
    struct px_call *call, const struct start_params *p, struct px_spec *spec, struct px_err *err)
{
	char cwd[PATH_MAX], **base;

	if (px_uri_to_path(p->cwd.p, p->cwd.len, cwd, err) == -1 || base_make(p, &base, err) == -1)
		return -1;
	if (px_spec_build(spec, p->argv.v, cwd, p->arg0.p, err) == -1) {
		free(base);
		return -1;
	}
	px_spec_build_env(spec, base, p->env.v, &call->trace);
	free(base);
	spec_connect(spec, p, call->peer->rpc);
	return 0;
}

/* What TMPDIR means to the program, where it means something; else what it means to us. */
static const char *
tmpdir_find(const struct px_spec *spec, const struct px_rpc *rpc)
{
	const char *tmpdir = px_spec_env(spec, "TMPDIR");

	return tmpdir != NULL && tmpdir[0] == '/' ? tmpdir : rpc->surroundings.tmpdir;
}

static int
spec_confine(
    struct px_call *call, const struct start_params *p, struct px_spec *spec, struct px_err *err)
{
	const struct px_rpc *rpc = call->peer->rpc;
	struct px_policy policy = { 0 };
	int result =
	    px_codex_sandbox_read(call, p->sandbox, p->id.p, tmpdir_find(spec, rpc), &policy, err);

	if (result == 1)
		result = px_sandbox_cage(rpc->codex.sandbox, &policy, &spec->cage, err);
	px_policy_done(&policy);
	return result;
}

static int
process_start(
    struct px_call *call, const struct start_params *p, struct px_session **out, struct px_err *err)
{
	struct px_peer *peer = call->peer;
	struct px_spec spec;
	struct px_session_request req = { .id = p->id.p,
		.id_len = p->id.len,
		.spec = &spec,
		.starter = &peer->member,
		.unique = true,
		.trace = px_call_trace(call) };
	bool existing;

	if (px_codex_process(call, &p->id) != NULL)
		return px_fail(err, PX_E_EXISTS, "process %s already exists", p->id.p);
	if (spec_make(call, p, &spec, err) == -1)
		return -1;
	if (demands_check(call, p, err) == 0 && spec_confine(call, p, &spec, err) == 0 &&
	    px_session_start(peer->member.workspace, &req, out, &existing, err) == 0)
		return 0;
	px_spec_done(&spec);
	return -1;
}

static void
start_answer(const struct px_call_wait *w, enum px_reason reason)
{
	struct px_peer *peer = w->call->peer;
	struct px_session *session = w->session;
	struct px_json_out *json = px_call_result(w->call);

	(void)reason;
	px_json_open(json);
	px_json_kv_str(json, "processId", px_session_id(session));
	px_json_kv_str(json, "sandboxType", px_session_caged(session) ? "linuxSeccomp" : "none");
	px_json_close(json);
	px_call_end(w->call);
	px_sub_pump(peer, session);
}

static int
start_run(struct px_call *call, const void *params, struct px_err *err)
{
	struct px_wait_until until = px_wait_until_exit;
	unsigned held = call->batch != NULL ? PX_SUB_HELD : 0;
	struct px_call_wait w = { .call = call, .answer = start_answer };

	if (process_start(call, params, &w.session, err) == -1)
		return -1;
	px_sub_add(call->peer, w.session, 0, held);
	until.opened = true;
	px_call_wait(&w, &until);
	return 0;
}

const struct px_method px_codex_start =
    PX_METHOD("process/start", 0, start_fields, start_params, start_run);

#include "rpc/codex.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/uri.h"
#include "net/conn.h"
#include "rpc/sub.h"
#include "session/park.h"

/* initialize, environment/info, environment/status, environmentConfig/read. */

void
px_codex_put_path(struct px_json_out *json, const char *name, const char *path)
{
	char uri[PX_URI_MAX];
	struct px_err ignored;

	if (px_uri_from_path(path, uri, sizeof uri, &ignored) != -1)
		px_json_kv_str(json, name, uri);
}

/* ---- what this place is like ---- */

static void
put_shell(struct px_json_out *json, const struct px_surroundings *s)
{
	px_json_key(json, "shell");
	px_json_open(json);
	px_json_kv_str(json, "name", strrchr(s->posix_shell, '/') + 1);
	px_json_kv_str(json, "path", s->posix_shell);
	px_json_close(json);
}

static void
put_info(struct px_json_out *json, const struct px_rpc *rpc)
{
	const struct px_surroundings *s = &rpc->surroundings;
	char uri[PX_URI_MAX];
	struct px_err ignored;

	px_json_open(json);
	put_shell(json, s);
	px_codex_put_path(json, "cwd", s->cwd);
	px_codex_put_path(json, "userHomeDir", s->home);
	px_json_kv_str(json, "platformOs", "linux");
	px_json_key(json, "temporaryDirectories");
	px_json_open_array(json);
	if (s->tmpdir != NULL && px_uri_from_path(s->tmpdir, uri, sizeof uri, &ignored) != -1)
		px_json_put_str(json, uri);
	px_json_close_array(json);
	px_codex_put_path(json, "tempDir", s->tmpdir != NULL ? s->tmpdir : "/tmp");
	px_json_key(json, "capabilities");
	px_json_open(json);
	if (rpc->files != NULL)
		px_json_kv_bool(json, "fsWatchMissing", true);
	px_json_close(json);
	px_json_close(json);
}

static int
info_run(struct px_call *call, const void *params, struct px_err *err)
{
	(void)params;
	(void)err;
	put_info(px_call_result(call), call->peer->rpc);
	px_call_end(call);
	return 0;
}

const struct px_method px_codex_info = PX_METHOD_BARE("environment/info", PX_M_NO_PARAMS, info_run);

static int
status_run(struct px_call *call, const void *params, struct px_err *err)
{
	struct px_json_out *json = px_call_result(call);

	(void)params;
	(void)err;
	px_json_open(json);
	px_json_kv_str(json, "status", "ready");
	px_json_close(json);
	px_call_end(call);
	return 0;
}

const struct px_method px_codex_status =
    PX_METHOD_BARE("environment/status", PX_M_NO_PARAMS, status_run);

/* ---- initialize ---- */

struct initialize_params {
	struct px_str client_name, resume;
};

static const struct px_field initialize_fields[] = {
	CODEX_FIELD(
	    initialize_params, client_name, "clientName", PX_F_STRING, .flags = PX_F_REQUIRED),
	CODEX_FIELD(initialize_params, resume, "resumeSessionId", PX_F_STRING, .flags = 0),
};

static int
session_resume(struct px_peer *peer, const struct px_str *id, struct px_err *err)
{
	struct px_core *core = peer->rpc->core;
	const struct px_terms *terms = &peer->rpc->codex.terms;

	if (px_workspace_resume(core, terms, id->p, id->len, &peer->member, err) == 0)
		return 0;
	return px_fail(
	    err, PX_E_TOKEN, "unknown session id %.*s", id->len < 128 ? (int)id->len : 128, id->p);
}

/*
 * What is under way when a connection is cut must be among what is kept of before:
 * here it is bounded, on the network by the client's own buffers.
 */
enum { UNSENT_SHARE = 4 };

/* From now on the client hears of what is new; what was before, it reads. */
static void
processes_follow(struct px_peer *peer)
{
	struct px_workspace *ws = peer->member.workspace;

	for (struct px_session *s = NULL; (s = px_workspace_next(ws, s)) != NULL;)
		if (!px_session_closed(s) || px_session_is_parked(s))
			px_sub_add(peer, s, UINT64_MAX, 0);
}

static int
initialize_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct initialize_params *p = params;
	struct px_peer *peer = call->peer;
	struct px_json_out *json;

	if (p->resume.p == NULL)
		px_workspace_join_new(peer->rpc->core, &peer->rpc->codex.terms, &peer->member);
	else if (session_resume(peer, &p->resume, err) == -1)
		return -1;
	px_conn_lower_high_water(peer->conn, peer->rpc->codex.terms.newest_bytes / UNSENT_SHARE);
	px_proof_begin(peer); /* before the answer: so it is known when the first reading comes */
	processes_follow(peer);
	json = px_call_result(call);
	px_json_open(json);
	px_json_kv_str(json, "sessionId", px_workspace_token(peer->member.workspace));
	px_json_key(json, "environmentInfo");
	put_info(json, peer->rpc);
	px_json_close(json);
	px_call_end(call);
	return 0;
}

const struct px_method px_codex_initialize =
    PX_METHOD("initialize", 0, initialize_fields, initialize_params, initialize_run);

/* ---- environmentConfig/read ---- */

struct config_params {
	struct px_str cwd;
	const struct px_json *config, *requirements;
};

static const struct px_field config_fields[] = {
	CODEX_FIELD(config_params, cwd, "cwd", PX_F_STRING, .flags = PX_F_REQUIRED),
	CODEX_FIELD(config_params, config, "configPaths", PX_F_ANY, .flags = PX_F_REQUIRED),
	CODEX_FIELD(
	    config_params, requirements, "requirementsPaths", PX_F_ANY, .flags = PX_F_REQUIRED),
};

/* A list of paths of keys, each a list of names that is not empty. */
static int
key_paths_check(const char *name, const struct px_json *list, struct px_err *err)
{
	if (list->type != PX_JSON_ARRAY)
		return px_fail(err, PX_E_PARAMS, "\"%s\" must be an array of key paths", name);
	for (const struct px_json *path = list->first; path != NULL; path = path->next) {
		if (path->type != PX_JSON_ARRAY || path->count == 0)
			return px_fail(err, PX_E_PARAMS,
			    "\"%s\": a key path must be an array of names, not empty", name);
		for (const struct px_json *key = path->first; key != NULL; key = key->next)
			if (key->type != PX_JSON_STRING)
				return px_fail(err, PX_E_PARAMS,
				    "\"%s\": a key path must be an array of names", name);
	}
	return 0;
}

static void
put_no_layers(struct px_json_out *json, const char *name)
{
	px_json_key(json, name);
	px_json_open(json);
	px_json_key(json, "layers");
	px_json_open_array(json);
	px_json_close_array(json);
	px_json_kv_int(json, "cloudInsertionIndex", 0);
	px_json_close(json);
}

static void
put_codex_home(struct px_json_out *json, const char *home)
{
	const char *set = getenv("CODEX_HOME");
	char path[PATH_MAX];

	if (set != NULL && set[0] == '/') {
		px_codex_put_path(json, "codexHomeDir", set);
		return;
	}
	snprintf(path, sizeof path, "%s/.codex", strcmp(home, "/") == 0 ? "" : home);
	px_codex_put_path(json, "codexHomeDir", path);
}

/* This server has no configuration of Codex, so whatever is asked for is not there. */
static int
config_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct px_surroundings *s = &call->peer->rpc->surroundings;
	const struct config_params *p = params;
	struct px_json_out *json;
	char cwd[PATH_MAX];

	if (px_uri_to_path(p->cwd.p, p->cwd.len, cwd, err) == -1 ||
	    key_paths_check("configPaths", p->config, err) == -1 ||
	    key_paths_check("requirementsPaths", p->requirements, err) == -1)
		return -1;
	if (p->config->count + p->requirements->count == 0)
		return px_fail(
		    err, PX_E_PARAMS, "at least one config or requirements path is required");
	json = px_call_result(call);
	px_json_open(json);
	px_codex_put_path(json, "userHomeDir", s->home);
	put_codex_home(json, s->home);
	px_json_kv_str(json, "hostname", s->hostname);
	put_no_layers(json, "config");
	put_no_layers(json, "requirements");
	px_json_close(json);
	px_call_end(call);
	return 0;
}

const struct px_method px_codex_config =
    PX_METHOD("environmentConfig/read", 0, config_fields, config_params, config_run);

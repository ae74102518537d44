#include "rpc/v1.h"

#include <string.h>

#include "session/name.h"

/* initialize: who is there, which workspace, which capabilities. */

struct capability_params {
	struct px_bool experimental, acknowledge;
	struct px_strv opt_out;
	struct px_str slow_consumer;
};

struct initialize_params {
	struct px_str client_name, client_version, workspace, token;
	bool has_capabilities;
	struct capability_params capabilities;
};

static const struct px_field capability_fields[] = {
	V1_FIELD(capability_params, experimental, "experimentalApi", PX_F_BOOL, .flags = 0),
	V1_FIELD(capability_params, acknowledge, "acknowledge", PX_F_BOOL, .flags = 0),
	V1_FIELD(capability_params, opt_out, "optOutNotificationMethods", PX_F_STRV, .max = 64),
	V1_FIELD(capability_params, slow_consumer, "slowConsumer", PX_F_CSTR, .flags = 0),
};

static const struct px_field initialize_fields[] = {
	V1_FIELD(initialize_params, client_name, "clientName", PX_F_STRING, .flags = PX_F_REQUIRED),
	V1_FIELD(initialize_params, client_version, "clientVersion", PX_F_STRING, .flags = 0),
	V1_FIELD(initialize_params, workspace, "workspace", PX_F_STRING, .flags = 0),
	V1_FIELD(initialize_params, token, "resumeToken", PX_F_STRING, .flags = 0),
	V1_FIELD(initialize_params, capabilities, "capabilities", PX_F_OBJECT,
	    .sub = capability_fields, .nsub = PX_COUNT(capability_fields),
	    .present_offset = offsetof(struct initialize_params, has_capabilities)),
};

static int
workspace_join(struct px_peer *peer, const struct initialize_params *p, struct px_err *err)
{
	if (p->workspace.p != NULL && p->token.p != NULL)
		return px_fail(err, PX_E_PARAMS,
		    "params must not have both \"workspace\" and \"resumeToken\"");
	if (p->token.p != NULL)
		return px_workspace_resume(peer->rpc->core, &px_terms_lasting, p->token.p,
		    p->token.len, &peer->member, err);
	if (p->workspace.p == NULL) {
		px_workspace_join_new(peer->rpc->core, &px_terms_lasting, &peer->member);
		return 0;
	}
	if (px_name_check("workspace", p->workspace.p, p->workspace.len, err) == -1)
		return -1;
	px_workspace_join_named(peer->rpc->core, p->workspace.p, p->workspace.len, &peer->member);
	return 0;
}

static int
lossy_read(const struct capability_params *c, bool *out, struct px_err *err)
{
	const char *word = c->slow_consumer.p;

	*out = word != NULL && strcmp(word, "lag") == 0;
	if (word != NULL && !*out && strcmp(word, "block") != 0)
		return px_fail(
		    err, PX_E_PARAMS, "\"capabilities.slowConsumer\" must be \"block\" or \"lag\"");
	if (*out && c->acknowledge.v)
		return px_fail(err, PX_E_PARAMS,
		    "\"capabilities.acknowledge\" needs \"slowConsumer\" to be \"block\": what is "
		    "skipped cannot be acknowledged");
	return 0;
}

static void
put_environment(struct px_json_out *json, const struct px_rpc *rpc)
{
	const struct px_surroundings *s = &rpc->surroundings;

	px_json_key(json, "environment");
	px_json_open(json);
	px_json_kv_str(json, "os", "linux");
	px_json_kv_str(json, "hostname", s->hostname);
	px_json_kv_str(json, "shell", s->shell);
	px_json_kv_str(json, "cwd", s->cwd);
	px_json_kv_str(json, "home", s->home);
	px_json_close(json);
}

static void
initialize_answer(struct px_call *call, bool resumed)
{
	const struct px_peer *peer = call->peer;
	const struct px_workspace *ws = peer->member.workspace;
	struct px_json_out *json = px_call_result(call);

	px_json_open(json);
	px_json_kv_str(json, "protocolVersion", px_dialect_v1.name);
	px_json_key(json, "server");
	px_json_open(json);
	px_json_kv_str(json, "name", peer->rpc->name);
	px_json_kv_str(json, "version", peer->rpc->version);
	px_json_close(json);
	px_json_kv_str(json, "workspace", px_workspace_id(ws));
	px_json_kv_str(json, "resumeToken", px_workspace_token(ws));
	px_json_kv_bool(json, "resumed", resumed);
	px_v1_put_limits(json, peer->rpc);
	put_environment(json, peer->rpc);
	px_json_close(json);
	px_call_end(call);
}

static int
initialize_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct initialize_params *p = params;
	const struct px_strv *opt_out = &p->capabilities.opt_out;
	struct px_peer *peer = call->peer;
	bool lossy;

	if (lossy_read(&p->capabilities, &lossy, err) == -1 || workspace_join(peer, p, err) == -1)
		return -1;
	peer->lossy = lossy;
	peer->acknowledges = p->capabilities.acknowledge.v;
	peer->experimental = p->capabilities.experimental.v;
	for (size_t i = 0; i < opt_out->n; i++)
		peer->muted |=
		    px_dialect_note_bit(&px_dialect_v1, opt_out->v[i], strlen(opt_out->v[i]));
	initialize_answer(call, p->token.p != NULL);
	return 0;
}

const struct px_method px_v1_initialize =
    PX_METHOD("initialize", 0, initialize_fields, initialize_params, initialize_run);

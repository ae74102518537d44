#include "client/wire.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/fields.h"
#include "base/json.h"
#include "base/json_out.h"
#include "base/mem.h"
#include "client/results.h"
#include "client/rows.h"

enum { TOKEN_MAX = 4096 };

/* initialize: what both sides say of themselves. */

/* ---- ours ---- */

static void
put_capabilities(struct px_wire *wire, struct px_json_out *json)
{
	px_json_key(json, "capabilities");
	px_json_open(json);
	if (wire->lag)
		px_json_kv_str(json, "slowConsumer", "lag");
	if (wire->experimental)
		px_json_kv_bool(json, "experimentalApi", true);
	if (wire->recovers && !wire->lag)
		px_json_kv_bool(json, "acknowledge", true);
	if (!wire->started_events) {
		px_json_key(json, "optOutNotificationMethods");
		px_json_open_array(json);
		px_json_put_str(json, "process/started");
		px_json_close_array(json);
	}
	px_json_close(json);
}

void
px_wire_greeting_put(struct px_wire *wire, struct px_json_out *json)
{
	px_json_kv_str(json, "clientName", wire->name);
	if (wire->version != NULL)
		px_json_kv_str(json, "clientVersion", wire->version);
	px_json_kv_str(json, "protocolVersion", PX_WIRE_PROTOCOL);
	if (wire->workspace != NULL)
		px_json_kv_str(json, "workspace", wire->workspace);
	else if (wire->token != NULL)
		px_json_kv_str(json, "resumeToken", wire->token);
	put_capabilities(wire, json);
}

/* ---- the server's ---- */

struct server {
	struct px_str name, version;
};

struct environment {
	struct px_str hostname, shell, cwd, home;
};

struct greeting {
	struct px_str version, workspace, token;
	bool has_server, has_environment;
	struct server server;
	struct environment environment;
	struct px_bool resumed;
	const struct px_json *limits;
};

static const struct px_field server_fields[] = {
	MAYBE_STRING(server, name, "name"),
	MAYBE_STRING(server, version, "version"),
};

static const struct px_field environment_fields[] = {
	MAYBE_STRING(environment, hostname, "hostname"),
	MAYBE_STRING(environment, shell, "shell"),
	MAYBE_STRING(environment, cwd, "cwd"),
	MAYBE_STRING(environment, home, "home"),
};

static const struct px_field greeting_fields[] = {
	STRING(greeting, version, "protocolVersion"),
	OBJECT(greeting, server, "server", server_fields, has_server),
	MAYBE_STRING(greeting, workspace, "workspace"),
	ROW(greeting, token, "resumeToken", PX_F_CSTR, .max = TOKEN_MAX),
	ROW(greeting, resumed, "resumed", PX_F_BOOL, .flags = 0),
	ROW(greeting, limits, "limits", PX_F_ANY, .flags = 0),
	OBJECT(greeting, environment, "environment", environment_fields, has_environment),
};

static void
take_limits(struct px_wire *wire, const struct px_limit *limits, size_t n)
{
	wire->ack_bytes = 0;
	for (size_t i = 0; i < n; i++)
		if (limits[i].value < 0)
			continue;
		else if (strcmp(limits[i].name, "maxMessageBytes") == 0)
			wire->message_max = (size_t)limits[i].value;
		else if (strcmp(limits[i].name, "detachTtlMs") == 0)
			wire->detach_ms = limits[i].value;
		else if (strcmp(limits[i].name, "acknowledgeBytes") == 0 && wire->recovers &&
			 !wire->lag)
			wire->ack_bytes = limits[i].value;
}

int
px_wire_greeting_read(
    struct px_wire *wire, struct px_heard *heard, const struct px_json *result, struct px_err *err)
{
	struct greeting in = { 0 };
	struct px_greeting greeting = { 0 };

	if (px_fields_fill(heard->doc, result, greeting_fields, COUNT(greeting_fields), &in, err) ==
		-1 ||
	    px_limits_read(heard->doc, in.limits, &greeting.limits, &greeting.nlimits, err) == -1)
		return -1;
	if (strcmp(in.version.p, PX_WIRE_PROTOCOL) != 0)
		return px_fail(err, PX_E_VERSION, "it speaks '%.64s'", in.version.p);
	greeting.server_name = in.server.name.p;
	greeting.server_version = in.server.version.p;
	greeting.workspace = in.workspace.p;
	greeting.resume_token = in.token.p;
	greeting.resumed = in.resumed.v;
	greeting.hostname = in.environment.hostname.p;
	greeting.shell = in.environment.shell.p;
	greeting.cwd = in.environment.cwd.p;
	greeting.home = in.environment.home.p;
	take_limits(wire, greeting.limits, greeting.nlimits);
	free(wire->token);
	wire->token = in.token.p != NULL ? px_strdup(in.token.p) : NULL;
	px_wire_opened(wire, &greeting);
	return 0;
}

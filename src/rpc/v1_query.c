#include "rpc/v1.h"

#include <unistd.h>

#include "base/clock.h"
#include "net/net.h"
#include "proc/facts.h"
#include "session/core.h"
#include "transcript/transcript.h"

/* process/list, process/inspect, server/info. */

static void
put_io(struct px_json_out *json, const struct px_spec *spec)
{
	px_json_key(json, "io");
	px_json_open(json);
	px_json_key(json, spec->io == PX_IO_PTY ? "pty" : "pipe");
	px_json_open(json);
	if (spec->io == PX_IO_PTY) {
		px_json_kv_int(json, "rows", spec->rows);
		px_json_kv_int(json, "cols", spec->cols);
	} else {
		px_json_kv_str(json, "stdin", spec->stdin_open ? "open" : "closed");
	}
	px_json_close(json);
	px_json_close(json);
}

static void
put_row(struct px_json_out *json, struct px_session *session)
{
	const struct px_spec *spec = px_session_spec(session);
	int64_t retained = 0;

	for (unsigned i = 0; i < px_session_streams(session); i++)
		retained += (int64_t)px_transcript_retained(px_session_transcript(session), i);
	px_v1_put_started(json, session);
	px_json_key(json, "argv");
	px_json_open_array(json);
	for (size_t i = 0; i < spec->argc; i++)
		px_json_put_str(json, spec->argv[i]);
	px_json_close_array(json);
	px_json_kv_str(json, "cwd", spec->cwd);
	put_io(json, spec);
	px_json_kv_bool(json, "running", px_session_running(session));
	px_v1_put_exit(json, px_session_exit(session));
	px_json_kv_int(json, "startedAtMs", px_session_started_ms(session));
	if (px_session_running(session))
		px_json_kv_null(json, "exitedAtMs");
	else
		px_json_kv_int(json, "exitedAtMs", px_session_exited_ms(session));
	px_json_kv_int(json, "retainedBytes", retained);
	px_json_kv_int(json, "subscribers", (int64_t)px_session_subscribers(session));
}

static int
list_run(struct px_call *call, const void *params, struct px_err *err)
{
	struct px_workspace *ws = call->peer->member.workspace;
	struct px_json_out *json = px_call_result(call);

	(void)params;
	(void)err;
	px_json_open(json);
	px_json_key(json, "sessions");
	px_json_open_array(json);
	for (struct px_session *s = px_workspace_next(ws, NULL); s != NULL;
	     s = px_workspace_next(ws, s)) {
		px_json_open(json);
		put_row(json, s);
		px_json_close(json);
	}
	px_json_close_array(json);
	px_json_close(json);
	px_call_end(call);
	return 0;
}

const struct px_method px_v1_list = PX_METHOD_BARE("process/list", 0, list_run);

/* ---- inspect ---- */

struct inspect_params {
	struct px_str id;
};

static const struct px_field inspect_fields[] = {
	V1_FIELD(inspect_params, id, "sessionId", PX_F_STRING, .flags = PX_F_REQUIRED),
};

static void
put_terminal_facts(struct px_json_out *json, const struct px_facts *facts)
{
	if (!facts->terminal) {
		px_json_kv_null(json, "foreground");
		px_json_kv_null(json, "echo");
		px_json_kv_null(json, "canonical");
		px_json_kv_null(json, "readingTerminal");
		return;
	}
	px_json_key(json, "foreground");
	if (facts->foreground_group == 0) {
		px_json_put_null(json);
	} else {
		px_json_open(json);
		px_json_kv_int(json, "pgid", facts->foreground_group);
		px_json_kv_str(json, "name", facts->foreground_name);
		px_json_close(json);
	}
	px_json_kv_bool(json, "echo", facts->echo);
	px_json_kv_bool(json, "canonical", facts->canonical);
	px_json_kv_bool(json, "readingTerminal", facts->reading);
}

static int
inspect_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct inspect_params *p = params;
	struct px_session *session = px_v1_session(call, &p->id, err);
	struct px_json_out *json;
	struct px_facts facts;

	if (session == NULL)
		return -1;
	px_facts_gather(px_session_proc(session), &facts);
	json = px_call_result(call);
	px_json_open(json);
	put_row(json, session);
	px_json_kv_int(json, "idleMs", px_session_idle_ms(session));
	put_terminal_facts(json, &facts);
	px_json_kv_bool(json, "outputOpen", px_proc_output_open(px_session_proc(session)));
	px_json_kv_int(json, "unreadInputBytes", (int64_t)facts.unread_input);
	px_v1_put_total_bytes(json, session);
	px_json_close(json);
	px_call_end(call);
	return 0;
}

const struct px_method px_v1_inspect =
    PX_METHOD("process/inspect", 0, inspect_fields, inspect_params, inspect_run);

/* ---- server/info ---- */

static void
put_counts(struct px_json_out *json, const struct px_rpc *rpc)
{
	struct px_core_counts counts;
	struct px_net_stats net;

	px_core_counts(rpc->core, &counts);
	px_net_stats(rpc->net, &net);
	px_json_key(json, "counts");
	px_json_open(json);
	px_json_kv_int(json, "connections", (int64_t)net.connections);
	px_json_kv_int(json, "workspaces", (int64_t)counts.workspaces);
	px_json_kv_int(json, "sessions", (int64_t)counts.sessions);
	px_json_kv_int(json, "running", (int64_t)counts.running);
	px_json_close(json);
}

static int
info_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct px_rpc *rpc = call->peer->rpc;
	struct px_json_out *json = px_call_result(call);

	(void)params;
	(void)err;
	px_json_open(json);
	px_json_kv_str(json, "name", rpc->name);
	px_json_kv_str(json, "version", rpc->version);
	px_json_kv_int(json, "pid", getpid());
	px_json_kv_int(json, "uptimeMs", px_now_ms() - rpc->started_ms);
	px_v1_put_limits(json, rpc);
	put_counts(json, rpc);
	px_json_close(json);
	px_call_end(call);
	return 0;
}

const struct px_method px_v1_info = PX_METHOD_BARE("server/info", 0, info_run);

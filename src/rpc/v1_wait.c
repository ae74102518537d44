#include "rpc/call_wait.h"
#include "rpc/v1.h"
#include "session/input.h"

/* process/wait, process/communicate, and the waiting half of process/run. */

static void
answer_wait(const struct px_call_wait *w, enum px_reason reason)
{
	struct px_json_out *json = px_call_result(w->call);

	px_json_open(json);
	px_v1_put_wait(json, w->session, reason);
	px_json_close(json);
	px_call_end(w->call);
}

static void
answer_end(const struct px_call_wait *w, enum px_reason reason)
{
	struct px_json_out *json = px_call_result(w->call);

	px_json_open(json);
	if (w->existing != -1) {
		px_v1_put_started(json, w->session);
		px_json_kv_bool(json, "existing", w->existing != 0);
	}
	px_v1_put_wait(json, w->session, reason);
	px_v1_put_output(json, w->session);
	px_json_close(json);
	px_call_end(w->call);
}

void
px_v1_answer_at_end(
    struct px_call *call, struct px_session *session, int64_t timeout_ms, int existing)
{
	struct px_wait_until until = px_wait_until_exit;
	const struct px_call_wait w = {
		.call = call, .session = session, .answer = answer_end, .existing = existing
	};

	until.timeout_ms = timeout_ms;
	px_call_wait(&w, &until);
}

/* ---- process/wait ---- */

struct wait_params {
	struct px_str id;
	const struct px_json *until;
	struct px_int after, timeout;
};

static const struct px_field wait_fields[] = {
	V1_FIELD(wait_params, id, "sessionId", PX_F_STRING, .flags = PX_F_REQUIRED),
	V1_FIELD(wait_params, until, "until", PX_F_ANY, .flags = 0),
	V1_FIELD(wait_params, after, "afterSeq", PX_F_INT, .max = INT64_MAX),
	V1_FIELD(wait_params, timeout, "timeoutMs", PX_F_INT, .max = V1_MS_MAX),
};

struct condition_params {
	struct px_int idle, bytes;
	struct px_str match;
};

static const struct px_field condition_fields[] = {
	V1_FIELD(condition_params, idle, "idleMs", PX_F_INT, .max = V1_MS_MAX),
	V1_FIELD(condition_params, bytes, "bytes", PX_F_INT, .max = INT64_MAX),
	V1_FIELD(condition_params, match, "match", PX_F_STRING, .min = 1, .max = 4096),
};

static int
condition_read(struct px_call *call, const struct px_json *node, struct px_wait_until *until,
    struct px_err *err)
{
	struct condition_params c = { 0 };

	if (px_json_is(node, "exit"))
		return 0;
	if (node->type != PX_JSON_OBJECT)
		return px_fail(
		    err, PX_E_PARAMS, "must be \"exit\", {\"idleMs\"}, {\"bytes\"} or {\"match\"}");
	if (px_fields_fill(
		call->doc, node, condition_fields, PX_COUNT(condition_fields), &c, err) == -1)
		return -1;
	if (c.idle.set + c.bytes.set + (c.match.p != NULL) != 1)
		return px_fail(err, PX_E_PARAMS,
		    "must have exactly one of \"idleMs\", \"bytes\" and \"match\"");
	if (c.idle.set && (until->idle_ms == -1 || c.idle.v < until->idle_ms))
		until->idle_ms = c.idle.v;
	if (c.bytes.set && (until->bytes == -1 || c.bytes.v < until->bytes))
		until->bytes = c.bytes.v;
	if (c.match.p != NULL) {
		until->match[until->nmatch].text = c.match.p;
		until->match[until->nmatch++].len = c.match.len;
	}
	return 0;
}

static int
until_read(struct px_call *call, const struct px_json *list, struct px_wait_until *until,
    struct px_err *err)
{
	size_t i = 0;

	if (list == NULL || list->type == PX_JSON_NULL)
		return 0;
	if (list->type != PX_JSON_ARRAY || list->count == 0 || list->count > PX_UNTIL_MAX)
		return px_fail(err, PX_E_PARAMS, "\"until\" must be an array of 1 to %d conditions",
		    PX_UNTIL_MAX);
	for (const struct px_json *node = list->first; node != NULL; node = node->next, i++)
		if (condition_read(call, node, until, err) == -1)
			return px_wrap(err, "\"until[%zu]\"", i);
	return 0;
}

static int
wait_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct wait_params *p = params;
	struct px_wait_until until = px_wait_until_exit;
	struct px_call_wait w = { .call = call, .answer = answer_wait, .existing = -1 };

	if (until_read(call, p->until, &until, err) == -1 ||
	    (w.session = px_v1_session(call, &p->id, err)) == NULL)
		return -1;
	until.has_after = p->after.set;
	until.after = (uint64_t)p->after.v;
	if (p->timeout.set)
		until.timeout_ms = p->timeout.v;
	px_call_wait(&w, &until);
	return 0;
}

const struct px_method px_v1_wait =
    PX_METHOD("process/wait", 0, wait_fields, wait_params, wait_run);

/* ---- process/communicate ---- */

struct communicate_params {
	struct px_str id, write_id;
	struct px_bytes chunk;
	struct px_int timeout;
};

static const struct px_field communicate_fields[] = {
	V1_FIELD(communicate_params, id, "sessionId", PX_F_STRING, .flags = PX_F_REQUIRED),
	V1_FIELD(communicate_params, chunk, "chunk", PX_F_BYTES, .flags = 0),
	V1_WRITE_ID(communicate_params),
	V1_FIELD(communicate_params, timeout, "timeoutMs", PX_F_INT, .max = V1_MS_MAX),
};

static int
communicate_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct communicate_params *p = params;
	struct px_session *session = px_v1_session(call, &p->id, err);

	if (session == NULL || px_session_feed(session, p->chunk.p, p->chunk.len, p->write_id.p,
				   p->write_id.len, err) == -1)
		return -1;
	px_v1_answer_at_end(call, session, p->timeout.set ? p->timeout.v : -1, -1);
	return 0;
}

const struct px_method px_v1_communicate =
    PX_METHOD("process/communicate", 0, communicate_fields, communicate_params, communicate_run);

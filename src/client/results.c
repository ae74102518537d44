#include "client/state.h"

#include <string.h>

#include <bsd/string.h>

#include "base/fields.h"
#include "base/json.h"
#include "client/error.h"
#include "client/rows.h"

/* From the results and errors that a server sends to answers. */

/* ---- ends of programs ---- */

struct usage {
	struct px_int user, system, rss, wall;
};

static const struct px_field usage_fields[] = {
	NUMBER(usage, user, "userMs"),
	NUMBER(usage, system, "systemMs"),
	NUMBER(usage, rss, "maxRssBytes"),
	NUMBER(usage, wall, "wallMs"),
};

/* What process/exited and the answer to process/wait share; all of it is null while the program
 * runs. */
struct end {
	struct px_int code;
	struct px_str signal, cause;
	bool has_usage;
	struct usage usage;
};

static const struct px_field end_fields[] = {
	ROW(end, code, "exitCode", PX_F_INT, .max = 255),
	MAYBE_STRING(end, signal, "signal"),
	MAYBE_STRING(end, cause, "cause"),
	OBJECT(end, usage, "usage", usage_fields, has_usage),
};

int
px_end_read(
    struct px_json_doc *doc, const struct px_json *from, struct px_end *out, struct px_err *err)
{
	struct end end = { 0 };

	if (px_fields_fill(doc, from, end_fields, COUNT(end_fields), &end, err) == -1)
		return -1;
	if (!end.code.set || end.cause.p == NULL || !end.has_usage)
		return px_fail(err, PX_E_PARAMS, "an end without exitCode, cause or usage");
	*out = (struct px_end){ .exit_code = (int)end.code.v,
		.signal = end.signal.p,
		.cause = end.cause.p,
		.resources = { .user_ms = end.usage.user.v,
		    .system_ms = end.usage.system.v,
		    .wall_ms = end.usage.wall.v,
		    .max_rss_bytes = end.usage.rss.v } };
	return 0;
}

/* ---- results ---- */

struct limits {
	struct px_int message;
};

static const struct px_field limits_fields[] = { MAYBE_NUMBER(limits, message, "maxMessageBytes") };

struct greeting {
	struct px_str version;
	bool has_limits;
	struct limits limits;
};

static const struct px_field greeting_fields[] = {
	STRING(greeting, version, "protocolVersion"),
	OBJECT(greeting, limits, "limits", limits_fields, has_limits),
};

static int
initialize_result(struct px_client *client, struct px_json_doc *doc, const struct px_json *result,
    struct px_answer *out, struct px_err *err)
{
	struct greeting in = { 0 };

	(void)out;
	if (px_fields_fill(doc, result, greeting_fields, COUNT(greeting_fields), &in, err) == -1)
		return -1;
	if (strcmp(in.version.p, PX_CLIENT_PROTOCOL) != 0)
		return px_fail(err, PX_E_VERSION, "it speaks '%.64s'", in.version.p);
	if (in.limits.message.set)
		client->message_max = (size_t)in.limits.message.v;
	return 0;
}

struct start {
	struct px_str session;
	struct px_int pid;
	struct px_bool existing;
};

static const struct px_field start_fields[] = {
	STRING(start, session, "sessionId"),
	NUMBER(start, pid, "pid"),
	FLAG(start, existing, "existing"),
};

static int
start_result(struct px_client *client, struct px_json_doc *doc, const struct px_json *result,
    struct px_answer *out, struct px_err *err)
{
	struct start in = { 0 };

	(void)client;
	if (px_fields_fill(doc, result, start_fields, COUNT(start_fields), &in, err) == -1)
		return -1;
	out->start.session = in.session.p;
	out->start.pid = in.pid.v;
	out->start.existing = in.existing.v;
	return 0;
}

struct flag {
	struct px_bool value;
};

static const struct px_field delivered_fields[] = { FLAG(flag, value, "delivered") };
static const struct px_field running_fields[] = { FLAG(flag, value, "running") };

static int
signal_result(struct px_client *client, struct px_json_doc *doc, const struct px_json *result,
    struct px_answer *out, struct px_err *err)
{
	struct flag in = { 0 };

	(void)client;
	if (px_fields_fill(doc, result, delivered_fields, 1, &in, err) == -1)
		return -1;
	out->signal.delivered = in.value.v;
	return 0;
}

static int
terminate_result(struct px_client *client, struct px_json_doc *doc, const struct px_json *result,
    struct px_answer *out, struct px_err *err)
{
	struct flag in = { 0 };

	(void)client;
	if (px_fields_fill(doc, result, running_fields, 1, &in, err) == -1)
		return -1;
	out->terminate.running = in.value.v;
	return 0;
}

struct wait {
	struct px_str reason;
	struct px_bool exited;
	struct px_int next;
};

static const struct px_field wait_fields[] = {
	STRING(wait, reason, "reason"),
	FLAG(wait, exited, "exited"),
	NUMBER(wait, next, "nextSeq"),
};

static int
wait_result(struct px_client *client, struct px_json_doc *doc, const struct px_json *result,
    struct px_answer *out, struct px_err *err)
{
	struct wait in = { 0 };

	(void)client;
	if (px_fields_fill(doc, result, wait_fields, COUNT(wait_fields), &in, err) == -1 ||
	    (in.exited.v && px_end_read(doc, result, &out->wait.end, err) == -1))
		return -1;
	out->wait.reason = in.reason.p;
	out->wait.exited = in.exited.v;
	out->wait.next_seq = in.next.v;
	return 0;
}

struct omission {
	struct px_int offset, bytes;
};

static const struct px_field omission_fields[] = {
	NUMBER(omission, offset, "offset"),
	NUMBER(omission, bytes, "bytes"),
};

/* One row for each stream, in the order of enum px_stream. */
struct per_stream {
	struct px_bytes kept[PX_STREAM_COUNT];
	struct px_int total[PX_STREAM_COUNT];
	bool cut[PX_STREAM_COUNT];
	struct omission omission[PX_STREAM_COUNT];
};

static const struct px_field kept_fields[] = {
	BYTES(per_stream, kept[PX_STREAM_STDOUT], "stdout"),
	BYTES(per_stream, kept[PX_STREAM_STDERR], "stderr"),
	BYTES(per_stream, kept[PX_STREAM_TERMINAL], "terminal"),
};

static const struct px_field total_fields[] = {
	MAYBE_NUMBER(per_stream, total[PX_STREAM_STDOUT], "stdout"),
	MAYBE_NUMBER(per_stream, total[PX_STREAM_STDERR], "stderr"),
	MAYBE_NUMBER(per_stream, total[PX_STREAM_TERMINAL], "terminal"),
};

#define OMISSION(index, name) OBJECT(per_stream, omission[index], name, omission_fields, cut[index])
static const struct px_field omitted_fields[] = {
	OMISSION(PX_STREAM_STDOUT, "stdout"),
	OMISSION(PX_STREAM_STDERR, "stderr"),
	OMISSION(PX_STREAM_TERMINAL, "terminal"),
};

struct snapshot {
	const struct px_json *totals, *omitted;
	struct px_bool truncated, running;
	struct px_int next;
};

static const struct px_field snapshot_fields[] = {
	ROW(snapshot, totals, "totalBytes", PX_F_ANY, .flags = PX_F_REQUIRED),
	ROW(snapshot, omitted, "omitted", PX_F_ANY, .flags = PX_F_REQUIRED),
	FLAG(snapshot, truncated, "truncated"),
	FLAG(snapshot, running, "running"),
	NUMBER(snapshot, next, "nextSeq"),
};

static int
snapshot_result(struct px_client *client, struct px_json_doc *doc, const struct px_json *result,
    struct px_answer *out, struct px_err *err)
{
	struct snapshot in = { 0 };
	struct per_stream per = { 0 };

	(void)client;
	if (px_fields_fill(doc, result, snapshot_fields, COUNT(snapshot_fields), &in, err) == -1 ||
	    px_fields_fill(doc, result, kept_fields, COUNT(kept_fields), &per, err) == -1 ||
	    px_fields_fill(doc, in.totals, total_fields, COUNT(total_fields), &per, err) == -1 ||
	    px_fields_fill(doc, in.omitted, omitted_fields, COUNT(omitted_fields), &per, err) == -1)
		return -1;
	for (size_t i = 0; i < PX_STREAM_COUNT; i++)
		out->snapshot.stream[i] = (struct px_kept_stream){ .data = per.kept[i].p,
			.len = per.kept[i].len,
			.total = per.total[i].v,
			.omitted_offset = per.omission[i].offset.v,
			.omitted_bytes = per.omission[i].bytes.v };
	out->snapshot.truncated = in.truncated.v;
	out->snapshot.running = in.running.v;
	out->snapshot.next_seq = in.next.v;
	return 0;
}

const struct px_request px_request_initialize = { "initialize", initialize_result };
const struct px_request px_request_start = { "process/start", start_result };
const struct px_request px_request_write = { "process/write", NULL };
const struct px_request px_request_close_stdin = { "process/closeStdin", NULL };
const struct px_request px_request_resize = { "process/resize", NULL };
const struct px_request px_request_signal = { "process/signal", signal_result };
const struct px_request px_request_terminate = { "process/terminate", terminate_result };
const struct px_request px_request_wait = { "process/wait", wait_result };
const struct px_request px_request_snapshot = { "process/snapshot", snapshot_result };

/* ---- errors ---- */

struct refusal_data {
	struct px_str kind, sys, step;
};

static const struct px_field refusal_data_fields[] = {
	MAYBE_STRING(refusal_data, kind, "kind"),
	MAYBE_STRING(refusal_data, sys, "errno"),
	MAYBE_STRING(refusal_data, step, "step"),
};

struct refusal {
	struct px_int number;
	struct px_str message;
	bool has_data;
	struct refusal_data data;
};

static const struct px_field refusal_fields[] = {
	ROW(refusal, number, "code", PX_F_INT, .flags = PX_F_REQUIRED, .min = INT32_MIN,
	    .max = INT32_MAX),
	STRING(refusal, message, "message"),
	OBJECT(refusal, data, "data", refusal_data_fields, has_data),
};

int
px_refusal_read(
    struct px_json_doc *doc, const struct px_json *error, struct px_error *out, struct px_err *err)
{
	struct refusal in = { 0 };

	if (px_fields_fill(doc, error, refusal_fields, COUNT(refusal_fields), &in, err) == -1)
		return -1;
	px_error_set(out, PX_ERROR_REFUSED, "%s", in.message.p);
	out->number = (int)in.number.v;
	if (in.data.kind.p != NULL)
		strlcpy(out->kind, in.data.kind.p, sizeof out->kind);
	if (in.data.step.p != NULL)
		strlcpy(out->step, in.data.step.p, sizeof out->step);
	if (in.data.sys.p != NULL)
		out->sys = px_error_number(in.data.sys.p);
	return 0;
}

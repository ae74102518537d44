#include "client/results.h"

#include <string.h>

#include <bsd/string.h>

#include "base/fields.h"
#include "base/json.h"
#include "client/error.h"
#include "client/rows.h"

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

static const struct px_field exit_fields[] = {
	ROW(end, code, "exitCode", PX_F_INT, .max = 255),
	MAYBE_STRING(end, signal, "signal"),
};

int
px_exit_read(struct px_json_doc *doc, const struct px_json *from, bool *out_exited,
    struct px_end *out, struct px_err *err)
{
	struct end end = { 0 };

	if (px_fields_fill(doc, from, exit_fields, COUNT(exit_fields), &end, err) == -1)
		return -1;
	*out_exited = end.code.set;
	*out = (struct px_end){ .exit_code = (int)end.code.v, .signal = end.signal.p };
	return 0;
}

int
px_stream_read(const char *name, enum px_stream *out, struct px_err *err)
{
	static const char *const names[PX_STREAM_COUNT] = { "stdout", "stderr", "terminal" };

	for (int i = 0; i < PX_STREAM_COUNT; i++)
		if (strcmp(names[i], name) == 0) {
			*out = (enum px_stream)i;
			return 0;
		}
	return px_fail(err, PX_E_PARAMS, "no stream is named \"%.32s\"", name);
}

/* ---- results ---- */

struct start {
	struct px_str session;
	struct px_int pid;
	struct px_bool existing;
};

static const struct px_field start_fields[] = {
	SESSION(start, session),
	NUMBER(start, pid, "pid"),
	FLAG(start, existing, "existing"),
};

static int
started_read(struct px_json_doc *doc, const struct px_json *result, struct px_started *out,
    struct px_err *err)
{
	struct start in = { 0 };

	if (px_fields_fill(doc, result, start_fields, COUNT(start_fields), &in, err) == -1)
		return -1;
	*out = (struct px_started){ in.session.p, in.pid.v, in.existing.v };
	return 0;
}

static int
start_result(struct px_json_doc *doc, const struct px_json *result, struct px_answer *out,
    struct px_err *err)
{
	return started_read(doc, result, &out->start, err);
}

struct flag {
	struct px_bool value;
};

static const struct px_field delivered_fields[] = { FLAG(flag, value, "delivered") };
static const struct px_field running_fields[] = { FLAG(flag, value, "running") };

static int
signal_result(struct px_json_doc *doc, const struct px_json *result, struct px_answer *out,
    struct px_err *err)
{
	struct flag in = { 0 };

	if (px_fields_fill(doc, result, delivered_fields, 1, &in, err) == -1)
		return -1;
	out->signal.delivered = in.value.v;
	return 0;
}

static int
terminate_result(struct px_json_doc *doc, const struct px_json *result, struct px_answer *out,
    struct px_err *err)
{
	struct flag in = { 0 };

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
waited_read(struct px_json_doc *doc, const struct px_json *result, struct px_waited *out,
    struct px_err *err)
{
	struct wait in = { 0 };

	if (px_fields_fill(doc, result, wait_fields, COUNT(wait_fields), &in, err) == -1 ||
	    (in.exited.v && px_end_read(doc, result, &out->end, err) == -1))
		return -1;
	out->reason = in.reason.p;
	out->exited = in.exited.v;
	out->next_seq = in.next.v;
	return 0;
}

static int
wait_result(struct px_json_doc *doc, const struct px_json *result, struct px_answer *out,
    struct px_err *err)
{
	return waited_read(doc, result, &out->wait, err);
}

static int
snapshot_result(struct px_json_doc *doc, const struct px_json *result, struct px_answer *out,
    struct px_err *err)
{
	return px_snapshot_read(doc, result, &out->snapshot, err);
}

static int
communicate_result(struct px_json_doc *doc, const struct px_json *result, struct px_answer *out,
    struct px_err *err)
{
	if (waited_read(doc, result, &out->finish.wait, err) == -1)
		return -1;
	return px_snapshot_read(doc, result, &out->finish.snapshot, err);
}

static int
run_result(struct px_json_doc *doc, const struct px_json *result, struct px_answer *out,
    struct px_err *err)
{
	if (started_read(doc, result, &out->finish.start, err) == -1)
		return -1;
	return communicate_result(doc, result, out, err);
}

static int
read_result(struct px_json_doc *doc, const struct px_json *result, struct px_answer *out,
    struct px_err *err)
{
	return px_chunks_read(doc, result, &out->read, err);
}

struct subscription {
	struct px_int next, lost;
};

static const struct px_field subscription_fields[] = {
	NUMBER(subscription, next, "nextSeq"),
	NUMBER(subscription, lost, "lostBytes"),
};

static int
subscribe_result(struct px_json_doc *doc, const struct px_json *result, struct px_answer *out,
    struct px_err *err)
{
	struct subscription in = { 0 };

	if (px_fields_fill(
		doc, result, subscription_fields, COUNT(subscription_fields), &in, err) == -1)
		return -1;
	out->subscribe = (struct px_subscribed){ in.next.v, in.lost.v };
	return 0;
}

static int
list_result(struct px_json_doc *doc, const struct px_json *result, struct px_answer *out,
    struct px_err *err)
{
	return px_list_read(doc, result, &out->list, err);
}

static int
inspect_result(struct px_json_doc *doc, const struct px_json *result, struct px_answer *out,
    struct px_err *err)
{
	return px_inspected_read(doc, result, &out->inspect, err);
}

static int
info_result(struct px_json_doc *doc, const struct px_json *result, struct px_answer *out,
    struct px_err *err)
{
	return px_info_read(doc, result, &out->info, err);
}

/* How a result becomes an answer; NULL: there is nothing in it. */
static const struct {
	const char *name;
	int (*read)(struct px_json_doc *doc, const struct px_json *result, struct px_answer *out,
	    struct px_err *err);
} methods[PX_DO_COUNT] = {
	[PX_DO_START] = { "process/start", start_result },
	[PX_DO_RUN] = { "process/run", run_result },
	[PX_DO_COMMUNICATE] = { "process/communicate", communicate_result },
	[PX_DO_WRITE] = { "process/write", NULL },
	[PX_DO_CLOSE_STDIN] = { "process/closeStdin", NULL },
	[PX_DO_RESIZE] = { "process/resize", NULL },
	[PX_DO_SIGNAL] = { "process/signal", signal_result },
	[PX_DO_TERMINATE] = { "process/terminate", terminate_result },
	[PX_DO_RELEASE] = { "process/release", NULL },
	[PX_DO_WAIT] = { "process/wait", wait_result },
	[PX_DO_SNAPSHOT] = { "process/snapshot", snapshot_result },
	[PX_DO_READ] = { "process/read", read_result },
	[PX_DO_SUBSCRIBE] = { "process/subscribe", subscribe_result },
	[PX_DO_UNSUBSCRIBE] = { "process/unsubscribe", subscribe_result },
	[PX_DO_LIST] = { "process/list", list_result },
	[PX_DO_INSPECT] = { "process/inspect", inspect_result },
	[PX_DO_INFO] = { "server/info", info_result },
	[PX_DO_STAT] = { "fs/getMetadata", px_metadata_result },
	[PX_DO_CANONICALIZE] = { "fs/canonicalize", px_canonical_result },
	[PX_DO_READ_FILE] = { "fs/readFile", px_content_result },
	[PX_DO_WRITE_FILE] = { "fs/writeFile", NULL },
	[PX_DO_MAKE_DIRECTORY] = { "fs/createDirectory", NULL },
	[PX_DO_REMOVE] = { "fs/remove", NULL },
	[PX_DO_COPY] = { "fs/copy", NULL },
	[PX_DO_READ_DIRECTORY] = { "fs/readDirectory", px_files_result },
	[PX_DO_WALK] = { "fs/walk", px_files_result },
	[PX_DO_OPEN_FILE] = { "fs/open", NULL },
	[PX_DO_READ_BLOCK] = { "fs/readBlock", px_content_result },
	[PX_DO_WRITE_BLOCK] = { "fs/writeBlock", NULL },
	[PX_DO_CLOSE_FILE] = { "fs/close", NULL },
};

const char *
px_method_name(enum px_method_id method)
{
	return methods[method].name;
}

int
px_result_read(enum px_method_id method, struct px_json_doc *doc, const struct px_json *result,
    struct px_answer *out, struct px_err *err)
{
	if (methods[method].read == NULL || methods[method].read(doc, result, out, err) == 0)
		return 0;
	return px_wrap(err, "%s", methods[method].name);
}

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

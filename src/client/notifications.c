#include "client/wire.h"

#include <string.h>

#include "base/fields.h"
#include "base/json.h"
#include "client/results.h"
#include "client/rows.h"

/* From the notifications that a server sends to events. */

struct about {
	struct px_str session;
	struct px_int seq;
};

/* One struct for all: a notification fills what its table names. */
struct told {
	struct px_str stream, message;
	struct px_int offset, skipped, next, pid;
	struct px_bytes chunk;
	struct px_bool core, open;
};

static const struct px_field session_fields[] = { SESSION(about, session) };
static const struct px_field event_fields[] = {
	SESSION(about, session),
	NUMBER(about, seq, "seq"),
};

static const struct px_field output_fields[] = {
	STRING(told, stream, "stream"),
	NUMBER(told, offset, "offset"),
	BYTES(told, chunk, "chunk"),
};

static int
output_read(
    struct px_json_doc *doc, const struct px_json *params, struct px_event *out, struct px_err *err)
{
	struct told in = { 0 };

	if (px_fields_fill(doc, params, output_fields, COUNT(output_fields), &in, err) == -1 ||
	    px_stream_read(in.stream.p, &out->output.stream, err) == -1)
		return -1;
	out->output.offset = in.offset.v;
	out->output.data = in.chunk.p;
	out->output.len = in.chunk.len;
	return 0;
}

static const struct px_field exited_fields[] = {
	FLAG(told, core, "coreDumped"),
	FLAG(told, open, "outputOpen"),
};

static int
exited_read(
    struct px_json_doc *doc, const struct px_json *params, struct px_event *out, struct px_err *err)
{
	struct told in = { 0 };

	if (px_fields_fill(doc, params, exited_fields, COUNT(exited_fields), &in, err) == -1)
		return -1;
	out->exited.core_dumped = in.core.v;
	out->exited.output_open = in.open.v;
	return px_end_read(doc, params, &out->exited.end, err);
}

static const struct px_field started_fields[] = { NUMBER(told, pid, "pid") };

static int
started_read(
    struct px_json_doc *doc, const struct px_json *params, struct px_event *out, struct px_err *err)
{
	struct told in = { 0 };

	if (px_fields_fill(doc, params, started_fields, COUNT(started_fields), &in, err) == -1)
		return -1;
	out->started.pid = in.pid.v;
	return 0;
}

static const struct px_field lagged_fields[] = {
	NUMBER(told, skipped, "skippedBytes"),
	NUMBER(told, next, "nextSeq"),
};

static int
lagged_read(
    struct px_json_doc *doc, const struct px_json *params, struct px_event *out, struct px_err *err)
{
	struct told in = { 0 };

	if (px_fields_fill(doc, params, lagged_fields, COUNT(lagged_fields), &in, err) == -1)
		return -1;
	out->lagged.skipped_bytes = in.skipped.v;
	out->lagged.next_seq = in.next.v;
	return 0;
}

/* With a number it was the program, else a stream. */
static const struct px_field loss_fields[] = {
	SESSION(about, session),
	MAYBE_NUMBER(about, seq, "seq"),
};

static const struct px_field failed_fields[] = { STRING(told, message, "message") };

static int
failed_read(
    struct px_json_doc *doc, const struct px_json *params, struct px_event *out, struct px_err *err)
{
	struct told in = { 0 };

	if (px_fields_fill(doc, params, failed_fields, COUNT(failed_fields), &in, err) == -1)
		return -1;
	out->failed.message = in.message.p;
	return 0;
}

static const struct notification {
	const char *method;
	enum px_event_type type;
	const struct px_field *fields; /* of the part that all share */
	size_t nfields;
	int (*read)(struct px_json_doc *doc, const struct px_json *params, struct px_event *out,
	    struct px_err *err);
} notifications[] = {
	{ "process/started", PX_EVENT_STARTED, session_fields, COUNT(session_fields),
	    started_read },
	{ "process/outputDelta", PX_EVENT_OUTPUT, event_fields, COUNT(event_fields), output_read },
	{ "process/exited", PX_EVENT_EXITED, event_fields, COUNT(event_fields), exited_read },
	{ "process/closed", PX_EVENT_CLOSED, event_fields, COUNT(event_fields), NULL },
	{ "process/lagged", PX_EVENT_LAGGED, session_fields, COUNT(session_fields), lagged_read },
	{ "process/failed", PX_EVENT_FAILED, loss_fields, COUNT(loss_fields), failed_read },
};

static int
notification_read(const struct notification *kind, struct px_json_doc *doc,
    const struct px_json *params, struct px_event *out, struct px_err *err)
{
	struct about about = { 0 };

	if (px_fields_fill(doc, params, kind->fields, kind->nfields, &about, err) == -1)
		return px_wrap(err, "%s", kind->method);
	out->type = kind->type;
	out->session = about.session.p;
	out->seq = about.seq.v;
	if (kind->read != NULL && kind->read(doc, params, out, err) == -1)
		return px_wrap(err, "%s", kind->method);
	return 1;
}

int
px_notification_read(struct px_json_doc *doc, const char *method, const struct px_json *params,
    struct px_event *out, struct px_err *err)
{
	for (size_t i = 0; i < COUNT(notifications); i++)
		if (strcmp(notifications[i].method, method) == 0)
			return notification_read(&notifications[i], doc, params, out, err);
	return 0;
}

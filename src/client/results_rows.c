#include "client/results.h"

#include <string.h>

#include "base/fields.h"
#include "base/json.h"
#include "client/rows.h"

/* What is told about sessions and the server: list, inspect, info. */

/* ---- a row of the list ---- */

struct pty {
	struct px_int rows, cols;
};

struct pipe {
	struct px_str in;
};

struct io {
	bool has_pty, has_pipe;
	struct pty pty;
	struct pipe pipe;
};

struct row {
	struct px_str session, cwd;
	struct px_int pid, started, exited, retained, subscribers;
	struct px_strv argv;
	struct px_bool running;
	bool has_io;
	struct io io;
};

static const struct px_field pty_fields[] = {
	NUMBER(pty, rows, "rows"),
	NUMBER(pty, cols, "cols"),
};

static const struct px_field pipe_fields[] = { STRING(pipe, in, "stdin") };

static const struct px_field io_fields[] = {
	OBJECT(io, pty, "pty", pty_fields, has_pty),
	OBJECT(io, pipe, "pipe", pipe_fields, has_pipe),
};

static const struct px_field row_fields[] = {
	SESSION(row, session),
	NUMBER(row, pid, "pid"),
	ROW(row, argv, "argv", PX_F_STRV, .flags = PX_F_REQUIRED),
	STRING(row, cwd, "cwd"),
	OBJECT(row, io, "io", io_fields, has_io),
	FLAG(row, running, "running"),
	NUMBER(row, started, "startedAtMs"),
	MAYBE_NUMBER(row, exited, "exitedAtMs"),
	NUMBER(row, retained, "retainedBytes"),
	NUMBER(row, subscribers, "subscribers"),
};

static int
row_read(struct px_json_doc *doc, const struct px_json *from, struct px_session_row *out,
    struct px_err *err)
{
	struct row in = { 0 };

	if (from->type != PX_JSON_OBJECT)
		return px_fail(err, PX_E_PARAMS, "a session that is no object");
	if (px_fields_fill(doc, from, row_fields, COUNT(row_fields), &in, err) == -1 ||
	    px_exit_read(doc, from, &out->exited, &out->end, err) == -1)
		return -1;
	out->session = in.session.p;
	out->pid = in.pid.v;
	out->argv = in.argv.v;
	out->cwd = in.cwd.p;
	out->pty = in.io.has_pty;
	out->rows = (uint16_t)in.io.pty.rows.v;
	out->cols = (uint16_t)in.io.pty.cols.v;
	out->stdin_open = in.io.has_pipe && in.io.pipe.in.p[0] == 'o';
	out->running = in.running.v;
	out->started_at_ms = in.started.v;
	out->exited_at_ms = in.exited.v;
	out->retained_bytes = in.retained.v;
	out->subscribers = in.subscribers.v;
	return 0;
}

struct list {
	const struct px_json *sessions;
};

static const struct px_field list_fields[] = {
	ROW(list, sessions, "sessions", PX_F_ANY, .flags = PX_F_REQUIRED),
};

int
px_list_read(
    struct px_json_doc *doc, const struct px_json *from, struct px_list *out, struct px_err *err)
{
	struct list in = { 0 };
	struct px_session_row *rows;
	size_t i = 0;

	if (px_fields_fill(doc, from, list_fields, COUNT(list_fields), &in, err) == -1)
		return -1;
	if (in.sessions->type != PX_JSON_ARRAY)
		return px_fail(err, PX_E_PARAMS, "\"sessions\" is no array");
	if ((rows = px_json_arena(doc, in.sessions->count * sizeof *rows)) == NULL)
		return px_fail(err, PX_E_NOMEM, "sessions");
	for (const struct px_json *node = in.sessions->first; node != NULL; node = node->next)
		if (row_read(doc, node, &rows[i++], err) == -1)
			return -1;
	out->rows = rows;
	out->nrows = in.sessions->count;
	return 0;
}

/* ---- inspect ---- */

struct foreground {
	struct px_int group;
	struct px_str name;
};

struct facts {
	struct px_int idle, unread;
	bool has_foreground;
	struct foreground foreground;
	struct px_bool echo, canonical, reading, open;
	const struct px_json *totals;
};

static const struct px_field foreground_fields[] = {
	NUMBER(foreground, group, "pgid"),
	MAYBE_STRING(foreground, name, "name"),
};

#define MAYBE_FLAG(type, member, name) ROW(type, member, name, PX_F_BOOL, .flags = 0)
static const struct px_field facts_fields[] = {
	NUMBER(facts, idle, "idleMs"),
	OBJECT(facts, foreground, "foreground", foreground_fields, has_foreground),
	MAYBE_FLAG(facts, echo, "echo"),
	MAYBE_FLAG(facts, canonical, "canonical"),
	MAYBE_FLAG(facts, reading, "readingTerminal"),
	FLAG(facts, open, "outputOpen"),
	NUMBER(facts, unread, "unreadInputBytes"),
	ROW(facts, totals, "totalBytes", PX_F_ANY, .flags = PX_F_REQUIRED),
};

int
px_inspected_read(struct px_json_doc *doc, const struct px_json *from, struct px_inspected *out,
    struct px_err *err)
{
	struct facts in = { 0 };

	if (row_read(doc, from, &out->row, err) == -1 ||
	    px_fields_fill(doc, from, facts_fields, COUNT(facts_fields), &in, err) == -1 ||
	    px_totals_read(doc, in.totals, out->total_bytes, err) == -1)
		return -1;
	out->idle_ms = in.idle.v;
	out->terminal = in.echo.set;
	out->foreground_group = in.foreground.group.v;
	out->foreground_name = in.foreground.name.p;
	out->echo = in.echo.v;
	out->canonical = in.canonical.v;
	out->reading_terminal = in.reading.v;
	out->output_open = in.open.v;
	out->unread_input_bytes = in.unread.v;
	return 0;
}

/* ---- the server ---- */

int
px_limits_read(struct px_json_doc *doc, const struct px_json *node, const struct px_limit **out,
    size_t *out_n, struct px_err *err)
{
	struct px_limit *limits;
	size_t n = 0;

	if (node == NULL || node->type != PX_JSON_OBJECT)
		return 0;
	if ((limits = px_json_arena(doc, node->count * sizeof *limits)) == NULL)
		return px_fail(err, PX_E_NOMEM, "limits");
	for (const struct px_json *row = node->first; row != NULL; row = row->next) {
		char *name = px_json_arena(doc, row->key_len + 1);

		if (name == NULL)
			return px_fail(err, PX_E_NOMEM, "limits");
		memcpy(name, row->key, row->key_len);
		name[row->key_len] = '\0';
		if (row->type == PX_JSON_INT)
			limits[n++] = (struct px_limit){ name, row->integer };
	}
	*out = limits;
	*out_n = n;
	return 0;
}

struct counts {
	struct px_int connections, workspaces, sessions, running;
};

struct info {
	struct px_str name, version;
	struct px_int pid, uptime;
	const struct px_json *limits;
	bool has_counts;
	struct counts counts;
};

static const struct px_field counts_fields[] = {
	NUMBER(counts, connections, "connections"),
	NUMBER(counts, workspaces, "workspaces"),
	NUMBER(counts, sessions, "sessions"),
	NUMBER(counts, running, "running"),
};

static const struct px_field info_fields[] = {
	STRING(info, name, "name"),
	STRING(info, version, "version"),
	NUMBER(info, pid, "pid"),
	NUMBER(info, uptime, "uptimeMs"),
	ROW(info, limits, "limits", PX_F_ANY, .flags = 0),
	OBJECT(info, counts, "counts", counts_fields, has_counts),
};

int
px_info_read(struct px_json_doc *doc, const struct px_json *from, struct px_server_info *out,
    struct px_err *err)
{
	struct info in = { 0 };

	if (px_fields_fill(doc, from, info_fields, COUNT(info_fields), &in, err) == -1)
		return -1;
	*out = (struct px_server_info){ .name = in.name.p,
		.version = in.version.p,
		.pid = in.pid.v,
		.uptime_ms = in.uptime.v,
		.connections = in.counts.connections.v,
		.workspaces = in.counts.workspaces.v,
		.sessions = in.counts.sessions.v,
		.running = in.counts.running.v };
	return px_limits_read(doc, in.limits, &out->limits, &out->nlimits, err);
}

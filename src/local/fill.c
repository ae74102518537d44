#include <stdlib.h>
#include <string.h>

#include "local/state.h"
#include "proc/signals.h"

/* From what the core knows to the public structs. */

void
px_fill_end(struct px_end *out, const struct px_exit *exit, bool in_full)
{
	if (exit == NULL)
		return;
	out->exit_code = exit->code;
	out->signal = px_signal_name(exit->signal);
	if (!in_full)
		return;
	out->cause = px_cause_word(exit->cause);
	out->resources = (struct px_resources){ .user_ms = exit->usage.user_ms,
		.system_ms = exit->usage.system_ms,
		.wall_ms = exit->usage.wall_ms,
		.max_rss_bytes = exit->usage.max_rss_bytes };
}

int64_t
px_fill_next_seq(struct px_session *session)
{
	return (int64_t)px_transcript_next_seq(px_session_transcript(session));
}

void
px_fill_wait(struct px_waited *out, struct px_session *session, enum px_reason reason)
{
	const struct px_exit *exit = px_session_exit(session);

	out->reason = px_reason_word(reason);
	out->exited = exit != NULL;
	out->next_seq = px_fill_next_seq(session);
	px_fill_end(&out->end, exit, true);
}

static const char *
copy(struct px_heard *heard, const char *s)
{
	return px_heard_copy(heard, s, strlen(s));
}

bool
px_fill_started(struct px_heard *heard, struct px_started *out, struct px_session *session)
{
	out->session = copy(heard, px_session_id(session));
	out->pid = px_proc_pid(px_session_proc(session));
	return out->session != NULL;
}

enum px_stream
px_fill_stream(const struct px_session *session, unsigned stream)
{
	if (px_session_spec(session)->io == PX_IO_PTY)
		return PX_STREAM_TERMINAL;
	return stream == 1 ? PX_STREAM_STDERR : PX_STREAM_STDOUT;
}

/* The runs one behind the other, with a NUL behind all. */
static char *
join(struct px_heard *heard, const struct px_run *runs, size_t nruns, size_t *out_len)
{
	size_t len = 0;
	char *all, *end;

	for (size_t i = 0; i < nruns; i++)
		len += runs[i].len;
	if ((all = end = px_heard_room(heard, len)) == NULL)
		return NULL;
	for (size_t i = 0; i < nruns; i++) {
		if (runs[i].len > 0)
			memcpy(end, runs[i].data, runs[i].len);
		end += runs[i].len;
	}
	*out_len = len;
	return all;
}

bool
px_fill_chunk(
    struct px_heard *heard, const struct px_chunk *chunk, const void **out_data, size_t *out_len)
{
	return (*out_data = join(heard, chunk->run, 2, out_len)) != NULL;
}

static bool
fill_kept(
    struct px_heard *heard, struct px_kept_stream *out, struct px_session *session, unsigned stream)
{
	struct px_view view;

	px_transcript_view(px_session_transcript(session), stream, &view);
	out->total = (int64_t)px_transcript_total(px_session_transcript(session), stream);
	out->omitted_offset = (int64_t)view.omitted_offset;
	out->omitted_bytes = (int64_t)view.omitted_bytes;
	out->data =
	    join(heard, (struct px_run[]){ view.head, view.tail[0], view.tail[1] }, 3, &out->len);
	return out->data != NULL;
}

bool
px_fill_snapshot(struct px_heard *heard, struct px_snapshot *out, struct px_session *session)
{
	const struct px_exit *exit = px_session_exit(session);

	for (size_t i = 0; i < PX_STREAM_COUNT; i++)
		out->stream[i].data = "";
	for (unsigned i = 0; i < px_session_streams(session); i++) {
		struct px_kept_stream *stream = &out->stream[px_fill_stream(session, i)];

		if (!fill_kept(heard, stream, session, i))
			return false;
		out->truncated |= stream->omitted_bytes > 0;
	}
	out->running = px_session_running(session);
	out->exited = exit != NULL;
	px_fill_end(&out->end, exit, false);
	out->next_seq = px_fill_next_seq(session);
	return true;
}

static const char *const *
copy_argv(struct px_heard *heard, const struct px_spec *spec)
{
	const char **argv = px_heard_alloc(heard, (spec->argc + 1) * sizeof *argv);

	for (size_t i = 0; argv != NULL && i < spec->argc; i++)
		if ((argv[i] = copy(heard, spec->argv[i])) == NULL)
			return NULL;
	return argv;
}

bool
px_fill_row(struct px_heard *heard, struct px_session_row *out, struct px_session *session)
{
	const struct px_spec *spec = px_session_spec(session);
	const struct px_exit *exit = px_session_exit(session);

	*out = (struct px_session_row){ .session = copy(heard, px_session_id(session)),
		.pid = px_proc_pid(px_session_proc(session)),
		.argv = copy_argv(heard, spec),
		.cwd = copy(heard, spec->cwd),
		.pty = spec->io == PX_IO_PTY,
		.stdin_open = spec->io == PX_IO_PIPE && spec->stdin_open,
		.running = px_session_running(session),
		.exited = exit != NULL,
		.started_at_ms = px_session_started_ms(session),
		.exited_at_ms = px_session_exited_ms(session),
		.subscribers = (int64_t)px_session_subscribers(session) };
	if (out->pty) {
		out->rows = spec->rows;
		out->cols = spec->cols;
	}
	px_fill_end(&out->end, exit, false);
	for (unsigned i = 0; i < px_session_streams(session); i++)
		out->retained_bytes +=
		    (int64_t)px_transcript_retained(px_session_transcript(session), i);
	return out->session != NULL && out->argv != NULL && out->cwd != NULL;
}

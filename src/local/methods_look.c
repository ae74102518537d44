#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "local/state.h"
#include "proc/facts.h"
#include "session/reading.h"

/* What requests tell that only look. */

static int
no_memory(struct px_heard *heard, struct px_err *err)
{
	px_heard_free(heard);
	return px_fail(err, PX_E_NOMEM, "memory is out");
}

int
px_local_snapshot(struct px_local_call *call, struct px_err *err)
{
	struct px_session *session = px_local_session(call, err);
	struct px_heard *heard;

	if (session == NULL)
		return -1;
	heard = px_local_answer_new(call);
	if (!px_fill_snapshot(heard, &heard->event.answer.snapshot, session))
		return no_memory(heard, err);
	px_local_answer(call, heard);
	return 0;
}

/* ---- read ---- */

static void
reading_begin(struct px_reading *reading, const struct px_local_call *call)
{
	px_reading_begin(reading, call->target, call->until.after,
	    call->max_bytes > 0 ? (uint64_t)call->max_bytes : UINT64_MAX);
}

/* Two walks: one counts, one copies. */
static bool
fill_chunks(struct px_local_call *call, struct px_heard *heard, struct px_read *out)
{
	struct px_output_chunk *chunks;
	struct px_reading reading;
	struct px_chunk chunk;

	reading_begin(&reading, call);
	while (px_reading_next(&reading, &chunk))
		out->nchunks++;
	if ((chunks = px_heard_alloc(heard, out->nchunks * sizeof *chunks)) == NULL)
		return false;
	out->chunks = chunks;
	reading_begin(&reading, call);
	for (; px_reading_next(&reading, &chunk); chunks++) {
		chunks->seq = (int64_t)chunk.seq;
		chunks->stream = px_fill_stream(call->target, chunk.stream);
		chunks->offset = (int64_t)chunk.offset;
		if (!px_fill_chunk(heard, &chunk, &chunks->data, &chunks->len))
			return false;
	}
	out->next_seq = (int64_t)reading.next_seq;
	out->lost_bytes = (int64_t)reading.lost;
	return true;
}

static void
answer_read(struct px_local_call *call, enum px_reason reason)
{
	struct px_heard *heard = px_local_answer_new(call);
	struct px_read *out = &heard->event.answer.read;
	struct px_err err;

	if (reason == PX_REASON_GONE) {
		px_heard_free(heard);
		px_fail_gone(&err);
		px_local_refuse(call, &err);
		return;
	}
	if (!fill_chunks(call, heard, out)) {
		no_memory(heard, &err);
		px_local_refuse(call, &err);
		return;
	}
	out->exited = px_session_exit(call->target) != NULL;
	out->closed = px_session_closed(call->target);
	px_fill_end(&out->end, px_session_exit(call->target), false);
	px_local_answer(call, heard);
}

int
px_local_read(struct px_local_call *call, struct px_err *err)
{
	struct px_session *session = px_local_session(call, err);

	if (session == NULL)
		return -1;
	call->until.event = true;
	call->until.has_after = true;
	call->until.after = call->after_seq > 0 ? (uint64_t)call->after_seq : 0;
	px_local_wait(call, session, &call->until, answer_read);
	return 0;
}

/* ---- rows ---- */

int
px_local_list(struct px_local_call *call, struct px_err *err)
{
	struct px_workspace *ws = call->local->member.workspace;
	struct px_heard *heard = px_local_answer_new(call);
	struct px_list *out = &heard->event.answer.list;
	struct px_session *session = NULL;
	struct px_session_row *rows;

	while ((session = px_workspace_next(ws, session)) != NULL)
		out->nrows++;
	if ((rows = px_heard_alloc(heard, out->nrows * sizeof *rows)) == NULL)
		return no_memory(heard, err);
	out->rows = rows;
	while ((session = px_workspace_next(ws, session)) != NULL)
		if (!px_fill_row(heard, rows++, session))
			return no_memory(heard, err);
	px_local_answer(call, heard);
	return 0;
}

static bool
fill_terminal(struct px_heard *heard, struct px_inspected *out, const struct px_facts *facts)
{
	out->terminal = facts->terminal;
	if (!facts->terminal)
		return true;
	out->foreground_group = facts->foreground_group;
	out->echo = facts->echo;
	out->canonical = facts->canonical;
	out->reading_terminal = facts->reading;
	if (facts->foreground_group == 0)
		return true;
	out->foreground_name =
	    px_heard_copy(heard, facts->foreground_name, strnlen(facts->foreground_name, 64));
	return out->foreground_name != NULL;
}

int
px_local_inspect(struct px_local_call *call, struct px_err *err)
{
	struct px_session *session = px_local_session(call, err);
	struct px_inspected *out;
	struct px_heard *heard;
	struct px_facts facts;

	if (session == NULL)
		return -1;
	px_facts_gather(px_session_proc(session), &facts);
	heard = px_local_answer_new(call);
	out = &heard->event.answer.inspect;
	if (!px_fill_row(heard, &out->row, session) || !fill_terminal(heard, out, &facts))
		return no_memory(heard, err);
	out->idle_ms = px_session_idle_ms(session);
	out->output_open = px_proc_output_open(px_session_proc(session));
	out->unread_input_bytes = (int64_t)facts.unread_input;
	for (unsigned i = 0; i < px_session_streams(session); i++)
		out->total_bytes[px_fill_stream(session, i)] =
		    (int64_t)px_transcript_total(px_session_transcript(session), i);
	px_local_answer(call, heard);
	return 0;
}

/* ---- info ---- */

static const struct px_limit *
copy_limits(struct px_heard *heard, const struct px_local *local)
{
	struct px_limit *limits = px_heard_alloc(heard, local->nlimits * sizeof *limits);

	for (size_t i = 0; limits != NULL && i < local->nlimits; i++)
		limits[i] = local->limits[i]; /* their names are static text */
	return limits;
}

int
px_local_info(struct px_local_call *call, struct px_err *err)
{
	struct px_local *local = call->local;
	struct px_heard *heard = px_local_answer_new(call);
	struct px_server_info *out = &heard->event.answer.info;
	struct px_core_counts counts;
	struct px_greeting greeting;

	px_core_counts(local->core, &counts);
	px_local_greeting(local, &greeting);
	*out = (struct px_server_info){ .name = greeting.server_name,
		.version = greeting.server_version,
		.pid = getpid(),
		.uptime_ms = px_now_ms() - local->started_ms,
		.limits = copy_limits(heard, local),
		.nlimits = local->nlimits,
		.connections = 1,
		.workspaces = (int64_t)counts.workspaces,
		.sessions = (int64_t)counts.sessions,
		.running = (int64_t)counts.running };
	if (out->limits == NULL)
		return no_memory(heard, err);
	px_local_answer(call, heard);
	return 0;
}

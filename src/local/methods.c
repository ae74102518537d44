#include <string.h>

#include "local/state.h"
#include "proc/input.h"
#include "proc/signals.h"
#include "session/input.h"

/* What each request does: start, feed, wait, end. Looking is in methods_look.c. */

struct px_session *
px_local_session(const struct px_local_call *call, struct px_err *err)
{
	return px_workspace_get(
	    call->local->member.workspace, call->session, strlen(call->session), err);
}

void
px_local_hold(struct px_local_call *call)
{
	TAILQ_INSERT_TAIL(&call->local->waiting, call, link);
}

void
px_local_unhold(struct px_local_call *call)
{
	TAILQ_REMOVE(&call->local->waiting, call, link);
}

void
px_local_cancel(struct px_local_call *call)
{
	px_local_unhold(call);
	if (call->job != NULL)
		px_local_job_forget(call->job);
	else if (call->wait != NULL)
		px_wait_cancel(call->wait);
	else if (call->keeps_op)
		px_input_forget(call->op);
	else
		px_input_cancel(call->op);
}

/* ---- waiting for a session ---- */

static void
wait_done(void *arg, enum px_reason reason)
{
	struct px_local_call *call = arg;

	px_local_unhold(call);
	call->answer(call, reason);
}

void
px_local_wait(struct px_local_call *call, struct px_session *session,
    const struct px_wait_until *until,
    void (*answer)(struct px_local_call *call, enum px_reason reason))
{
	enum px_reason reason;

	call->target = session;
	call->answer = answer;
	call->wait = px_wait_new(session, until, wait_done, call, &reason);
	if (call->wait == NULL)
		answer(call, reason);
	else
		px_local_hold(call);
}

static bool
refused_if_gone(struct px_local_call *call, enum px_reason reason)
{
	struct px_err err;

	if (reason != PX_REASON_GONE)
		return false;
	px_fail_gone(&err);
	px_local_refuse(call, &err);
	return true;
}

static void
answer_wait(struct px_local_call *call, enum px_reason reason)
{
	struct px_heard *heard;

	if (refused_if_gone(call, reason))
		return;
	heard = px_local_answer_new(call);
	px_fill_wait(&heard->event.answer.wait, call->target, reason);
	px_local_answer(call, heard);
}

static int
wait_run(struct px_local_call *call, struct px_err *err)
{
	struct px_session *session = px_local_session(call, err);

	if (session == NULL)
		return -1;
	px_local_wait(call, session, &call->until, answer_wait);
	return 0;
}

static void
refuse_nomem(struct px_local_call *call, struct px_heard *heard)
{
	struct px_err err;

	px_heard_free(heard);
	px_fail(&err, PX_E_NOMEM, "memory is out");
	px_local_refuse(call, &err);
}

static void
answer_finish(struct px_local_call *call, enum px_reason reason)
{
	struct px_answer *answer;
	struct px_heard *heard;

	if (refused_if_gone(call, reason))
		return;
	heard = px_local_answer_new(call);
	answer = &heard->event.answer;
	px_fill_wait(&answer->finish.wait, call->target, reason);
	if ((call->method == PX_DO_RUN &&
		!px_fill_started(heard, &answer->finish.start, call->target)) ||
	    !px_fill_snapshot(heard, &answer->finish.snapshot, call->target)) {
		refuse_nomem(call, heard);
		return;
	}
	answer->finish.start.existing = call->existing;
	px_local_answer(call, heard);
}

static void
finish_later(struct px_local_call *call, struct px_session *session)
{
	struct px_wait_until until = px_wait_until_exit;

	until.timeout_ms = call->timeout_ms;
	px_local_wait(call, session, &until, answer_finish);
}

/* ---- starting ---- */

static struct px_session *
session_start(struct px_local_call *call, struct px_err *err)
{
	struct px_local *local = call->local;
	struct px_session_request req = { .id = call->session,
		.id_len = call->session != NULL ? strlen(call->session) : 0,
		.spec = &call->spec,
		.on_disconnect = call->on_disconnect,
		.starter = &local->member,
		.trace = call->trace };
	struct px_session *session;

	if (px_session_start(local->member.workspace, &req, &session, &call->existing, err) == -1)
		return NULL;
	return session;
}

static int
start_run(struct px_local_call *call, struct px_err *err)
{
	struct px_session *session = session_start(call, err);
	struct px_local *local = call->local;
	struct px_heard *heard;
	bool fresh;

	if (session == NULL)
		return -1;
	fresh = !call->existing || px_follow_find(local, session) == NULL;
	if (fresh)
		px_follow_new(local, session);
	heard = px_local_answer_new(call);
	heard->event.answer.start.existing = call->existing;
	if (px_fill_started(heard, &heard->event.answer.start, session))
		px_local_answer(call, heard);
	else
		refuse_nomem(call, heard);
	if (fresh && local->started_events)
		px_follow_tell_started(local, session);
	px_follow_pump(local, session);
	return 0;
}

static size_t
write_id_len(const struct px_local_call *call)
{
	return call->write_id != NULL ? strlen(call->write_id) : 0;
}

static int
feed(struct px_local_call *call, struct px_session *session, struct px_err *err)
{
	return px_session_feed(
	    session, call->data, call->len, call->write_id, write_id_len(call), err);
}

static int
run_run(struct px_local_call *call, struct px_err *err)
{
	struct px_session *session = session_start(call, err);
	struct px_err ignored;

	if (session == NULL)
		return -1;
	/* A program that ends without reading its input has not failed. */
	if (!call->existing)
		(void)feed(call, session, &ignored);
	finish_later(call, session);
	return 0;
}

static int
communicate_run(struct px_local_call *call, struct px_err *err)
{
	struct px_session *session = px_local_session(call, err);

	if (session == NULL || feed(call, session, err) == -1)
		return -1;
	finish_later(call, session);
	return 0;
}

/* ---- input ---- */

static void
input_done(void *arg, const struct px_err *err)
{
	struct px_local_call *call = arg;

	px_local_unhold(call);
	if (err != NULL)
		px_local_refuse(call, err);
	else
		px_local_answer_empty(call);
}

/* 'result' is what the operation returned, which has set 'op'. */
static int
await_input(struct px_local_call *call, int result, bool keep)
{
	if (result == -1)
		return -1;
	call->keeps_op = keep;
	if (result == 1)
		px_local_answer_empty(call);
	else
		px_local_hold(call);
	return 0;
}

static int
write_run(struct px_local_call *call, struct px_err *err)
{
	struct px_session *session = px_local_session(call, err);

	if (session == NULL)
		return -1;
	return await_input(call,
	    px_session_write(session, call->data, call->len, call->write_id, write_id_len(call),
		input_done, call, &call->op, err),
	    call->write_id != NULL);
}

static int
close_stdin_run(struct px_local_call *call, struct px_err *err)
{
	struct px_session *session = px_local_session(call, err);

	if (session == NULL)
		return -1;
	return await_input(call,
	    px_session_close_stdin(
		session, call->write_id, write_id_len(call), input_done, call, &call->op, err),
	    true);
}

static int
resize_run(struct px_local_call *call, struct px_err *err)
{
	struct px_session *session = px_local_session(call, err);

	if (session == NULL)
		return -1;
	return await_input(call,
	    px_session_resize(session, call->rows, call->cols, input_done, call, &call->op, err),
	    false);
}

/* ---- ending ---- */

static int
signal_run(struct px_local_call *call, struct px_err *err)
{
	struct px_session *session = px_local_session(call, err);
	struct px_heard *heard;
	int sig;

	if (session == NULL || (sig = px_signal_parse(call->signal, err)) == -1)
		return -1;
	heard = px_local_answer_new(call);
	heard->event.answer.signal.delivered = px_session_signal(session, sig);
	px_local_answer(call, heard);
	return 0;
}

static void
answer_terminate(struct px_local_call *call, bool running)
{
	struct px_heard *heard = px_local_answer_new(call);

	heard->event.answer.terminate.running = running;
	px_local_answer(call, heard);
}

/* The session may even be gone by now. */
static void
answer_terminated(struct px_local_call *call, enum px_reason reason)
{
	(void)reason;
	answer_terminate(call, true);
}

static int
terminate_run(struct px_local_call *call, struct px_err *err)
{
	struct px_session *session = px_local_session(call, err);
	bool force = call->grace_ms == PX_TERMINATE_FORCE, running;
	int64_t grace = call->grace_ms == PX_TERMINATE_GRACE
			    ? px_core_options(call->local->core)->grace_ms
			    : call->grace_ms;

	if (session == NULL)
		return -1;
	running = px_session_terminate(session, force ? 0 : grace, PX_CAUSE_CLIENT);
	if (!running || force)
		answer_terminate(call, running);
	else
		px_local_wait(call, session, &px_wait_until_exit, answer_terminated);
	return 0;
}

static int
release_run(struct px_local_call *call, struct px_err *err)
{
	struct px_session *session = px_local_session(call, err);

	if (session == NULL || px_session_release(session, err) == -1)
		return -1;
	px_local_answer_empty(call);
	return 0;
}

/* ---- following ---- */

static void
answer_subscription(struct px_local_call *call, struct px_session *session, uint64_t lost)
{
	struct px_heard *heard = px_local_answer_new(call);

	heard->event.answer.subscribe.next_seq = px_fill_next_seq(session);
	heard->event.answer.subscribe.lost_bytes = (int64_t)lost;
	px_local_answer(call, heard);
}

static int
subscribe_run(struct px_local_call *call, struct px_err *err)
{
	struct px_session *session = px_local_session(call, err);
	struct px_local *local = call->local;
	uint64_t after;

	if (session == NULL)
		return -1;
	after = call->after_seq >= 0 ? (uint64_t)call->after_seq
				     : (uint64_t)px_fill_next_seq(session) - 1;
	answer_subscription(call, session, px_follow_add(local, session, after));
	px_follow_pump(local, session);
	return 0;
}

static int
unsubscribe_run(struct px_local_call *call, struct px_err *err)
{
	struct px_session *session = px_local_session(call, err);

	if (session == NULL)
		return -1;
	px_follow_remove(call->local, session);
	answer_subscription(call, session, 0);
	return 0;
}

/* ---- all of them ---- */

void
px_local_run(struct px_local_call *call)
{
	static px_local_method_fn *const methods[PX_DO_COUNT] = {
		[PX_DO_START] = start_run,
		[PX_DO_RUN] = run_run,
		[PX_DO_COMMUNICATE] = communicate_run,
		[PX_DO_WRITE] = write_run,
		[PX_DO_CLOSE_STDIN] = close_stdin_run,
		[PX_DO_RESIZE] = resize_run,
		[PX_DO_SIGNAL] = signal_run,
		[PX_DO_TERMINATE] = terminate_run,
		[PX_DO_RELEASE] = release_run,
		[PX_DO_WAIT] = wait_run,
		[PX_DO_SNAPSHOT] = px_local_snapshot,
		[PX_DO_READ] = px_local_read,
		[PX_DO_SUBSCRIBE] = subscribe_run,
		[PX_DO_UNSUBSCRIBE] = unsubscribe_run,
		[PX_DO_LIST] = px_local_list,
		[PX_DO_INSPECT] = px_local_inspect,
		[PX_DO_INFO] = px_local_info,
	};
	px_local_method_fn *run = call->task != NULL ? px_local_file : methods[call->method];
	struct px_err err;

	if (run(call, &err) == -1)
		px_local_refuse(call, &err);
}

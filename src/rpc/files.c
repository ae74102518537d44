#include "rpc/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "base/json_out.h"
#include "base/mem.h"
#include "fs/handles.h"
#include "fs/let_go.h"
#include "fs/pool.h"
#include "fs/rules.h"
#include "net/conn.h"
#include "rpc/call.h"
#include "rpc/file_room.h"
#include "rpc/file_watch.h"
#include "sandbox/view.h"

enum { ENTRY_BYTES = 40 /* of JSON around a name, about */ };

struct px_file_job *
px_file_job_new(struct px_call *call, const struct px_fs_op *op)
{
	struct px_file_job *job = px_new(struct px_file_job);

	job->call = call;
	job->pool = call->peer->rpc->files;
	job->task.op = op;
	job->task.max = call->peer->rpc->max_file_bytes;
	return job;
}

void
px_file_job_free(struct px_file_job *job)
{
	px_file_room_leave(job);
	px_handles_let_go(job->pool, NULL, px_fs_task_give_handle(&job->task));
	px_fs_task_done(&job->task);
	px_policy_done(&job->policy);
	if (job->result != NULL)
		evbuffer_free(job->result);
	free(job);
}

void
px_file_os_error(int sys, char *out, size_t size)
{
	const char *reason = strerrordesc_np(sys);

	snprintf(out, size, "%s (os error %d)", reason != NULL ? reason : "Unknown error", sys);
}

static void
job_fail(struct px_file_job *job)
{
	struct px_err *err = &job->err;

	px_fs_task_undo(&job->task, job->call->peer->handles);
	if (err->sys != 0 && job->call->peer->dialect->bare_os_errors)
		px_file_os_error(err->sys, err->text, sizeof err->text);
	px_call_fail(job->call, err);
}

/* The answers of a batch wait for each other, and may not become too much by that. */
static void
job_fit_batch(struct px_file_job *job)
{
	const struct px_call *call = job->call;
	size_t sum;

	if (call->batch == NULL || job->result == NULL || job->task.op->alters)
		return;
	sum = px_batch_bytes(call->batch) + evbuffer_get_length(job->result);
	if (sum > call->peer->rpc->max_message_bytes)
		job->has_failed = px_fail(&job->err, PX_E_OVERLOADED,
				      "the answers of this batch hold %zu bytes", sum) == -1;
}

static void
job_answer(struct px_file_job *job)
{
	struct px_peer *peer = job->call->peer;
	struct px_json_out *json;

	job_fit_batch(job);
	if (job->has_failed) {
		job_fail(job);
	} else if (job->result == NULL) {
		px_call_empty(job->call);
	} else {
		json = px_call_result(job->call);
		px_json_put_buffer(json, job->result);
		px_call_end(job->call);
	}
	px_file_room_answered(job);
	px_peer_files_answered(peer);
	/* Answers that nobody takes: those that follow are not even sought. */
	if (px_conn_congested(peer->conn))
		px_pool_owner_hold(peer->files, true);
}

/* ---- beside the loop ---- */

/* A long list takes as long to write as to find, so it is not left to the loop. */
static void
job_encode(struct px_file_job *job)
{
	struct px_json_out *json = px_json_out_new();

	job->result = evbuffer_new();
	px_json_out_begin(json, job->result);
	px_json_open(json);
	job->put(&job->task, json);
	px_json_close(json);
	px_json_out_free(json);
}

/* Where the policy's paths lead is looked up at the last moment. */
static int
job_run_confined(struct px_file_job *job)
{
	struct px_view view;
	struct px_fs_rule *list;
	size_t count;
	int result;

	if (px_view_make(&job->policy, &view, &job->err) == -1)
		return -1;
	list = px_view_rules(&view, &count);
	job->task.scope.rules = &(struct px_fs_rules){ list, count };
	result = px_fs_task_run(&job->task, &job->err);
	job->task.scope.rules = NULL;
	free(list);
	px_view_done(&view);
	return result;
}

static int
job_claim(void *arg, size_t bytes, struct px_err *err)
{
	return px_file_room_claim(arg, bytes, err);
}

/* Lists are as long as they are found to be, so room for them is sought last. */
static int
job_claim_lists(struct px_file_job *job)
{
	const struct px_fs_task *task = &job->task;
	const struct px_names *lists[] = { &task->names, &task->walked.entries,
		&task->walked.errors };
	size_t sum = 0;

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		sum += lists[i]->used + lists[i]->count * ENTRY_BYTES;
	return px_file_room_claim(job, sum, &job->err);
}

static bool
job_run(void *arg, const atomic_bool *stop)
{
	struct px_file_job *job = arg;
	struct px_fs_task *task = &job->task;

	task->scope.stop = stop;
	task->scope.claim = job_claim;
	task->scope.claim_arg = job;
	job->lacks = 0;
	job->has_failed =
	    (job->confined ? job_run_confined(job) : px_fs_task_run(task, &job->err)) == -1 ||
	    job_claim_lists(job) == -1;
	if (!job->has_failed && job->put != NULL && px_fs_go_on(&task->scope, NULL) == 0)
		job_encode(job);
	px_fs_task_drop(task);
	px_file_room_settle(job, job->result != NULL ? evbuffer_get_length(job->result) : 0);
	if (job->lacks > 0 && !job->refused && px_fs_go_on(&task->scope, NULL) == 0)
		return false;
	px_fs_task_leave(task, job->has_failed);
	return true;
}

static void
job_paused(void *arg, struct px_pool_job *paused)
{
	px_file_room_wait(arg, paused);
}

static void
job_done(void *arg, bool cancelled)
{
	struct px_file_job *job = arg;

	if (job->call != NULL && !cancelled)
		job_answer(job);
	px_file_job_free(job);
}

/* The answer is not wanted any more; what has begun ends with its owner. */
static void
job_cancel(void *arg)
{
	struct px_file_job *job = arg;

	job->call = NULL;
}

int
px_peer_files_begin(struct px_peer *peer, struct px_err *err)
{
	if (peer->rpc->files == NULL)
		return px_fail(err, PX_E_FORBIDDEN, "this server does nothing to files");
	if (px_pool_check(peer->rpc->files, err) == -1)
		return -1;
	if (peer->files == NULL) {
		peer->files = px_pool_owner_new(peer->rpc->files);
		peer->file_share = px_file_share_new(peer->rpc->file_room);
	}
	return 0;
}

int
px_file_job_start(struct px_file_job *job, struct px_err *err)
{
	static const struct px_pool_work look = {
		.run = job_run, .paused = job_paused, .done = job_done
	};
	static const struct px_pool_work alter = {
		.run = job_run, .paused = job_paused, .done = job_done, .alters = true
	};
	struct px_peer *peer = job->call->peer;

	if (px_peer_files_begin(peer, err) == 0) {
		job->share = px_file_share_ref(peer->file_share);
		/* The answers of a batch are kept until the last of them is there. Reading a whole
		 * file takes a byte more, to find its end. */
		job->unclaimed = job->call->batch == NULL ? PX_HANDLE_BLOCK_MAX + 1 : 0;
	}
	if (job->share == NULL ||
	    px_pool_submit(peer->files, job->task.op->alters ? &alter : &look, job, err) == -1) {
		px_fs_task_undo(&job->task, peer->handles);
		px_file_job_free(job);
		return -1;
	}
	px_call_defer(job->call, job_cancel, job);
	return 0;
}

/* ---- a connection's ---- */

struct px_handles *
px_peer_handles(struct px_peer *peer)
{
	if (peer->handles == NULL)
		peer->handles = px_handles_new(PX_HANDLES_MAX);
	return peer->handles;
}

void
px_peer_files_answered(struct px_peer *peer)
{
	if (peer->files != NULL && !px_conn_congested(peer->conn) && TAILQ_EMPTY(&peer->batches))
		px_file_share_sent(peer->file_share);
}

void
px_peer_files_drained(struct px_peer *peer)
{
	if (peer->files == NULL)
		return;
	px_pool_owner_hold(peer->files, false);
	px_peer_files_answered(peer);
}

void
px_peer_files_end(struct px_peer *peer)
{
	px_file_watch_end(peer);
	if (peer->files != NULL) {
		px_pool_owner_free(peer->files);
		px_file_share_sent(peer->file_share);
		px_file_share_unref(peer->file_share);
	}
	peer->files = NULL;
	peer->file_share = NULL;
	px_handles_let_go(peer->rpc->files, peer->handles, NULL);
	peer->handles = NULL;
}

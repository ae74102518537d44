#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fs/let_go.h"
#include "fs/pool.h"
#include "fs/task.h"
#include "local/state.h"

/* Requests about files: tasks as the server has them, on threads beside the core's. */

enum {
	THREADS = 4,
	PATIENCE_MS = 2000 /* at the end, for one that a dead file system holds */
};

/* In the core's thread, but for what 'run' does to all but the call. */
struct px_local_job {
	struct px_local_call *call; /* NULL: it was answered without */
	struct px_pool *pool;
	struct px_fs_task *task;
	struct px_heard *heard; /* the answer */
	struct px_err err;
	bool has_failed;
};

/* ---- in the caller's thread ---- */

static const struct px_fs_op *
op_of(enum px_method_id method)
{
	static const struct px_fs_op *const ops[PX_DO_COUNT] = {
		[PX_DO_STAT] = &px_fs_op_stat,
		[PX_DO_CANONICALIZE] = &px_fs_op_canonicalize,
		[PX_DO_READ_FILE] = &px_fs_op_read,
		[PX_DO_WRITE_FILE] = &px_fs_op_write,
		[PX_DO_MAKE_DIRECTORY] = &px_fs_op_make,
		[PX_DO_REMOVE] = &px_fs_op_remove,
		[PX_DO_COPY] = &px_fs_op_copy,
		[PX_DO_READ_DIRECTORY] = &px_fs_op_list,
		[PX_DO_WALK] = &px_fs_op_walk,
		[PX_DO_OPEN_FILE] = &px_fs_op_open,
		[PX_DO_READ_BLOCK] = &px_fs_op_read_block,
		[PX_DO_WRITE_BLOCK] = &px_fs_op_write_block,
		[PX_DO_CLOSE_FILE] = &px_fs_op_close,
	};

	return ops[method];
}

static uint64_t
or_else(int64_t number, uint64_t otherwise)
{
	return number > 0 ? (uint64_t)number : otherwise;
}

static void
task_set_walk(struct px_fs_task *task, const struct px_walk *walk)
{
	task->walk = (struct px_fs_walk){
		.max_depth = or_else(walk->levels, UINT64_MAX) - 1,
		.max_directories = or_else(walk->max_directories, PX_FS_WALK_DIRECTORIES),
		.max_entries = or_else(walk->max_entries, PX_FS_WALK_ENTRIES),
		.follow_directories = walk->follow_directories,
		.prune_hidden = walk->prune_hidden,
	};
}

static bool
task_set_data(struct px_fs_task *task, const struct px_request *from)
{
	task->len = from->data != NULL ? from->len : from->files->len;
	if (from->data == NULL)
		return true;
	/* One more, so that nothing is something. */
	if ((task->data = malloc(from->len + 1)) == NULL)
		return false;
	memcpy(task->data, from->data, from->len);
	return true;
}

struct px_fs_task *
px_local_task_new(const struct px_request *from)
{
	const struct px_file_request *files = from->files;
	struct px_fs_task *task = calloc(1, sizeof *task);

	if (task == NULL || !task_set_data(task, from)) {
		free(task);
		return NULL;
	}
	task->op = op_of(from->method);
	task->scope.no_follow = (files->flags & PX_FILE_NO_FOLLOW) != 0;
	task->all = (files->flags & PX_FILE_RECURSIVE) != 0;
	task->force = (files->flags & (PX_FILE_FORCE | PX_FILE_DISCARD)) != 0;
	task->max = PX_LOCAL_FILE_BYTES;
	task->offset = files->offset;
	task_set_walk(task, &files->walk);
	if (files->path != NULL)
		px_fs_task_set_path(task->path, files->path, strlen(files->path));
	if (files->to != NULL)
		px_fs_task_set_path(task->to, files->to, strlen(files->to));
	return task;
}

void
px_local_task_free(struct px_fs_task *task)
{
	if (task == NULL)
		return;
	px_fs_task_done(task);
	free(task);
}

/* ---- on a thread ---- */

static enum px_file_kind
kind_of(int tag)
{
	return tag == PX_FS_FILE        ? PX_KIND_FILE
	       : tag == PX_FS_DIRECTORY ? PX_KIND_DIRECTORY
					: PX_KIND_OTHER;
}

/* The texts in one block, where each is as far from the beginning as it was. */
static const char *
copy_texts(struct px_heard *heard, const struct px_names *names)
{
	return px_heard_copy(heard, names->text, names->used);
}

static bool
fill_entries(struct px_heard *heard, struct px_file_list *out, const struct px_names *names)
{
	struct px_file_entry *entries = px_heard_alloc(heard, names->count * sizeof *entries);
	const char *texts = copy_texts(heard, names);

	if (entries == NULL || texts == NULL)
		return false;
	for (size_t i = 0; i < names->count; i++) {
		entries[i].name = texts + names->list[i].at;
		entries[i].kind = kind_of(names->list[i].tag);
	}
	out->entries = entries;
	out->nentries = names->count;
	return true;
}

static bool
fill_failures(struct px_heard *heard, struct px_file_list *out, const struct px_names *names)
{
	struct px_file_failure *failures = px_heard_alloc(heard, names->count * sizeof *failures);
	const char *texts = copy_texts(heard, names);

	if (failures == NULL || texts == NULL)
		return false;
	for (size_t i = 0; i < names->count; i++) {
		failures[i].path = texts + names->list[i].at;
		failures[i].sys = names->list[i].tag;
	}
	out->failures = failures;
	out->nfailures = names->count;
	return true;
}

static bool
fill_content(struct px_heard *heard, struct px_file_content *out, const struct px_fs_task *task)
{
	out->data = px_heard_copy(heard, task->data, task->got);
	out->len = task->got;
	out->eof = task->op == &px_fs_op_read_block && task->got < task->len;
	return out->data != NULL;
}

static void
fill_metadata(struct px_file_metadata *out, const struct px_fs_meta *meta)
{
	*out = (struct px_file_metadata){ .kind = kind_of((int)meta->kind),
		.is_symlink = meta->is_link,
		.mode = meta->mode,
		.size = meta->size,
		.modified_at_ms = meta->modified_ms };
}

/* False: memory is out. */
static bool
job_fill(struct px_local_job *job)
{
	struct px_answer *answer = &job->heard->event.answer;
	const struct px_fs_task *task = job->task;
	const struct px_fs_op *op = task->op;

	if (op == &px_fs_op_stat)
		fill_metadata(&answer->metadata, &task->meta);
	else if (op == &px_fs_op_canonicalize)
		return (answer->canonical.path =
			       px_heard_copy(job->heard, task->path, strlen(task->path))) != NULL;
	else if (op == &px_fs_op_read || op == &px_fs_op_read_block)
		return fill_content(job->heard, &answer->content, task);
	else if (op == &px_fs_op_list)
		return fill_entries(job->heard, &answer->files, &task->names);
	else if (op == &px_fs_op_walk) {
		answer->files.truncated = task->walked.truncated;
		return fill_entries(job->heard, &answer->files, &task->walked.entries) &&
		       fill_failures(job->heard, &answer->files, &task->walked.errors);
	}
	return true;
}

static bool
job_run(void *arg, const atomic_bool *stop)
{
	struct px_local_job *job = arg;

	job->task->scope.stop = stop;
	job->has_failed = px_fs_task_run(job->task, &job->err) == -1;
	if (!job->has_failed && !job_fill(job))
		job->has_failed = px_fail(&job->err, PX_E_NOMEM, "memory is out") == -1;
	px_fs_task_drop(job->task);
	px_fs_task_leave(job->task, job->has_failed);
	return true;
}

/* ---- in the core's thread ---- */

/* Takes the call's task. */
static struct px_local_job *
job_new(struct px_local_call *call)
{
	struct px_local_job *job = px_new(struct px_local_job);

	job->call = call;
	job->pool = call->local->files.pool;
	job->task = call->task;
	call->task = NULL;
	job->heard = px_local_answer_new(call);
	return job;
}

static void
job_free(struct px_local_job *job)
{
	px_handles_let_go(job->pool, NULL, px_fs_task_give_handle(job->task));
	px_heard_free(job->heard);
	px_local_task_free(job->task);
	free(job);
}

static void
job_answer(struct px_local_job *job)
{
	struct px_local_call *call = job->call;
	struct px_heard *heard = job->heard;

	px_local_unhold(call);
	if (job->has_failed) {
		px_fs_task_undo(job->task, call->local->files.handles);
		px_local_refuse(call, &job->err);
		return;
	}
	job->heard = NULL;
	px_local_answer(call, heard);
}

static void
job_done(void *arg, bool cancelled)
{
	struct px_local_job *job = arg;

	if (job->call != NULL && !cancelled)
		job_answer(job);
	job_free(job);
}

void
px_local_job_forget(struct px_local_job *job)
{
	job->call = NULL;
}

static int
files_begin(struct px_local *local, struct px_err *err)
{
	static const struct px_pool_limits limits = { THREADS, PX_LOCAL_FILE_REQUESTS };
	struct px_local_files *files = &local->files;

	if (files->pool != NULL)
		return 0;
	if ((files->pool = px_pool_new(local->base, &limits, err)) == NULL)
		return -1;
	files->owner = px_pool_owner_new(files->pool);
	files->handles = px_handles_new(PX_HANDLES_MAX);
	return 0;
}

/* What it opens is known by the call's number. 1: there is nothing to do. */
static int
take_handle(struct px_local_call *call, struct px_err *err)
{
	struct px_handles *handles = call->local->files.handles;
	char id[24];

	snprintf(
	    id, sizeof id, "%" PRId64, call->method == PX_DO_OPEN_FILE ? call->id : call->file);
	if (call->method == PX_DO_OPEN_FILE)
		return px_fs_task_add_handle(call->task, handles, id,
		    call->replaces ? PX_HANDLE_REPLACE : PX_HANDLE_READ, err);
	if (call->method == PX_DO_CLOSE_FILE)
		return px_fs_task_take_handle(call->task, handles, id) ? 0 : 1;
	return call->file > 0 ? px_fs_task_get_handle(call->task, handles, id, err) : 0;
}

int
px_local_file(struct px_local_call *call, struct px_err *err)
{
	static const struct px_pool_work look = { .run = job_run, .done = job_done };
	static const struct px_pool_work alter = {
		.run = job_run, .done = job_done, .alters = true
	};
	struct px_local *local = call->local;
	struct px_local_job *job;
	int result;

	if (files_begin(local, err) == -1 || (result = take_handle(call, err)) == -1)
		return -1;
	if (result == 1) {
		px_local_answer_empty(call);
		return 0;
	}
	job = job_new(call);
	if (px_pool_submit(local->files.owner, job->task->op->alters ? &alter : &look, job, err) ==
	    -1) {
		px_fs_task_undo(job->task, local->files.handles);
		job_free(job);
		return -1;
	}
	call->job = job;
	px_local_hold(call);
	return 0;
}

void
px_local_files_stop(struct px_local *local)
{
	px_pool_owner_free(local->files.owner);
	px_handles_let_go(local->files.pool, local->files.handles, NULL);
}

void
px_local_files_end(struct px_local *local)
{
	px_pool_free(local->files.pool, PATIENCE_MS);
}

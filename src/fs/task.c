#include "fs/task.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is looked at ---- */

static int
stat_run(struct px_fs_task *task, struct px_err *err)
{
	return px_fs_stat(&task->scope, task->path, &task->meta, err);
}

static int
canonicalize_run(struct px_fs_task *task, struct px_err *err)
{
	return px_fs_canonicalize(&task->scope, task->path, task->path, err);
}

static int
read_run(struct px_fs_task *task, struct px_err *err)
{
	return px_fs_read(&task->scope, task->path, task->max, &task->data, &task->got, err);
}

static int
list_run(struct px_fs_task *task, struct px_err *err)
{
	return px_fs_list(&task->scope, task->path, PX_FS_LIST_MAX, &task->names, err);
}

static int
walk_run(struct px_fs_task *task, struct px_err *err)
{
	return px_fs_walk(&task->scope, task->path, &task->walk, &task->walked, err);
}

const struct px_fs_op px_fs_op_stat = { .run = stat_run };
const struct px_fs_op px_fs_op_canonicalize = { .run = canonicalize_run };
const struct px_fs_op px_fs_op_read = { .run = read_run };
const struct px_fs_op px_fs_op_list = { .run = list_run };
const struct px_fs_op px_fs_op_walk = { .run = walk_run };

/* ---- what is changed ---- */

static int
write_run(struct px_fs_task *task, struct px_err *err)
{
	return px_fs_write(&task->scope, task->path, task->data, task->len, err);
}

static int
make_run(struct px_fs_task *task, struct px_err *err)
{
	return px_fs_make_directory(&task->scope, task->path, task->all, err);
}

static int
remove_run(struct px_fs_task *task, struct px_err *err)
{
	return px_fs_remove(&task->scope, task->path, task->all, task->force, err);
}

static int
copy_run(struct px_fs_task *task, struct px_err *err)
{
	return px_fs_copy(&task->scope, task->path, task->to, task->all, err);
}

const struct px_fs_op px_fs_op_write = { .run = write_run, .alters = true };
const struct px_fs_op px_fs_op_make = { .run = make_run, .alters = true };
const struct px_fs_op px_fs_op_remove = { .run = remove_run, .alters = true };
const struct px_fs_op px_fs_op_copy = { .run = copy_run, .alters = true };

/* ---- open files ---- */

static int
open_run(struct px_fs_task *task, struct px_err *err)
{
	return px_handle_open(task->handle, &task->scope, task->path, err);
}

static int
read_block_run(struct px_fs_task *task, struct px_err *err)
{
	size_t room = task->len <= PX_HANDLE_BLOCK_MAX ? task->len : PX_HANDLE_BLOCK_MAX;

	if (px_fs_claim(&task->scope, room, err) == -1)
		return -1;
	if ((task->data = malloc(room + 1)) == NULL)
		return px_fail(err, PX_E_NOMEM, "no memory for a block of %zu bytes", room);
	return px_handle_read(task->handle, task->offset, task->len, task->data, &task->got, err);
}

static int
write_block_run(struct px_fs_task *task, struct px_err *err)
{
	return px_handle_write(task->handle, task->offset, task->data, task->len, err);
}

/* Some file systems write what is left only now. */
static int
close_run(struct px_fs_task *task, struct px_err *err)
{
	int result = task->force ? 0 : px_handle_finish(task->handle, err);

	px_handle_unref(px_fs_task_give_handle(task));
	return result;
}

/* To read is to open, too: what follows it must find it open. */
const struct px_fs_op px_fs_op_open = { .run = open_run, .alters = true };
const struct px_fs_op px_fs_op_read_block = { .run = read_block_run };
const struct px_fs_op px_fs_op_write_block = { .run = write_block_run, .alters = true };
const struct px_fs_op px_fs_op_close = { .run = close_run, .alters = true };

int
px_fs_task_add_handle(struct px_fs_task *task, struct px_handles *handles, const char *id,
    enum px_handle_mode mode, struct px_err *err)
{
	task->handle = px_handles_add(handles, id, mode, err);
	return task->handle != NULL ? 0 : -1;
}

int
px_fs_task_get_handle(
    struct px_fs_task *task, const struct px_handles *handles, const char *id, struct px_err *err)
{
	task->handle = px_handles_get(handles, id, err);
	return task->handle != NULL ? 0 : -1;
}

bool
px_fs_task_take_handle(struct px_fs_task *task, struct px_handles *handles, const char *id)
{
	task->handle = px_handles_take(handles, id);
	return task->handle != NULL;
}

void
px_fs_task_undo(const struct px_fs_task *task, struct px_handles *handles)
{
	if (task->op == &px_fs_op_open && task->handle != NULL)
		px_handles_drop(handles, task->handle);
}

/* ---- any task ---- */

void
px_fs_task_set_path(char out[PATH_MAX], const char *path, size_t len)
{
	while (len > 1 && path[len - 1] == '/')
		len--;
	memcpy(out, path, len);
	out[len] = '\0';
}

int
px_fs_task_run(struct px_fs_task *task, struct px_err *err)
{
	if (task->op->run(task, err) == 0)
		return 0;
	if (err->code == PX_E_IO && err->sys == ENOENT)
		err->code = PX_E_NO_FILE;
	return -1;
}

void
px_fs_task_drop(struct px_fs_task *task)
{
	px_names_done(&task->names);
	px_fs_walked_done(&task->walked);
	free(task->data);
	task->data = NULL;
}

void
px_fs_task_leave(struct px_fs_task *task, bool has_failed)
{
	if (!has_failed || task->op != &px_fs_op_open)
		px_handle_unref(px_fs_task_give_handle(task));
}

struct px_handle *
px_fs_task_give_handle(struct px_fs_task *task)
{
	struct px_handle *handle = task->handle;

	task->handle = NULL;
	return handle;
}

void
px_fs_task_done(struct px_fs_task *task)
{
	px_handle_unref(px_fs_task_give_handle(task));
	px_fs_task_drop(task);
}

#include "rpc/file_ops.h"

#include <stdlib.h>

#include "base/base64.h"
#include "base/fields.h"
#include "base/json_out.h"
#include "fs/handles.h"
#include "rpc/call.h"
#include "rpc/file_room.h"

enum { LIST_MAX = 1000000 };

/* ---- content ---- */

static int
job_take_data(struct px_file_job *job, const struct px_str *base64, enum px_code code,
    const char *what, struct px_err *err)
{
	int64_t len;

	/* One more, so that nothing is something. */
	if ((job->data = malloc(base64->len / 4 * 3 + 1)) == NULL)
		return px_fail(err, PX_E_NOMEM, "no memory for %zu characters", base64->len);
	len = px_base64_decode(base64->p, base64->len, (uint8_t *)job->data);
	if (len == -1)
		return px_fail(err, code, "%s", what);
	job->len = (size_t)len;
	return 0;
}

int
px_file_start_writing(struct px_file_job *job, const struct px_str *base64, enum px_code code,
    const char *what, struct px_err *err)
{
	if (job_take_data(job, base64, code, what, err) == 0)
		return px_file_job_start(job, err);
	px_file_job_free(job);
	return -1;
}

void
px_file_put_data(const struct px_file_job *job, struct px_json_out *json, const char *name)
{
	const struct px_piece piece = { job->data, job->got };

	px_json_key(json, name);
	px_json_put_base64(json, &piece, 1);
}

/* ---- what is looked at ---- */

static int
stat_run(struct px_file_job *job, struct px_err *err)
{
	return px_fs_stat(&job->scope, job->path, &job->meta, err);
}

static int
canonicalize_run(struct px_file_job *job, struct px_err *err)
{
	return px_fs_canonicalize(&job->scope, job->path, job->path, err);
}

static int
read_run(struct px_file_job *job, struct px_err *err)
{
	return px_fs_read(&job->scope, job->path, job->max, &job->data, &job->got, err);
}

static int
list_run(struct px_file_job *job, struct px_err *err)
{
	return px_fs_list(&job->scope, job->path, LIST_MAX, &job->names, err);
}

static int
walk_run(struct px_file_job *job, struct px_err *err)
{
	return px_fs_walk(&job->scope, job->path, &job->walk, &job->walked, err);
}

const struct px_file_op px_file_stat = { .run = stat_run };
const struct px_file_op px_file_canonicalize = { .run = canonicalize_run };
const struct px_file_op px_file_read = { .run = read_run };
const struct px_file_op px_file_list = { .run = list_run };
const struct px_file_op px_file_walk = { .run = walk_run };

/* ---- what is changed ---- */

static int
write_run(struct px_file_job *job, struct px_err *err)
{
	return px_fs_write(&job->scope, job->path, job->data, job->len, err);
}

static int
make_run(struct px_file_job *job, struct px_err *err)
{
	return px_fs_make_directory(&job->scope, job->path, job->all, err);
}

static int
remove_run(struct px_file_job *job, struct px_err *err)
{
	return px_fs_remove(&job->scope, job->path, job->all, job->force, err);
}

static int
copy_run(struct px_file_job *job, struct px_err *err)
{
	return px_fs_copy(&job->scope, job->path, job->to, job->all, err);
}

const struct px_file_op px_file_write = { .run = write_run, .alters = true };
const struct px_file_op px_file_make = { .run = make_run, .alters = true };
const struct px_file_op px_file_remove = { .run = remove_run, .alters = true };
const struct px_file_op px_file_copy = { .run = copy_run, .alters = true };

/* ---- open files ---- */

static int
open_run(struct px_file_job *job, struct px_err *err)
{
	return px_handle_open(job->handle, &job->scope, job->path, err);
}

static void
open_failed(struct px_file_job *job)
{
	px_handles_drop(px_peer_handles(job->call->peer), job->handle);
}

/* To read is to open, too: what follows it on the connection must find it open. */
const struct px_file_op px_file_opening = {
	.run = open_run, .failed = open_failed, .alters = true
};

int
px_file_open(struct px_file_job *job, const char *id, enum px_handle_mode mode, struct px_err *err)
{
	struct px_handles *handles = px_peer_handles(job->call->peer);

	job->handle = px_handles_add(handles, id, mode, err);
	if (job->handle == NULL) {
		px_file_job_free(job);
		return -1;
	}
	return px_file_job_start(job, err);
}

static struct px_file_job *
block_job(struct px_call *call, const struct px_file_op *op, const char *id, int64_t offset,
    struct px_err *err)
{
	struct px_handle *handle = px_handles_get(px_peer_handles(call->peer), id, err);
	struct px_file_job *job;

	if (handle == NULL)
		return NULL;
	job = px_file_job_new(call, op);
	job->handle = handle;
	job->offset = offset;
	return job;
}

static int
read_block_run(struct px_file_job *job, struct px_err *err)
{
	size_t room = job->len <= PX_HANDLE_BLOCK_MAX ? job->len : PX_HANDLE_BLOCK_MAX;

	if (px_file_room_claim(job, room, err) == -1)
		return -1;
	if ((job->data = malloc(room + 1)) == NULL)
		return px_fail(err, PX_E_NOMEM, "no memory for a block of %zu bytes", room);
	return px_handle_read(job->handle, job->offset, job->len, job->data, &job->got, err);
}

static void
read_block_put(const struct px_file_job *job, struct px_json_out *json)
{
	px_file_put_data(job, json, "chunk");
	px_json_kv_bool(json, "eof", job->got < job->len);
}

int
px_file_read_block(
    struct px_call *call, const char *id, int64_t offset, size_t len, struct px_err *err)
{
	static const struct px_file_op op = { .run = read_block_run };
	struct px_file_job *job = block_job(call, &op, id, offset, err);

	if (job == NULL)
		return -1;
	job->put = read_block_put;
	job->len = len;
	return px_file_job_start(job, err);
}

static int
write_block_run(struct px_file_job *job, struct px_err *err)
{
	return px_handle_write(job->handle, job->offset, job->data, job->len, err);
}

int
px_file_write_block(struct px_call *call, const char *id, int64_t offset,
    const struct px_str *base64, const char *what, struct px_err *err)
{
	static const struct px_file_op op = { .run = write_block_run, .alters = true };
	struct px_file_job *job = block_job(call, &op, id, offset, err);

	if (job == NULL)
		return -1;
	return px_file_start_writing(job, base64, PX_E_PARAMS, what, err);
}

/* Some file systems write what is left only now. */
static int
close_run(struct px_file_job *job, struct px_err *err)
{
	int result = job->force ? 0 : px_handle_finish(job->handle, err);

	px_handle_unref(job->handle);
	job->handle = NULL;
	return result;
}

int
px_file_close(struct px_call *call, const char *id, bool discard, struct px_err *err)
{
	static const struct px_file_op op = { .run = close_run, .alters = true };
	struct px_handle *handle = px_handles_take(px_peer_handles(call->peer), id);
	struct px_file_job *job;

	if (handle == NULL) {
		px_call_empty(call);
		return 0;
	}
	job = px_file_job_new(call, &op);
	job->handle = handle;
	job->force = discard;
	return px_file_job_start(job, err);
}

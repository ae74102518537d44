#include "rpc/file_ops.h"

#include <stdlib.h>

#include "base/base64.h"
#include "base/fields.h"
#include "base/json_out.h"
#include "rpc/call.h"

/* ---- content ---- */

static int
task_take_data(struct px_fs_task *task, const struct px_str *base64, enum px_code code,
    const char *what, struct px_err *err)
{
	int64_t len;

	/* One more, so that nothing is something. */
	if ((task->data = malloc(base64->len / 4 * 3 + 1)) == NULL)
		return px_fail(err, PX_E_NOMEM, "no memory for %zu characters", base64->len);
	len = px_base64_decode(base64->p, base64->len, (uint8_t *)task->data);
	if (len == -1)
		return px_fail(err, code, "%s", what);
	task->len = (size_t)len;
	return 0;
}

int
px_file_start_writing(struct px_file_job *job, const struct px_str *base64, enum px_code code,
    const char *what, struct px_err *err)
{
	if (task_take_data(&job->task, base64, code, what, err) == 0)
		return px_file_job_start(job, err);
	px_file_job_free(job);
	return -1;
}

void
px_file_put_data(const struct px_fs_task *task, struct px_json_out *json, const char *name)
{
	const struct px_piece piece = { task->data, task->got };

	px_json_key(json, name);
	px_json_put_base64(json, &piece, 1);
}

/* ---- open files ---- */

int
px_file_open(struct px_file_job *job, const char *id, enum px_handle_mode mode, struct px_err *err)
{
	struct px_handles *handles = px_peer_handles(job->call->peer);

	if (px_fs_task_add_handle(&job->task, handles, id, mode, err) == 0)
		return px_file_job_start(job, err);
	px_file_job_free(job);
	return -1;
}

static struct px_file_job *
block_job(struct px_call *call, const struct px_fs_op *op, const char *id, int64_t offset,
    struct px_err *err)
{
	struct px_file_job *job = px_file_job_new(call, op);

	job->task.offset = offset;
	if (px_fs_task_get_handle(&job->task, px_peer_handles(call->peer), id, err) == 0)
		return job;
	px_file_job_free(job);
	return NULL;
}

static void
read_block_put(const struct px_fs_task *task, struct px_json_out *json)
{
	px_file_put_data(task, json, "chunk");
	px_json_kv_bool(json, "eof", task->got < task->len);
}

int
px_file_read_block(
    struct px_call *call, const char *id, int64_t offset, size_t len, struct px_err *err)
{
	struct px_file_job *job = block_job(call, &px_fs_op_read_block, id, offset, err);

	if (job == NULL)
		return -1;
	job->put = read_block_put;
	job->task.len = len;
	return px_file_job_start(job, err);
}

int
px_file_write_block(struct px_call *call, const char *id, int64_t offset,
    const struct px_str *base64, const char *what, struct px_err *err)
{
	struct px_file_job *job = block_job(call, &px_fs_op_write_block, id, offset, err);

	if (job == NULL)
		return -1;
	return px_file_start_writing(job, base64, PX_E_PARAMS, what, err);
}

int
px_file_close(struct px_call *call, const char *id, bool discard, struct px_err *err)
{
	struct px_file_job *job = px_file_job_new(call, &px_fs_op_close);

	job->task.force = discard;
	if (px_fs_task_take_handle(&job->task, px_peer_handles(call->peer), id))
		return px_file_job_start(job, err);
	px_file_job_free(job);
	px_call_empty(call);
	return 0;
}

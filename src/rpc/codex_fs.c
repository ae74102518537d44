#include "rpc/codex_fs.h"

#include "fs/uri.h"
#include "rpc/file_ops.h"

/* fs/getMetadata, canonicalize, readFile, writeFile, createDirectory, remove, copy. */

int
px_codex_fs_job(struct px_call *call, const struct px_fs_op *op, const struct px_codex_fs_params *p,
    struct px_file_job **out, struct px_err *err)
{
	const char *tmpdir = call->peer->rpc->surroundings.tmpdir;
	struct px_file_job *job = px_file_job_new(call, op);
	int confined;

	job->task.scope.no_follow = p->follow.set && !p->follow.v;
	if ((p->path.p != NULL &&
		px_uri_to_path(p->path.p, p->path.len, job->task.path, err) == -1) ||
	    (p->to.p != NULL && px_uri_to_path(p->to.p, p->to.len, job->task.to, err) == -1) ||
	    (confined = px_codex_sandbox_read(
		 call, p->sandbox, job->task.path, tmpdir, &job->policy, err)) == -1) {
		px_file_job_free(job);
		return -1;
	}
	job->confined = confined == 1;
	*out = job;
	return 0;
}

/* A method that needs its path alone. */
static int
path_run(struct px_call *call, const struct px_fs_op *op,
    void (*put)(const struct px_fs_task *task, struct px_json_out *json), const void *params,
    struct px_err *err)
{
	struct px_file_job *job;

	if (px_codex_fs_job(call, op, params, &job, err) == -1)
		return -1;
	job->put = put;
	return px_file_job_start(job, err);
}

/* ---- metadata ---- */

static void
stat_put(const struct px_fs_task *task, struct px_json_out *json)
{
	px_json_kv_bool(json, "isDirectory", task->meta.kind == PX_FS_DIRECTORY);
	px_json_kv_bool(json, "isFile", task->meta.kind == PX_FS_FILE);
	px_json_kv_bool(json, "isSymlink", task->meta.is_link);
	px_json_kv_int(json, "size", task->meta.size);
	px_json_kv_int(json, "createdAtMs", 0);
	px_json_kv_int(json, "modifiedAtMs", task->meta.modified_ms);
}

static int
stat_run(struct px_call *call, const void *params, struct px_err *err)
{
	return path_run(call, &px_fs_op_stat, stat_put, params, err);
}

const struct px_method px_codex_fs_stat =
    PX_METHOD("fs/getMetadata", 0, px_codex_path_fields, px_codex_fs_params, stat_run);

static void
canonicalize_put(const struct px_fs_task *task, struct px_json_out *json)
{
	px_codex_put_path(json, "path", task->path);
}

static int
canonicalize_run(struct px_call *call, const void *params, struct px_err *err)
{
	return path_run(call, &px_fs_op_canonicalize, canonicalize_put, params, err);
}

const struct px_method px_codex_fs_canonicalize =
    PX_METHOD("fs/canonicalize", 0, px_codex_path_fields, px_codex_fs_params, canonicalize_run);

/* ---- whole files ---- */

static void
read_put(const struct px_fs_task *task, struct px_json_out *json)
{
	px_file_put_data(task, json, "dataBase64");
}

static int
read_run(struct px_call *call, const void *params, struct px_err *err)
{
	return path_run(call, &px_fs_op_read, read_put, params, err);
}

const struct px_method px_codex_fs_read =
    PX_METHOD("fs/readFile", 0, px_codex_path_fields, px_codex_fs_params, read_run);

static int
write_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct px_codex_fs_params *p = params;
	struct px_file_job *job;

	if (px_codex_fs_job(call, &px_fs_op_write, p, &job, err) == -1)
		return -1;
	return px_file_start_writing(job, &p->data, PX_E_REQUEST, CODEX_NO_BASE64, err);
}

static const struct px_field write_fields[] = {
	CODEX_FS_COMMON,
	CODEX_FIELD(px_codex_fs_params, path, "path", PX_F_STRING, .flags = PX_F_REQUIRED),
	CODEX_FIELD(px_codex_fs_params, data, "dataBase64", PX_F_STRING, .flags = PX_F_REQUIRED),
};

const struct px_method px_codex_fs_write =
    PX_METHOD("fs/writeFile", 0, write_fields, px_codex_fs_params, write_run);

/* ---- directories, removal, copies ---- */

static bool
is_true(const struct px_bool *value, bool otherwise)
{
	return value->set ? value->v : otherwise;
}

static int
flags_run(struct px_call *call, const struct px_fs_op *op, const void *params, struct px_err *err)
{
	const struct px_codex_fs_params *p = params;
	struct px_file_job *job;

	if (px_codex_fs_job(call, op, p, &job, err) == -1)
		return -1;
	job->task.all = is_true(&p->all, true);
	job->task.force = is_true(&p->force, true);
	return px_file_job_start(job, err);
}

static int
make_run(struct px_call *call, const void *params, struct px_err *err)
{
	return flags_run(call, &px_fs_op_make, params, err);
}

static const struct px_field flags_fields[] = {
	CODEX_FS_COMMON,
	CODEX_FIELD(px_codex_fs_params, path, "path", PX_F_STRING, .flags = PX_F_REQUIRED),
	CODEX_FIELD(px_codex_fs_params, all, "recursive", PX_F_BOOL, .flags = 0),
	CODEX_FIELD(px_codex_fs_params, force, "force", PX_F_BOOL, .flags = 0),
};

const struct px_method px_codex_fs_make =
    PX_METHOD("fs/createDirectory", 0, flags_fields, px_codex_fs_params, make_run);

static int
remove_run(struct px_call *call, const void *params, struct px_err *err)
{
	return flags_run(call, &px_fs_op_remove, params, err);
}

const struct px_method px_codex_fs_remove =
    PX_METHOD("fs/remove", 0, flags_fields, px_codex_fs_params, remove_run);

static int
copy_run(struct px_call *call, const void *params, struct px_err *err)
{
	return flags_run(call, &px_fs_op_copy, params, err);
}

static const struct px_field copy_fields[] = {
	CODEX_FS_COMMON,
	CODEX_FIELD(px_codex_fs_params, path, "sourcePath", PX_F_STRING, .flags = PX_F_REQUIRED),
	CODEX_FIELD(px_codex_fs_params, to, "destinationPath", PX_F_STRING, .flags = PX_F_REQUIRED),
	CODEX_FIELD(px_codex_fs_params, all, "recursive", PX_F_BOOL, .flags = PX_F_REQUIRED),
};

const struct px_method px_codex_fs_copy =
    PX_METHOD("fs/copy", 0, copy_fields, px_codex_fs_params, copy_run);

#include "rpc/v1_fs.h"

#include "base/json_path.h"

/* fs/getMetadata, canonicalize, readFile, writeFile, createDirectory, remove, copy, readDirectory,
 * walk. */

struct px_file_job *
px_v1_fs_job(struct px_call *call, const struct px_fs_op *op, const struct px_v1_fs_params *p)
{
	struct px_file_job *job = px_file_job_new(call, op);

	job->task.scope.no_follow = p->follow.set && !p->follow.v;
	if (p->path.p != NULL)
		px_fs_task_set_path(job->task.path, p->path.p, p->path.len);
	if (p->to.p != NULL)
		px_fs_task_set_path(job->task.to, p->to.p, p->to.len);
	job->task.all = p->recursive.v;
	job->task.force = p->force.v;
	return job;
}

/* A method that needs nothing else. */
static int
job_run(struct px_call *call, const struct px_fs_op *op,
    void (*put)(const struct px_fs_task *task, struct px_json_out *json), const void *params,
    struct px_err *err)
{
	struct px_file_job *job = px_v1_fs_job(call, op, params);

	job->put = put;
	return px_file_job_start(job, err);
}

static void
put_kind(struct px_json_out *json, int kind)
{
	static const char *const words[] = {
		[PX_FS_OTHER] = "other",
		[PX_FS_FILE] = "file",
		[PX_FS_DIRECTORY] = "directory",
	};

	px_json_kv_str(json, "kind", words[kind]);
}

/* ---- what is looked at ---- */

static const struct px_field path_fields[] = { V1_FS_PATH, V1_FS_FOLLOW };

static void
stat_put(const struct px_fs_task *task, struct px_json_out *json)
{
	put_kind(json, (int)task->meta.kind);
	px_json_kv_bool(json, "isSymlink", task->meta.is_link);
	px_json_kv_int(json, "size", task->meta.size);
	px_json_kv_int(json, "mode", task->meta.mode);
	px_json_kv_int(json, "modifiedAtMs", task->meta.modified_ms);
}

static int
stat_run(struct px_call *call, const void *params, struct px_err *err)
{
	return job_run(call, &px_fs_op_stat, stat_put, params, err);
}

const struct px_method px_v1_fs_stat = V1_FS_METHOD("fs/getMetadata", path_fields, stat_run);

static void
canonicalize_put(const struct px_fs_task *task, struct px_json_out *json)
{
	px_json_kv_path(json, "path", task->path);
}

static int
canonicalize_run(struct px_call *call, const void *params, struct px_err *err)
{
	return job_run(call, &px_fs_op_canonicalize, canonicalize_put, params, err);
}

const struct px_method px_v1_fs_canonicalize =
    V1_FS_METHOD("fs/canonicalize", path_fields, canonicalize_run);

static void
read_put(const struct px_fs_task *task, struct px_json_out *json)
{
	px_file_put_data(task, json, "chunk");
}

static int
read_run(struct px_call *call, const void *params, struct px_err *err)
{
	return job_run(call, &px_fs_op_read, read_put, params, err);
}

const struct px_method px_v1_fs_read = V1_FS_METHOD("fs/readFile", path_fields, read_run);

static void
list_put(const struct px_fs_task *task, struct px_json_out *json)
{
	px_json_key(json, "entries");
	px_json_open_array(json);
	for (size_t i = 0; i < task->names.count; i++) {
		px_json_open(json);
		px_json_kv_path(json, "name", px_names_text(&task->names, i));
		put_kind(json, task->names.list[i].tag);
		px_json_close(json);
	}
	px_json_close_array(json);
}

static int
list_run(struct px_call *call, const void *params, struct px_err *err)
{
	return job_run(call, &px_fs_op_list, list_put, params, err);
}

const struct px_method px_v1_fs_list = V1_FS_METHOD("fs/readDirectory", path_fields, list_run);

/* ---- walks ---- */

static const struct px_field walk_fields[] = {
	V1_FS_PATH,
	V1_FS_FOLLOW,
	V1_FS_FIELD(depth, "maxDepth", PX_F_INT, .max = INT64_MAX),
	V1_FS_FIELD(directories, "maxDirectories", PX_F_INT, .min = 1, .max = INT64_MAX),
	V1_FS_FIELD(entries, "maxEntries", PX_F_INT, .min = 1, .max = INT64_MAX),
	V1_FS_FIELD(follow_directories, "followDirectorySymlinks", PX_F_BOOL, .flags = 0),
	V1_FS_FIELD(prune, "pruneHiddenDirectories", PX_F_BOOL, .flags = 0),
};

static void
walk_put(const struct px_fs_task *task, struct px_json_out *json)
{
	const struct px_names *entries = &task->walked.entries, *errors = &task->walked.errors;

	px_json_key(json, "entries");
	px_json_open_array(json);
	for (size_t i = 0; i < entries->count; i++) {
		px_json_open(json);
		px_json_kv_path(json, "path", px_names_text(entries, i));
		put_kind(json, entries->list[i].tag);
		px_json_close(json);
	}
	px_json_close_array(json);
	px_json_key(json, "errors");
	px_json_open_array(json);
	for (size_t i = 0; i < errors->count; i++) {
		px_json_open(json);
		px_json_kv_path(json, "path", px_names_text(errors, i));
		px_json_kv_str(json, "errno", px_errno_name(errors->list[i].tag));
		px_json_close(json);
	}
	px_json_close_array(json);
	px_json_kv_bool(json, "truncated", task->walked.truncated);
}

static uint64_t
or_else(const struct px_int *number, uint64_t otherwise)
{
	return number->set ? (uint64_t)number->v : otherwise;
}

static int
walk_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct px_v1_fs_params *p = params;
	struct px_file_job *job = px_v1_fs_job(call, &px_fs_op_walk, p);

	job->put = walk_put;
	job->task.walk = (struct px_fs_walk){
		.max_depth = or_else(&p->depth, UINT64_MAX),
		.max_directories = or_else(&p->directories, PX_FS_WALK_DIRECTORIES),
		.max_entries = or_else(&p->entries, PX_FS_WALK_ENTRIES),
		.follow_directories = p->follow_directories.v,
		.prune_hidden = p->prune.v,
	};
	return px_file_job_start(job, err);
}

const struct px_method px_v1_fs_walk = V1_FS_METHOD("fs/walk", walk_fields, walk_run);

/* ---- what is changed ---- */

static const struct px_field write_fields[] = {
	V1_FS_PATH,
	V1_FS_FOLLOW,
	V1_FS_FIELD(chunk, "chunk", PX_F_STRING, .flags = PX_F_REQUIRED),
};

static int
write_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct px_v1_fs_params *p = params;

	return px_file_start_writing(
	    px_v1_fs_job(call, &px_fs_op_write, p), &p->chunk, PX_E_PARAMS, V1_FS_NO_BASE64, err);
}

const struct px_method px_v1_fs_write = V1_FS_METHOD("fs/writeFile", write_fields, write_run);

static const struct px_field make_fields[] = {
	V1_FS_PATH,
	V1_FS_FOLLOW,
	V1_FS_FIELD(recursive, "recursive", PX_F_BOOL, .flags = 0),
};

static int
make_run(struct px_call *call, const void *params, struct px_err *err)
{
	return job_run(call, &px_fs_op_make, NULL, params, err);
}

const struct px_method px_v1_fs_make = V1_FS_METHOD("fs/createDirectory", make_fields, make_run);

static const struct px_field remove_fields[] = {
	V1_FS_PATH,
	V1_FS_FOLLOW,
	V1_FS_FIELD(recursive, "recursive", PX_F_BOOL, .flags = 0),
	V1_FS_FIELD(force, "force", PX_F_BOOL, .flags = 0),
};

static int
remove_run(struct px_call *call, const void *params, struct px_err *err)
{
	return job_run(call, &px_fs_op_remove, NULL, params, err);
}

const struct px_method px_v1_fs_remove = V1_FS_METHOD("fs/remove", remove_fields, remove_run);

static const struct px_field copy_fields[] = {
	V1_FS_FIELD(path, "from", PX_F_PATH, .flags = PX_F_REQUIRED),
	V1_FS_FIELD(to, "to", PX_F_PATH, .flags = PX_F_REQUIRED),
	V1_FS_FIELD(recursive, "recursive", PX_F_BOOL, .flags = 0),
	V1_FS_FOLLOW,
};

static int
copy_run(struct px_call *call, const void *params, struct px_err *err)
{
	return job_run(call, &px_fs_op_copy, NULL, params, err);
}

const struct px_method px_v1_fs_copy = V1_FS_METHOD("fs/copy", copy_fields, copy_run);

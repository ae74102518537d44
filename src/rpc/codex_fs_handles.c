#include "rpc/codex_fs.h"

#include <string.h>

#include "fs/handles.h"
#include "rpc/file_ops.h"

/* fs/readDirectory, walk; open, readBlock, writeBlock, close. */

/* ---- directories ---- */

static void
list_put(const struct px_fs_task *task, struct px_json_out *json)
{
	px_json_key(json, "entries");
	px_json_open_array(json);
	for (size_t i = 0; i < task->names.count; i++) {
		int kind = task->names.list[i].tag;

		px_json_open(json);
		px_json_kv_str(json, "fileName", px_names_text(&task->names, i));
		px_json_kv_bool(json, "isDirectory", kind == PX_FS_DIRECTORY);
		px_json_kv_bool(json, "isFile", kind == PX_FS_FILE);
		px_json_close(json);
	}
	px_json_close_array(json);
}

static int
list_run(struct px_call *call, const void *params, struct px_err *err)
{
	struct px_file_job *job;

	if (px_codex_fs_job(call, &px_fs_op_list, params, &job, err) == -1)
		return -1;
	job->put = list_put;
	return px_file_job_start(job, err);
}

const struct px_method px_codex_fs_list =
    PX_METHOD("fs/readDirectory", 0, px_codex_path_fields, px_codex_fs_params, list_run);

static void
walk_put(const struct px_fs_task *task, struct px_json_out *json)
{
	const struct px_fs_walked *walked = &task->walked;
	char message[128];

	px_json_key(json, "entries");
	px_json_open_array(json);
	for (size_t i = 0; i < walked->entries.count; i++) {
		px_json_open(json);
		px_codex_put_path(json, "path", px_names_text(&walked->entries, i));
		px_json_kv_str(json, "kind",
		    walked->entries.list[i].tag == PX_FS_DIRECTORY ? "directory" : "file");
		px_json_close(json);
	}
	px_json_close_array(json);
	px_json_key(json, "errors");
	px_json_open_array(json);
	for (size_t i = 0; i < walked->errors.count; i++) {
		px_json_open(json);
		px_codex_put_path(json, "path", px_names_text(&walked->errors, i));
		px_file_os_error(walked->errors.list[i].tag, message, sizeof message);
		px_json_kv_str(json, "message", message);
		px_json_close(json);
	}
	px_json_close_array(json);
	px_json_kv_bool(json, "truncated", walked->truncated);
}

/* What the CLI's own server goes to. */
enum { WALK_DEPTH_MAX = 64, WALK_DIRECTORIES_MAX = 10000, WALK_ENTRIES_MAX = 50000 };

static int
walk_check(const struct px_fs_walk *walk, struct px_err *err)
{
	if (walk->max_depth <= WALK_DEPTH_MAX && walk->max_directories <= WALK_DIRECTORIES_MAX &&
	    walk->max_entries <= WALK_ENTRIES_MAX)
		return 0;
	return px_fail(err, PX_E_REQUEST,
	    "filesystem walk limits exceed maximums: depth=%d, directories=%d, entries=%d",
	    WALK_DEPTH_MAX, WALK_DIRECTORIES_MAX, WALK_ENTRIES_MAX);
}

static int
walk_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct px_codex_fs_params *p = params;
	struct px_file_job *job;

	if (px_codex_fs_job(call, &px_fs_op_walk, p, &job, err) == -1)
		return -1;
	job->put = walk_put;
	job->task.walk = (struct px_fs_walk){
		.max_depth = (uint64_t)p->walk.depth.v,
		.max_directories = (uint64_t)p->walk.directories.v,
		.max_entries = (uint64_t)p->walk.entries.v,
		.follow_directories = p->walk.follow.v,
		.prune_hidden = p->walk.prune.v,
	};
	if (walk_check(&job->task.walk, err) == -1) {
		px_file_job_free(job);
		return -1;
	}
	return px_file_job_start(job, err);
}

#define WALK_FIELD(member, wire_name, kind, flag)                            \
	{                                                                    \
		.name = (wire_name), .type = (kind), .flags = (flag),        \
		.offset = offsetof(struct px_codex_fs_params, walk.member) - \
			  offsetof(struct px_codex_fs_params, walk),         \
		.max = (kind) == PX_F_INT ? INT64_MAX : 0                    \
	}

static const struct px_field options_fields[] = {
	WALK_FIELD(depth, "maxDepth", PX_F_INT, PX_F_REQUIRED),
	WALK_FIELD(directories, "maxDirectories", PX_F_INT, PX_F_REQUIRED),
	WALK_FIELD(entries, "maxEntries", PX_F_INT, PX_F_REQUIRED),
	WALK_FIELD(follow, "followDirectorySymlinks", PX_F_BOOL, PX_F_REQUIRED),
	WALK_FIELD(prune, "pruneHiddenDirectories", PX_F_BOOL, 0),
};

static const struct px_field walk_fields[] = {
	CODEX_FS_COMMON,
	CODEX_FIELD(px_codex_fs_params, path, "path", PX_F_STRING, .flags = PX_F_REQUIRED),
	CODEX_FIELD(px_codex_fs_params, walk, "options", PX_F_OBJECT, .flags = PX_F_REQUIRED,
	    .sub = options_fields, .nsub = PX_COUNT(options_fields),
	    .present_offset = offsetof(struct px_codex_fs_params, has_walk)),
};

const struct px_method px_codex_fs_walk =
    PX_METHOD("fs/walk", 0, walk_fields, px_codex_fs_params, walk_run);

/* ---- handles ---- */

static void
handle_put(const struct px_fs_task *task, struct px_json_out *json)
{
	px_json_kv_str(json, "handleId", px_handle_id(task->handle));
}

static int
open_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct px_codex_fs_params *p = params;
	bool replaces = p->mode.p != NULL && strcmp(p->mode.p, "replace") == 0;
	struct px_file_job *job;

	if (p->mode.p != NULL && !replaces && strcmp(p->mode.p, "read") != 0)
		return px_fail(err, PX_E_PARAMS,
		    "unknown variant `%.64s`, expected `read` or `replace`", p->mode.p);
	if (px_codex_fs_job(call, &px_fs_op_open, p, &job, err) == -1)
		return -1;
	job->put = handle_put;
	return px_file_open(job, p->handle.p, replaces ? PX_HANDLE_WRITE : PX_HANDLE_READ, err);
}

static const struct px_field open_fields[] = {
	CODEX_FS_COMMON,
	CODEX_FIELD(px_codex_fs_params, path, "path", PX_F_STRING, .flags = PX_F_REQUIRED),
	CODEX_FIELD(px_codex_fs_params, handle, "handleId", PX_F_CSTR, .flags = PX_F_REQUIRED,
	    .max = PX_HANDLE_ID_MAX),
	CODEX_FIELD(px_codex_fs_params, mode, "mode", PX_F_CSTR, .flags = 0),
};

const struct px_method px_codex_fs_open =
    PX_METHOD("fs/open", 0, open_fields, px_codex_fs_params, open_run);

static int
read_block_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct px_codex_fs_params *p = params;

	return px_file_read_block(call, p->handle.p, p->offset.v, (size_t)p->len.v, err);
}

static const struct px_field read_block_fields[] = {
	CODEX_FIELD(px_codex_fs_params, handle, "handleId", PX_F_CSTR, .flags = PX_F_REQUIRED),
	CODEX_FIELD(px_codex_fs_params, offset, "offset", PX_F_INT, .flags = PX_F_REQUIRED,
	    .max = INT64_MAX),
	CODEX_FIELD(
	    px_codex_fs_params, len, "len", PX_F_INT, .flags = PX_F_REQUIRED, .max = INT64_MAX),
};

const struct px_method px_codex_fs_read_block =
    PX_METHOD("fs/readBlock", 0, read_block_fields, px_codex_fs_params, read_block_run);

static int
write_block_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct px_codex_fs_params *p = params;

	return px_file_write_block(call, p->handle.p, p->offset.v, &p->data, CODEX_NO_BASE64, err);
}

static const struct px_field write_block_fields[] = {
	CODEX_FIELD(px_codex_fs_params, handle, "handleId", PX_F_CSTR, .flags = PX_F_REQUIRED),
	CODEX_FIELD(px_codex_fs_params, offset, "offset", PX_F_INT, .flags = PX_F_REQUIRED,
	    .max = INT64_MAX),
	CODEX_FIELD(px_codex_fs_params, data, "chunk", PX_F_STRING, .flags = PX_F_REQUIRED),
};

const struct px_method px_codex_fs_write_block =
    PX_METHOD("fs/writeBlock", 0, write_block_fields, px_codex_fs_params, write_block_run);

static int
close_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct px_codex_fs_params *p = params;

	return px_file_close(call, p->handle.p, false, err);
}

static const struct px_field close_fields[] = {
	CODEX_FIELD(px_codex_fs_params, handle, "handleId", PX_F_CSTR, .flags = PX_F_REQUIRED),
};

const struct px_method px_codex_fs_close =
    PX_METHOD("fs/close", 0, close_fields, px_codex_fs_params, close_run);

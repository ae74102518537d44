#include "rpc/codex_fs.h"

#include <stdlib.h>
#include <string.h>

#include "fs/handles.h"

/* fs/readDirectory, walk; open, readBlock, writeBlock, close. */

enum { LIST_MAX = 1000000 };

void
px_codex_put_data(struct px_json_out *json, const char *name, const struct px_file_job *job)
{
	const struct px_piece piece = { job->data, job->got };

	px_json_key(json, name);
	px_json_put_base64(json, &piece, 1);
}

/* ---- directories ---- */

static int
list_job(struct px_file_job *job, struct px_err *err)
{
	return px_fs_list(&job->scope, job->path, LIST_MAX, &job->names, err);
}

static void
list_put(const struct px_file_job *job, struct px_json_out *json)
{
	px_json_key(json, "entries");
	px_json_open_array(json);
	for (size_t i = 0; i < job->names.count; i++) {
		int kind = job->names.list[i].tag;

		px_json_open(json);
		px_json_kv_str(json, "fileName", px_names_text(&job->names, i));
		px_json_kv_bool(json, "isDirectory", kind == PX_FS_DIRECTORY);
		px_json_kv_bool(json, "isFile", kind == PX_FS_FILE);
		px_json_close(json);
	}
	px_json_close_array(json);
}

static int
list_run(struct px_call *call, const void *params, struct px_err *err)
{
	static const struct px_file_op op = { .run = list_job, .put = list_put };
	struct px_file_job *job;

	if (px_codex_fs_job(call, &op, params, &job, err) == -1)
		return -1;
	return px_file_job_start(job, err);
}

const struct px_method px_codex_fs_list =
    PX_METHOD("fs/readDirectory", 0, px_codex_path_fields, px_codex_fs_params, list_run);

static int
walk_job(struct px_file_job *job, struct px_err *err)
{
	return px_fs_walk(&job->scope, job->path, &job->walk, &job->walked, err);
}

static void
walk_put(const struct px_file_job *job, struct px_json_out *json)
{
	const struct px_fs_walked *walked = &job->walked;
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
	static const struct px_file_op op = { .run = walk_job, .put = walk_put };
	const struct px_codex_fs_params *p = params;
	struct px_file_job *job;

	if (px_codex_fs_job(call, &op, p, &job, err) == -1)
		return -1;
	job->walk = (struct px_fs_walk){
		.max_depth = (uint64_t)p->walk.depth.v,
		.max_directories = (uint64_t)p->walk.directories.v,
		.max_entries = (uint64_t)p->walk.entries.v,
		.follow_directories = p->walk.follow.v,
		.prune_hidden = p->walk.prune.v,
	};
	if (walk_check(&job->walk, err) == -1) {
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
handle_put(const struct px_file_job *job, struct px_json_out *json)
{
	px_json_kv_str(json, "handleId", px_handle_id(job->handle));
}

static int
open_job(struct px_file_job *job, struct px_err *err)
{
	return px_handle_open(job->handle, &job->scope, job->path, err);
}

static void
open_failed(struct px_file_job *job)
{
	px_handles_drop(px_peer_handles(job->call->peer), job->handle);
}

/* To read is to open, too: what follows it on the connection must find it open. */
static int
open_run(struct px_call *call, const void *params, struct px_err *err)
{
	static const struct px_file_op read_op = { open_job, handle_put, open_failed, true, false };
	static const struct px_file_op write_op = { open_job, handle_put, open_failed, true, true };
	const struct px_codex_fs_params *p = params;
	bool replaces = p->mode.p != NULL && strcmp(p->mode.p, "replace") == 0;
	struct px_file_job *job;

	if (p->mode.p != NULL && !replaces && strcmp(p->mode.p, "read") != 0)
		return px_fail(err, PX_E_PARAMS,
		    "unknown variant `%.64s`, expected `read` or `replace`", p->mode.p);
	if (px_codex_fs_job(call, replaces ? &write_op : &read_op, p, &job, err) == -1)
		return -1;
	job->handle = px_handles_add(px_peer_handles(call->peer), p->handle.p, replaces, err);
	if (job->handle == NULL) {
		px_file_job_free(job);
		return -1;
	}
	return px_file_job_start(job, err);
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

/* A job for a block of an open file. */
static int
block_job(struct px_call *call, const struct px_file_op *op, const struct px_codex_fs_params *p,
    struct px_file_job **out, struct px_err *err)
{
	struct px_handle *handle = px_handles_get(px_peer_handles(call->peer), p->handle.p, err);

	if (handle == NULL)
		return -1;
	*out = px_file_job_new(call, op);
	(*out)->handle = handle;
	(*out)->offset = p->offset.v;
	(*out)->len = (size_t)p->len.v;
	return 0;
}

static int
read_block_job(struct px_file_job *job, struct px_err *err)
{
	size_t room = job->len <= PX_HANDLE_BLOCK_MAX ? job->len : PX_HANDLE_BLOCK_MAX;

	if ((job->data = malloc(room + 1)) == NULL)
		return px_fail(err, PX_E_NOMEM, "no memory for a block of %zu bytes", room);
	return px_handle_read(job->handle, job->offset, job->len, job->data, &job->got, err);
}

static void
read_block_put(const struct px_file_job *job, struct px_json_out *json)
{
	px_codex_put_data(json, "chunk", job);
	px_json_kv_bool(json, "eof", job->got < job->len);
}

static int
read_block_run(struct px_call *call, const void *params, struct px_err *err)
{
	static const struct px_file_op op = { .run = read_block_job, .put = read_block_put };
	struct px_file_job *job;

	if (block_job(call, &op, params, &job, err) == -1)
		return -1;
	return px_file_job_start(job, err);
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
write_block_job(struct px_file_job *job, struct px_err *err)
{
	return px_handle_write(job->handle, job->offset, job->data, job->len, err);
}

static int
write_block_run(struct px_call *call, const void *params, struct px_err *err)
{
	static const struct px_file_op op = { .run = write_block_job, .alters = true };
	const struct px_codex_fs_params *p = params;
	struct px_file_job *job;

	if (block_job(call, &op, p, &job, err) == -1)
		return -1;
	if (px_codex_fs_data(job, &p->data, PX_E_PARAMS, err) == -1) {
		px_file_job_free(job);
		return -1;
	}
	return px_file_job_start(job, err);
}

static const struct px_field write_block_fields[] = {
	CODEX_FIELD(px_codex_fs_params, handle, "handleId", PX_F_CSTR, .flags = PX_F_REQUIRED),
	CODEX_FIELD(px_codex_fs_params, offset, "offset", PX_F_INT, .flags = PX_F_REQUIRED,
	    .max = INT64_MAX),
	CODEX_FIELD(px_codex_fs_params, data, "chunk", PX_F_STRING, .flags = PX_F_REQUIRED),
};

const struct px_method px_codex_fs_write_block =
    PX_METHOD("fs/writeBlock", 0, write_block_fields, px_codex_fs_params, write_block_run);

/* Some file systems write what is left only now. */
static int
close_job(struct px_file_job *job, struct px_err *err)
{
	(void)err;
	px_handle_unref(job->handle);
	job->handle = NULL;
	return 0;
}

static int
close_run(struct px_call *call, const void *params, struct px_err *err)
{
	static const struct px_file_op op = { .run = close_job, .alters = true };
	const struct px_codex_fs_params *p = params;
	struct px_handle *handle = px_handles_take(px_peer_handles(call->peer), p->handle.p);
	struct px_file_job *job;

	if (handle == NULL) {
		px_call_empty(call);
		return 0;
	}
	job = px_file_job_new(call, &op);
	job->handle = handle;
	return px_file_job_start(job, err);
}

static const struct px_field close_fields[] = {
	CODEX_FIELD(px_codex_fs_params, handle, "handleId", PX_F_CSTR, .flags = PX_F_REQUIRED),
};

const struct px_method px_codex_fs_close =
    PX_METHOD("fs/close", 0, close_fields, px_codex_fs_params, close_run);

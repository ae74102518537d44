#include <string.h>

#include "base/mem.h"
#include "fs/handles.h"
#include "rpc/file_watch.h"
#include "rpc/v1_fs.h"

/* fs/open, readBlock, writeBlock, close; watchMissing. */

enum { ID_MAX = 128, WATCHED_MAX = 10000 };

#define V1_FS_HANDLE \
	V1_FS_FIELD(handle, "handleId", PX_F_CSTR, .flags = PX_F_REQUIRED, .min = 1, .max = ID_MAX)
#define V1_FS_OFFSET                                                    \
	V1_FS_FIELD(offset, "offset", PX_F_INT, .flags = PX_F_REQUIRED, \
	    .max = INT64_MAX - PX_HANDLE_BLOCK_MAX)

/* ---- open ---- */

static const struct px_field open_fields[] = {
	V1_FS_HANDLE,
	V1_FS_PATH,
	V1_FS_FOLLOW,
	V1_FS_FIELD(mode, "mode", PX_F_CSTR, .flags = 0),
};

static int
open_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct px_v1_fs_params *p = params;
	bool replaces = p->mode.p != NULL && strcmp(p->mode.p, "replace") == 0;

	if (p->mode.p != NULL && !replaces && strcmp(p->mode.p, "read") != 0)
		return px_fail(err, PX_E_PARAMS, "\"mode\" must be \"read\" or \"replace\"");
	return px_file_open(px_v1_fs_job(call, &px_fs_op_open, p), p->handle.p,
	    replaces ? PX_HANDLE_REPLACE : PX_HANDLE_READ, err);
}

const struct px_method px_v1_fs_open = V1_FS_METHOD("fs/open", open_fields, open_run);

/* ---- blocks ---- */

static const struct px_field read_block_fields[] = {
	V1_FS_HANDLE,
	V1_FS_OFFSET,
	V1_FS_FIELD(length, "length", PX_F_INT, .flags = PX_F_REQUIRED, .min = 1,
	    .max = PX_HANDLE_BLOCK_MAX),
};

static int
read_block_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct px_v1_fs_params *p = params;

	return px_file_read_block(call, p->handle.p, p->offset.v, (size_t)p->length.v, err);
}

const struct px_method px_v1_fs_read_block =
    V1_FS_METHOD("fs/readBlock", read_block_fields, read_block_run);

static const struct px_field write_block_fields[] = {
	V1_FS_HANDLE,
	V1_FS_OFFSET,
	V1_FS_FIELD(chunk, "chunk", PX_F_STRING, .flags = PX_F_REQUIRED),
};

static int
write_block_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct px_v1_fs_params *p = params;

	return px_file_write_block(call, p->handle.p, p->offset.v, &p->chunk, V1_FS_NO_BASE64, err);
}

const struct px_method px_v1_fs_write_block =
    V1_FS_METHOD("fs/writeBlock", write_block_fields, write_block_run);

static const struct px_field close_fields[] = {
	V1_FS_HANDLE,
	V1_FS_FIELD(discard, "discard", PX_F_BOOL, .flags = 0),
};

static int
close_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct px_v1_fs_params *p = params;

	return px_file_close(call, p->handle.p, p->discard.v, err);
}

const struct px_method px_v1_fs_close = V1_FS_METHOD("fs/close", close_fields, close_run);

/* ---- waiting for what is missing ---- */

struct watch_params {
	struct px_int id;
	struct px_strv missing;
	struct px_str present;
};

static const struct px_field watch_fields[] = {
	V1_FIELD(watch_params, id, "watchId", PX_F_INT, .flags = PX_F_REQUIRED, .max = INT64_MAX),
	V1_FIELD(watch_params, missing, "missing", PX_F_PATHV, .flags = PX_F_REQUIRED,
	    .max = WATCHED_MAX),
	V1_FIELD(watch_params, present, "present", PX_F_PATH, .flags = 0),
};

static int
watch_run(struct px_call *call, const void *params, struct px_err *err)
{
	const struct watch_params *p = params;
	char **paths;

	if (p->missing.n == 0) {
		px_file_watch_end(call->peer);
		px_call_bool(call, "watching", false);
		return 0;
	}
	paths = px_alloc(p->missing.n * sizeof *paths);
	for (size_t i = 0; i < p->missing.n; i++)
		paths[i] = px_strdup(p->missing.v[i]);
	return px_file_watch_start(call, p->id.v, paths, p->missing.n,
	    p->present.p != NULL ? px_strdup(p->present.p) : NULL, err);
}

const struct px_method px_v1_fs_watch =
    PX_METHOD("fs/watchMissing", PX_M_EXPERIMENTAL, watch_fields, watch_params, watch_run);

#ifndef PX_RPC_CODEX_FS_H
#define PX_RPC_CODEX_FS_H

#include "rpc/codex.h"
#include "rpc/files.h"

/* What the codex dialect's methods of files share. */

struct px_codex_fs_params {
	struct px_str path, to, handle, mode, data;
	struct px_bool all, force, follow;
	struct px_int offset, len;
	struct {
		struct px_int depth, directories, entries;
		struct px_bool follow, prune;
	} walk;
	bool has_walk;
	const struct px_json *sandbox;
};

#define CODEX_FS_COMMON                                                            \
	CODEX_FIELD(px_codex_fs_params, sandbox, "sandbox", PX_F_ANY, .flags = 0), \
	    CODEX_FIELD(px_codex_fs_params, follow, "followSymlinks", PX_F_BOOL, .flags = 0)

/* Of a method that takes a path and nothing else. */
static const struct px_field px_codex_path_fields[] = {
	CODEX_FS_COMMON,
	CODEX_FIELD(px_codex_fs_params, path, "path", PX_F_STRING, .flags = PX_F_REQUIRED),
};

/* A job with what the parameters say about paths and the sandbox. */
int px_codex_fs_job(struct px_call *call, const struct px_fs_op *op,
    const struct px_codex_fs_params *p, struct px_file_job **out, struct px_err *err);

#define CODEX_NO_BASE64 "the data is not base64"

extern const struct px_method px_codex_fs_stat, px_codex_fs_canonicalize, px_codex_fs_read;
extern const struct px_method px_codex_fs_write, px_codex_fs_make, px_codex_fs_remove;
extern const struct px_method px_codex_fs_copy, px_codex_fs_list, px_codex_fs_walk;
extern const struct px_method px_codex_fs_open, px_codex_fs_read_block, px_codex_fs_write_block;
extern const struct px_method px_codex_fs_close, px_codex_fs_watch;

#endif

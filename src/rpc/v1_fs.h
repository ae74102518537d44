#ifndef PX_RPC_V1_FS_H
#define PX_RPC_V1_FS_H

#include "rpc/file_ops.h"
#include "rpc/v1.h"

/* What v1's methods of files share; all of them are experimental. */

struct px_v1_fs_params {
	struct px_str path, to, handle, mode, chunk;
	struct px_bool recursive, force, discard, follow, follow_directories, prune;
	struct px_int offset, length, depth, directories, entries;
};

#define V1_FS_FIELD(member, wire_name, kind, ...) \
	V1_FIELD(px_v1_fs_params, member, wire_name, kind, __VA_ARGS__)
#define V1_FS_PATH   V1_FS_FIELD(path, "path", PX_F_PATH, .flags = PX_F_REQUIRED)
#define V1_FS_FOLLOW V1_FS_FIELD(follow, "followSymlinks", PX_F_BOOL, .flags = 0)

#define V1_FS_NO_BASE64 "\"chunk\" must be standard base64 with padding"

#define V1_FS_METHOD(name, fields, run) \
	PX_METHOD(name, PX_M_EXPERIMENTAL, fields, px_v1_fs_params, run)

/* A job with what the parameters say about paths. */
struct px_file_job *px_v1_fs_job(
    struct px_call *call, const struct px_fs_op *op, const struct px_v1_fs_params *p);

extern const struct px_method px_v1_fs_stat, px_v1_fs_canonicalize, px_v1_fs_read;
extern const struct px_method px_v1_fs_write, px_v1_fs_make, px_v1_fs_remove, px_v1_fs_copy;
extern const struct px_method px_v1_fs_list, px_v1_fs_walk;
extern const struct px_method px_v1_fs_open, px_v1_fs_read_block, px_v1_fs_write_block;
extern const struct px_method px_v1_fs_close, px_v1_fs_watch;

#endif

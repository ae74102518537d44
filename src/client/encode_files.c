#include <inttypes.h>
#include <stdio.h>

#include "base/json_out.h"
#include "base/json_path.h"
#include "client/encode.h"

/* From requests about files to the params of messages. */

static void
put_flag(struct px_json_out *json, const char *name, unsigned flags, unsigned flag)
{
	if ((flags & flag) != 0)
		px_json_kv_bool(json, name, true);
}

static void
put_bound(struct px_json_out *json, const char *name, int64_t value)
{
	if (value > 0)
		px_json_kv_int(json, name, value);
}

static void
put_walk(struct px_json_out *json, const struct px_walk *walk)
{
	if (walk->levels > 0)
		px_json_kv_int(json, "maxDepth", walk->levels - 1);
	put_bound(json, "maxDirectories", walk->max_directories);
	put_bound(json, "maxEntries", walk->max_entries);
	if (walk->follow_directories)
		px_json_kv_bool(json, "followDirectorySymlinks", true);
	if (walk->prune_hidden)
		px_json_kv_bool(json, "pruneHiddenDirectories", true);
}

/* Named after the request that opens it: no other one of the client has that number. */
static void
put_handle(struct px_json_out *json, int64_t file)
{
	char id[24];

	snprintf(id, sizeof id, "%" PRId64, file);
	px_json_kv_str(json, "handleId", id);
}

static void
put_block(struct px_json_out *json, const struct px_request *request)
{
	px_json_kv_int(json, "offset", request->files->offset);
	if (request->method == PX_DO_READ_BLOCK)
		px_json_kv_int(json, "length", (int64_t)request->files->len);
}

void
px_request_put_files(struct px_json_out *json, const struct px_request *request)
{
	const struct px_file_request *files = request->files;

	if (files->path != NULL)
		px_json_kv_path(json, files->to != NULL ? "from" : "path", files->path);
	if (files->to != NULL)
		px_json_kv_path(json, "to", files->to);
	if ((files->flags & PX_FILE_NO_FOLLOW) != 0)
		px_json_kv_bool(json, "followSymlinks", false);
	put_flag(json, "recursive", files->flags, PX_FILE_RECURSIVE);
	put_flag(json, "force", files->flags, PX_FILE_FORCE);
	put_flag(json, "discard", files->flags, PX_FILE_DISCARD);
	if ((files->flags & PX_FILE_REPLACE) != 0)
		px_json_kv_str(json, "mode", "replace");
	if (request->method == PX_DO_WALK)
		put_walk(json, &files->walk);
	if (request->method == PX_DO_OPEN_FILE)
		put_handle(json, request->id);
	else if (files->file > 0)
		put_handle(json, files->file);
	if (request->method == PX_DO_READ_BLOCK || request->method == PX_DO_WRITE_BLOCK)
		put_block(json, request);
}

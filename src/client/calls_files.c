#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "client/error.h"
#include "client/state.h"

/* The requests about files. What they say is checked here, whichever way they go. */

/* ---- checks ---- */

static int
check_path(const char *path, struct px_error *err)
{
	if (path == NULL)
		return px_error_set(err, PX_ERROR_USAGE, "no file is named");
	if (path[0] != '/')
		return px_error_set(err, PX_ERROR_USAGE, "'%.300s' is not an absolute path", path);
	if (strnlen(path, PATH_MAX) == PATH_MAX)
		return px_error_set(err, PX_ERROR_USAGE, "'%.300s...' is not shorter than %d bytes",
		    path, PATH_MAX);
	return 0;
}

/* Of a failed opening, whose error stays, no block is asked for. */
static int
check_file(int64_t file, struct px_error *err)
{
	if (file > 0)
		return 0;
	if (file != -1)
		px_error_set(err, PX_ERROR_USAGE, "no file has the number %" PRId64, file);
	return -1;
}

/* Only of a block: whole files may be empty. */
static int
check_block(const struct px_file_request *files, size_t len, struct px_error *err)
{
	if (check_file(files->file, err) == -1)
		return -1;
	if (len < 1 || len > PX_FILE_BLOCK_MAX)
		return px_error_set(err, PX_ERROR_USAGE, "a block of %zu bytes: from 1 to %d", len,
		    PX_FILE_BLOCK_MAX);
	if (files->offset < 0 || files->offset > INT64_MAX - PX_FILE_BLOCK_MAX)
		return px_error_set(
		    err, PX_ERROR_USAGE, "a block at offset %" PRId64, files->offset);
	return 0;
}

static int
check_walk(const struct px_walk *walk, struct px_error *err)
{
	if (walk->levels < 0)
		return px_error_set(
		    err, PX_ERROR_USAGE, "a walk of %" PRId64 " levels", walk->levels);
	if (walk->max_directories < 0 || walk->max_directories > PX_WALK_MAX ||
	    walk->max_entries < 0 || walk->max_entries > PX_WALK_MAX)
		return px_error_set(err, PX_ERROR_USAGE,
		    "a walk of %" PRId64 " directories and %" PRId64 " entries; at most %d of each",
		    walk->max_directories, walk->max_entries, PX_WALK_MAX);
	return 0;
}

/* ---- sending ---- */

/* 'allowed' are the flags that the method has. */
static int64_t
request(
    struct px_client *client, struct px_request *request, unsigned allowed, struct px_error *err)
{
	if (!client->experimental)
		return px_error_set(err, PX_ERROR_USAGE,
		    "files are experimental, and the client was made without that option");
	if ((request->files->flags & ~allowed) != 0)
		return px_error_set(err, PX_ERROR_USAGE, "flags of 0x%x; there may be 0x%x",
		    request->files->flags, allowed);
	return px_client_request(client, request, err);
}

static int64_t
request_path(struct px_client *client, enum px_method_id method, const char *path, unsigned flags,
    unsigned allowed, struct px_error *err)
{
	const struct px_file_request files = { .path = path, .flags = flags };

	if (check_path(path, err) == -1)
		return -1;
	return request(client, &(struct px_request){ .method = method, .files = &files },
	    allowed | PX_FILE_NO_FOLLOW, err);
}

/* ---- what is looked at ---- */

int64_t
px_client_stat(struct px_client *client, const char *path, unsigned flags, struct px_error *err)
{
	return request_path(client, PX_DO_STAT, path, flags, 0, err);
}

int64_t
px_client_canonicalize(
    struct px_client *client, const char *path, unsigned flags, struct px_error *err)
{
	return request_path(client, PX_DO_CANONICALIZE, path, flags, 0, err);
}

int64_t
px_client_read_file(
    struct px_client *client, const char *path, unsigned flags, struct px_error *err)
{
	return request_path(client, PX_DO_READ_FILE, path, flags, 0, err);
}

int64_t
px_client_read_directory(
    struct px_client *client, const char *path, unsigned flags, struct px_error *err)
{
	return request_path(client, PX_DO_READ_DIRECTORY, path, flags, 0, err);
}

int64_t
px_client_walk(struct px_client *client, const char *path, const struct px_walk *walk,
    unsigned flags, struct px_error *err)
{
	struct px_file_request files = { .path = path, .flags = flags };

	if (walk != NULL)
		files.walk = *walk;
	if (check_path(path, err) == -1 || check_walk(&files.walk, err) == -1)
		return -1;
	return request(client, &(struct px_request){ .method = PX_DO_WALK, .files = &files },
	    PX_FILE_NO_FOLLOW, err);
}

/* ---- what is changed ---- */

int64_t
px_client_write_file(struct px_client *client, const char *path, const void *data, size_t len,
    unsigned flags, struct px_error *err)
{
	const struct px_file_request files = { .path = path, .flags = flags };
	struct px_request write = {
		.method = PX_DO_WRITE_FILE, .files = &files, .data = data, .len = len
	};

	if (check_path(path, err) == -1)
		return -1;
	if (data == NULL && len == 0)
		write.data = "";
	return request(client, &write, PX_FILE_NO_FOLLOW, err);
}

int64_t
px_client_make_directory(
    struct px_client *client, const char *path, unsigned flags, struct px_error *err)
{
	return request_path(client, PX_DO_MAKE_DIRECTORY, path, flags, PX_FILE_RECURSIVE, err);
}

int64_t
px_client_remove(struct px_client *client, const char *path, unsigned flags, struct px_error *err)
{
	return request_path(
	    client, PX_DO_REMOVE, path, flags, PX_FILE_RECURSIVE | PX_FILE_FORCE, err);
}

int64_t
px_client_copy(struct px_client *client, const char *from, const char *to, unsigned flags,
    struct px_error *err)
{
	const struct px_file_request files = { .path = from, .to = to, .flags = flags };

	if (check_path(from, err) == -1 || check_path(to, err) == -1)
		return -1;
	return request(client, &(struct px_request){ .method = PX_DO_COPY, .files = &files },
	    PX_FILE_RECURSIVE | PX_FILE_NO_FOLLOW, err);
}

/* ---- open files ---- */

int64_t
px_client_open_file(
    struct px_client *client, const char *path, unsigned flags, struct px_error *err)
{
	return request_path(client, PX_DO_OPEN_FILE, path, flags, PX_FILE_REPLACE, err);
}

int64_t
px_client_read_block(
    struct px_client *client, int64_t file, int64_t offset, size_t len, struct px_error *err)
{
	const struct px_file_request files = { .file = file, .offset = offset, .len = len };

	if (check_block(&files, len, err) == -1)
		return -1;
	return request(
	    client, &(struct px_request){ .method = PX_DO_READ_BLOCK, .files = &files }, 0, err);
}

int64_t
px_client_write_block(struct px_client *client, int64_t file, int64_t offset, const void *data,
    size_t len, struct px_error *err)
{
	const struct px_file_request files = { .file = file, .offset = offset };

	if (check_block(&files, len, err) == -1)
		return -1;
	return request(client,
	    &(struct px_request){
		.method = PX_DO_WRITE_BLOCK, .files = &files, .data = data, .len = len },
	    0, err);
}

int64_t
px_client_close_file(struct px_client *client, int64_t file, unsigned flags, struct px_error *err)
{
	const struct px_file_request files = { .file = file, .flags = flags };

	if (check_file(file, err) == -1)
		return -1;
	return request(client, &(struct px_request){ .method = PX_DO_CLOSE_FILE, .files = &files },
	    PX_FILE_DISCARD, err);
}

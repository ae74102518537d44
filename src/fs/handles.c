#include "fs/handles.h"

#include <bsd/string.h>
#include <bsd/sys/queue.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "fs/place.h"
#include "fs/replace.h"

struct px_handle {
	TAILQ_ENTRY(px_handle) link; /* the table's */
	char *id;
	char *path; /* for errors; set when it is opened */
	int fd;     /* -1: not open */
	enum px_handle_mode mode;
	struct px_replace *replace; /* whose descriptor 'fd' is; or NULL */
	int64_t end;                /* of what was written */
	bool lacks;                 /* a block could not be */
	atomic_uint count;
};

struct px_handles {
	TAILQ_HEAD(, px_handle) list;
	size_t count, max;
};

/* ---- the table ---- */

struct px_handles *
px_handles_new(size_t max)
{
	struct px_handles *handles = px_new(struct px_handles);

	TAILQ_INIT(&handles->list);
	handles->max = max;
	return handles;
}

void
px_handles_free(struct px_handles *handles)
{
	struct px_handle *handle;

	if (handles == NULL)
		return;
	while ((handle = TAILQ_FIRST(&handles->list)) != NULL) {
		TAILQ_REMOVE(&handles->list, handle, link);
		px_handle_unref(handle);
	}
	free(handles);
}

static struct px_handle *
handles_find(const struct px_handles *handles, const char *id)
{
	struct px_handle *handle;

	TAILQ_FOREACH (handle, &handles->list, link)
		if (strcmp(handle->id, id) == 0)
			break;
	return handle;
}

struct px_handle *
px_handles_add(
    struct px_handles *handles, const char *id, enum px_handle_mode mode, struct px_err *err)
{
	struct px_handle *handle;

	if (strlen(id) > PX_HANDLE_ID_MAX) {
		px_fail_limit(err, "handleId", PX_HANDLE_ID_MAX,
		    "a file handle's name of more than %d bytes", PX_HANDLE_ID_MAX);
		return NULL;
	}
	if (handles_find(handles, id) != NULL) {
		px_fail(err, PX_E_REQUEST, "file handle `%.200s` already exists", id);
		return NULL;
	}
	if (handles->count >= handles->max) {
		px_fail_limit(err, "handles", (int64_t)handles->max,
		    "more than %zu open file handles", handles->max);
		return NULL;
	}
	handle = px_new(struct px_handle);
	handle->id = px_strdup(id);
	handle->fd = -1;
	handle->mode = mode;
	atomic_init(&handle->count, 2); /* the table's and the caller's */
	TAILQ_INSERT_TAIL(&handles->list, handle, link);
	handles->count++;
	return handle;
}

static int
unknown(const char *id, struct px_err *err)
{
	return px_fail(err, PX_E_HANDLE, "unknown file handle `%.200s`", id);
}

struct px_handle *
px_handles_get(const struct px_handles *handles, const char *id, struct px_err *err)
{
	struct px_handle *handle = handles_find(handles, id);

	if (handle == NULL) {
		unknown(id, err);
		return NULL;
	}
	atomic_fetch_add(&handle->count, 1);
	return handle;
}

struct px_handle *
px_handles_take(struct px_handles *handles, const char *id)
{
	struct px_handle *handle = handles_find(handles, id);

	if (handle != NULL) {
		TAILQ_REMOVE(&handles->list, handle, link);
		handles->count--;
	}
	return handle;
}

const char *
px_handle_id(const struct px_handle *handle)
{
	return handle->id;
}

void
px_handles_drop(struct px_handles *handles, const struct px_handle *handle)
{
	/* Under its name there may be another one by now. */
	if (handles_find(handles, handle->id) == handle)
		px_handle_unref(px_handles_take(handles, handle->id));
}

/* ---- a handle ---- */

void
px_handle_unref(struct px_handle *handle)
{
	if (handle == NULL || atomic_fetch_sub(&handle->count, 1) > 1)
		return;
	if (handle->replace != NULL)
		px_replace_abort(handle->replace);
	else
		px_place_close(handle->fd);
	free(handle->replace);
	free(handle->id);
	free(handle->path);
	free(handle);
}

static int
not_a_file(const char *path, struct px_err *err)
{
	return px_fs_refuse(err, path, "path `%.300s` is not a file", path);
}

/* The file at the place, created or emptied. -1: errno, or EINVAL for what is no file. */
static int
replaced_open(const struct px_place *place)
{
	struct stat st;
	int fd;

	if (place->exists && !S_ISREG(place->st.st_mode)) {
		errno = S_ISDIR(place->st.st_mode) ? EISDIR : EINVAL;
		return -1;
	}
	fd = openat(place->dir, place->name,
	    O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0666);
	if (fd == -1)
		return -1;
	errno = EINVAL;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || ftruncate(fd, 0) == -1) {
		px_place_close(fd);
		return -1;
	}
	return fd;
}

static int
file_write(const struct px_fs_scope *scope, const char *path, struct px_err *err)
{
	struct px_place place;
	int fd;

	if (px_place_find(scope, path, PX_PLACE_FOLLOW, &place, err) == -1)
		return -1;
	if ((fd = replaced_open(&place)) == -1) {
		if (errno == EINVAL)
			not_a_file(path, err);
		else
			px_fs_fail(scope, path, err);
	}
	px_place_done(&place);
	return fd;
}

static int
file_replace(
    struct px_handle *handle, const struct px_fs_scope *scope, const char *path, struct px_err *err)
{
	struct px_replace *replace;
	struct px_place place;

	if (px_place_find(scope, path, PX_PLACE_FOLLOW, &place, err) == -1)
		return -1;
	if (place.exists && !S_ISREG(place.st.st_mode)) {
		px_place_done(&place);
		return not_a_file(path, err);
	}
	replace = px_new(struct px_replace);
	if (px_replace_begin(scope, &place, 0, 0666, replace, err) == -1) {
		free(replace);
		return -1;
	}
	handle->replace = replace;
	return replace->fd;
}

int
px_handle_open(
    struct px_handle *handle, const struct px_fs_scope *scope, const char *path, struct px_err *err)
{
	struct stat st;
	int fd;

	if (handle->mode == PX_HANDLE_REPLACE)
		fd = file_replace(handle, scope, path, err);
	else if (handle->mode == PX_HANDLE_WRITE)
		fd = file_write(scope, path, err);
	else
		fd = px_place_open_file(scope, path, O_RDONLY, &st, err);
	if (fd == -1)
		return -1;
	handle->path = px_strdup(path);
	handle->fd = fd;
	return 0;
}

/* Is the range one that a file can have? 'verb' is "read" or "write". */
static int
range_check(const char *verb, int64_t offset, size_t len, struct px_err *err)
{
	if (len == 0 || len > PX_HANDLE_BLOCK_MAX)
		return px_fail(err, PX_E_REQUEST, "file %s block length must be between 1 and %d",
		    verb, PX_HANDLE_BLOCK_MAX);
	if (offset < 0 || offset > INT64_MAX - (int64_t)len)
		return px_fail(err, PX_E_REQUEST,
		    "file %s range at %" PRId64 " exceeds the signed 64-bit file offset limit",
		    verb, offset);
	return 0;
}

static int
handle_fail(const struct px_handle *handle, struct px_err *err)
{
	return px_fs_fail(&(struct px_fs_scope){ 0 }, handle->path, err);
}

int
px_handle_read(const struct px_handle *handle, int64_t offset, size_t len, void *out,
    size_t *out_len, struct px_err *err)
{
	size_t got = 0;
	ssize_t n;

	if (range_check("read", offset, len, err) == -1)
		return -1;
	if (handle->fd == -1)
		return unknown(handle->id, err);
	while (got < len) {
		n = pread(handle->fd, (char *)out + got, len - got, offset + (int64_t)got);
		if (n == 0)
			break;
		if (n == -1 && errno != EINTR)
			return handle_fail(handle, err);
		if (n > 0)
			got += (size_t)n;
	}
	*out_len = got;
	return 0;
}

static int
block_write(
    struct px_handle *handle, int64_t offset, const char *data, size_t len, struct px_err *err)
{
	size_t done = 0;
	ssize_t n;

	if (range_check("write", offset, len, err) == -1)
		return -1;
	while (done < len) {
		n = pwrite(handle->fd, data + done, len - done, offset + (int64_t)done);
		if (n == -1 && errno != EINTR)
			return handle_fail(handle, err);
		if (n > 0)
			done += (size_t)n;
	}
	if (handle->end < offset + (int64_t)len)
		handle->end = offset + (int64_t)len;
	return 0;
}

int
px_handle_write(
    struct px_handle *handle, int64_t offset, const void *data, size_t len, struct px_err *err)
{
	int result;

	if (handle->fd == -1)
		return unknown(handle->id, err);
	if ((result = block_write(handle, offset, data, len, err)) == -1)
		handle->lacks = true;
	return result;
}

int
px_handle_finish(struct px_handle *handle, struct px_err *err)
{
	struct px_replace *replace = handle->replace;
	int result;

	if (replace == NULL)
		return 0;
	if (handle->lacks)
		result = px_fs_refuse(err, handle->path,
		    "`%.300s`: a block was not written, so it is not replaced", handle->path);
	else if (lseek(replace->fd, handle->end, SEEK_SET) == -1) /* blocks do not move that */
		result = handle_fail(handle, err);
	else
		result = px_replace_commit(&(struct px_fs_scope){ 0 }, replace, err);
	if (replace->fd != -1)
		px_replace_abort(replace);
	handle->replace = NULL;
	handle->fd = -1;
	free(replace);
	return result;
}

#include "fs/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/place.h"

enum { STEP = 1024 * 1024 }; /* bytes between looks whether to go on */

struct content {
	char *bytes;
	size_t len, size;
};

static int
too_large(const char *path, size_t max, struct px_err *err)
{
	return px_fs_refuse(
	    err, path, "`%.200s`: file is too large to read: limit is %zu bytes", path, max);
}

/*
 * Room for a step, one byte of it beyond 'max', which must stay empty. The sizes
 * of /proc are 0 and others change, so what stat says is where to begin, no more.
 */
static int
content_room(const struct px_fs_scope *scope, struct content *content, off_t told, size_t max,
    struct px_err *err)
{
	size_t size = content->size * 2;
	char *bytes;

	if (content->len < content->size)
		return 0;
	if (content->size == 0)
		size = told > 0 && (uint64_t)told < max ? (size_t)told + 1 : 4096;
	if (size > max)
		size = max + 1;
	if (px_fs_claim(scope, size, err) == -1)
		return -1;
	if ((bytes = realloc(content->bytes, size)) == NULL)
		return px_fail(err, PX_E_NOMEM, "out of memory for a file of %zu bytes", size);
	content->bytes = bytes;
	content->size = size;
	return 0;
}

/* 1: there may be more. 0: the end of the file. */
static int
content_step(const struct px_fs_scope *scope, int fd, const char *path, size_t max,
    struct content *content, struct px_err *err)
{
	size_t room = content->size - content->len;
	ssize_t n;

	if (px_fs_go_on(scope, err) == -1)
		return -1;
	n = read(fd, content->bytes + content->len, room < STEP ? room : STEP);
	if (n == -1)
		return errno == EINTR ? 1 : px_fs_fail(scope, path, err);
	content->len += (size_t)n;
	if (content->len > max)
		return too_large(path, max, err);
	return n > 0;
}

static int
content_read(const struct px_fs_scope *scope, int fd, const char *path, off_t told, size_t max,
    struct content *content, struct px_err *err)
{
	int more = 1;

	while (more == 1) {
		if (content_room(scope, content, told, max, err) == -1)
			return -1;
		more = content_step(scope, fd, path, max, content, err);
	}
	return more;
}

int
px_fs_read(const struct px_fs_scope *scope, const char *path, size_t max, char **out,
    size_t *out_len, struct px_err *err)
{
	struct content content = { 0 };
	struct stat st;
	int fd = px_place_open_file(scope, path, O_RDONLY, &st, err), result;

	if (fd == -1)
		return -1;
	if (st.st_size > 0 && (uint64_t)st.st_size > max)
		result = too_large(path, max, err);
	else
		result = content_read(scope, fd, path, st.st_size, max, &content, err);
	px_place_close(fd);
	if (result == -1) {
		free(content.bytes);
		return -1;
	}
	*out = content.bytes;
	*out_len = content.len;
	return 0;
}

#include "fs/fs.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/place.h"
#include "fs/read_dir.h"
#include "fs/replace.h"

/* Breadth first over paths below the two tops, so that no descriptor is held for each level. */

enum { STEP = 4 * 1024 * 1024 }; /* bytes between looks whether to go on */

#define SPECIAL "`%.300s`: only regular files, directories and symbolic links are copied"

struct copying {
	const struct px_fs_scope *scope;
	struct px_fs_scope source; /* below 'from' no link is followed */
	const char *from, *to;
	struct px_names within; /* directories below both; the first is "" */
	struct px_names names;  /* in the one that is being copied */
};

/* ---- one file, one link ---- */

/* Between descriptors. 1: there may be more. */
static int
content_step(int from, int to)
{
	char block[64 * 1024];
	ssize_t n = copy_file_range(from, NULL, to, NULL, STEP, 0);

	/* Not for every pair of file systems; and it finds nothing in the files of /proc. */
	if (n > 0)
		return 1;
	if ((n = read(from, block, sizeof block)) <= 0)
		return (int)n;
	for (ssize_t done = 0, w; done < n; done += w)
		if ((w = write(to, block + done, (size_t)(n - done))) == -1)
			return -1;
	return 1;
}

static int
content_copy(const struct px_fs_scope *scope, int from, struct px_replace *to, mode_t mode,
    struct px_err *err)
{
	int more = 1;

	while (more == 1) {
		if (to->beside && px_fs_go_on(scope, err) == -1)
			return -1;
		more = content_step(from, to->fd);
	}
	if (more == -1 || fchmod(to->fd, mode & 0777) == -1)
		return px_fs_fail(scope, to->place.real, err);
	return 0;
}

/* The open file 'from', to 'to'. */
static int
file_copy(const struct px_fs_scope *scope, int from, const struct stat *st, const char *to,
    struct px_err *err)
{
	struct px_place place;
	struct px_replace replace;

	if (px_place_find(scope, to, PX_PLACE_FOLLOW, &place, err) == -1)
		return -1;
	if (place.exists && place.st.st_dev == st->st_dev && place.st.st_ino == st->st_ino) {
		px_place_done(&place); /* onto itself: it is there */
		return 0;
	}
	if (px_replace_begin(scope, &place, st->st_size, 0600, &replace, err) == -1)
		return -1;
	if (content_copy(scope, from, &replace, st->st_mode, err) == -1) {
		px_replace_abort(&replace);
		return -1;
	}
	return px_replace_commit(scope, &replace, err);
}

/* The link that 'from' is a descriptor of. */
static int
link_copy(const struct px_fs_scope *scope, int from, const char *to, struct px_err *err)
{
	char target[PATH_MAX] = "";
	struct px_place place;
	ssize_t len = readlinkat(from, "", target, sizeof target);
	int result;

	if (len == -1 || len == sizeof target)
		return px_fs_fail(scope, to, err);
	target[len] = '\0';
	if (px_place_find(scope, to, PX_PLACE_KEEP, &place, err) == -1)
		return -1;
	if ((result = symlinkat(target, place.dir, place.name)) == -1)
		px_fs_fail(scope, to, err);
	px_place_done(&place);
	return result;
}

/* What 'place' is an O_PATH descriptor of, unless it is a directory. */
static int
item_copy(const struct px_fs_scope *scope, int place, const struct stat *st, const char *from,
    const char *to, struct px_err *err)
{
	int fd, result;

	if (S_ISLNK(st->st_mode))
		return link_copy(scope, place, to, err);
	if (!S_ISREG(st->st_mode))
		return px_fs_refuse(err, from, SPECIAL, from);
	if ((fd = px_place_reopen(place, O_RDONLY)) == -1)
		return px_fs_fail(scope, from, err);
	result = file_copy(scope, fd, st, to, err);
	px_place_close(fd);
	return result;
}

/* ---- a tree ---- */

static int
path_join(
    char out[PATH_MAX], const char *top, const char *within, const char *name, struct px_err *err)
{
	int len =
	    snprintf(out, PATH_MAX, "%s%s%s%s", top, within, name[0] != '\0' ? "/" : "", name);

	if (len < PATH_MAX)
		return 0;
	errno = ENAMETOOLONG;
	return px_fs_fail(&(struct px_fs_scope){ 0 }, out, err);
}

/* A name in the directory 'dir', which is 'within' below the tops. */
static int
name_copy(struct copying *copying, int dir, const char *within, size_t i, struct px_err *err)
{
	const char *name = px_names_text(&copying->names, i);
	int kind = copying->names.list[i].tag, fd, result;
	char from[PATH_MAX], to[PATH_MAX];
	struct stat st;

	if (kind == PX_FS_OTHER)
		return 0;
	if (px_fs_go_on(copying->scope, err) == -1 ||
	    path_join(from, copying->from, within, name, err) == -1 ||
	    path_join(to, copying->to, within, name, err) == -1)
		return -1;
	if (kind == PX_FS_DIRECTORY)
		return px_names_add(&copying->within, from + strlen(copying->from), 0, err);
	if ((fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC)) == -1 || fstat(fd, &st) == -1)
		result = errno == ENOENT ? 0 : px_fs_fail(copying->scope, from, err);
	else
		result = item_copy(copying->scope, fd, &st, from, to, err);
	px_place_close(fd);
	return result;
}

/* The mode last but for what is needed to fill it: it may forbid that. */
static int
directory_made(struct copying *copying, const char *within, mode_t mode, struct px_err *err)
{
	struct stat st;
	char to[PATH_MAX];
	int fd, result = 0;

	if (path_join(to, copying->to, within, "", err) == -1)
		return -1;
	if (stat(to, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	if (px_fs_make_directory(copying->scope, to, within[0] == '\0', err) == -1)
		return -1;
	if ((fd = px_place_open(copying->scope, to, O_DIRECTORY, PX_FS_WRITE, err)) == -1)
		return -1;
	if (chmod(px_place_link(fd).path, (mode & 0777) | S_IRWXU) == -1)
		result = px_fs_fail(copying->scope, to, err);
	px_place_close(fd);
	return result;
}

static int
directory_copy(struct copying *copying, const char *within, struct px_err *err)
{
	char from[PATH_MAX];
	int place, fd = -1, result = -1;
	struct stat st;

	if (path_join(from, copying->from, within, "", err) == -1)
		return -1;
	px_names_clear(&copying->names);
	if ((place = px_place_open(&copying->source, from, O_DIRECTORY, PX_FS_READ, err)) == -1)
		return -1;
	if (fstat(place, &st) == -1 || (fd = px_place_reopen(place, O_RDONLY | O_DIRECTORY)) == -1)
		px_fs_fail(copying->scope, from, err);
	else if (directory_made(copying, within, st.st_mode, err) == 0)
		result = px_read_dir(
		    copying->scope, fd, from, PX_LINKS_TELL, SIZE_MAX, &copying->names, err);
	for (size_t i = 0; result == 0 && i < copying->names.count; i++)
		result = name_copy(copying, fd, within, i, err);
	px_place_close(fd);
	px_place_close(place);
	return result;
}

static int
tree_copy(const struct px_fs_scope *scope, const char *from, const char *to, struct px_err *err)
{
	struct copying copying = { .scope = scope, .source = *scope, .from = from, .to = to };
	char within[PATH_MAX];
	int result = px_names_add(&copying.within, "", 0, err);

	copying.source.no_follow = true;
	for (size_t i = 0; result == 0 && i < copying.within.count; i++) {
		strlcpy(within, px_names_text(&copying.within, i), sizeof within);
		result = directory_copy(&copying, within, err);
	}
	px_names_done(&copying.within);
	px_names_done(&copying.names);
	return result;
}

/* ---- all ---- */

/* The real path of what would be at 'path', as far as there is something. */
static int
real_of(const char *path, char real[PATH_MAX])
{
	char top[PATH_MAX], resolved[PATH_MAX];
	size_t len = strlcpy(top, path, sizeof top);

	if (len >= sizeof top) {
		errno = ENAMETOOLONG;
		return -1;
	}
	while (realpath(top, resolved) == NULL) {
		while (len > 1 && top[--len] != '/')
			;
		top[len > 1 ? len : 1] = '\0';
	}
	strlcpy(real, strcmp(resolved, "/") == 0 ? "" : resolved, PATH_MAX);
	if (strlcat(real, path + (len > 1 ? len : 0), PATH_MAX) < PATH_MAX)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

static int
directory_top_copy(const struct px_fs_scope *scope, int place, const char *from, const char *to,
    bool all, struct px_err *err)
{
	char real_from[PATH_MAX], real_to[PATH_MAX];

	if (!all)
		return px_fs_refuse(
		    err, from, "`%.300s` is a directory: it is copied only recursively", from);
	if (px_place_real(place, real_from) == -1 || real_of(to, real_to) == -1)
		return px_fs_fail(scope, from, err);
	if (px_fs_path_is_in(real_to, real_from))
		return px_fs_refuse(err, from, "`%.300s` cannot be copied into itself", from);
	return tree_copy(scope, real_from, real_to, err);
}

int
px_fs_copy(
    const struct px_fs_scope *scope, const char *from, const char *to, bool all, struct px_err *err)
{
	int place = px_place_open(scope, from, O_NOFOLLOW, PX_FS_READ, err), result;
	struct stat st;

	if (place == -1)
		return -1;
	if (fstat(place, &st) == -1)
		result = px_fs_fail(scope, from, err);
	else if (S_ISDIR(st.st_mode))
		result = directory_top_copy(scope, place, from, to, all, err);
	else
		result = item_copy(scope, place, &st, from, to, err);
	px_place_close(place);
	return result;
}

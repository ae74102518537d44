#include "fs/place.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LINKS_MAX = 40 }; /* as path_resolution(7) */

/* ---- errors ---- */

int
px_fs_go_on(const struct px_fs_scope *scope, struct px_err *err)
{
	if (scope->stop != NULL && atomic_load_explicit(scope->stop, memory_order_relaxed))
		return px_fail(err, PX_E_CANCELLED, "cancelled");
	return 0;
}

int
px_fs_claim(const struct px_fs_scope *scope, size_t bytes, struct px_err *err)
{
	return scope->claim != NULL ? scope->claim(scope->claim_arg, bytes, err) : 0;
}

int
px_fs_fail(const struct px_fs_scope *scope, const char *path, struct px_err *err)
{
	int sys = errno;

	if (sys == ELOOP && scope->no_follow)
		return px_fs_refuse(err, path, "path `%.300s` contains a symbolic link", path);
	px_fail_sys(err, PX_E_IO, sys, "`%.300s`", path);
	if (err != NULL)
		strlcpy(err->path, path, sizeof err->path);
	return -1;
}

int
px_fs_refuse(struct px_err *err, const char *path, const char *format, ...)
{
	char text[sizeof err->text];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	px_fail(err, PX_E_REQUEST, "%s", text);
	if (err != NULL)
		strlcpy(err->path, path, sizeof err->path);
	return -1;
}

/* ---- opening ---- */

void
px_place_close(int fd)
{
	int saved = errno;

	if (fd != -1)
		close(fd);
	errno = saved;
}

/*
 * Links in /proc lead into other mount namespaces, too, where a file's real path
 * says nothing about rules that are made for this one.
 */
static uint64_t
resolve_flags(const struct px_fs_scope *scope)
{
	if (scope->no_follow)
		return RESOLVE_NO_SYMLINKS;
	return scope->rules != NULL ? RESOLVE_NO_MAGICLINKS : 0;
}

int
px_place_openat(const struct px_fs_scope *scope, int dir, const char *name, int flags)
{
	struct open_how how = {
		.flags = (unsigned)(flags | O_PATH | O_CLOEXEC),
		.resolve = resolve_flags(scope),
	};
	int fd = (int)syscall(SYS_openat2, dir, name, &how, sizeof how);

	if (fd == -1 && errno == ENOSYS && how.resolve == 0)
		return openat(dir, name, flags | O_PATH | O_CLOEXEC);
	return fd;
}

struct px_place_link
px_place_link(int fd)
{
	struct px_place_link link;

	snprintf(link.path, sizeof link.path, "/proc/self/fd/%d", fd);
	return link;
}

int
px_place_reopen(int fd, int flags)
{
	return open(px_place_link(fd).path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

int
px_place_real(int fd, char out[PATH_MAX])
{
	ssize_t len = readlink(px_place_link(fd).path, out, PATH_MAX);

	if (len == -1)
		return -1;
	if (len == PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	out[len] = '\0';
	return 0;
}

/* Is what 'fd' is of within the rules? */
static int
rules_hold(const struct px_fs_scope *scope, int fd, const char *path, enum px_fs_access access,
    struct px_err *err)
{
	char real[PATH_MAX];

	if (scope->rules == NULL)
		return 0;
	if (px_place_real(fd, real) == -1)
		return px_fs_fail(scope, path, err);
	return px_fs_rules_check(scope->rules, real, access, err);
}

int
px_place_open(const struct px_fs_scope *scope, const char *path, int flags,
    enum px_fs_access access, struct px_err *err)
{
	int fd = px_place_openat(scope, AT_FDCWD, path, flags);

	if (fd == -1)
		return px_fs_fail(scope, path, err);
	if (rules_hold(scope, fd, path, access, err) == -1) {
		px_place_close(fd);
		return -1;
	}
	return fd;
}

int
px_place_open_file(const struct px_fs_scope *scope, const char *path, int flags, struct stat *st,
    struct px_err *err)
{
	enum px_fs_access access = flags == O_RDONLY ? PX_FS_READ : PX_FS_WRITE;
	int fd = px_place_open(scope, path, 0, access, err), file = -1;
	bool known;

	if (fd == -1)
		return -1;
	known = fstat(fd, st) == 0;
	if (known && !S_ISREG(st->st_mode))
		px_fs_refuse(err, path, "path `%.300s` is not a file", path);
	else if (!known || (file = px_place_reopen(fd, flags)) == -1)
		px_fs_fail(scope, path, err);
	px_place_close(fd);
	return file;
}

/* ---- places ---- */

/*
 * Cuts 'path' into the directory that it is in and the name there; 'path' is
 * changed. "." and ".." name a directory: they stay with the former.
 */
static int
path_split(char *path, const char **parent, char name[NAME_MAX + 1])
{
	size_t len = strlen(path);
	char *slash;

	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
	slash = strrchr(path, '/');
	if (strlcpy(name, slash != NULL ? slash + 1 : path, NAME_MAX + 1) > NAME_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		strlcpy(name, ".", NAME_MAX + 1);
		*parent = path;
	} else if (slash == NULL) {
		*parent = ".";
	} else {
		*parent = slash == path ? "/" : path;
		*slash = '\0';
	}
	return 0;
}

/* 1: it is found. 0: a link, whose text is in 'path' now, relative to place->dir. -1: errno. */
static int
place_look(const struct px_fs_scope *scope, enum px_place_last last, struct px_place *place,
    char path[PATH_MAX])
{
	ssize_t len;

	place->exists = fstatat(place->dir, place->name, &place->st, AT_SYMLINK_NOFOLLOW) == 0;
	if (!place->exists)
		return errno == ENOENT ? 1 : -1;
	if (!S_ISLNK(place->st.st_mode) || last == PX_PLACE_KEEP)
		return 1;
	if (scope->no_follow) {
		errno = ELOOP;
		return -1;
	}
	if ((len = readlinkat(place->dir, place->name, path, PATH_MAX)) == -1)
		return -1;
	if (len == PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	path[len] = '\0';
	return 0;
}

/* One step of the way: 'path' is relative to place->dir. As place_look(). */
static int
place_step(const struct px_fs_scope *scope, enum px_place_last last, struct px_place *place,
    char path[PATH_MAX])
{
	const char *parent;
	int dir;

	if (path_split(path, &parent, place->name) == -1 ||
	    (dir = px_place_openat(scope, place->dir, parent, O_DIRECTORY)) == -1)
		return -1;
	if (place->dir != AT_FDCWD)
		close(place->dir);
	place->dir = dir;
	return place_look(scope, last, place, path);
}

/* The real path of the place, which the rules allow to change. */
static int
place_check(
    const struct px_fs_scope *scope, struct px_place *place, const char *path, struct px_err *err)
{
	if (px_place_real(place->dir, place->real) == -1)
		return px_fs_fail(scope, path, err);
	if (strcmp(place->name, ".") != 0) {
		if (strcmp(place->real, "/") != 0)
			strlcat(place->real, "/", sizeof place->real);
		if (strlcat(place->real, place->name, sizeof place->real) >= sizeof place->real) {
			errno = ENAMETOOLONG;
			return px_fs_fail(scope, path, err);
		}
	}
	return px_fs_rules_check(scope->rules, place->real, PX_FS_WRITE, err);
}

int
px_place_find(const struct px_fs_scope *scope, const char *path, enum px_place_last last,
    struct px_place *out, struct px_err *err)
{
	struct px_place place = { .dir = AT_FDCWD };
	char rest[PATH_MAX];
	int found = 0;

	errno = ENAMETOOLONG;
	if (strlcpy(rest, path, sizeof rest) >= sizeof rest)
		found = -1;
	for (size_t links = 0; found == 0; links++) {
		errno = ELOOP;
		found = links > LINKS_MAX ? -1 : place_step(scope, last, &place, rest);
	}
	if (found == 1 && place_check(scope, &place, path, err) == 0) {
		*out = place;
		return 0;
	}
	if (found == -1)
		px_fs_fail(scope, path, err);
	px_place_done(&place);
	return -1;
}

void
px_place_done(struct px_place *place)
{
	if (place->dir != AT_FDCWD)
		px_place_close(place->dir);
	place->dir = AT_FDCWD;
}

#include "fs/fs.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/place.h"

/* 1: 'path' is a directory. 0: it is none. -1: a link in it is not to be followed. */
static int
directory_look(const struct px_fs_scope *scope, const char *path, struct px_err *err)
{
	int fd = px_place_openat(scope, AT_FDCWD, path, O_DIRECTORY);

	if (fd == -1)
		return errno == ELOOP && scope->no_follow ? px_fs_fail(scope, path, err) : 0;
	close(fd);
	return 1;
}

/* 1: made, or there by now if it 'may_exist'. 0: errno. -1: an error. */
static int
directory_make(
    const struct px_fs_scope *scope, const char *path, bool may_exist, struct px_err *err)
{
	struct px_place place;
	int made, sys;

	if (px_place_find(scope, path, PX_PLACE_KEEP, &place, err) == -1)
		return -1;
	made = mkdirat(place.dir, place.name, 0777);
	sys = errno;
	px_place_done(&place);
	if (made == 0)
		return 1;
	if (sys == EEXIST && may_exist && directory_look(scope, path, NULL) == 1)
		return 1;
	errno = sys;
	return 0;
}

static int
make_one(const struct px_fs_scope *scope, const char *path, bool may_exist, struct px_err *err)
{
	int there = may_exist ? directory_look(scope, path, err) : 0;

	if (there == 0)
		there = directory_make(scope, path, may_exist, err);
	if (there == 0)
		return px_fs_fail(scope, path, err);
	return there == 1 ? 0 : -1;
}

/* A file in the way is no directory, rather than there already. */
static int
parent_make(const struct px_fs_scope *scope, const char *path, struct px_err *err)
{
	struct px_err wrong = { 0 };
	struct stat st;

	if (make_one(scope, path, true, &wrong) == 0)
		return 0;
	if (wrong.code == PX_E_IO && wrong.sys == EEXIST && stat(path, &st) == 0) {
		errno = ENOTDIR;
		return px_fs_fail(scope, path, err);
	}
	if (err != NULL)
		*err = wrong;
	return -1;
}

/* The parts of 'path' from its first to its last; each is cut at its end for the while. */
static int
make_parents(const struct px_fs_scope *scope, char *path, struct px_err *err)
{
	for (char *end = path; (end = strchr(end + 1, '/')) != NULL;) {
		int made;

		*end = '\0';
		made = parent_make(scope, path, err);
		*end = '/';
		if (made == -1)
			return -1;
	}
	return make_one(scope, path, true, err);
}

int
px_fs_make_directory(
    const struct px_fs_scope *scope, const char *path, bool parents, struct px_err *err)
{
	char copy[PATH_MAX];

	if (!parents)
		return make_one(scope, path, false, err);
	if (strlcpy(copy, path, sizeof copy) >= sizeof copy) {
		errno = ENAMETOOLONG;
		return px_fs_fail(scope, path, err);
	}
	return make_parents(scope, copy, err);
}

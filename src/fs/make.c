#include "fs/fs.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/place.h"

/* 'dir' is a directory; is 'path', which is there, one too? */
static bool
is_directory(const struct px_fs_scope *scope, const char *path)
{
	int fd = px_place_openat(scope, AT_FDCWD, path, O_DIRECTORY);

	px_place_close(fd);
	return fd != -1;
}

static int
make_one(const struct px_fs_scope *scope, const char *path, bool may_exist, struct px_err *err)
{
	struct px_place place;
	int made, sys;

	if (may_exist && is_directory(scope, path))
		return 0;
	if (px_place_find(scope, path, PX_PLACE_KEEP, &place, err) == -1)
		return -1;
	made = mkdirat(place.dir, place.name, 0777);
	sys = errno;
	px_place_done(&place);
	if (made == 0 || (sys == EEXIST && may_exist && is_directory(scope, path)))
		return 0;
	errno = sys;
	return px_fs_fail(scope, path, err);
}

/* The parts of 'path' from its first to its last; each is cut at its end for the while. */
static int
make_parents(const struct px_fs_scope *scope, char *path, struct px_err *err)
{
	for (char *end = path; (end = strchr(end + 1, '/')) != NULL;) {
		int made;

		*end = '\0';
		made = make_one(scope, path, true, err);
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

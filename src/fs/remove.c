#include "fs/fs.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fs/place.h"
#include "fs/read_dir.h"

/*
 * A tree is removed from the top for files and back from its end for
 * directories, which stand in a list of paths below the first; so each is empty
 * when its turn comes, and no descriptor is held for each level. What appears in
 * between makes a directory not empty, which is an error.
 */

struct removal {
	struct px_fs_scope scope; /* of what is below: no link is followed */
	int top;
	const char *path;       /* of 'top', for errors */
	struct px_names within; /* directories below 'top'; the first is "." */
	struct px_names names;  /* in the one that is being emptied */
};

static int
removal_fail(const struct removal *removal, const char *below, struct px_err *err)
{
	char path[3 * PATH_MAX];
	int sys = errno;

	snprintf(path, sizeof path, "%s/%s", removal->path, below);
	errno = sys;
	return px_fs_fail(&(struct px_fs_scope){ 0 }, path, err);
}

/* Removes the files in the open directory, and notes its directories. */
static int
files_remove(struct removal *removal, int fd, const char *within, struct px_err *err)
{
	char below[2 * PATH_MAX];

	for (size_t i = 0; i < removal->names.count; i++) {
		const char *name = px_names_text(&removal->names, i);

		snprintf(below, sizeof below, "%s/%s", within, name);
		if (removal->names.list[i].tag == PX_FS_DIRECTORY) {
			if (px_names_add(&removal->within, below, 0, err) == -1)
				return -1;
		} else if (unlinkat(fd, name, 0) == -1 && errno != ENOENT) {
			return removal_fail(removal, below, err);
		}
	}
	return 0;
}

static int
directory_empty(struct removal *removal, const char *within, struct px_err *err)
{
	int place = px_place_openat(&removal->scope, removal->top, within, O_DIRECTORY), fd = -1;
	int result = -1;

	px_names_clear(&removal->names);
	if (place == -1 || (fd = px_place_reopen(place, O_RDONLY | O_DIRECTORY)) == -1)
		removal_fail(removal, within, err);
	else if (px_read_dir(&removal->scope, fd, removal->path, PX_LINKS_TELL, SIZE_MAX,
		     &removal->names, err) == 0)
		result = files_remove(removal, fd, within, err);
	px_place_close(fd);
	px_place_close(place);
	return result;
}

/* By its parent's descriptor: a link that somebody puts in the way leads nowhere. */
static int
directory_remove(struct removal *removal, const char *within)
{
	char parent[PATH_MAX];
	char *slash;
	int dir, result;

	strlcpy(parent, within, sizeof parent);
	slash = strrchr(parent, '/');
	*slash = '\0';
	if ((dir = px_place_openat(&removal->scope, removal->top, parent, O_DIRECTORY)) == -1)
		return -1;
	result = unlinkat(dir, slash + 1, AT_REMOVEDIR);
	px_place_close(dir);
	return result;
}

static int
tree_empty(struct removal *removal, struct px_err *err)
{
	char within[PATH_MAX];

	if (px_names_add(&removal->within, ".", 0, err) == -1)
		return -1;
	for (size_t i = 0; i < removal->within.count; i++) {
		if (strlcpy(within, px_names_text(&removal->within, i), sizeof within) >=
		    sizeof within) {
			errno = ENAMETOOLONG;
			return removal_fail(removal, within, err);
		}
		if (px_fs_go_on(&removal->scope, err) == -1 ||
		    directory_empty(removal, within, err) == -1)
			return -1;
	}
	for (size_t i = removal->within.count; i-- > 1;) {
		const char *below = px_names_text(&removal->within, i);

		if (directory_remove(removal, below) == -1 && errno != ENOENT)
			return removal_fail(removal, below, err);
	}
	return 0;
}

/* Empties the directory at the place, which must be that of the rules' check. */
static int
place_empty(const struct px_fs_scope *scope, const struct px_place *place, struct px_err *err)
{
	struct removal removal = { .scope = *scope, .path = place->real };
	int result;

	removal.scope.no_follow = true;
	if (px_fs_rules_check_tree(scope->rules, place->real, PX_FS_WRITE, err) == -1)
		return -1;
	removal.top = px_place_openat(&removal.scope, place->dir, place->name, O_DIRECTORY);
	if (removal.top == -1)
		return px_fs_fail(scope, place->real, err);
	result = tree_empty(&removal, err);
	close(removal.top);
	px_names_done(&removal.within);
	px_names_done(&removal.names);
	return result;
}

static int
place_remove(
    const struct px_fs_scope *scope, const struct px_place *place, bool all, struct px_err *err)
{
	bool is_directory = place->exists && S_ISDIR(place->st.st_mode);

	if (strcmp(place->name, ".") == 0)
		return px_fs_refuse(err, place->real, "`%.300s` is not removed", place->real);
	if (is_directory && all && place_empty(scope, place, err) == -1)
		return -1;
	if (unlinkat(place->dir, place->name, is_directory ? AT_REMOVEDIR : 0) == -1)
		return px_fs_fail(scope, place->real, err);
	return 0;
}

int
px_fs_remove(
    const struct px_fs_scope *scope, const char *path, bool all, bool force, struct px_err *err)
{
	struct px_err wrong = { 0 };
	struct px_place place;
	int result = px_place_find(scope, path, PX_PLACE_KEEP, &place, &wrong);

	if (result == 0) {
		result = place_remove(scope, &place, all, &wrong);
		px_place_done(&place);
	}
	if (result == 0 || (force && wrong.code == PX_E_IO && wrong.sys == ENOENT))
		return 0;
	if (err != NULL)
		*err = wrong;
	return -1;
}

#include "fs/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/crypto.h"

enum { TEMP_TRIES = 10 };

static int
replace_fail(const struct px_fs_scope *scope, const struct px_replace *replace, struct px_err *err)
{
	return px_fs_fail(scope, replace->place.real, err);
}

static void
replace_done(struct px_replace *replace)
{
	px_place_close(replace->fd);
	replace->fd = -1;
	px_place_done(&replace->place);
}

static void
temp_remove(struct px_replace *replace)
{
	int saved = errno;

	if (replace->temp[0] != '\0')
		unlinkat(replace->place.dir, replace->temp, 0);
	replace->temp[0] = '\0';
	errno = saved;
}

/* ---- beside ---- */

/* Has it an access list, capabilities, or whatever else? When in doubt, yes. */
static bool
has_attributes(int fd)
{
	ssize_t len = listxattr(px_place_link(fd).path, NULL, 0);

	return len > 0 || (len == -1 && errno != EOPNOTSUPP);
}

/* Would a new file under the old name be as good as the old one with new content? */
static bool
can_be_replaced(const struct px_place *place)
{
	struct statx stx;
	bool plain;
	int fd;

	if (place->st.st_nlink != 1 || (place->st.st_mode & (S_ISUID | S_ISGID)) != 0)
		return false;
	if (statx(place->dir, place->name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &stx) == -1 ||
	    (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0)
		return false;
	fd = openat(place->dir, place->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	plain = fd != -1 && !has_attributes(fd);
	px_place_close(fd);
	return plain;
}

static void
temp_name(struct px_replace *replace)
{
	char random[2 * 8 + 1];

	px_random_hex(8, random);
	snprintf(replace->temp, sizeof replace->temp, ".ptyexec-%s", random);
}

/* Without a name where that can be. */
static int
temp_open(struct px_replace *replace, mode_t mode)
{
	int dir = replace->place.dir;
	int fd = openat(dir, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, mode);

	for (size_t i = 0; i < TEMP_TRIES && fd == -1; i++) {
		temp_name(replace);
		fd = openat(
		    dir, replace->temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
		if (fd == -1 && errno != EEXIST)
			break;
	}
	if (fd == -1)
		replace->temp[0] = '\0';
	return fd;
}

/* Mode and owner of the old file for the new one. -1: it cannot have them. */
static int
temp_inherit(int fd, const struct stat *old)
{
	struct stat st;

	if (fstat(fd, &st) == -1 || has_attributes(fd))
		return -1;
	if ((st.st_uid != old->st_uid || st.st_gid != old->st_gid) &&
	    fchown(fd, old->st_uid, old->st_gid) == -1)
		return -1;
	return fchmod(fd, old->st_mode & 07777);
}

/* Opens the file beside. -1: it is to be in place, or, with nothing there, errno. */
static int
beside_open(struct px_replace *replace, mode_t mode)
{
	const struct px_place *place = &replace->place;

	if (place->exists && !can_be_replaced(place))
		return -1;
	/* Others must not read what is written before its mode is the old one's. */
	if ((replace->fd = temp_open(replace, place->exists ? 0600 : mode)) == -1)
		return -1;
	replace->beside = !place->exists || temp_inherit(replace->fd, &place->st) == 0;
	if (replace->beside)
		return 0;
	px_place_close(replace->fd);
	replace->fd = -1;
	temp_remove(replace);
	return -1;
}

/* ---- in place ---- */

static int
in_place_open(struct px_replace *replace, off_t size)
{
	int fd;

	replace->fd = openat(replace->place.dir, replace->place.name,
	    O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if ((fd = replace->fd) == -1)
		return -1;
	if (size > 0 && fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, size) == -1 &&
	    (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
		return -1;
	return 0;
}

/* ---- both ---- */

static int
replace_open(const struct px_fs_scope *scope, struct px_replace *replace, off_t size, mode_t mode,
    struct px_err *err)
{
	const struct px_place *place = &replace->place;

	if (place->exists && S_ISDIR(place->st.st_mode)) {
		errno = EISDIR;
		return replace_fail(scope, replace, err);
	}
	if (place->exists && !S_ISREG(place->st.st_mode))
		return px_fs_refuse(err, place->real, "path `%.300s` is not a file", place->real);
	/* Who may not write the file must not replace it either, though the kernel would let them.
	 */
	if (place->exists && faccessat(place->dir, place->name, W_OK, AT_EACCESS) == -1)
		return replace_fail(scope, replace, err);
	if (beside_open(replace, mode) == 0)
		return 0;
	if (!place->exists || in_place_open(replace, size) == -1)
		return replace_fail(scope, replace, err);
	return 0;
}

int
px_replace_begin(const struct px_fs_scope *scope, struct px_place *place, off_t size, mode_t mode,
    struct px_replace *out, struct px_err *err)
{
	struct px_replace replace = { .place = *place, .fd = -1 };

	place->dir = AT_FDCWD;
	if (replace_open(scope, &replace, size, mode, err) == -1) {
		replace_done(&replace);
		return -1;
	}
	*out = replace;
	return 0;
}

void
px_replace_abort(struct px_replace *replace)
{
	temp_remove(replace);
	replace_done(replace);
}

/*
 * Some file systems tell only when a descriptor is closed, be it one of two, that
 * there was no room. The other one is needed for the name.
 */
static int
content_end(const struct px_replace *replace)
{
	off_t size = lseek(replace->fd, 0, SEEK_CUR);
	int second;

	if (size == -1 || ftruncate(replace->fd, size) == -1 ||
	    (second = fcntl(replace->fd, F_DUPFD_CLOEXEC, 0)) == -1)
		return -1;
	return close(second);
}

static int
temp_link(const struct px_replace *replace, const char *name)
{
	return linkat(
	    AT_FDCWD, px_place_link(replace->fd).path, replace->place.dir, name, AT_SYMLINK_FOLLOW);
}

/* A link cannot take the place of a name: so a file without one gets another first. */
static int
temp_take_name(struct px_replace *replace)
{
	const struct px_place *place = &replace->place;
	int linked = -1;

	if (replace->temp[0] == '\0') {
		if (!place->exists && temp_link(replace, place->name) == 0)
			return 0;
		for (size_t i = 0; i < TEMP_TRIES && linked == -1; i++) {
			temp_name(replace);
			if ((linked = temp_link(replace, replace->temp)) == -1 && errno != EEXIST)
				break;
		}
		if (linked == -1) {
			replace->temp[0] = '\0'; /* of that name is somebody else's */
			return -1;
		}
	}
	if (renameat(place->dir, replace->temp, place->dir, place->name) == -1)
		return -1;
	replace->temp[0] = '\0';
	return 0;
}

int
px_replace_commit(const struct px_fs_scope *scope, struct px_replace *replace, struct px_err *err)
{
	int result = content_end(replace);

	if (result == 0 && replace->beside)
		result = temp_take_name(replace);
	if (result == -1)
		replace_fail(scope, replace, err);
	px_replace_abort(replace);
	return result;
}

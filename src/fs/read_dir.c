#include "fs/read_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fs/place.h"

enum { STEP = 1024 }; /* names between looks whether to go on */

enum px_fs_kind
px_fs_kind_of(mode_t mode)
{
	if (S_ISDIR(mode))
		return PX_FS_DIRECTORY;
	return S_ISREG(mode) ? PX_FS_FILE : PX_FS_OTHER;
}

/* The kind, or -1: it is left out, since it has gone or leads nowhere. */
static int
entry_kind(int dir, const struct dirent *entry, enum px_read_dir_links links)
{
	struct stat st;

	if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
		return (int)px_fs_kind_of(DTTOIF(entry->d_type));
	if (links == PX_LINKS_FOLLOW)
		return fstatat(dir, entry->d_name, &st, 0) == 0 ? (int)px_fs_kind_of(st.st_mode)
								: -1;
	if (entry->d_type == DT_LNK)
		return PX_FS_LINK;
	if (fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	return S_ISLNK(st.st_mode) ? PX_FS_LINK : (int)px_fs_kind_of(st.st_mode);
}

static bool
is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* 1: there is more. 0: the end. */
static int
entry_add(DIR *dir, const char *path, enum px_read_dir_links links, size_t max,
    struct px_names *out, struct px_err *err)
{
	const struct dirent *entry;
	int kind;

	errno = 0;
	if ((entry = readdir(dir)) == NULL)
		return errno == 0 ? 0 : px_fs_fail(&(struct px_fs_scope){ 0 }, path, err);
	if (is_dots(entry->d_name) || (kind = entry_kind(dirfd(dir), entry, links)) == -1)
		return 1;
	if (out->count == max)
		return px_fail_limit(
		    err, "entries", (int64_t)max, "`%.300s` has more than %zu entries", path, max);
	return px_names_add(out, entry->d_name, kind, err) == -1 ? -1 : 1;
}

int
px_read_dir(const struct px_fs_scope *scope, int fd, const char *path, enum px_read_dir_links links,
    size_t max, struct px_names *out, struct px_err *err)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0), more = 1;
	DIR *dir;

	if (own == -1)
		return px_fs_fail(scope, path, err);
	if ((dir = fdopendir(own)) == NULL) {
		px_fs_fail(scope, path, err);
		close(own);
		return -1;
	}
	for (size_t i = 1; more == 1; i++) {
		if (i % STEP == 0 && px_fs_go_on(scope, err) == -1)
			more = -1;
		else
			more = entry_add(dir, path, links, max, out, err);
	}
	closedir(dir);
	return more;
}

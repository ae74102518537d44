#include "fs/fs.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "fs/place.h"
#include "fs/read_dir.h"

/* What is looked at: nothing here changes anything. */

static int64_t
time_ms(const struct timespec *time)
{
	return (int64_t)time->tv_sec * 1000 + time->tv_nsec / 1000000;
}

int
px_fs_stat(
    const struct px_fs_scope *scope, const char *path, struct px_fs_meta *out, struct px_err *err)
{
	int fd = px_place_open(scope, path, 0, PX_FS_READ, err);
	struct stat st, name;

	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1) {
		px_fs_fail(scope, path, err);
		px_place_close(fd);
		return -1;
	}
	close(fd);
	*out = (struct px_fs_meta){
		.kind = px_fs_kind_of(st.st_mode),
		.is_link = lstat(path, &name) == 0 && S_ISLNK(name.st_mode),
		.mode = st.st_mode & 07777,
		.size = st.st_size,
		.modified_ms = time_ms(&st.st_mtim),
	};
	return 0;
}

int
px_fs_canonicalize(
    const struct px_fs_scope *scope, const char *path, char out[PATH_MAX], struct px_err *err)
{
	int fd = px_place_open(scope, path, 0, PX_FS_READ, err), result;
	char real[PATH_MAX];

	if (fd == -1)
		return -1;
	if ((result = px_place_real(fd, real)) == -1)
		px_fs_fail(scope, path, err);
	else
		strlcpy(out, real, PATH_MAX);
	px_place_close(fd);
	return result;
}

int
px_fs_list(const struct px_fs_scope *scope, const char *path, size_t max, struct px_names *out,
    struct px_err *err)
{
	int place = px_place_open(scope, path, O_DIRECTORY, PX_FS_READ, err), fd, result = -1;
	struct px_names names = { 0 };

	if (place == -1)
		return -1;
	if ((fd = px_place_reopen(place, O_RDONLY | O_DIRECTORY)) == -1)
		px_fs_fail(scope, path, err);
	else
		result = px_read_dir(scope, fd, path, PX_LINKS_FOLLOW, max, &names, err);
	px_place_close(fd);
	px_place_close(place);
	if (result == 0)
		*out = names;
	else
		px_names_done(&names);
	return result;
}

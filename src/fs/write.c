#include "fs/fs.h"

#include <errno.h>
#include <unistd.h>

#include "fs/place.h"
#include "fs/replace.h"

enum { STEP = 1024 * 1024 }; /* bytes between looks whether to go on */

static int
write_all(const struct px_fs_scope *scope, const struct px_replace *replace, const char *data,
    size_t len, struct px_err *err)
{
	ssize_t n;

	while (len > 0) {
		/* What is written in place is not left half done. */
		if (replace->beside && px_fs_go_on(scope, err) == -1)
			return -1;
		n = write(replace->fd, data, len < STEP ? len : STEP);
		if (n == -1 && errno != EINTR)
			return px_fs_fail(scope, replace->place.real, err);
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

int
px_fs_write(const struct px_fs_scope *scope, const char *path, const void *data, size_t len,
    struct px_err *err)
{
	struct px_place place;
	struct px_replace replace;

	if (px_place_find(scope, path, PX_PLACE_FOLLOW, &place, err) == -1 ||
	    px_replace_begin(scope, &place, (off_t)len, 0666, &replace, err) == -1)
		return -1;
	if (write_all(scope, &replace, data, len, err) == -1) {
		px_replace_abort(&replace);
		return -1;
	}
	return px_replace_commit(scope, &replace, err);
}

#include "proc/footing.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <linux/openat2.h>

int
px_footing_find(const char *path, struct px_footing *out)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS };
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how), sys;
	struct statx st;

	if (fd == -1)
		return errno;
	sys = statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_INO, &st) == -1 ? errno : 0;
	close(fd);
	if (sys != 0)
		return sys;
	memset(out, 0, sizeof *out);
	out->dev = makedev(st.stx_dev_major, st.stx_dev_minor);
	out->ino = st.stx_ino;
	out->mounted = (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
	return 0;
}

int
px_footing_check(const char *path, const struct px_footing *expected)
{
	struct px_footing found = { 0 };

	/* Also when a directory is closed on the way: it can be opened again by who has closed it.
	 */
	if (px_footing_find(path, &found) != 0 || !found.mounted)
		return ESTALE;
	if (!expected->covered && (found.dev != expected->dev || found.ino != expected->ino))
		return ESTALE;
	return 0;
}

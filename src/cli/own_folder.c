#include "cli/own_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"

static bool
is_own_directory(const char *path)
{
	struct stat st;

	return path != NULL && path[0] == '/' && stat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
	       st.st_uid == geteuid();
}

int
px_own_folder_find(struct px_own_folder *folder)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	int len;

	if (is_own_directory(runtime))
		len = snprintf(folder->path, sizeof folder->path, "%s/ptyexec", runtime);
	else
		len = snprintf(
		    folder->path, sizeof folder->path, "/tmp/ptyexec-%u", (unsigned)geteuid());
	if (len < 0 || (size_t)len >= sizeof folder->path) {
		px_complain("XDG_RUNTIME_DIR is too long for a socket's path: '%s'", runtime);
		return -1;
	}
	snprintf(folder->url, sizeof folder->url, "unix://%s/server.sock", folder->path);
	return 0;
}

/* O_NOFOLLOW: a link would be somebody's way to lead us elsewhere. */
static int
folder_check(const struct px_own_folder *folder)
{
	const char *wrong = NULL;
	struct stat st;

	if (fstat(folder->fd, &st) == -1)
		wrong = strerror(errno);
	else if (st.st_uid != geteuid())
		wrong = "it belongs to another user";
	else if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		wrong = "others may enter it; 'chmod 700' it if you trust what is in it";
	if (wrong == NULL)
		return 0;
	px_complain("cannot use '%s' for your own server: %s", folder->path, wrong);
	return -1;
}

int
px_own_folder_open(struct px_own_folder *folder, bool *out_absent)
{
	if (px_own_folder_find(folder) == -1)
		return -1;
	if (out_absent == NULL && mkdir(folder->path, S_IRWXU) == -1 && errno != EEXIST) {
		px_complain(
		    "cannot make '%s' for your own server: %s", folder->path, strerror(errno));
		return -1;
	}
	folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder->fd == -1 && out_absent != NULL && errno == ENOENT) {
		*out_absent = true;
		return -1;
	}
	if (folder->fd == -1) {
		px_complain("cannot use '%s' for your own server: %s", folder->path,
		    errno == ENOTDIR || errno == ELOOP ? "it is no directory" : strerror(errno));
		return -1;
	}
	if (folder_check(folder) == 0)
		return 0;
	close(folder->fd);
	return -1;
}

void
px_own_folder_close(struct px_own_folder *folder)
{
	close(folder->fd);
}

int
px_own_folder_lock(const struct px_own_folder *folder)
{
	int fd = openat(folder->fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	int result = fd;

	while (result != -1 && (result = flock(fd, LOCK_EX)) == -1 && errno == EINTR)
		result = 0;
	if (result != -1)
		return fd;
	px_complain("cannot lock '%s/lock': %s", folder->path, strerror(errno));
	if (fd != -1)
		close(fd);
	return -1;
}

#include "sandbox/stand_in.h"

#include <bsd/sys/queue.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { MODE = 0555, TRIES = 8 };

struct stand_in {
	TAILQ_ENTRY(stand_in) link;
	char *path;
	int fd; /* with a shared lock */
	size_t holders;
};

struct px_stand_ins {
	TAILQ_HEAD(, stand_in) list;
};

struct px_stand_ins *
px_stand_ins_new(void)
{
	struct px_stand_ins *all = px_new(struct px_stand_ins);

	TAILQ_INIT(&all->list);
	return all;
}

static struct stand_in *
find(const struct px_stand_ins *all, const char *path)
{
	struct stand_in *one;

	TAILQ_FOREACH (one, &all->list, link)
		if (strcmp(one->path, path) == 0)
			return one;
	return NULL;
}

/* Is it still what its path says? */
static bool
is_at(int fd, const char *path)
{
	struct stat open, named;

	return fstat(fd, &open) == 0 && lstat(path, &named) == 0 && open.st_dev == named.st_dev &&
	       open.st_ino == named.st_ino;
}

static bool
is_empty(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy != -1 ? fdopendir(copy) : NULL;
	size_t n = 0;

	if (dir == NULL) {
		if (copy != -1)
			close(copy);
		return false;
	}
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n == 2; /* "." and ".." */
}

static bool
looks_like_one(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & 07777) == MODE && st.st_uid == geteuid() &&
	       is_empty(fd);
}

bool
px_stand_in_is(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool is = fd != -1 && looks_like_one(fd);

	if (fd != -1)
		close(fd);
	return is;
}

/* The last holder of all takes it away, unless somebody has put something in. */
static void
remove_if_last(int fd, const char *path)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && is_at(fd, path))
		(void)rmdir(path);
}

static void
forget(struct px_stand_ins *all, struct stand_in *one)
{
	remove_if_last(one->fd, one->path);
	close(one->fd);
	TAILQ_REMOVE(&all->list, one, link);
	free(one->path);
	free(one);
}

/* 1: locked, 0: it is something else, or has gone meanwhile. */
static int
lock_found(const char *path, int *out_fd)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd == -1)
		return 0;
	if (!looks_like_one(fd) || flock(fd, LOCK_SH | LOCK_NB) == -1 || !is_at(fd, path)) {
		close(fd);
		return 0;
	}
	*out_fd = fd;
	return 1;
}

static int
enter(struct px_stand_ins *all, const char *path, int fd)
{
	struct stand_in *one = px_new(struct stand_in);

	one->path = px_strdup(path);
	one->fd = fd;
	one->holders = 1;
	TAILQ_INSERT_TAIL(&all->list, one, link);
	return 1;
}

int
px_stand_in_hold_found(struct px_stand_ins *all, const char *path, struct px_err *err)
{
	struct stand_in *one = find(all, path);
	int fd;

	(void)err;
	if (one != NULL && is_at(one->fd, path)) {
		one->holders++;
		return 1;
	}
	return lock_found(path, &fd) == 1 ? enter(all, path, fd) : 0;
}

/* The mode is set after: what the umask takes away would not be recognized. */
static int
make(const char *path)
{
	if (mkdir(path, 0700) == -1)
		return -1;
	return chmod(path, MODE);
}

int
px_stand_in_hold(struct px_stand_ins *all, const char *path, struct px_err *err)
{
	for (int i = 0; i < TRIES; i++) {
		if (px_stand_in_hold_found(all, path, err) == 1)
			return 1;
		if (make(path) == 0)
			continue;
		if (errno == EROFS)
			return 0;
		if (errno != EEXIST)
			return px_fail_sys(err, PX_E_IO, errno,
			    "cannot keep '%s' from coming to be in a sandbox", path);
	}
	/* Somebody else has made something of that name, which a mount can protect. */
	return 0;
}

void
px_stand_in_drop(struct px_stand_ins *all, const char *path)
{
	struct stand_in *one = find(all, path);

	if (one != NULL && --one->holders == 0)
		forget(all, one);
}

void
px_stand_ins_free(struct px_stand_ins *all)
{
	if (all == NULL)
		return;
	while (!TAILQ_EMPTY(&all->list))
		forget(all, TAILQ_FIRST(&all->list));
	free(all);
}

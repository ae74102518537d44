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
#include "fs/place.h"

/* Nobody else makes a sticky directory that its owner cannot write. */
enum { MODE = S_ISVTX | 0555, TRIES = 8 };

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

/*
 * The directory in which 'path' lies, and its name there. What is made and removed
 * is so outside of every sandbox, and must not be led elsewhere by one.
 */
static int
parent_open(const char *path, const char **out_name)
{
	static const struct px_fs_scope straight = { .no_follow = true };
	const char *slash = strrchr(path, '/');
	char *above = px_strndup(path, slash == path ? 1 : (size_t)(slash - path));
	int fd = px_place_openat(&straight, AT_FDCWD, above, O_DIRECTORY), sys = errno;

	free(above);
	*out_name = slash + 1;
	errno = sys;
	return fd;
}

/* Is it still what its name says? */
static bool
is_named(int fd, int dir, const char *name)
{
	struct stat open, named;

	return fstat(fd, &open) == 0 && fstatat(dir, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

static bool
is_at(int fd, const char *path)
{
	return is_named(fd, AT_FDCWD, path);
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

/* The umask may have taken something away, and the directory above may have given its group. */
static bool
looks_like_one(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & 0500) == 0500 &&
	       (st.st_mode & 07777 & ~(mode_t)(MODE | S_ISGID)) == 0 &&
	       (st.st_mode & S_ISVTX) != 0 && st.st_uid == geteuid() && is_empty(fd);
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
	const char *name;
	int dir;

	if (flock(fd, LOCK_EX | LOCK_NB) == -1 || (dir = parent_open(path, &name)) == -1)
		return;
	if (is_named(fd, dir, name))
		(void)unlinkat(dir, name, AT_REMOVEDIR);
	close(dir);
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

/* It is one: locked, or -1 when it is being removed by another process, or has gone meanwhile. */
static int
lock(int fd, const char *path)
{
	if (flock(fd, LOCK_SH | LOCK_NB) == -1)
		return -1;
	if (is_at(fd, path))
		return 0;
	errno = EBUSY;
	return -1;
}

/* 1: locked, 0: it is something else or, with ENOENT, nothing; -1 with errno. */
static int
lock_found(const char *path, int *out_fd)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd == -1)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -1 : 0;
	if (!looks_like_one(fd)) {
		close(fd);
		errno = 0;
		return 0;
	}
	if (lock(fd, path) == -1) {
		px_place_close(fd);
		return -1;
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

/* As px_stand_in_hold_found(), but -1 with errno. */
static int
hold_found(struct px_stand_ins *all, const char *path)
{
	struct stand_in *one = find(all, path);
	int fd, found;

	if (one != NULL && is_at(one->fd, path)) {
		one->holders++;
		return PX_STAND_IN_HELD;
	}
	found = lock_found(path, &fd);
	return found == 1 ? enter(all, path, fd) : found;
}

static int
fail(const char *path, int sys, struct px_err *err)
{
	return px_fail_sys(
	    err, PX_E_IO, sys, "cannot keep '%s' from coming to be in a sandbox", path);
}

int
px_stand_in_hold_found(struct px_stand_ins *all, const char *path, struct px_err *err)
{
	int held = hold_found(all, path);

	return held == -1 ? fail(path, errno, err) : held;
}

/* Who may not write a directory can, if it is theirs, take leave to. */
static bool
is_anothers(int dir)
{
	struct stat st;

	return fstat(dir, &st) == 0 && st.st_uid != geteuid();
}

/* It has its mode from the beginning, for another process may find it at once. */
static int
make(const char *path)
{
	const char *name;
	int dir = parent_open(path, &name), result;

	if (dir == -1)
		return -1;
	result = mkdirat(dir, name, MODE);
	if (result == -1 && (errno == EROFS || (errno == EACCES && is_anothers(dir))))
		result = PX_STAND_IN_NEVER;
	px_place_close(dir);
	return result;
}

int
px_stand_in_hold(struct px_stand_ins *all, const char *path, struct px_err *err)
{
	int held, made;

	for (int i = 0; i < TRIES; i++) {
		held = hold_found(all, path);
		/* Of what somebody else has made there, a mount can take care. */
		if (held == PX_STAND_IN_HELD || (held == PX_STAND_IN_OTHER && errno != ENOENT))
			return held;
		if (held == -1 && errno != EWOULDBLOCK && errno != EBUSY)
			break;
		if ((made = make(path)) == PX_STAND_IN_NEVER)
			return made;
		if (made == -1 && errno != EEXIST)
			break;
	}
	return fail(path, errno, err);
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

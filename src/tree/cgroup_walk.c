#include "tree/cgroup_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

void
px_cgroup_close(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
}

int
px_cgroup_open(int parent, const char *name)
{
	return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

const char *
px_cgroup_next(DIR *dir)
{
	const struct dirent *entry;

	do {
		errno = 0;
		entry = readdir(dir);
	} while (entry != NULL && (entry->d_type != DT_DIR || entry->d_name[0] == '.'));
	return entry != NULL ? entry->d_name : NULL;
}

DIR *
px_cgroup_list(int fd)
{
	int own = px_cgroup_open(fd, ".");
	DIR *dir;

	if (own == -1)
		return NULL;
	if ((dir = fdopendir(own)) == NULL)
		px_cgroup_close(own);
	return dir;
}

static int
group_list_end(DIR *dir, int result)
{
	int saved = errno;

	closedir(dir);
	errno = saved;
	return result;
}

/* Removes what is below, deepest first: a group with sub-groups cannot be removed. */
static int
group_prune(int fd, unsigned depth)
{
	DIR *dir = px_cgroup_list(fd);
	const char *name;
	int sub, pruned;

	if (dir == NULL)
		return -1;
	while ((name = px_cgroup_next(dir)) != NULL) {
		if (depth == PX_CGROUP_DEPTH_MAX) {
			errno = ELOOP;
			return group_list_end(dir, -1);
		}
		if ((sub = px_cgroup_open(fd, name)) == -1)
			return group_list_end(dir, -1);
		pruned = group_prune(sub, depth + 1);
		px_cgroup_close(sub);
		if (pruned == -1 || unlinkat(fd, name, AT_REMOVEDIR) == -1)
			return group_list_end(dir, -1);
	}
	return group_list_end(dir, errno == 0 ? 0 : -1);
}

int
px_cgroup_prune(int fd)
{
	return group_prune(fd, 0);
}

/* A group without a directory has no members, and those of a threaded group are listed above it. */
static bool
group_has_none(int sys)
{
	return sys == ENOENT || sys == ENODEV || sys == EOPNOTSUPP;
}

static int
group_members(int fd, px_cgroup_member_fn *fn, void *arg)
{
	int in = openat(fd, "cgroup.procs", O_RDONLY | O_CLOEXEC), pid, failed;
	FILE *file;

	if (in == -1)
		return -1;
	if ((file = fdopen(in, "r")) == NULL) {
		px_cgroup_close(in);
		return -1;
	}
	errno = 0;
	while (fscanf(file, "%d", &pid) == 1)
		if (pid > 0) /* 0: it lives in a pid namespace that we do not see */
			fn(pid, arg);
	failed = ferror(file) ? errno : 0;
	fclose(file);
	errno = failed;
	return failed == 0 ? 0 : -1;
}

/* Deeper members are left out rather than failing: no session becomes unkillable by digging. */
static int
group_walk(int fd, unsigned depth, px_cgroup_member_fn *fn, void *arg)
{
	const char *name;
	int sub, result;
	DIR *dir;

	if (group_members(fd, fn, arg) == -1 && !group_has_none(errno))
		return -1;
	if (depth == PX_CGROUP_DEPTH_MAX)
		return 0;
	if ((dir = px_cgroup_list(fd)) == NULL)
		return group_has_none(errno) ? 0 : -1;
	while ((name = px_cgroup_next(dir)) != NULL) {
		if ((sub = px_cgroup_open(fd, name)) == -1) {
			if (group_has_none(errno))
				continue;
			return group_list_end(dir, -1);
		}
		result = group_walk(sub, depth + 1, fn, arg);
		px_cgroup_close(sub);
		if (result == -1)
			return group_list_end(dir, -1);
	}
	return group_list_end(dir, errno == 0 || group_has_none(errno) ? 0 : -1);
}

int
px_cgroup_members(int fd, px_cgroup_member_fn *fn, void *arg)
{
	return group_walk(fd, 0, fn, arg);
}

#include "tree/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/mem.h"
#include "tree/cgroup_self.h"
#include "tree/cgroup_walk.h"

enum { GROUP_NAME_SIZE = 64 };

struct px_cgroup_root {
	int fd;
};

/* Async-signal-safe. */
static int
group_write(int fd, const char *file, const char *text)
{
	int out = openat(fd, file, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (out == -1)
		return -1;
	n = write(out, text, strlen(text));
	px_cgroup_close(out);
	return n == -1 ? -1 : 0;
}

static ssize_t
group_read(int fd, const char *file, char *buf, size_t size)
{
	int in = openat(fd, file, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (in == -1)
		return -1;
	n = read(in, buf, size - 1);
	px_cgroup_close(in);
	if (n != -1)
		buf[n] = '\0';
	return n;
}

static bool
group_is_cgroup2(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

/* Making sub-groups takes the directory, moving processes takes cgroup.procs. */
static bool
group_is_writable(int fd)
{
	return faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) == 0 &&
	       faccessat(fd, "cgroup.procs", W_OK, AT_EACCESS) == 0;
}

static bool
group_is_delegated(int fd)
{
	static const char *const names[] = { "user.delegate", "trusted.delegate" };
	char value[2];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (fgetxattr(fd, names[i], value, sizeof(value)) == 1 && value[0] == '1')
			return true;
	return false;
}

static struct px_cgroup_root *
root_new(int fd)
{
	struct px_cgroup_root *root = px_new(struct px_cgroup_root);

	root->fd = fd;
	return root;
}

static struct px_cgroup_root *
root_auto(void)
{
	int fd = px_cgroup_self_open();

	if (fd == -1)
		return NULL;
	if (group_is_cgroup2(fd) && group_is_delegated(fd) && group_is_writable(fd))
		return root_new(fd);
	close(fd);
	return NULL;
}

static int
root_open(const char *path, struct px_cgroup_root **out, struct px_err *err)
{
	int fd;

	if (path[0] != '/')
		return px_fail(
		    err, PX_E_USAGE, "cgroup '%s' is neither off, auto nor an absolute path", path);
	if ((fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return px_fail_sys(err, PX_E_IO, errno, "cannot open cgroup '%s'", path);
	if (!group_is_cgroup2(fd)) {
		close(fd);
		return px_fail(err, PX_E_USAGE, "'%s' is not a cgroup v2 directory", path);
	}
	if (!group_is_writable(fd)) {
		px_cgroup_close(fd);
		return px_fail_sys(err, PX_E_IO, errno, "cannot write cgroup '%s'", path);
	}
	*out = root_new(fd);
	return 0;
}

int
px_cgroup_root_open(const char *where, struct px_cgroup_root **out, struct px_err *err)
{
	if (strcmp(where, "off") != 0 && strcmp(where, "auto") != 0)
		return root_open(where, out, err);
	*out = strcmp(where, "auto") == 0 ? root_auto() : NULL;
	return 0;
}

static void
group_name(char name[GROUP_NAME_SIZE], unsigned long serial)
{
	snprintf(name, GROUP_NAME_SIZE, "ptyexec-%d-%lu", (int)getpid(), serial);
}

/* With its sub-groups, but nothing at all while it has members. */
static int
group_remove(const struct px_cgroup_root *root, const char *name, int fd)
{
	int populated = px_cgroup_populated(fd);

	if (populated == 1)
		errno = EBUSY;
	if (populated != 0 || px_cgroup_prune(fd) == -1)
		return -1;
	return unlinkat(root->fd, name, AT_REMOVEDIR);
}

int
px_cgroup_make(struct px_cgroup_root *root, unsigned long serial, struct px_err *err)
{
	char name[GROUP_NAME_SIZE], depth[16];
	int made, fd;

	group_name(name, serial);
	/* One that exists was left behind by an earlier process with our number. */
	if ((made = mkdirat(root->fd, name, 0755)) == -1 && errno == EEXIST &&
	    (fd = px_cgroup_open(root->fd, name)) != -1) {
		made = group_remove(root, name, fd);
		px_cgroup_close(fd);
		if (made == 0)
			made = mkdirat(root->fd, name, 0755);
	}
	if (made == -1)
		return px_fail_sys(err, PX_E_IO, errno, "cannot make cgroup '%s'", name);
	if ((fd = px_cgroup_open(root->fd, name)) == -1) {
		px_fail_sys(err, PX_E_IO, errno, "cannot open cgroup '%s'", name);
		unlinkat(root->fd, name, AT_REMOVEDIR);
		return -1;
	}
	snprintf(depth, sizeof(depth), "%d", PX_CGROUP_DEPTH_MAX);
	group_write(fd, "cgroup.max.depth", depth);
	return fd;
}

int
px_cgroup_enter(int fd)
{
	return group_write(fd, "cgroup.procs", "0"); /* 0: the writer itself */
}

int
px_cgroup_kill(int fd)
{
	return group_write(fd, "cgroup.kill", "1");
}

int
px_cgroup_populated(int fd)
{
	char events[256];
	const char *at;

	if (group_read(fd, "cgroup.events", events, sizeof(events)) == -1)
		return -1;
	if ((at = strstr(events, "populated ")) == NULL) {
		errno = EBADMSG;
		return -1;
	}
	return at[strlen("populated ")] == '1';
}

int
px_cgroup_remove(struct px_cgroup_root *root, unsigned long serial, int fd)
{
	char name[GROUP_NAME_SIZE];
	int result;

	group_name(name, serial);
	result = group_remove(root, name, fd);
	px_cgroup_close(fd);
	return result;
}

/* Groups that could not be removed when their session ended may be empty by now. */
static void
root_sweep(const struct px_cgroup_root *root)
{
	DIR *dir = px_cgroup_list(root->fd);
	char prefix[GROUP_NAME_SIZE];
	const char *name;
	int fd;

	if (dir == NULL)
		return;
	snprintf(prefix, sizeof(prefix), "ptyexec-%d-", (int)getpid());
	while ((name = px_cgroup_next(dir)) != NULL) {
		if (strncmp(name, prefix, strlen(prefix)) != 0 ||
		    (fd = px_cgroup_open(root->fd, name)) == -1)
			continue;
		group_remove(root, name, fd);
		close(fd);
	}
	closedir(dir);
}

void
px_cgroup_root_free(struct px_cgroup_root *root)
{
	if (root == NULL)
		return;
	root_sweep(root);
	close(root->fd);
	free(root);
}

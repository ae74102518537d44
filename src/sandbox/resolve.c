#include "sandbox/resolve.h"

#include <bsd/string.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* What is still to be gone through, and where that has led. */
struct way {
	char left[PATH_MAX];
	struct px_resolved *out;
};

static void
path_pop(char *path)
{
	char *slash = strrchr(path, '/');

	*slash = '\0';
}

static int
path_push(char *path, const char *name)
{
	if (strlcat(path, "/", PATH_MAX) < PATH_MAX && strlcat(path, name, PATH_MAX) < PATH_MAX)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

/* The first name of 'left' goes to 'name'; false: nothing is left. */
static bool
name_take(char *left, char *name, size_t size)
{
	char *at = left + strspn(left, "/");
	size_t len = strcspn(at, "/");

	if (len == 0)
		return false;
	if (len >= size)
		len = size - 1; /* no file has so long a name: the kernel will say so */
	memcpy(name, at, len);
	name[len] = '\0';
	at += strcspn(at, "/");
	memmove(left, at, strlen(at) + 1);
	return true;
}

/* out->path is the link; what it says comes before what is left. */
static int
link_follow(struct way *way)
{
	struct px_resolved *out = way->out;
	char target[PATH_MAX];
	ssize_t n = readlink(out->path, target, sizeof target - 1);

	if (n == -1)
		return -1;
	target[n] = '\0';
	if (out->nlinks == PX_RESOLVE_LINKS) {
		errno = ELOOP;
		return -1;
	}
	out->link[out->nlinks++] =
	    (struct px_resolved_link){ px_strdup(out->path), px_strdup(target) };
	if (target[0] == '/')
		out->path[0] = '\0';
	else
		path_pop(out->path);
	if (path_push(target, way->left) == -1)
		return -1;
	strlcpy(way->left, target, sizeof way->left);
	return 0;
}

/* One name further. */
static int
way_step(struct way *way, const char *name)
{
	struct px_resolved *out = way->out;
	struct stat st;
	bool missing = out->there < strlen(out->path);

	if (strcmp(name, ".") == 0)
		return 0;
	if (strcmp(name, "..") == 0 && missing) {
		errno = ENOENT;
		return -1;
	}
	if (strcmp(name, "..") == 0) {
		if (out->path[0] != '\0')
			path_pop(out->path);
		out->there = strlen(out->path);
		return 0;
	}
	if (path_push(out->path, name) == -1)
		return -1;
	if (missing)
		return 0;
	if (lstat(out->path, &st) == -1) {
		out->directory = false;
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
	}
	if (S_ISLNK(st.st_mode) && link_follow(way) == -1)
		return -1;
	out->directory = S_ISDIR(st.st_mode) || S_ISLNK(st.st_mode);
	out->there = strlen(out->path);
	return 0;
}

int
px_resolve(const char *path, struct px_resolved *out, struct px_err *err)
{
	struct way way = { .out = out };
	char name[NAME_MAX + 2];

	*out = (struct px_resolved){ .directory = true };
	errno = ENAMETOOLONG;
	if (strlcpy(way.left, path, sizeof way.left) >= sizeof way.left)
		return px_fail_sys(err, PX_E_IO, errno, "cannot look at '%.300s'", path);
	while (name_take(way.left, name, sizeof name))
		if (way_step(&way, name) == -1)
			return px_fail_sys(err, PX_E_IO, errno, "cannot look at '%.300s'", path);
	if (out->path[0] == '\0') {
		strlcpy(out->path, "/", sizeof out->path);
		out->there = 1;
	}
	return 0;
}

void
px_resolved_done(struct px_resolved *resolved)
{
	for (size_t i = 0; i < resolved->nlinks; i++) {
		free(resolved->link[i].path);
		free(resolved->link[i].target);
	}
	resolved->nlinks = 0;
}

#include "fs/missing.h"

#include <bsd/string.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "fs/names.h"
#include "fs/rules.h"
#include "fs/scope.h"

/* Names are watched for both ways: the list says which names of a directory mean something. */
#define NAME_EVENTS (IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM)
#define SELF_EVENTS (IN_DELETE_SELF | IN_MOVE_SELF)

enum { TRIES_MAX = 1000, READ_MAX = 64 * 1024 };

struct px_missing {
	int fd;
	struct px_names wanted; /* names to come, with the watch of their directory; sorted */
	struct px_names held;   /* the name of 'present', likewise */
	char last[PATH_MAX];    /* a directory that is watched with all above it; or "" */
};

struct arming {
	struct px_missing *missing;
	struct px_fs_scope scope; /* its 'stop' only */
	struct px_err *err;
};

enum armed { ARMED, AGAIN, POINTLESS }; /* or -1 */

/* ---- watches ---- */

/* What a kernel's setting is, or 0. */
static int64_t
setting_value(const char *path)
{
	FILE *file = fopen(path, "re");
	long long value = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%lld", &value) != 1)
		value = 0;
	fclose(file);
	return value;
}

static int
watch_fail(const struct arming *arming, const char *path)
{
	if (errno == ENOSPC)
		return px_fail_limit(arming->err, "fs.inotify.max_user_watches",
		    setting_value("/proc/sys/fs/inotify/max_user_watches"),
		    "watching `%.200s`: the user's inotify watches are used up "
		    "(sysctl fs.inotify.max_user_watches)",
		    path);
	return px_fs_fail(&arming->scope, path, arming->err);
}

static int
watch_add(const struct arming *arming, const char *directory, uint32_t events)
{
	return inotify_add_watch(arming->missing->fd, directory, events | IN_ONLYDIR | IN_MASK_ADD);
}

/*
 * Those above a directory, up to the root: of what may not be read nothing is
 * heard. Paths come in bunches, so most often they are above the last one too.
 */
static int
ancestors_watch(const struct arming *arming, const char *directory)
{
	char *last = arming->missing->last;
	char above[PATH_MAX];
	char *slash;

	strlcpy(above, directory, sizeof above);
	while ((slash = strrchr(above, '/')) != NULL && slash != above) {
		*slash = '\0';
		if (px_fs_path_is_in(last, above))
			break;
		if (watch_add(arming, above, SELF_EVENTS) == -1 && errno == ENOSPC)
			return watch_fail(arming, above);
	}
	strlcpy(last, directory, PATH_MAX);
	return ARMED;
}

/* Waits for 'name' in 'directory'. AGAIN: the directory is not there, or another one, by now. */
static int
name_watch(
    const struct arming *arming, struct px_names *names, const char *directory, const char *name)
{
	int watch = watch_add(arming, directory, NAME_EVENTS | SELF_EVENTS);

	if (watch == -1)
		return errno == ENOENT || errno == ENOTDIR ? AGAIN : watch_fail(arming, directory);
	if (px_names_add(names, name, watch, arming->err) == -1 ||
	    ancestors_watch(arming, directory) == -1)
		return -1;
	/* Nothing above it moved before it was watched: the path still leads to the same. */
	return watch_add(arming, directory, SELF_EVENTS) == watch ? ARMED : AGAIN;
}

/* ---- one path ---- */

static bool
is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/*
 * The last directory on the way along 'path' that exists, and the name behind
 * it. Returns where in 'path' that name ends.
 */
static size_t
nearest(const char *path, char directory[PATH_MAX], char name[NAME_MAX + 1])
{
	size_t cut = strlen(path), len;

	do {
		do
			cut--;
		while (cut > 0 && path[cut] != '/');
		snprintf(directory, PATH_MAX, "%.*s", cut > 0 ? (int)cut : 1, path);
	} while (cut > 0 && !is_directory(directory));
	len = strcspn(path + cut + 1, "/");
	snprintf(name, NAME_MAX + 1, "%.*s", (int)len, path + cut + 1);
	return cut + 1 + len;
}

/* Makes 'path' what it is behind the link at directory/name. */
static int
link_follow(const struct arming *arming, char path[PATH_MAX], size_t end, const char *directory,
    const char *link)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t len = readlink(link, target, sizeof target - 1);
	int used;

	if (len == -1)
		return AGAIN;
	target[len] = '\0';
	strlcpy(rest, path + end, sizeof rest);
	if (target[0] == '/')
		used = snprintf(path, PATH_MAX, "%s%s", target, rest);
	else
		used = snprintf(path, PATH_MAX, "%s/%s%s", directory, target, rest);
	if (used < PATH_MAX)
		return AGAIN;
	errno = ENAMETOOLONG;
	return px_fs_fail(&arming->scope, link, arming->err);
}

/* One look; AGAIN also where a link led on, which changes 'path'. */
static int
path_look(const struct arming *arming, char path[PATH_MAX])
{
	char directory[PATH_MAX], name[NAME_MAX + 1], next[PATH_MAX + NAME_MAX + 2];
	struct stat st;
	size_t end;
	int armed;

	if (stat(path, &st) == 0)
		return POINTLESS;
	if (errno != ENOENT && errno != ENOTDIR)
		return px_fs_fail(&arming->scope, path, arming->err);
	end = nearest(path, directory, name);
	armed = name_watch(arming, &arming->missing->wanted, directory, name);
	if (armed != ARMED)
		return armed;
	snprintf(next, sizeof next, "%s/%s", strcmp(directory, "/") == 0 ? "" : directory, name);
	if (lstat(next, &st) == -1)
		return ARMED;
	if (S_ISLNK(st.st_mode) && stat(next, &st) == -1)
		return link_follow(arming, path, end, directory, next);
	/* It has come meanwhile, or is a file in the way, which can be replaced. */
	return path[end] == '\0' || S_ISDIR(st.st_mode) ? AGAIN : ARMED;
}

static int
path_arm(const struct arming *arming, const char *path)
{
	char target[PATH_MAX];
	int armed = AGAIN;

	if (path[0] != '/' || strlcpy(target, path, sizeof target) >= sizeof target)
		return px_fail(arming->err, PX_E_PARAMS, "`%.200s` is no absolute path", path);
	for (size_t tries = 0; armed == AGAIN && tries < TRIES_MAX; tries++) {
		if (px_fs_go_on(&arming->scope, arming->err) == -1)
			return -1;
		armed = path_look(arming, target);
	}
	if (armed != AGAIN)
		return armed;
	errno = ELOOP;
	return px_fs_fail(&arming->scope, path, arming->err);
}

/* ---- what is present ---- */

static int
held_arm(const struct arming *arming, const char *path)
{
	char directory[PATH_MAX], name[NAME_MAX + 1];
	int armed;

	if (strcmp(path, "/") == 0)
		return ARMED;
	nearest(path, directory, name);
	armed = name_watch(arming, &arming->missing->held, directory, name);
	return armed == AGAIN ? POINTLESS : armed;
}

/* It, and what it leads to; then it must still be there. */
static int
present_arm(const struct arming *arming, const char *path)
{
	char real[PATH_MAX];
	struct stat st;
	int armed;

	if (stat(path, &st) == -1 || realpath(path, real) == NULL)
		return POINTLESS;
	armed = held_arm(arming, path);
	if (armed == ARMED && strcmp(path, real) != 0)
		armed = held_arm(arming, real);
	if (armed == ARMED && stat(path, &st) == -1)
		return POINTLESS;
	return armed;
}

/* ---- all ---- */

static int
all_arm(const struct arming *arming, const struct px_missing_spec *spec)
{
	int armed = spec->count > 0 || spec->present != NULL ? ARMED : POINTLESS;

	if (spec->present != NULL)
		armed = present_arm(arming, spec->present);
	for (size_t i = 0; i < spec->count && armed == ARMED; i++)
		armed = path_arm(arming, spec->missing[i]);
	px_names_sort(&arming->missing->wanted);
	px_names_sort(&arming->missing->held);
	return armed;
}

/* The kernel says the same for too many descriptors of the process. */
static int
instance_fail(struct px_err *err)
{
	if (errno != EMFILE)
		return px_fail_sys(err, PX_E_IO, errno, "watching for files");
	return px_fail_limit(err, "fs.inotify.max_user_instances",
	    setting_value("/proc/sys/fs/inotify/max_user_instances"),
	    "watching for files: the user's inotify instances are used up "
	    "(sysctl fs.inotify.max_user_instances), or this process has too many open files");
}

int
px_missing_new(const struct px_missing_spec *spec, const atomic_bool *stop, struct px_missing **out,
    struct px_err *err)
{
	struct px_missing *missing = px_new(struct px_missing);
	struct arming arming = { .missing = missing, .scope.stop = stop, .err = err };
	int armed;

	if ((missing->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) == -1) {
		free(missing);
		return instance_fail(err);
	}
	armed = all_arm(&arming, spec);
	if (armed != ARMED)
		px_missing_free(missing);
	if (armed == -1)
		return -1;
	*out = armed == ARMED ? missing : NULL;
	return 0;
}

void
px_missing_free(struct px_missing *missing)
{
	if (missing == NULL)
		return;
	close(missing->fd);
	px_names_done(&missing->wanted);
	px_names_done(&missing->held);
	free(missing);
}

int
px_missing_fd(const struct px_missing *missing)
{
	return missing->fd;
}

/* ---- events ---- */

static enum px_missing_news
event_news(const struct px_missing *missing, const struct inotify_event *event)
{
	if ((event->mask & (SELF_EVENTS | IN_Q_OVERFLOW | IN_UNMOUNT)) != 0)
		return PX_MISSING_MOVED;
	if (event->len == 0)
		return PX_MISSING_NOTHING;
	if ((event->mask & (IN_CREATE | IN_MOVED_TO)) != 0 &&
	    px_names_has(&missing->wanted, event->name, event->wd))
		return PX_MISSING_CHANGED;
	if ((event->mask & (IN_DELETE | IN_MOVED_FROM)) != 0 &&
	    px_names_has(&missing->held, event->name, event->wd))
		return PX_MISSING_CHANGED;
	return PX_MISSING_NOTHING;
}

enum px_missing_news
px_missing_read(struct px_missing *missing)
{
	_Alignas(struct inotify_event) char block[16 * 1024];
	enum px_missing_news news = PX_MISSING_NOTHING, one;
	const struct inotify_event *event;
	ssize_t n;

	for (size_t total = 0; total < READ_MAX; total += (size_t)n) {
		if ((n = read(missing->fd, block, sizeof block)) <= 0)
			break;
		for (const char *at = block; at < block + n; at += sizeof *event + event->len) {
			event = (const struct inotify_event *)(const void *)at;
			one = event_news(missing, event);
			if (one == PX_MISSING_CHANGED)
				return one;
			if (one == PX_MISSING_MOVED)
				news = one;
		}
	}
	return news;
}

#include "fs/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fs/inodes.h"
#include "fs/place.h"
#include "fs/read_dir.h"

/*
 * Breadth first over paths, so that no descriptor is held for each level. A
 * directory is opened by its path once more when its turn comes; should it have
 * gone by then, that is an error of the walk's list, as any that cannot be read.
 */

#define TEXT_MAX ((size_t)64 * 1024 * 1024)

struct walk {
	const struct px_fs_scope *scope;
	const struct px_fs_walk *options;
	struct px_fs_walked out;
	struct px_names queue; /* paths of directories to be read, with their depth */
	struct px_names names; /* of the one that is being read */
	struct px_inodes seen;
	struct px_err *err;
};

void
px_fs_walked_done(struct px_fs_walked *walked)
{
	px_names_done(&walked->entries);
	px_names_done(&walked->errors);
}

/* PX_FS_LINK becomes what is told of it: a directory that is followed, or PX_FS_OTHER. */
static int
link_kind(const struct walk *walk, int dir, const char *name)
{
	struct stat st;

	if (walk->options->follow_directories && !walk->scope->no_follow &&
	    fstatat(dir, name, &st, 0) == 0 && S_ISDIR(st.st_mode))
		return PX_FS_DIRECTORY;
	return PX_FS_OTHER;
}

/* A directory was told: is it to be read too? */
static int
walk_enqueue(struct walk *walk, const char *path, const char *name, uint64_t depth)
{
	if (depth >= walk->options->max_depth || depth >= INT_MAX)
		return 0;
	if (walk->options->prune_hidden && name[0] == '.')
		return 0;
	if (walk->queue.count >= walk->options->max_directories) {
		walk->out.truncated = true;
		return 0;
	}
	return px_names_add(&walk->queue, path, (int)depth + 1, walk->err);
}

/* What cannot be walked through is told beside the rest. */
static int
walk_error(struct walk *walk, const char *path, int sys)
{
	return px_names_add(&walk->out.errors, path, sys, walk->err);
}

/* True: nothing more may be told. */
static bool
walk_is_full(struct walk *walk)
{
	struct px_names *entries = &walk->out.entries;

	if (entries->count >= walk->options->max_entries || entries->used > TEXT_MAX ||
	    walk->out.errors.used > TEXT_MAX)
		return walk->out.truncated = true;
	return false;
}

/* 0: go on. 1: it is full. */
static int
walk_entry(struct walk *walk, int dir, const char *parent, uint64_t depth, size_t i)
{
	const char *name = px_names_text(&walk->names, i);
	int kind = walk->names.list[i].tag;
	char path[PATH_MAX + NAME_MAX + 2];

	if (walk_is_full(walk))
		return 1;
	if (kind == PX_FS_LINK)
		kind = link_kind(walk, dir, name);
	if (kind == PX_FS_OTHER)
		return 0;
	snprintf(path, sizeof path, "%s/%s", strcmp(parent, "/") == 0 ? "" : parent, name);
	if (strlen(path) >= PATH_MAX)
		return walk_error(walk, parent, ENAMETOOLONG);
	if (px_names_add(&walk->out.entries, path, kind, walk->err) == -1)
		return -1;
	return kind == PX_FS_DIRECTORY ? walk_enqueue(walk, path, name, depth) : 0;
}

/* All that is in the open directory. As walk_entry(). */
static int
walk_entries(struct walk *walk, int dir, const char *path, uint64_t depth)
{
	struct px_err err = { 0 };
	int result = 0;

	px_names_clear(&walk->names);
	if (px_read_dir(walk->scope, dir, path, PX_LINKS_TELL, SIZE_MAX, &walk->names, &err) ==
	    -1) {
		if (err.code == PX_E_IO)
			return walk_error(walk, path, err.sys);
		*walk->err = err;
		return -1;
	}
	px_names_sort(&walk->names);
	for (size_t i = 0; i < walk->names.count && result == 0; i++)
		result = walk_entry(walk, dir, path, depth, i);
	return result;
}

/* The next of the queue, unless it was read under another name. As walk_entry(). */
static int
walk_directory(struct walk *walk, const char *path, uint64_t depth)
{
	struct px_err err = { 0 };
	int place = px_place_open(walk->scope, path, O_DIRECTORY, PX_FS_READ, &err), fd;
	struct stat st;
	int result;

	if (place == -1)
		return walk_error(walk, path, err.sys != 0 ? err.sys : EACCES);
	if ((fd = px_place_reopen(place, O_RDONLY | O_DIRECTORY)) == -1 || fstat(fd, &st) == -1) {
		result = walk_error(walk, path, errno);
	} else if ((result = px_inodes_add(&walk->seen, &st)) == -1) {
		px_fail(walk->err, PX_E_NOMEM, "out of memory for a walk");
	} else if (result == 1) {
		result = walk_entries(walk, fd, path, depth);
	}
	px_place_close(fd);
	px_place_close(place);
	return result;
}

static int
walk_all(struct walk *walk)
{
	char path[PATH_MAX];
	int result = 0;

	for (size_t i = 0; i < walk->queue.count && result == 0; i++) {
		snprintf(path, sizeof path, "%s", px_names_text(&walk->queue, i));
		if (px_fs_go_on(walk->scope, walk->err) == -1)
			return -1;
		result = walk_directory(walk, path, (uint64_t)walk->queue.list[i].tag);
	}
	return result == -1 ? -1 : 0;
}

/* 1: a directory to walk. 0: something else, where there is nothing. */
static int
walk_root(struct walk *walk, const char *path)
{
	int fd = px_place_open(walk->scope, path, 0, PX_FS_READ, walk->err);
	struct stat st;
	bool is_directory;

	if (fd == -1)
		return -1;
	is_directory = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
	close(fd);
	if (!walk->options->follow_directories && lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
		is_directory = false;
	return is_directory;
}

int
px_fs_walk(const struct px_fs_scope *scope, const char *path, const struct px_fs_walk *options,
    struct px_fs_walked *out, struct px_err *err)
{
	struct px_err unheard = { 0 };
	struct walk walk = { .scope = scope, .options = options };
	int result;

	walk.err = err != NULL ? err : &unheard;
	if (options->max_directories == 0 || options->max_entries == 0)
		return px_fail(
		    err, PX_E_REQUEST, "filesystem walk limits must be greater than zero");
	if ((result = walk_root(&walk, path)) == 1) {
		result = px_names_add(&walk.queue, path, 0, walk.err);
		if (result == 0)
			result = walk_all(&walk);
	}
	px_names_done(&walk.queue);
	px_names_done(&walk.names);
	px_inodes_done(&walk.seen);
	if (result == 0)
		*out = walk.out;
	else
		px_fs_walked_done(&walk.out);
	return result;
}

#ifndef FS_DIR_H
#define FS_DIR_H

#include <bsd/string.h>
#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/fs.h"

/* A directory of the test's own, and what to put into it. Names are below it. */

static char fs_top[PATH_MAX / 4];

static inline void
fs_top_make_in(const char *tmp)
{
	char path[PATH_MAX / 4], *real;

	snprintf(path, sizeof path, "%s/px-fs-XXXXXX", tmp != NULL ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(path));
	ck_assert_ptr_nonnull(real = realpath(path, NULL));
	ck_assert_uint_lt(strlcpy(fs_top, real, sizeof fs_top), sizeof fs_top);
	free(real);
	ck_assert_int_eq(chmod(fs_top, 0755), 0);
}

static inline void
fs_top_make(void)
{
	fs_top_make_in(getenv("TMPDIR"));
}

/* For very many files: in memory, where that can be had. */
static inline void
fs_top_make_for_many(void)
{
	fs_top_make_in(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : getenv("TMPDIR"));
}

static inline int
fs_on_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	if (type == FTW_DNR)
		chmod(path, 0700);
	return remove(path);
}

static inline void
fs_top_remove(void)
{
	nftw(fs_top, fs_on_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* The path of a name; one of a few that are valid at a time. */
static inline const char *
fs_at(const char *name)
{
	static char paths[8][PATH_MAX];
	static size_t next;
	char *path = paths[next++ % 8];

	strlcpy(path, fs_top, PATH_MAX);
	if (name[0] != '\0')
		strlcat(path, "/", PATH_MAX);
	ck_assert_uint_lt(strlcat(path, name, PATH_MAX), PATH_MAX);
	return path;
}

static inline void
fs_put(const char *name, const char *text)
{
	FILE *file = fopen(fs_at(name), "w");

	ck_assert_msg(file != NULL, "%s", name);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static inline void
fs_mkdir(const char *name)
{
	ck_assert_msg(mkdir(fs_at(name), 0755) == 0, "%s", name);
}

static inline void
fs_link(const char *target, const char *name)
{
	ck_assert_msg(symlink(target, fs_at(name)) == 0, "%s", name);
}

static inline void
fs_has(const char *name, const char *text)
{
	char have[256] = "";
	FILE *file = fopen(fs_at(name), "r");

	ck_assert_msg(file != NULL, "%s", name);
	have[fread(have, 1, sizeof have - 1, file)] = '\0';
	fclose(file);
	ck_assert_str_eq(have, text);
}

static inline bool
fs_is_there(const char *name)
{
	struct stat st;

	return lstat(fs_at(name), &st) == 0;
}

/* How many names there are in a directory: nothing may be left behind. */
static inline size_t
fs_count(const char *name)
{
	struct px_fs_scope scope = { 0 };
	struct px_names names = { 0 };
	struct px_err err = { 0 };
	size_t count;

	ck_assert_msg(px_fs_list(&scope, fs_at(name), 1000, &names, &err) == 0, "%s", err.text);
	count = names.count;
	px_names_done(&names);
	return count;
}

/* Calls that are given an '&err', which is made here for each. */
#define FS_OK(call)                                         \
	do {                                                \
		struct px_err err = { 0 };                  \
		ck_assert_msg((call) == 0, "%s", err.text); \
	} while (0)

/* Fails so; 'sys' is an errno, or 0. */
#define FS_FAILS(call, code_, sys_)                                 \
	do {                                                        \
		struct px_err err = { 0 };                          \
		ck_assert_int_eq((call), -1);                       \
		ck_assert_msg(err.code == (code_), "%s", err.text); \
		ck_assert_msg(err.sys == (sys_), "%s", err.text);   \
	} while (0)

#endif

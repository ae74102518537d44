#ifndef PX_FS_PLACE_H
#define PX_FS_PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "fs/rules.h"
#include "fs/scope.h"

/*
 * Finding what a path names. Everything is opened with O_PATH first (open(2)):
 * that waits for nobody and touches no device. The rules are held against the
 * real path of the descriptor, and all that follows is done through it, so that
 * no link or directory exchanged in between leads elsewhere. Any thread.
 */

/*
 * A descriptor of what is there, for fstat() and px_place_reopen(); the caller
 * closes it. 'flags': 0, O_DIRECTORY, or O_NOFOLLOW for a link as such. -1: as px_fs_fail(), or
 * PX_E_FORBIDDEN.
 */
int px_place_open(const struct px_fs_scope *scope, const char *path, int flags,
    enum px_fs_access access, struct px_err *err);

/* The same of 'name' below the directory 'dir', which may be AT_FDCWD; errno tells. No rules. */
int px_place_openat(const struct px_fs_scope *scope, int dir, const char *name, int flags);

/* A path to the very file that 'fd' is of, whatever its name names by now (proc_pid_fd(5)). */
struct px_place_link {
	char path[sizeof "/proc/self/fd/" + 12];
};
struct px_place_link px_place_link(int fd);

/* Opens anew, with O_RDONLY or O_WRONLY, what 'fd' is of. -1: errno. */
int px_place_reopen(int fd, int flags);

/* As px_place_open() and px_place_reopen(): a regular file, its fstat() in 'st', or PX_E_REQUEST.
 */
int px_place_open_file(const struct px_fs_scope *scope, const char *path, int flags,
    struct stat *st, struct px_err *err);

/* The real path of an open directory or file. -1: errno. */
int px_place_real(int fd, char out[PATH_MAX]);

/* A name, where it would be or is: what changes a directory needs it so. */
struct px_place {
	int dir;                 /* O_PATH */
	char name[NAME_MAX + 1]; /* "." for the root and for what ends so */
	char real[PATH_MAX];     /* the real path of both */
	bool exists;
	struct stat st; /* if so; of the name itself, never of what a link leads to */
};

enum px_place_last { PX_PLACE_FOLLOW, PX_PLACE_KEEP }; /* a link at the end of the path */

/*
 * Finds the place of 'path' that may be changed; its parent must exist. FOLLOW
 * goes on to where a link leads, also when nothing is there. Ends with
 * px_place_done(). -1: as px_place_open().
 */
int px_place_find(const struct px_fs_scope *scope, const char *path, enum px_place_last last,
    struct px_place *out, struct px_err *err);

void px_place_done(struct px_place *place);

/* close() that leaves errno alone, and takes -1. */
void px_place_close(int fd);

#endif

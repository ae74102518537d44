#ifndef PX_FS_FS_H
#define PX_FS_FS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/names.h"
#include "fs/scope.h"

/*
 * What is done to files. Each call does its work before it returns, which may
 * take long: it belongs on a thread of a px_pool. Any thread may call any of
 * them; they share nothing. Paths are absolute; nothing that is opened here
 * waits for somebody else, and of FIFOs, sockets and devices only the name is
 * looked at.
 *
 * Errors: PX_E_IO with 'sys' and 'path'; PX_E_REQUEST for what is not asked of
 * such a file; PX_E_FORBIDDEN where the scope's rules end; PX_E_CANCELLED;
 * PX_E_LIMIT; PX_E_NOMEM. On failure outputs are untouched.
 */

enum px_fs_kind { PX_FS_OTHER, PX_FS_FILE, PX_FS_DIRECTORY };

struct px_fs_meta {
	enum px_fs_kind kind; /* kind, mode, size and time of what a link leads to */
	bool is_link;         /* of the name itself */
	unsigned mode;        /* permissions and the bits above, 07777 */
	int64_t size;
	int64_t modified_ms; /* since the epoch, rounded down */
};

int px_fs_stat(
    const struct px_fs_scope *scope, const char *path, struct px_fs_meta *out, struct px_err *err);

/* The path without links, "." and "..", as realpath(3). */
int px_fs_canonicalize(
    const struct px_fs_scope *scope, const char *path, char out[PATH_MAX], struct px_err *err);

/*
 * The whole of a regular file of at most 'max' bytes, as long as it is found to
 * be while it is read. '*out' is the caller's to free(), never NULL. Larger:
 * PX_E_REQUEST.
 */
int px_fs_read(const struct px_fs_scope *scope, const char *path, size_t max, char **out,
    size_t *out_len, struct px_err *err);

/*
 * Makes 'data' all that is in the file, which is created with 0666 & ~umask; a
 * link is followed, also to where nothing is. The new content appears at once
 * under the name, or not at all: it goes into a file beside it that then takes
 * its name, mode and owner. A file with more names, attributes of its own, or a
 * directory that cannot be written, is overwritten in place, after its room has
 * been reserved where the file system can.
 */
int px_fs_write(const struct px_fs_scope *scope, const char *path, const void *data, size_t len,
    struct px_err *err);

/* 'parents': with all that is missing above, and it may exist. */
int px_fs_make_directory(
    const struct px_fs_scope *scope, const char *path, bool parents, struct px_err *err);

/*
 * The names in a directory, unsorted, with enum px_fs_kind; of links what they
 * lead to, broken ones left out. '*out' ends with px_names_done(). More than
 * 'max' names: PX_E_LIMIT.
 */
int px_fs_list(const struct px_fs_scope *scope, const char *path, size_t max, struct px_names *out,
    struct px_err *err);

struct px_fs_walk {
	uint64_t max_depth;       /* 0: what is in the directory itself */
	uint64_t max_directories; /* that are read, the first included; at least 1 */
	uint64_t max_entries;     /* that are found; at least 1 */
	bool follow_directories;  /* links to directories count as such */
	bool prune_hidden;        /* a directory ".x" is told but not read */
};

struct px_fs_walked {
	struct px_names entries; /* paths with PX_FS_FILE or PX_FS_DIRECTORY */
	struct px_names errors;  /* paths with the errno of what could not be read */
	bool truncated;          /* a limit was reached, or 64 MiB of names */
};

/*
 * Breadth first, names in order, the directory itself not told; each directory
 * is read once. Of a file: nothing. px_fs_walked_done() ends 'out'.
 */
int px_fs_walk(const struct px_fs_scope *scope, const char *path, const struct px_fs_walk *options,
    struct px_fs_walked *out, struct px_err *err);
void px_fs_walked_done(struct px_fs_walked *walked);

/*
 * Links are removed, never followed. 'all': a directory with what is in it.
 * 'force': what is not there is no error. The root is refused.
 */
int px_fs_remove(
    const struct px_fs_scope *scope, const char *path, bool all, bool force, struct px_err *err);

/*
 * A file with its mode, each at once as px_fs_write() has it; a link as a link,
 * where nothing may be yet. 'all': a directory, into one that may exist, made
 * with its parents; in it what is neither file, directory nor link is left out.
 */
int px_fs_copy(const struct px_fs_scope *scope, const char *from, const char *to, bool all,
    struct px_err *err);

#endif

#ifndef PX_FS_READ_DIR_H
#define PX_FS_READ_DIR_H

#include <stdbool.h>
#include <sys/stat.h>

#include "fs/fs.h"

/* Of a stat. */
enum px_fs_kind px_fs_kind_of(mode_t mode);

enum px_read_dir_links {
	PX_LINKS_FOLLOW, /* told as what they lead to; broken ones left out */
	PX_LINKS_TELL,   /* told as PX_FS_LINK */
};

/* One more kind, of names that are not followed. */
enum { PX_FS_LINK = PX_FS_DIRECTORY + 1 };

/*
 * Adds the names in the directory 'fd', which stays the caller's and is read
 * from where it stands, with enum px_fs_kind. 'path' is for errors. More than
 * 'max' names in 'out': PX_E_LIMIT. On failure 'out' may have got some.
 */
int px_read_dir(const struct px_fs_scope *scope, int fd, const char *path,
    enum px_read_dir_links links, size_t max, struct px_names *out, struct px_err *err);

#endif

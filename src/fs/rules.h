#ifndef PX_FS_RULES_H
#define PX_FS_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * Which part of the file system a request may read or change: each rule holds
 * for its path and what is below, the longest that fits decides, of equal ones
 * the last. What no rule fits is out of reach. Pure; paths are compared as text,
 * so they have to be real (no symbolic link, "." or "..").
 */
enum px_fs_access { PX_FS_NONE, PX_FS_READ, PX_FS_WRITE };

struct px_fs_rule {
	const char *path; /* absolute, without a trailing slash unless it is "/" */
	enum px_fs_access access;
};

struct px_fs_rules {
	const struct px_fs_rule *list;
	size_t count;
};

/* 'rules' NULL allows everything. PX_E_FORBIDDEN, with the path, says what was missing. */
int px_fs_rules_check(const struct px_fs_rules *rules, const char *path, enum px_fs_access wanted,
    struct px_err *err);

/* The same for all that is or may come to be below 'tree'. */
int px_fs_rules_check_tree(const struct px_fs_rules *rules, const char *tree,
    enum px_fs_access wanted, struct px_err *err);

/* Is 'path' the same as 'top', or below it? */
bool px_fs_path_is_in(const char *path, const char *top);

#endif

#ifndef PX_TREE_CGROUP_WALK_H
#define PX_TREE_CGROUP_WALK_H

#include <dirent.h>

#include "tree/cgroup.h"

/* How deep groups may be nested below that of a session: a limit we set, and follow if it was
 * lifted. */
enum { PX_CGROUP_DEPTH_MAX = 32 };

int px_cgroup_open(
    int parent, const char *name); /* a directory descriptor (O_CLOEXEC), or -1 with errno */
void px_cgroup_close(int fd);      /* leaves errno alone */

/* A listing of the sub-groups, ended by closedir(), or NULL with errno. 'fd' stays the caller's and
 * its offset unmoved. */
DIR *px_cgroup_list(int fd);
const char *px_cgroup_next(
    DIR *dir); /* a name until the next call; NULL after the last (errno 0) or on failure */

/* Removes all sub-groups, deepest first. 0, or -1 with errno at the first that has members (EBUSY).
 */
int px_cgroup_prune(int fd);

#endif

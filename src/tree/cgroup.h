#ifndef PX_TREE_CGROUP_H
#define PX_TREE_CGROUP_H

#include <sys/types.h>

#include "base/err.h"

/*
 * A cgroup v2 directory per session, where a subtree is delegated to us
 * (https://docs.kernel.org/admin-guide/cgroup-v2.html, "Delegation"). No
 * controller is enabled, so the server itself may stay where it is.
 */
struct px_cgroup_root;

/*
 * 'where': "off" (gives NULL and 0), "auto" (the process's own cgroup if it is
 * marked as delegated by the extended attribute user.delegate or
 * trusted.delegate = 1, else NULL and 0), or the path of a delegated cgroup2
 * directory (an error if it is not one or cannot be written).
 */
int px_cgroup_root_open(const char *where, struct px_cgroup_root **out, struct px_err *err);
void px_cgroup_root_free(
    struct px_cgroup_root *root); /* takes NULL; removes nothing that still has members */

/* Makes a directory for one session and returns its descriptor (O_CLOEXEC), or -1. The name is
 * "ptyexec-<pid of this process>-<serial>". */
int px_cgroup_make(struct px_cgroup_root *root, unsigned long serial, struct px_err *err);

/* Moves the calling process into it: in the child, before exec; async-signal-safe. 0, or -1 with
 * errno. */
int px_cgroup_enter(int fd);

/* cgroup.kill: SIGKILL to all members at once. 0, or -1 with errno. */
int px_cgroup_kill(int fd);

/* 1: it has members, 0: none, -1 with errno. */
int px_cgroup_populated(int fd);

/* Calls 'fn' for every process in it and in its sub-groups. 0 (also when it has been removed), or
 * -1 with errno. */
typedef void px_cgroup_member_fn(pid_t pid, void *arg);
int px_cgroup_members(int fd, px_cgroup_member_fn *fn, void *arg);

/* Closes the descriptor and removes the directory (with sub-directories that the session made); 0,
 * or -1 with errno when members remain. The descriptor is closed in any case. */
int px_cgroup_remove(struct px_cgroup_root *root, unsigned long serial, int fd);

#endif

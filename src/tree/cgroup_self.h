#ifndef PX_TREE_CGROUP_SELF_H
#define PX_TREE_CGROUP_SELF_H

#include <stddef.h>

/*
 * The directory of the calling process's own cgroup v2 (O_CLOEXEC), or -1 with errno; ENOENT: not
 * in sight.
 */
int px_cgroup_self_open(void);

/*
 * The directory of cgroup 'own' (from /proc/self/cgroup) under the mount that one
 * line of /proc/self/mountinfo describes, into 'out'. 0, or -1 when the line is
 * no cgroup2 mount that shows it, or when 'out' is too small. 'line' is used up.
 */
int px_cgroup_self_locate(char *line, const char *own, char *out, size_t size);

#endif

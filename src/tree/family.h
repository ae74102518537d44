#ifndef PX_TREE_FAMILY_H
#define PX_TREE_FAMILY_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "tree/procfs.h"
#include "tree/tree.h"

/*
 * The processes that a query means, found by what each of them carries (mark,
 * cgroup, being the root) and then from parent to child. Two kinds are kept so as
 * not to be found: the calling process and its ancestors.
 */
struct px_kin {
	pid_t pid;
	bool in;    /* it belongs */
	bool asked; /* for its children */
	struct px_procfs_stat stat;
};

struct px_family {
	const struct px_tree_query *query;
	DIR *proc;
	struct px_procfs_walk walk;
	struct px_kin *kin; /* in the order of their pids; zombies are left out */
	size_t n, room;
	size_t vanished; /* belonged, and ended while they were being looked at */
	int error;       /* of a callback */
};

/*
 * Fills a family whose 'query' and 'proc' are set and whose rest is zero. 0, or -1
 * with errno; 'kin' is the caller's to free either way. 'by_scan': children are
 * found by reading every process's parent, for kernels that list no children.
 */
int px_family_gather(struct px_family *f, bool by_scan);

/*
 * Takes in one more process that carries the mark and was not there, or not met
 * alive, before. NULL with errno 0 when there is none, otherwise with errno. The
 * result lives until the next call.
 */
const struct px_kin *px_family_newborn(struct px_family *f);

#endif

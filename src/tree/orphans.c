#include "tree/procfs.h"
#include "tree/tree.h"

#include <unistd.h>

static void
orphans_count(pid_t child, void *arg)
{
	size_t *children = arg;

	(void)child;
	(*children)++;
}

/*
 * Any thread may have made a child and any may be given an orphan (prctl(2),
 * PR_SET_CHILD_SUBREAPER), so all are asked.
 */
bool
px_tree_may_have_orphans(size_t managed)
{
	DIR *proc = px_procfs_open();
	size_t children = 0;
	int result;

	if (proc == NULL)
		return true;
	result = px_procfs_children(dirfd(proc), getpid(), 0, orphans_count, &children);
	closedir(proc);
	return result == -1 || children > managed;
}

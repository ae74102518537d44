#ifndef PX_TREE_PROCFS_H
#define PX_TREE_PROCFS_H

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tree/tree.h"

/*
 * Reading /proc, nothing cached and nothing allocated per process. A function
 * that asks about one process fails with ESRCH when it is gone or hidden
 * (hidepid=, proc(5)); any other errno means that the question could not be put.
 */

/*
 * /proc, or NULL with errno; EXDEV when it numbers the processes of another pid namespace. Ended by
 * closedir().
 */
DIR *px_procfs_open(void);

/* The next process of a listing (the next thread, where threads are listed); 0 after the last, -1
 * with errno. */
pid_t px_procfs_next(DIR *dir);

/*
 * A walk over all processes and then over the numbers, threads' among them, that
 * are given out while it lasts: a process that always goes on in a new child is
 * followed until it is met alive. After its end it may be asked again, and goes
 * on with what was born since.
 */
struct px_procfs_walk {
	DIR *proc;
	bool listing;
	pid_t at;   /* after the listing: the last number that was returned */
	pid_t last; /* the last that is known to have been given out */
};

void px_procfs_walk_begin(struct px_procfs_walk *walk, DIR *proc);
pid_t px_procfs_walk_next(struct px_procfs_walk *walk); /* 0 at the end, -1 with errno */

/*
 * Reads /proc/PID/FILE, as much of it as fits, as a string; for a thread, its id
 * stands for the pid. 0, or -1 with errno.
 */
int px_procfs_read(int proc_fd, pid_t pid, const char *file, char *buf, size_t size);

struct px_procfs_stat {
	pid_t ppid;
	unsigned threads;
	char state;     /* 'R', 'S', ... (proc_pid_stat(5)) */
	bool zombie;    /* dead: not one thread runs any more */
	uint64_t start; /* clock ticks since boot: with the pid, an identity */
};

int px_procfs_stat(int proc_fd, pid_t pid, struct px_procfs_stat *out);

/* The same out of the text of /proc/PID/stat; false when it is not well-formed. */
bool px_procfs_parse_stat(const char *text, struct px_procfs_stat *out);

/* The mark that a process carries; 0 for none, and for a process that may not be signalled by us.
 */
int px_procfs_mark(int proc_fd, pid_t pid, px_mark *out);

/* The same out of the text of /proc/PID/limits. */
px_mark px_procfs_parse_limits(const char *text);

/* Does this kernel list the children of a process (CONFIG_PROC_CHILDREN)? */
bool px_procfs_has_children(int proc_fd);

/*
 * Calls 'fn' for each child, zombies included. 'threads': how many threads the
 * process has, 0 for unknown. The list is exact while none of them is reaped;
 * otherwise one may be left out (proc_pid_task(5)). 0, or -1 with errno.
 */
typedef void px_procfs_child_fn(pid_t child, void *arg);
int px_procfs_children(int proc_fd, pid_t pid, unsigned threads, px_procfs_child_fn *fn, void *arg);

#endif

#ifndef PX_PROC_TTY_WAIT_H
#define PX_PROC_TTY_WAIT_H

#include <stdbool.h>
#include <sys/types.h>

/* Looks at what threads sleep for. Reads /proc and their memory, and waits for nothing but these.
 */
struct px_tty_wait {
	int proc_fd;
	char name[32]; /* the terminal, as a link of /proc/PID/fd names it: "/dev/pts/7" */
	unsigned
	    looks; /* at descriptors and threads, that are left: what a child does has no bound */
};

/* 'master' is the terminal's, 'proc_fd' /proc; both borrowed. -1 with errno when it has no name. */
int px_tty_wait_init(struct px_tty_wait *wait, int proc_fd, int master);

/*
 * Does a thread of process 'pid' sleep in a read of the terminal, or in a
 * select, poll or epoll that waits for its input? False also when that cannot be
 * learned: the process may not be traced by us (ptrace(2)), or the looks are used up.
 */
bool px_tty_wait_process(struct px_tty_wait *wait, pid_t pid, unsigned threads, char state);

#endif

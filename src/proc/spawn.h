#ifndef PX_PROC_SPAWN_H
#define PX_PROC_SPAWN_H

#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/err.h"
#include "tree/tree.h"

struct px_spec;

/* One started child. The caller owns the descriptors and must reap the pid. */
struct px_spawned {
	pid_t pid;
	int pidfd; /* O_CLOEXEC; -1 where the kernel has none (under valgrind), and when the child
		      is gone already and another thread has waited for it */
	int in;  /* write end of stdin, or the PTY's master again (the same number as 'out'), or -1
		  */
	int out; /* stdout's read end, or the PTY's master */
	int err; /* stderr's read end, or -1 */
	/* In a sandbox: pid is its keeper's, and what becomes of the program is told here
	 * (proc/gate.h). Else -1. */
	int report, text;
	bool lent; /* vfork(2) has lent it our memory. Under valgrind and ThreadSanitizer it is a
		      fork(2), and so is the birth in a cgroup */
};

/* What the manager adds to a spec. */
struct px_spawn_extra {
	px_mark mark;      /* 0: none */
	int cgroup_fd;     /* -1: none; borrowed */
	rlim_t open_files; /* the soft RLIMIT_NOFILE, where the spec sets none; 0: as ours */
	bool bound;        /* killed when the calling thread ends (prctl(2), PR_SET_PDEATHSIG) */
	bool lends;        /* px_spawned.lent of an earlier start in this process: saves a pipe */
};

/*
 * Starts the program of 'spec' as the leader of a new session: on a PTY that is
 * its controlling terminal, or on pipes. Dispositions default, mask empty, no
 * descriptor above 2. Uses vfork(2), so the cost does not grow with the memory
 * of the caller, and waits until nothing can keep the child from becoming the
 * program, whose name it has, or until it has said why it could not: PX_E_SPAWN
 * with the step's words, errno and path. After a failure nothing is left: no
 * process, no descriptor. Safe in a process with threads. With a cage in the spec
 * it waits for bubblewrap alone, which takes some milliseconds more until the
 * program begins.
 */
int px_spawn(const struct px_spec *spec, const struct px_spawn_extra *extra, struct px_spawned *out,
    struct px_err *err);

/*
 * waitid(2) for one of them, without blocking: 1: it is dead, 0: it lives, -1:
 * somebody else has waited for it, or SIGCHLD is ignored. 'flags' may be WNOWAIT.
 * 'used' may be NULL.
 */
int px_spawn_wait(pid_t pid, int pidfd, int flags, siginfo_t *out, struct rusage *used);

#endif

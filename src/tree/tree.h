#ifndef PX_TREE_TREE_H
#define PX_TREE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Finding and signalling every process of a session, however it tried to leave:
 * new session, new process group, double fork, orphaned.
 *
 * Each child carries a mark: a number in the soft limit of RLIMIT_RTTIME, which
 * every descendant inherits over fork and exec (getrlimit(2)), which anyone may
 * read in /proc/PID/limits, and which has no effect on a process that is not
 * scheduled in real time. A mark is enormous (beyond 2^62 microseconds), so the
 * limit itself never bites. It names the manager that set it, the group of
 * sessions and the session.
 */
typedef uint64_t px_mark;

enum { PX_MARK_GROUP_BITS = 22, PX_MARK_SERIAL_BITS = 22 };

/* 'nonce' (18 bits used) tells the managers of one machine apart, see px_nonce_take(); group and
 * serial wrap at their widths. */
px_mark px_mark_make(uint32_t nonce, uint32_t group, uint32_t serial);

/* Puts the mark on the calling process: called in the child, before exec; async-signal-safe. 0, or
 * -1 with errno. */
int px_mark_set(px_mark mark);

/* Does the process of this number, if there is one, carry just this mark? */
bool px_mark_is_on(pid_t pid, px_mark mark);

/*
 * Which processes are meant. A process belongs if any of these says so or if it
 * descends from one that belongs, whatever its own mark. Zombies never do, nor
 * the calling process and its ancestors, nor a process that the caller may not
 * signal (EPERM). Marks of another manager never match, whatever the mask.
 */
struct px_tree_query {
	px_mark mark; /* 0: not by mark */
	px_mark mask; /* bits of the mark that must agree: PX_MARK_SESSION or PX_MARK_GROUP */
	pid_t root; /* > 0: this process and its descendants by parent links. The caller guarantees
		       that it is its own unreaped child */
	int cgroup_fd; /* >= 0: a cgroup v2 directory; its members, sub-groups included. -1: none (0
			  is a descriptor!) */
};
#define PX_MARK_SESSION UINT64_MAX
#define PX_MARK_GROUP   (~(((uint64_t)1 << PX_MARK_SERIAL_BITS) - 1))

/*
 * Sends 'sig' (0: only counts) to every process that belongs, and to each once.
 * A pidfd is opened before the process is checked to be the one that was found,
 * so that a reused number is never hit (pidfd_open(2)). Returns how many were
 * found, or -1 with errno when /proc cannot be read (EXDEV: it shows another pid
 * namespace). One pass: a process forked during the pass can escape it, so a
 * caller that kills repeats until 0 is returned; -1 is no such end. The cost is
 * about 1 us for every process of the machine and 30 us for each that is found.
 */
int px_tree_signal(const struct px_tree_query *query, int sig);

/* Up to 'max' pids that belong, into 'out'; returns how many belong in all, or -1 as
 * px_tree_signal(). */
int px_tree_list(const struct px_tree_query *query, pid_t *out, size_t max);

/*
 * Has the calling process children other than the 'managed' live ones it knows
 * of? A cheap way to learn that no orphan was adopted (needs
 * /proc/self/task/TID/children, proc(5); true when that is missing).
 */
bool px_tree_may_have_orphans(size_t managed);

#endif

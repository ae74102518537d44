#ifndef PX_PROC_FACTS_H
#define PX_PROC_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct px_proc;

/*
 * What can be known about a process from outside, for a client that wonders
 * whether it waits for input. Facts, no verdict.
 */
struct px_facts {
	bool terminal; /* it has a PTY; the members down to 'reading' mean something only then */
	pid_t foreground_group; /* 0: none */

	/* /proc/PID/comm of its leader, or of a member when that is gone; any byte but NUL. */
	char foreground_name[64];
	bool echo, canonical; /* termios(3): ECHO, ICANON */

	/*
	 * A process of the foreground group sleeps in a read of this terminal, or in a
	 * select, poll or epoll that waits for its input. Never true of a program that
	 * we may not trace, a setuid one for example.
	 */
	bool reading;
	size_t unread_input; /* bytes nobody has read: our queue, and what a pipe holds */
};

/*
 * Never fails: what cannot be learned is false, 0 or "". Costs a few system
 * calls, and for 'reading' a look into /proc. Waits for no file system.
 */
void px_facts_gather(struct px_proc *proc, struct px_facts *out);

#endif

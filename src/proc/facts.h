#ifndef PX_PROC_FACTS_H
#define PX_PROC_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct px_proc;

/* What can be known about a process from outside, for a client that wonders whether it waits for
 * input. Facts, no verdict. */
struct px_facts {
	bool terminal; /* it has a PTY; the members down to 'reading' mean something only then */
	pid_t foreground_group;	  /* 0: none */
	char foreground_name[64]; /* /proc/PID/comm of its leader, or when that is gone of a member,
				     or ""; may hold any byte but NUL */
	bool echo, canonical;	  /* termios(3): ECHO, ICANON */
	bool reading; /* a process of the foreground group sleeps in a read of this terminal, or in
			 a select, poll or epoll that waits for its input; never true of a program
			 that we may not trace (setuid) */
	size_t unread_input; /* bytes written for it and not read by anyone: our queue, and what a
				pipe holds */
};

/* Never fails: what cannot be learned is false, 0 or "". Costs a few system calls, and for
 * 'reading' a look into /proc. */
void px_facts_gather(struct px_proc *proc, struct px_facts *out);

#endif

#ifndef PX_PROC_FOREGROUND_H
#define PX_PROC_FOREGROUND_H

#include <stdbool.h>
#include <sys/types.h>

struct px_foreground {
	char name[64]; /* the leader's, or when it is gone any other member's, or "" */
	bool reading;  /* a member waits for the terminal's input (proc/tty_wait.h) */
};

/* What /proc tells about the process group 'group', the foreground group of the terminal behind
 * 'master'. */
void px_foreground_look(int master, pid_t group, struct px_foreground *out);

#endif

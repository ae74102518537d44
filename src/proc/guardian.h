#ifndef PX_PROC_GUARDIAN_H
#define PX_PROC_GUARDIAN_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "tree/tree.h"

/*
 * A second, tiny process that outlives a manager which is killed or crashes: it
 * then ends every process that carries one of the manager's marks. In an orderly
 * end it does nothing. It waits in read(2) on a pipe, in a session of its own,
 * so neither a terminal's ^C nor a signal to the manager's group reaches it.
 */
struct px_guardian {
	pid_t pid; /* 0: none */
	int fd;    /* the pipe's write end; its end of file is the manager's death */
};

/* Forks: call it early, while there is little memory, one thread and no descriptor that should not
 * live on in it. */
int px_guardian_start(struct px_guardian *out, struct px_err *err);

/* From now on the death of this process ends all that agrees with 'mark' under 'mask', with this
 * grace. */
int px_guardian_arm(
    struct px_guardian *guardian, px_mark mark, px_mark mask, int64_t grace_ms, struct px_err *err);

/* The orderly end: sends it away and waits until it is gone. */
void px_guardian_end(struct px_guardian *guardian);

#endif

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
	pid_t pid; /* 0: none, or no child of ours */
	int fd;    /* where it is told; the end of file is the manager's death. -1: none */
	int ended; /* reaches its end of file when a guardian that is no child of ours has ended */
};

/* Forks: call it early, while there is little memory, one thread and no descriptor that should not
 * live on in it. */
int px_guardian_start(struct px_guardian *out, struct px_err *err);

/*
 * Starts 'program', which calls px_guardian_serve() when its only argument is
 * PX_GUARDIAN_FLAG; looked up in PATH when it has no slash. For a process with
 * threads, or with much memory, of which nothing is copied. Blocks until the
 * guardian is there; it is nobody's child then, so that who waits for all
 * children of this process does not wait for it. -1: 'program' cannot be run, or
 * does not do this.
 */
int px_guardian_launch(const char *program, struct px_guardian *out, struct px_err *err);
#define PX_GUARDIAN_FLAG "--guardian"

/* The guardian that px_guardian_launch() has started, on standard input and output. */
_Noreturn void px_guardian_serve(void);

/* From now on the death of this process ends all that agrees with 'mark' under 'mask', with this
 * grace. */
int px_guardian_arm(
    struct px_guardian *guardian, px_mark mark, px_mark mask, int64_t grace_ms, struct px_err *err);

/* The orderly end: sends it away and waits until it is gone. Fine without one. */
void px_guardian_end(struct px_guardian *guardian);

#endif

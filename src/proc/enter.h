#ifndef PX_PROC_ENTER_H
#define PX_PROC_ENTER_H

#include <stdint.h>

#include "proc/become.h"
#include "proc/footing.h"

/*
 * What is agreed between px_spawn() and ptyexec-enter, the program that bubblewrap
 * starts in a sandbox and that becomes the one that was asked for. Between them
 * bubblewrap has 0, 1 and 2 for itself.
 */
enum {
	PX_ENTER_ARGS = 3, /* bubblewrap's own arguments; it closes them */
	PX_ENTER_FILTER,   /* the system calls that are refused; the same */
	PX_ENTER_PROGRAM,  /* ptyexec-enter itself */
	PX_ENTER_RECORD,   /* a px_enter_record */
	PX_ENTER_REPORT,   /* SOCK_SEQPACKET: px_reports; closed by the exec */
	PX_ENTER_STDIN,    /* what becomes 0, 1 and 2 */
	PX_ENTER_STDOUT,
	PX_ENTER_STDERR,
	PX_ENTER_END
};
#define PX_ENTER_PATH "/proc/self/fd/5"

/* The first report, as soon as ptyexec-enter leads a session of its own: the sandbox is made. */
enum { PX_ENTER_HERE = -1 };

/*
 * Followed by what the sandbox stands on, and by strings, each with its NUL: the
 * paths of those, the working directory, the files to try, argv, the environment.
 */
struct px_enter_record {
	uint32_t terminal; /* its standard input becomes its controlling terminal */
	uint32_t nfootings, nfiles, nargv, nenv;
	uint32_t unused;
	struct px_footing footings[];
};

#endif

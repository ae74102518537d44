#ifndef PX_PROC_SPAWN_IO_H
#define PX_PROC_SPAWN_IO_H

#include <stdint.h>

#include "base/err.h"

struct px_report;
struct px_spec;

/* The descriptors of one child, both ends, all O_CLOEXEC; ours are O_NONBLOCK, the child's are not.
 * -1: none. */
struct px_spawn_io {
	int child[3]; /* what becomes its 0, 1, 2; may be one descriptor three times, always above 2
		       */
	int in;       /* we write; PTY: the same descriptor as 'out' */
	int out;      /* we read: stdout, or the PTY's master */
	int err;      /* we read: stderr; PTY: -1 */
};

/* Says in a PX_E_SPAWN error at which step, a word, and over which file the start failed. 'err' may
 * be NULL. */
void px_spawn_err_place(struct px_err *err, const char *step, const char *path);

/* PX_E_SPAWN of a start that ended as the child reports. Returns -1. */
int px_spawn_failed(
    const char *program, const char *cwd, const struct px_report *report, struct px_err *err);

/*
 * Moves '*fd' to 'least' or above, clear of the numbers onto which the child's
 * descriptors are about to be copied; it is O_CLOEXEC then. 0, or -1 with errno.
 */
int px_fd_above(int *fd, int least);

void px_fd_close(int *fd); /* unless it is -1, which it is then */

/* Opens a PTY (its size set) or pipes as the spec says. On failure nothing stays open. */
int px_spawn_io_open(const struct px_spec *spec, struct px_spawn_io *out, struct px_err *err);

void px_spawn_io_close_child(struct px_spawn_io *io); /* the child's ends */
void px_spawn_io_close(struct px_spawn_io *io);       /* everything */

#endif

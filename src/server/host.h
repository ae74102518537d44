#ifndef PX_SERVER_HOST_H
#define PX_SERVER_HOST_H

#include <stddef.h>
#include <sys/resource.h>

#include "base/err.h"

/* What the daemon learns from, and sets in, the system around it. */

/* Descriptors 0, 1 and 2 are open afterwards, so that no socket takes their place. */
int px_host_fix_stdio(struct px_err *err);

/* Keeps it from the programs that are started. PX_E_USAGE when it is not open. */
int px_host_check_ready_fd(int fd, struct px_err *err);

/* Tells whoever waits for it that the server is ready, and closes the descriptor. */
void px_host_tell_ready(int fd);

/* Raises the soft limit of open descriptors to the hard one; '*out_before' is the old soft limit,
 * for the children. */
void px_host_raise_open_files(rlim_t *out_before);

/* Orphans of our descendants come to us (prctl(2), PR_SET_CHILD_SUBREAPER). */
int px_host_adopt_orphans(struct px_err *err);

/*
 * The key of a file: its content without one final newline, at least 16 bytes
 * and at most 64 KiB, in memory that the caller frees.
 */
int px_host_read_key(const char *path, void **out, size_t *out_len, struct px_err *err);

#endif

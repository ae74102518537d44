#ifndef PX_SANDBOX_RESOLVE_H
#define PX_SANDBOX_RESOLVE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { PX_RESOLVE_LINKS = 40 }; /* as many as the kernel follows (path_resolution(7)) */

struct px_resolved_link {
	char *path, *target; /* where the link lies, really, and what it says */
};

/* Where a path leads, as far as it exists. */
struct px_resolved {
	char path[PATH_MAX]; /* without links; what does not exist is at its end */
	size_t there;        /* so much of 'path' exists: all of it, or up to the '/' before what
				is missing */
	bool directory;      /* it exists and is one */
	struct px_resolved_link link[PX_RESOLVE_LINKS]; /* those that it led through */
	size_t nlinks;
};

/*
 * 'path' is absolute. PX_E_IO with errno (ELOOP, EACCES, ...) and the path. Blocks as
 * the file system does. To be ended by px_resolved_done(), also after a failure.
 */
int px_resolve(const char *path, struct px_resolved *out, struct px_err *err);
void px_resolved_done(struct px_resolved *resolved);

#endif

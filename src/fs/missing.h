#ifndef PX_FS_MISSING_H
#define PX_FS_MISSING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * Waiting, by inotify(7), until one of several paths that are missing comes to
 * be, or a directory that is missing on the way to it, or until one that is
 * there goes. Watched is the nearest directory that exists, for the name that is
 * missing in it, and those above it, for being moved or removed. Not noticed: a
 * link above the name that is made to lead elsewhere, and what a remote file
 * system's other users do.
 */
struct px_missing;

/* Borrowed for the call. */
struct px_missing_spec {
	const char *const *missing; /* absolute */
	size_t count;
	const char *present; /* or NULL */
};

/*
 * Looks at every path: belongs on a thread of a pool. '*out' is NULL where there
 * is nothing to wait for: one of 'missing' is there, 'present' is not, or both
 * are empty. PX_E_IO, with the path; PX_E_LIMIT: the user's watches (the sysctl
 * fs.inotify.max_user_watches) or instances are used up; PX_E_CANCELLED.
 */
int px_missing_new(const struct px_missing_spec *spec, const atomic_bool *stop,
    struct px_missing **out, struct px_err *err);
void px_missing_free(struct px_missing *missing); /* takes NULL */

/* ---- from here on one thread, which may be another ---- */

/* Readable when there is something to be read. */
int px_missing_fd(const struct px_missing *missing);

enum px_missing_news {
	PX_MISSING_NOTHING,
	PX_MISSING_CHANGED, /* what was waited for; this one waits no longer */
	PX_MISSING_MOVED,   /* a directory that is watched was moved, or events were lost: */
};                          /* px_missing_new() has to look anew, or tell that it is over */

/* Reads a bounded number of events; never blocks. */
enum px_missing_news px_missing_read(struct px_missing *missing);

#endif

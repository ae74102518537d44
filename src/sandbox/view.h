#ifndef PX_SANDBOX_VIEW_H
#define PX_SANDBOX_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "fs/rules.h"

struct px_policy;

/*
 * A policy as it meets the file system: real paths, nothing said twice. From it
 * come both the mounts of a process's sandbox and the rules of a request about
 * files, which therefore cannot differ.
 */
enum px_view_kind {
	PX_VIEW_DIRECTORY,
	PX_VIEW_FILE,
	PX_VIEW_MISSING, /* must not come to be; what lies above may be written */
	PX_VIEW_ABSENT   /* is not there, and nobody in the sandbox could make it */
};

struct px_view_place {
	char *path;
	enum px_fs_access access;
	enum px_view_kind kind;
};

/* A link on the way to a place whose surroundings are out of reach. */
struct px_view_link {
	char *path, *target;
};

struct px_view {
	struct px_view_place *list; /* by path, so that what is above comes first; list[0] is "/" */
	size_t count, room;
	struct px_view_link *links;
	size_t nlinks;
	bool network;
};

enum { PX_VIEW_MAX = 2048 }; /* places */

/*
 * PX_E_IO: a path cannot be looked at. PX_E_FORBIDDEN: one leads through a
 * symbolic link that the sandbox may itself change, or something is to be done to
 * /proc. PX_E_LIMIT. Blocks as the file system does.
 */
int px_view_make(const struct px_policy *policy, struct px_view *out, struct px_err *err);
void px_view_done(struct px_view *view); /* also when zeroed */

/* Everything is allowed: there is nothing to confine. */
bool px_view_is_open(const struct px_view *view);

/* The rules that say the same; the paths are the view's, or static. To be freed. */
struct px_fs_rule *px_view_rules(const struct px_view *view, size_t *out_count);

/* What decides about 'path': the place that is it, or is above it. */
const struct px_view_place *px_view_find(const struct px_view *view, const char *path);

#endif

#ifndef PX_SANDBOX_POLICY_H
#define PX_SANDBOX_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "fs/rules.h"

/*
 * What a sandbox shall allow, as it was asked for: each entry holds for its path and
 * what is below, the longest path decides, and of equal ones the stricter, but that
 * to write goes before to read. What no entry fits is out of reach.
 */
struct px_policy_entry {
	char *path; /* absolute, "." and ".." taken out; may lead through links, need not exist */
	enum px_fs_access access;
};

struct px_policy {
	struct px_policy_entry *list;
	size_t count, room;
	const char *const *guarded; /* names that are read-only in each directory that an entry
				       makes writable, unless "/" is; NULL-terminated static list,
				       or NULL */
	bool network;
};

enum { PX_POLICY_MAX = 512 }; /* entries */

/* Copies 'path'. PX_E_LIMIT: there are PX_POLICY_MAX. */
int px_policy_add(
    struct px_policy *policy, const char *path, enum px_fs_access access, struct px_err *err);

void px_policy_done(struct px_policy *policy); /* also when zeroed */

#endif

#ifndef PX_FS_REPLACE_H
#define PX_FS_REPLACE_H

#include <sys/types.h>

#include "fs/place.h"

/*
 * New content for a name: written to 'fd' from its beginning, then put in place
 * at once, or not at all. It is a file beside the old one, with its mode and
 * owner, which takes over its name. Until then it has none, where the file system
 * knows such files (O_TMPFILE): even of a process that is killed nothing is left. Where that would
 * lose something (another name of the file, its attributes, that it is a mount) or is not allowed,
 * 'fd' is the file itself: then 'size' bytes are reserved before the first is written, so that a
 * full disk is found out about while the old content is still there. One thread at a time.
 */
struct px_replace {
	struct px_place place;
	int fd;        /* to be written to, with write() */
	bool beside;   /* and not in place */
	char temp[32]; /* the name of the file beside; "" while it has none */
};

/*
 * 'place' is moved in, also on failure. 'mode': of a file that is created, under
 * the umask. PX_E_IO, EISDIR; PX_E_REQUEST: something that is no file is there.
 */
int px_replace_begin(const struct px_fs_scope *scope, struct px_place *place, off_t size,
    mode_t mode, struct px_replace *out, struct px_err *err);

/* One of the two ends it. After a failed commit the old content is there, as after abort. */
int px_replace_commit(
    const struct px_fs_scope *scope, struct px_replace *replace, struct px_err *err);
void px_replace_abort(struct px_replace *replace);

#endif

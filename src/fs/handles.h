#ifndef PX_FS_HANDLES_H
#define PX_FS_HANDLES_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "fs/scope.h"

/*
 * The open files of one connection, under names that it chose. The table belongs
 * to the loop's thread; a handle is counted, so that a job has it while it works,
 * and the last who lets go of it closes the file. Closing may take long on some
 * file systems: a job should be the last.
 */
struct px_handles;
struct px_handle;

enum { PX_HANDLE_BLOCK_MAX = 1024 * 1024, PX_HANDLE_ID_MAX = 1024 };

enum { PX_HANDLES_MAX = 128 }; /* of one connection */

struct px_handles *px_handles_new(size_t max);
void px_handles_free(struct px_handles *handles); /* lets go of all; takes NULL */

enum px_handle_mode {
	PX_HANDLE_READ,
	PX_HANDLE_WRITE,   /* created, or emptied at once */
	PX_HANDLE_REPLACE, /* new content beside the old one, until px_handle_finish() */
};

/*
 * A new one, for px_handle_open() to open. The caller gets a count of its own. NULL: PX_E_REQUEST
 * (the name is in use), PX_E_LIMIT.
 */
struct px_handle *px_handles_add(
    struct px_handles *handles, const char *id, enum px_handle_mode mode, struct px_err *err);

/* With a count for the caller. NULL: PX_E_HANDLE. */
struct px_handle *px_handles_get(
    const struct px_handles *handles, const char *id, struct px_err *err);

/* Takes it out of the table; the table's count becomes the caller's. NULL: there is none. */
struct px_handle *px_handles_take(struct px_handles *handles, const char *id);

/* The name that it was given; valid while one has it. */
const char *px_handle_id(const struct px_handle *handle);

/* What could not be opened; it may have been taken before. */
void px_handles_drop(struct px_handles *handles, const struct px_handle *handle);

/* ---- any thread, but one at a time until it is open ---- */

void px_handle_unref(struct px_handle *handle); /* takes NULL */

/* A regular file. Errors as fs.h. */
int px_handle_open(struct px_handle *handle, const struct px_fs_scope *scope, const char *path,
    struct px_err *err);

/*
 * Reads up to 'len' bytes, 1 to PX_HANDLE_BLOCK_MAX, into 'out'. '*out_len' is
 * less than 'len' only at the end of the file. PX_E_REQUEST: a bad range.
 */
int px_handle_read(const struct px_handle *handle, int64_t offset, size_t len, void *out,
    size_t *out_len, struct px_err *err);

/* All of it or an error; a hole may come to be before it. The same limits. */
int px_handle_write(
    struct px_handle *handle, int64_t offset, const void *data, size_t len, struct px_err *err);

/*
 * Nothing more is written: what was becomes the content of the file, as
 * px_fs_write() has it. Otherwise that was never there, nor when a block could not be
 * written: PX_E_REQUEST. Of other modes nothing.
 */
int px_handle_finish(struct px_handle *handle, struct px_err *err);

#endif

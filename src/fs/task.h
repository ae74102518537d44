#ifndef PX_FS_TASK_H
#define PX_FS_TASK_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/fs.h"
#include "fs/handles.h"

struct px_fs_task;

/* What can be done to files, whoever asks. */
struct px_fs_op {
	int (*run)(struct px_fs_task *task, struct px_err *err); /* on a thread: the task alone */
	bool alters; /* the order of what follows depends on it: px_pool_work.alters */
};

/*
 * One request about files, as plain data: it is filled in the loop, run beside it
 * (px_pool), and what came of it is taken from there on.
 */
struct px_fs_task {
	const struct px_fs_op *op;
	struct px_fs_scope scope;
	/* what was asked for */
	char path[PATH_MAX], to[PATH_MAX];
	bool all, force;
	struct px_fs_walk walk;
	char *data; /* to write, or what was read; malloc()ed, the task's */
	size_t len; /* of it, or of the block to be read */
	size_t max; /* bytes of a whole file that is read */
	int64_t offset;
	struct px_handle *handle; /* counted */
	/* what came of it */
	size_t got;
	struct px_fs_meta meta;
	struct px_names names;
	struct px_fs_walked walked;
};

/* What an operation reads of its task, beside the scope, and what it leaves there. */
extern const struct px_fs_op px_fs_op_stat;         /* path: meta */
extern const struct px_fs_op px_fs_op_canonicalize; /* path: path */
extern const struct px_fs_op px_fs_op_read;         /* path, max: data, got */
extern const struct px_fs_op px_fs_op_write;        /* path, data, len */
extern const struct px_fs_op px_fs_op_make;         /* path, all: with its parents */
extern const struct px_fs_op px_fs_op_remove;       /* path, all, force */
extern const struct px_fs_op px_fs_op_copy;         /* path, to, all */
extern const struct px_fs_op px_fs_op_list;         /* path: names */
extern const struct px_fs_op px_fs_op_walk;         /* path, walk: walked */
extern const struct px_fs_op px_fs_op_open;         /* path, handle */
extern const struct px_fs_op px_fs_op_read_block;   /* handle, offset, len: data, got */
extern const struct px_fs_op px_fs_op_write_block;  /* handle, offset, data, len */
extern const struct px_fs_op px_fs_op_close;        /* handle, force: it is discarded */

enum { PX_FS_LIST_MAX = 1000000 }; /* names in a directory that is listed */

/* What a walk goes to unless it is told otherwise. */
enum { PX_FS_WALK_DIRECTORIES = 10000, PX_FS_WALK_ENTRIES = 100000 };

/*
 * Without the slashes at its end, which mean nothing: "link/" is the link to
 * remove, not what is behind it. 'len' is less than PATH_MAX.
 */
void px_fs_task_set_path(char out[PATH_MAX], const char *path, size_t len);

/* ---- open files; in the thread that has the table ---- */

/* To be opened under the name 'id'. Errors of px_handles_add(). */
int px_fs_task_add_handle(struct px_fs_task *task, struct px_handles *handles, const char *id,
    enum px_handle_mode mode, struct px_err *err);

/* The one that is open as 'id'. PX_E_HANDLE. */
int px_fs_task_get_handle(
    struct px_fs_task *task, const struct px_handles *handles, const char *id, struct px_err *err);

/* To be closed, and no longer in the table. False: none is open as 'id'. */
bool px_fs_task_take_handle(struct px_fs_task *task, struct px_handles *handles, const char *id);

/* The task has failed, or could not begin: what it was to open is not in the table either. */
void px_fs_task_undo(const struct px_fs_task *task, struct px_handles *handles);

/* ---- on a thread ---- */

/* Does it. Errors as fs/fs.h, with PX_E_NO_FILE for ENOENT; PX_E_HANDLE. */
int px_fs_task_run(struct px_fs_task *task, struct px_err *err);

/* Frees what was to be written, and what came of it. The rest stays as it is. */
void px_fs_task_drop(struct px_fs_task *task);

/* Once it has run for the last time: lets go of its open file, unless px_fs_task_undo() is due.
 * May take long: it may close it. */
void px_fs_task_leave(struct px_fs_task *task, bool has_failed);

/* ---- anywhere ---- */

/* The open file, which is the caller's to let go of now; NULL: it has none. */
struct px_handle *px_fs_task_give_handle(struct px_fs_task *task);

/* Frees all that it has, but not itself. May take long, as px_fs_task_leave(). */
void px_fs_task_done(struct px_fs_task *task);

#endif

#ifndef PX_FS_SCOPE_H
#define PX_FS_SCOPE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct px_err;
struct px_fs_rules;

/*
 * Under what conditions one request works on files. Borrowed for the call; any
 * number of threads may use one at once. Zeroed: everything is allowed, symbolic
 * links are followed, nothing cancels.
 */
struct px_fs_scope {
	const struct px_fs_rules *rules; /* NULL: what the kernel allows */
	const atomic_bool *stop;         /* raised by any thread: PX_E_CANCELLED soon; or NULL */
	/* Asked before 'bytes' are allocated in all for a content; -1 with 'err' ends the call so.
	 */
	int (*claim)(void *arg, size_t bytes, struct px_err *err); /* or NULL */
	void *claim_arg;
	bool no_follow; /* a path with a symbolic link in it is refused */
};

/* PX_E_CANCELLED once 'stop' is raised. Asked between steps that take long. */
int px_fs_go_on(const struct px_fs_scope *scope, struct px_err *err);

/* Asks 'claim' whether so many bytes may be allocated. 0, or -1 with what it says. */
int px_fs_claim(const struct px_fs_scope *scope, size_t bytes, struct px_err *err);

/* PX_E_IO with errno, and the path; of a refused symbolic link PX_E_REQUEST. Returns -1. */
int px_fs_fail(const struct px_fs_scope *scope, const char *path, struct px_err *err);

/* PX_E_REQUEST with the path. Returns -1. */
int px_fs_refuse(struct px_err *err, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif

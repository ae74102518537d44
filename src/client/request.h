#ifndef PX_CLIENT_REQUEST_H
#define PX_CLIENT_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ptyexec/command.h>
#include <ptyexec/files.h>

/* What a client asks for, before it becomes a message or a call of the core. */

enum px_method_id {
	PX_DO_START,
	PX_DO_RUN,
	PX_DO_COMMUNICATE,
	PX_DO_WRITE,
	PX_DO_CLOSE_STDIN,
	PX_DO_RESIZE,
	PX_DO_SIGNAL,
	PX_DO_TERMINATE,
	PX_DO_RELEASE,
	PX_DO_WAIT,
	PX_DO_SNAPSHOT,
	PX_DO_READ,
	PX_DO_SUBSCRIBE,
	PX_DO_UNSUBSCRIBE,
	PX_DO_LIST,
	PX_DO_INSPECT,
	PX_DO_INFO,
	PX_DO_STAT, /* from here on: files */
	PX_DO_CANONICALIZE,
	PX_DO_READ_FILE,
	PX_DO_WRITE_FILE,
	PX_DO_MAKE_DIRECTORY,
	PX_DO_REMOVE,
	PX_DO_COPY,
	PX_DO_READ_DIRECTORY,
	PX_DO_WALK,
	PX_DO_OPEN_FILE,
	PX_DO_READ_BLOCK,
	PX_DO_WRITE_BLOCK,
	PX_DO_CLOSE_FILE,
	PX_DO_COUNT
};

/* What a request about files says; checked. */
struct px_file_request {
	const char *path;    /* absolute, shorter than PATH_MAX; NULL: of a file that is open */
	const char *to;      /* COPY: likewise */
	unsigned flags;      /* PX_FILE_x, those of the method */
	struct px_walk walk; /* WALK */
	int64_t file;        /* one that is open: the number of its OPEN_FILE */
	int64_t offset;      /* READ_BLOCK, WRITE_BLOCK */
	size_t len;          /* READ_BLOCK */
};

/* Everything is borrowed for the call that gets it. Members that a method does not name are zero.
 */
struct px_request {
	enum px_method_id method;
	int64_t id;
	const char *session;  /* all but LIST, INFO and files; never NULL there */
	const char *write_id; /* WRITE, CLOSE_STDIN, COMMUNICATE: unique in the session */
	const struct px_command *command; /* START, RUN; its name is 'session' */
	const void *data; /* RUN, COMMUNICATE (NULL: none), WRITE, WRITE_FILE, WRITE_BLOCK */
	size_t len;
	int64_t timeout_ms; /* RUN, COMMUNICATE; 0: none */
	uint16_t rows, cols;
	const char *signal;
	int64_t grace_ms;                    /* TERMINATE; or PX_TERMINATE_x */
	const struct px_until *until;        /* WAIT; NULL: the exit */
	int64_t after_seq;                   /* READ, SUBSCRIBE; or PX_AFTER_NOW */
	int64_t max_bytes;                   /* READ; 0: no limit */
	int64_t wait_ms;                     /* READ */
	const struct px_file_request *files; /* NULL: it is not about files */
};

#endif

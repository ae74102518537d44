#ifndef PTYEXEC_EVENT_H
#define PTYEXEC_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ptyexec/error.h>

/* What a client hears from its server. All pointers are borrowed with the event or answer that
 * holds them. */

enum px_stream { PX_STREAM_STDOUT, PX_STREAM_STDERR, PX_STREAM_TERMINAL, PX_STREAM_COUNT };

struct px_resources {
	int64_t user_ms, system_ms, wall_ms;
	int64_t max_rss_bytes;
};

struct px_end {
	int exit_code;      /* the exit status, or 128 + N when signal N ended the program */
	const char *signal; /* its name without SIG, or NULL */
	const char *cause;  /* who ended it: "self", "client", "timeout", ... */
	struct px_resources resources;
};

struct px_kept_stream {
	const void *data; /* the beginning and the end joined, where the middle is missing */
	size_t len;
	int64_t total;          /* all the bytes that it ever had */
	int64_t omitted_offset; /* where the missing middle was, */
	int64_t omitted_bytes;  /* and how long; 0: nothing is missing */
};

/* The answer to a request. Which part is filled in depends on the request; when 'error' is set,
 * none is. */
struct px_answer {
	int64_t request;
	struct px_error error; /* code PX_ERROR_NONE: it succeeded */
	union {
		struct {
			const char *session;
			int64_t pid;
			bool existing;
		} start;
		struct {
			bool delivered;
		} signal;
		struct {
			bool running; /* when it was asked */
		} terminate;
		struct {
			const char *reason; /* "exit", "idle", "bytes", "match", "timeout" */
			bool exited;
			struct px_end end; /* when 'exited' */
			int64_t next_seq;
		} wait;
		struct {
			struct px_kept_stream stream[PX_STREAM_COUNT];
			bool truncated;
			bool running;
			int64_t next_seq;
		} snapshot;
	};
};

enum px_event_type {
	PX_EVENT_ANSWER,
	PX_EVENT_OUTPUT,
	PX_EVENT_EXITED, /* comes after all output of the program itself */
	PX_EVENT_CLOSED, /* every stream has ended: the session's last event */
	PX_EVENT_LAGGED, /* output was skipped; numbers go on at 'lagged.next_seq' */
	PX_EVENT_FAILED, /* the server lost the program or a stream of it */
	PX_EVENT_LOST    /* the connection has ended: the client's last event, after the answers */
};

struct px_event {
	enum px_event_type type;
	const char *session; /* NULL for ANSWER and LOST */
	int64_t seq;         /* OUTPUT, EXITED, CLOSED */
	union {
		struct px_answer answer;
		struct {
			enum px_stream stream;
			int64_t offset; /* of the first byte in its stream */
			const void *data;
			size_t len;
		} output;
		struct {
			struct px_end end;
			bool core_dumped;
			bool output_open; /* a descendant still holds a stream */
		} exited;
		struct {
			int64_t skipped_bytes, next_seq;
		} lagged;
		struct {
			const char *message;
		} failed;
		struct px_error lost;
	};
};

#endif

#ifndef PTYEXEC_ANSWER_H
#define PTYEXEC_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ptyexec/api.h>
#include <ptyexec/error.h>
#include <ptyexec/files.h>

PX_BEGIN_C

/* What requests are answered with. Times are milliseconds, sizes bytes. */

enum px_stream { PX_STREAM_STDOUT, PX_STREAM_STDERR, PX_STREAM_TERMINAL, PX_STREAM_COUNT };

struct px_resources {
	int64_t user_ms, system_ms, wall_ms;
	int64_t max_rss_bytes;
};

/* How a program ended; from the kernel, never guessed. */
struct px_end {
	int exit_code;      /* the exit status, or 128 + N when signal N ended the program */
	const char *signal; /* its name without SIG, or NULL */
	const char *cause;  /* who ended it: "self", "client", "timeout", ... NULL where not told */
	struct px_resources resources;
};

struct px_started {
	const char *session;
	int64_t pid;
	bool existing; /* it was there before, started in the same words */
};

struct px_waited {
	const char
	    *reason; /* "exit", "idle", "bytes", "match", "timeout"; "lost": PX_EVENT_FAILED */
	bool exited;
	struct px_end end; /* when 'exited' */
	int64_t next_seq;
};

struct px_kept_stream {
	const void *data; /* the beginning and the end joined, where the middle is missing */
	size_t len;
	int64_t total;          /* all the bytes that it ever had */
	int64_t omitted_offset; /* where the missing middle was, */
	int64_t omitted_bytes;  /* and how long; 0: nothing is missing */
};

struct px_snapshot {
	struct px_kept_stream stream[PX_STREAM_COUNT];
	bool truncated;
	bool running;
	bool exited;       /* not when the server lost the program */
	struct px_end end; /* when 'exited': exit_code and signal */
	int64_t next_seq;
};

struct px_output_chunk {
	int64_t seq;
	enum px_stream stream;
	int64_t offset;
	const void *data;
	size_t len;
};

struct px_read {
	const struct px_output_chunk *chunks;
	size_t nchunks;
	int64_t next_seq, lost_bytes;
	bool exited, closed;
	struct px_end end; /* when 'exited': exit_code and signal */
};

struct px_subscribed {
	int64_t next_seq, lost_bytes;
};

/* A row of the list. */
struct px_session_row {
	const char *session;
	int64_t pid;
	const char *const *argv; /* NULL-terminated */
	const char *cwd;
	bool pty;
	uint16_t rows, cols; /* with 'pty': the present size */
	bool stdin_open;     /* without: whether the program was started with an input */
	bool running;
	bool exited;
	struct px_end end;                   /* when 'exited': exit_code and signal */
	int64_t started_at_ms, exited_at_ms; /* since 1970; 0: not yet */
	int64_t retained_bytes, subscribers;
};

struct px_list {
	const struct px_session_row *rows;
	size_t nrows;
};

/* The row and facts about the session now. */
struct px_inspected {
	struct px_session_row row;
	int64_t idle_ms;
	bool terminal;            /* the next five hold: it has a terminal that is open */
	int64_t foreground_group; /* 0: none */
	const char *foreground_name;
	bool echo, canonical, reading_terminal;
	bool output_open;
	int64_t unread_input_bytes;
	int64_t total_bytes[PX_STREAM_COUNT];
};

struct px_limit {
	const char *name;
	int64_t value;
};

struct px_server_info {
	const char *name, *version;
	int64_t pid, uptime_ms;
	const struct px_limit *limits;
	size_t nlimits;
	int64_t connections, workspaces, sessions, running;
};

/* Which part is filled in depends on the request; when 'error' is set, none is. */
struct px_answer {
	int64_t request;
	struct px_error error; /* code PX_ERROR_NONE: it succeeded */
	union {
		struct px_started start;
		struct {
			bool delivered;
		} signal;
		struct {
			bool running; /* when it was asked */
		} terminate;
		struct px_waited wait;
		struct px_snapshot snapshot;
		struct px_read read;
		struct px_subscribed subscribe; /* also of px_client_unsubscribe() */
		struct px_list list;
		struct px_inspected inspect;
		struct px_server_info info;
		struct px_file_metadata metadata;
		struct {
			const char *path;
		} canonical;
		struct px_file_content content;
		struct px_file_list files;
		struct {
			struct px_started start; /* of px_client_run() alone */
			struct px_waited wait;
			struct px_snapshot snapshot;
		} finish; /* of px_client_run() and px_client_communicate() */
	};
};

/* For answers of px_client_await(). Takes NULL. Any thread. */
PX_API void px_answer_free(struct px_answer *answer);

PX_END_C

#endif

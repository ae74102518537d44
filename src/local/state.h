#ifndef PX_LOCAL_STATE_H
#define PX_LOCAL_STATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bsd/sys/queue.h>

#include "base/err.h"
#include "base/surroundings.h"
#include "local/local.h"
#include "proc/guardian.h"
#include "proc/spec.h"
#include "session/core.h"
#include "session/session.h"
#include "session/wait.h"
#include "session/workspace.h"

/* The inside of px_local, for the files of this folder. */

struct event;
struct event_base;
struct px_follow;
struct px_fs_task;
struct px_handles;
struct px_input_op;
struct px_local_job;
struct px_pool;
struct px_pool_owner;

/* A request: everything copied, in one block of memory. */
struct px_local_call {
	TAILQ_ENTRY(px_local_call) link;
	struct px_local *local;
	enum px_method_id method;
	int64_t id;
	const char *session;  /* NULL: it names none */
	const char *write_id; /* NULL: none */
	const void *data;     /* NULL: none */
	size_t len;
	struct px_spec spec; /* START, RUN */
	enum px_on_disconnect on_disconnect;
	const char *trace; /* for the log; NULL: none */
	int64_t timeout_ms;
	uint16_t rows, cols;
	const char *signal;
	int64_t grace_ms;
	struct px_wait_until until; /* WAIT, READ */
	int64_t after_seq, max_bytes;
	struct px_fs_task *task; /* about files; NULL: it is not, or the job has it */
	int64_t file;            /* that is open: what it works on; 0: none */
	bool replaces;           /* OPEN_FILE: for new content */

	/* While it waits; on the core's thread. */
	struct px_session *target;
	struct px_wait *wait;
	struct px_input_op *op;
	struct px_local_job *job;
	bool keeps_op; /* the operation outlives it */
	bool existing;
	void (*answer)(struct px_local_call *call, enum px_reason reason);
};

TAILQ_HEAD(px_local_call_list, px_local_call);
TAILQ_HEAD(px_follow_list, px_follow);

enum { PX_LOCAL_LIMITS = 10, PX_LOCAL_SPARE = 3 };

/* What a client may do to files at once, and the largest that is read as a whole. */
enum { PX_LOCAL_FILE_REQUESTS = 256, PX_LOCAL_FILE_BYTES = 44 * 1024 * 1024 };

/* Made for the first request about files; NULL before. */
struct px_local_files {
	struct px_pool *pool;
	struct px_pool_owner *owner;
	struct px_handles *handles;
};

struct px_local {
	/* Constant from the beginning. */
	unsigned capacity;
	size_t queue_bytes;
	bool lossy, started_events;
	int64_t grace_ms, started_ms;
	struct px_surroundings surroundings;
	struct px_limit limits[PX_LOCAL_LIMITS];
	size_t nlimits;
	int wake_fd; /* an eventfd: there is something to do for the core's thread */
	int out_fd;  /* an eventfd: there is something to collect */
	pthread_t thread;

	pthread_mutex_t lock; /* for what follows, down to 'outbox' */
	struct px_local_call_list queued;
	int64_t *open; /* the ids of requests without answer, up to 'capacity' */
	size_t nopen;
	bool woken; /* 'wake_fd' has been written since the queue was emptied */
	bool closing;
	bool told;    /* 'out_fd' has been written since the outbox was emptied */
	bool drained; /* the consumer has made room */
	struct px_heard_list outbox;

	atomic_size_t cost;  /* of what the consumer has not passed on */
	atomic_bool stalled; /* a follower waits for the consumer */

	/* The core's thread alone. */
	struct event_base *base;
	struct event *wake, *hurry;
	bool hurried, given_up;
	int spare[PX_LOCAL_SPARE]; /* descriptors for the end; -1: none */
	struct px_core *core;
	struct px_member member;
	struct px_guardian guardian;
	struct px_local_call_list waiting;
	struct px_follow_list follows;
	struct px_local_files files;
	struct px_heard_list fresh; /* to be put into the outbox */
};

/* ---- call.c: in the caller's thread ---- */

/* Copies a request. NULL: 'refusal' says why, or its code is PX_E_NOMEM. */
struct px_local_call *px_local_call_new(
    struct px_local *local, const struct px_request *request, struct px_err *refusal);
void px_local_call_free(struct px_local_call *call);

/* ---- command.c ---- */

/* Checks a command as the protocol does, with its words, and fills 'spec' and 'on_disconnect'. */
int px_local_command(struct px_local_call *call, const struct px_command *command,
    const char *default_cwd, struct px_err *err);

/* ---- files.c ---- */

/* From a request about files, in the caller's thread. NULL: memory is out. */
struct px_fs_task *px_local_task_new(const struct px_request *from);
void px_local_task_free(struct px_fs_task *task); /* takes NULL */

/* It is answered by somebody else. */
void px_local_job_forget(struct px_local_job *job);

/* Nothing more is begun, and what runs is told to stop; then waits for that, boundedly. */
void px_local_files_stop(struct px_local *local);
void px_local_files_end(struct px_local *local);

/* ---- queue.c ---- */

/* Told to the consumer at the end of the turn. Takes 'heard' over. Core's thread. */
void px_local_tell(struct px_local *local, struct px_heard *heard);
void px_local_flush(struct px_local *local);

/* A refusal of the core as clients see it. */
void px_error_refusal(struct px_error *out, const struct px_err *err);

/* An answer to be filled in; px_local_answer() tells it and frees the call. */
struct px_heard *px_local_answer_new(const struct px_local_call *call);
void px_local_answer(struct px_local_call *call, struct px_heard *heard);
void px_local_answer_empty(struct px_local_call *call);
void px_local_refuse(struct px_local_call *call, const struct px_err *err);

/* All that are queued or wait are answered LOST, and so is every later one. */
void px_local_lose(struct px_local *local);

/* ---- methods.c, methods_look.c, files.c: in the core's thread ---- */

/* Does what is asked; the call is answered, or waits. */
void px_local_run(struct px_local_call *call);
void px_local_cancel(struct px_local_call *call); /* of one that waits: its end is not told */

typedef int px_local_method_fn(struct px_local_call *call, struct px_err *err);
px_local_method_fn px_local_snapshot, px_local_read, px_local_list, px_local_inspect, px_local_info;
px_local_method_fn px_local_file;

/* Around the time that it waits. */
void px_local_hold(struct px_local_call *call);
void px_local_unhold(struct px_local_call *call);

struct px_session *px_local_session(const struct px_local_call *call, struct px_err *err);

/* Answers by 'answer', now or when the wait is over. */
void px_local_wait(struct px_local_call *call, struct px_session *session,
    const struct px_wait_until *until,
    void (*answer)(struct px_local_call *call, enum px_reason reason));

/* ---- fill.c: parts of answers; false: memory is out ---- */

void px_fill_end(struct px_end *out, const struct px_exit *exit, bool in_full);
void px_fill_wait(struct px_waited *out, struct px_session *session, enum px_reason reason);
bool px_fill_started(struct px_heard *heard, struct px_started *out, struct px_session *session);
bool px_fill_snapshot(struct px_heard *heard, struct px_snapshot *out, struct px_session *session);
bool px_fill_row(struct px_heard *heard, struct px_session_row *out, struct px_session *session);
enum px_stream px_fill_stream(const struct px_session *session, unsigned stream);
bool px_fill_chunk(
    struct px_heard *heard, const struct px_chunk *chunk, const void **out_data, size_t *out_len);
int64_t px_fill_next_seq(struct px_session *session);

/* ---- follow.c: in the core's thread ---- */

struct px_follow *px_follow_find(struct px_local *local, const struct px_session *session);

/* From the beginning, a session that is not followed yet. */
void px_follow_new(struct px_local *local, struct px_session *session);

/* Follows, or moves there; returns what is no longer kept. Nothing is told before a pump. */
uint64_t px_follow_add(struct px_local *local, struct px_session *session, uint64_t after);
void px_follow_pump(struct px_local *local, struct px_session *session);
void px_follow_pump_all(struct px_local *local);
void px_follow_remove(struct px_local *local, struct px_session *session);
void px_follow_remove_all(struct px_local *local);
void px_follow_tell_started(struct px_local *local, struct px_session *session);

#endif

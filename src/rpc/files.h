#ifndef PX_RPC_FILES_H
#define PX_RPC_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include <bsd/sys/queue.h>

#include "fs/pool.h"
#include "fs/task.h"
#include "sandbox/policy.h"

struct evbuffer;
struct px_call;
struct px_file_share;
struct px_handles;
struct px_json_out;
struct px_peer;
struct px_pool_job;

/*
 * Requests about files, whatever dialect they come in: a job that is filled in
 * the loop, run beside it, and answered from in the loop. What is done is a task
 * of fs/task.h; the dialect fills in what it is done to, and says how its result
 * is written.
 */
struct px_file_job {
	struct px_call *call; /* NULL: its connection is over */
	struct px_pool *pool; /* NULL: there is none, and no handle */
	/* Writes the members of the result; NULL: {}. On the thread, like the task itself. */
	void (*put)(const struct px_fs_task *task, struct px_json_out *json);
	struct px_err err;
	bool has_failed;
	bool confined; /* to 'policy' */
	struct px_policy policy;
	struct px_fs_task task;
	struct evbuffer *result; /* as JSON */
	/* its memory: see rpc/file_room.h */
	struct px_file_share *share; /* counted; NULL: it has not started */
	size_t claimed, lacks;
	size_t unclaimed; /* so much content needs no room */
	TAILQ_ENTRY(px_file_job) waiting_link;
	struct px_pool_job *paused; /* it waits for room, or NULL */
	unsigned looks, in_vain;    /* that found it waiting; the last of them, nothing else */
	bool refused;
};

/* A zeroed one. px_file_job_start() takes it over, also on failure; before that, _free() ends it.
 */
struct px_file_job *px_file_job_new(struct px_call *call, const struct px_fs_op *op);
void px_file_job_free(struct px_file_job *job);
int px_file_job_start(struct px_file_job *job, struct px_err *err);

/* "No such file or directory (os error 2)", as clients know it. */
void px_file_os_error(int sys, char *out, size_t size);

/* The open files of a connection, made when they are first asked for. */
struct px_handles *px_peer_handles(struct px_peer *peer);

/* Makes peer->files, whose jobs end with the connection. PX_E_FORBIDDEN: there are no threads.
 * PX_E_OVERLOADED: none of them comes back. */
int px_peer_files_begin(struct px_peer *peer, struct px_err *err);

/* The connection has room again: what waited for that goes on. */
void px_peer_files_drained(struct px_peer *peer);

/* Answers have been given to the connection: which of them does it still keep? */
void px_peer_files_answered(struct px_peer *peer);

/* The connection is over, or its workspace has gone elsewhere: nothing of it goes on. */
void px_peer_files_end(struct px_peer *peer);

#endif

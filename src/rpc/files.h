#ifndef PX_RPC_FILES_H
#define PX_RPC_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bsd/sys/queue.h>

#include "fs/fs.h"
#include "fs/pool.h"
#include "sandbox/policy.h"

struct evbuffer;
struct px_call;
struct px_file_share;
struct px_handle;
struct px_handles;
struct px_json_out;
struct px_peer;
struct px_pool_job;

/*
 * Requests about files, whatever dialect they come in: a job that is filled in
 * the loop, run beside it, and answered from in the loop. What is done is one of
 * the operations of rpc/file_ops.h; the dialect fills in what it is done to, and
 * says how its result is written.
 */
struct px_file_job;

struct px_file_op {
	int (*run)(struct px_file_job *job, struct px_err *err); /* on a thread: the job alone */
	void (*failed)(struct px_file_job
		*job); /* in the loop, before the error, also of the start; or NULL */
	bool alters;   /* the order of what follows depends on it: px_pool_work.alters */
};

struct px_file_job {
	struct px_call *call; /* NULL: its connection is over */
	struct px_pool *pool; /* NULL: there is none, and no handle */
	const struct px_file_op *op;
	/* Writes the members of the result; NULL: {}. On the thread, like 'run'. */
	void (*put)(const struct px_file_job *job, struct px_json_out *json);
	struct px_err err;
	bool has_failed;
	struct px_fs_scope scope;
	bool confined; /* to 'policy' */
	struct px_policy policy;
	/* what was asked for */
	char path[PATH_MAX], to[PATH_MAX];
	bool all, force;
	struct px_fs_walk walk;
	char *data; /* to write, or what was read; the job's */
	size_t len; /* of it, or of the block to be read */
	size_t max; /* bytes of a whole file that is read */
	int64_t offset;
	struct px_handle *handle; /* counted */
	struct evbuffer *result;  /* as JSON */
	/* its memory: see rpc/file_room.h */
	struct px_file_share *share; /* counted; NULL: it has not started */
	size_t claimed, lacks;
	size_t unclaimed; /* so much content needs no room */
	TAILQ_ENTRY(px_file_job) waiting_link;
	struct px_pool_job *paused; /* it waits for room, or NULL */
	unsigned looks, in_vain;    /* that found it waiting; the last of them, nothing else */
	bool refused;
	/* what came of it, until it is written */
	size_t got;
	struct px_fs_meta meta;
	struct px_names names;
	struct px_fs_walked walked;
};

/* A zeroed one. px_file_job_start() takes it over, also on failure; before that, _free() ends it.
 */
struct px_file_job *px_file_job_new(struct px_call *call, const struct px_file_op *op);
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

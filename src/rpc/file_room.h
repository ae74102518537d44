#ifndef PX_RPC_FILE_ROOM_H
#define PX_RPC_FILE_ROOM_H

#include <stddef.h>

#include "base/err.h"

struct event_base;
struct px_file_job;
struct px_pool_job;

/*
 * The memory that large answers about files take, of all connections together:
 * from before a content is read until its connection has sent all but what it may
 * have unsent anyway. A job that finds no room is paused and waits for what others
 * give back, as long as somebody does, and a minute at most; small answers, which
 * connections bound, find room always.
 *
 * All calls belong to the loop's thread but px_file_room_claim().
 */
struct px_file_room;

struct px_file_room *px_file_room_new(struct event_base *base, size_t max);
void px_file_room_free(struct px_file_room *room); /* once no share is left; takes NULL */

/*
 * What one connection has of it. Counted, for its jobs outlive it. While it has
 * some, it gets more only as long as half of the room is free.
 */
struct px_file_share;

struct px_file_share *px_file_share_new(struct px_file_room *room);
struct px_file_share *px_file_share_ref(struct px_file_share *share);
void px_file_share_unref(struct px_file_share *share); /* takes NULL */

/* Its answers have gone, or its connection: what px_file_room_answered() kept is given back. */
void px_file_share_sent(struct px_file_share *share);

/* ---- a job's ---- */

/*
 * On its thread: 'content' bytes are going to be in memory, and then as text. -1
 * with PX_E_OVERLOADED: not now, or, once it has waited enough, not at all.
 */
int px_file_room_claim(struct px_file_job *job, size_t content, struct px_err *err);

/* On its thread: 'bytes' are what it holds from now on. */
void px_file_room_settle(struct px_file_job *job, size_t bytes);

/* It waits until there is the room that it lacks, or it has waited enough, and is resumed. */
void px_file_room_wait(struct px_file_job *job, struct px_pool_job *paused);

/* What it holds is its connection's, until that has sent it. */
void px_file_room_answered(struct px_file_job *job);

/* It ends, whatever it holds or waits for. */
void px_file_room_leave(struct px_file_job *job);

#endif

#ifndef PX_PROC_STREAM_H
#define PX_PROC_STREAM_H

#include "proc/manager.h"

/* Reading one output stream of a child: when, how much, and when it is over. */

void px_stream_init(struct px_proc_stream *stream, struct px_proc *proc, unsigned index, int fd);
void px_stream_done(struct px_proc_stream *stream); /* also before _init on a zeroed struct */

/* Reading may go on: room() may have grown. */
void px_stream_wake(struct px_proc_stream *stream);

/*
 * The child was reaped: from now on the stream says, by 'settled', when all that
 * the child itself can have written has been read. Reads what is there.
 */
void px_stream_settle(struct px_proc_stream *stream);

/* Told to the proc: the stream has ended, or has settled. */
void px_proc_on_stream(struct px_proc *proc);

#endif

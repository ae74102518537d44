#ifndef PX_LOCAL_LOCAL_H
#define PX_LOCAL_LOCAL_H

#include <stdbool.h>
#include <stddef.h>

#include <ptyexec/client.h>

#include "client/heard.h"
#include "client/request.h"

/*
 * The execution core on a thread of its own inside this process. Requests go in
 * through a bounded queue and are copied; what is heard comes out through
 * another, typed, with the memory that it points into. Unless said otherwise any
 * thread may call.
 *
 * Nothing of the process is changed: no signal handler, no directory, no limit,
 * no environment variable. The host's kill -9 leaves nothing running where the
 * server's program can be found (px_daemon_program()), which is then its
 * guardian; else the programs themselves end with it, but not what they started
 * in sessions of its own.
 */
struct px_local;

/*
 * Blocks for some milliseconds, until the guardian is there. -1: SYSTEM, or
 * REFUSED when the options name a workspace that cannot be.
 */
int px_local_new(
    const struct px_client_options *options, struct px_local **out, struct px_error *err);

/*
 * Ends what runs, gracefully, by force after the options' grace; blocks until
 * nothing is left and the thread has ended. Open requests are answered LOST. Once.
 */
void px_local_close(struct px_local *local);
void px_local_free(struct px_local *local); /* closed before */

/*
 * It was closed, or has ended because the host has closed descriptors that are
 * not its own: what it has told still comes, and nothing more.
 */
bool px_local_is_over(struct px_local *local);

/* What a client is greeted with; borrowed, lives as long as 'local'. */
void px_local_greeting(const struct px_local *local, struct px_greeting *out);

/*
 * Takes a request on. It is answered by an event of type ANSWER, also when it is
 * refused at once: "overloaded" when as many as the options' capacity are open,
 * "duplicateRequestId" when its id is. -1: memory is out, or it was closed.
 */
int px_local_send(struct px_local *local, const struct px_request *request, struct px_error *err);

/* Readable (poll(2)) when there may be something to collect; always the same. */
int px_local_fd(const struct px_local *local);

/* Moves all that has come to the end of 'to', in order. One thread at a time. */
void px_local_collect(struct px_local *local, struct px_heard_list *to);

/*
 * The consumer has passed on 'cost' of what it collected. Until it says so, that
 * counts among the options' queue_bytes, which bound what is read from programs
 * (PX_SLOW_BLOCK) or told of it (PX_SLOW_LAG).
 */
void px_local_passed(struct px_local *local, size_t cost);

#endif

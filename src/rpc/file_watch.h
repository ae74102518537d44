#ifndef PX_RPC_FILE_WATCH_H
#define PX_RPC_FILE_WATCH_H

#include <stddef.h>
#include <stdint.h>

struct px_call;
struct px_err;
struct px_peer;

/*
 * A connection's wait for files that are missing (fs/missing.h): one at a time,
 * a new one takes the place of the old one silently. It is told once.
 */
struct px_file_watch;

/*
 * Answers 'call' with {"watching": bool}, now or later. The 'paths', and the
 * 'count' texts in it, become the watch's, also on failure; 'present' may be NULL.
 */
int px_file_watch_start(struct px_call *call, int64_t id, char **paths, size_t count, char *present,
    struct px_err *err);

/* The connection waits no longer. */
void px_file_watch_end(struct px_peer *peer);

#endif

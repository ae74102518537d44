#ifndef PX_FS_LET_GO_H
#define PX_FS_LET_GO_H

struct px_handle;
struct px_handles;
struct px_pool;

/*
 * Lets go of a table of open files, and of a handle (each may be NULL), beside
 * the loop: a file system may write only when a file is closed, or not answer.
 * That is done for nobody, and the connection whose they were may be over; the
 * pool's end waits for it as for its threads. From the loop's thread. Without a
 * pool nothing can have been opened.
 */
void px_handles_let_go(struct px_pool *pool, struct px_handles *handles, struct px_handle *handle);

#endif

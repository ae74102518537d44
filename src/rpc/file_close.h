#ifndef PX_RPC_FILE_CLOSE_H
#define PX_RPC_FILE_CLOSE_H

struct px_handle;
struct px_handles;
struct px_pool;

/*
 * Lets go of a table of open files, and of a handle (each may be NULL), beside
 * the loop: a file system may write only when a file is closed, or not answer.
 * That is done for nobody, and the connection whose they were may be over. From
 * the loop's thread. Without a pool nothing can have been opened.
 */
void px_file_let_go(struct px_pool *pool, struct px_handles *handles, struct px_handle *handle);

#endif

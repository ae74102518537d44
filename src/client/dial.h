#ifndef PX_CLIENT_DIAL_H
#define PX_CLIENT_DIAL_H

#include <stdbool.h>
#include <stddef.h>

#include <ptyexec/error.h>

struct px_address;

/* Reaching a server: its places are tried in turn, without blocking. */
struct px_dial {
	const struct px_address *address; /* borrowed */
	size_t place;                     /* the one that is tried now */
	int fd;                           /* the socket, or a timer; -1: none yet */
	bool is_timer; /* the server's queue is full: try again when 'fd' is readable */
	int sys;       /* why the last place failed */
};

/*
 * Goes on as far as it can now. 1: 'fd' is connected; 0: wait until it is
 * writable (a timer: readable); -1: no place is left, PX_ERROR_CONNECT, and there
 * is no 'fd'. It may close 'fd' and make another. Whoever made the struct closes
 * the last one. connect(2).
 */
int px_dial_step(struct px_dial *dial, struct px_error *err);

#endif

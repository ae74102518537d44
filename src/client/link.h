#ifndef PX_CLIENT_LINK_H
#define PX_CLIENT_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include <ptyexec/error.h>

struct evbuffer;
struct px_framer;

/* Messages over a connected stream socket. It never blocks and never raises SIGPIPE. */
struct px_link {
	int fd;
	int epfd; /* readable when there is something to do */
	bool sending_failed;
	unsigned interest; /* the epoll events of 'fd' asked for at present */
	struct px_framer *framer;
	struct evbuffer *in, *out;
};

/* Takes a message, borrowed for the call; false: no more for now. */
typedef bool px_link_message_fn(void *arg, const char *text, size_t len);

/* Takes over 'fd', which is non-blocking and close-on-exec, also on failure. */
int px_link_init(struct px_link *link, int fd, struct px_error *err);
void px_link_done(struct px_link *link); /* also for a zeroed one */

/* Moves the content of 'msg' out as one message, and sends what goes now. */
void px_link_send(struct px_link *link, struct evbuffer *msg);

/*
 * Sends what waits, hands out what has come until 'message' (NULL: nothing is wanted now) says
 * stop, and settles what to be woken for. Reads a bounded amount. -1: the connection is of no more
 * use; everything that came before was handed out.
 */
int px_link_step(
    struct px_link *link, px_link_message_fn *message, void *arg, struct px_error *err);

#endif

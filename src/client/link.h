#ifndef PX_CLIENT_LINK_H
#define PX_CLIENT_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ptyexec/error.h>

struct evbuffer;
struct px_address;

/*
 * Whole messages to and from a server: over a unix socket, a WebSocket or one
 * in TLS. No call blocks, raises SIGPIPE or waits for anything but the reading
 * of certificates; how long to wait is the caller's business. One thread at a
 * time.
 */
struct px_link;

struct px_link_options {
	const char *ca_file; /* PEM: the authorities to trust; NULL: the system's */
};

/* Takes a message, borrowed for the call; false: no more for now. It may send, but not close. */
typedef bool px_link_message_fn(void *arg, const char *text, size_t len);

/*
 * Begins to reach the server at 'address', which is copied. 'epfd' is the
 * caller's epoll set: the link keeps one descriptor in it, and the set is
 * readable when px_link_step() has something to do. 'options' may be NULL. 0
 * with '*out' the caller's; -1: as px_link_step() before it is open, or the
 * file of authorities is no good (PX_ERROR_SYSTEM, PX_ERROR_USAGE).
 */
int px_link_open(const struct px_address *address, int epfd, const struct px_link_options *options,
    struct px_link **out, struct px_error *err);

/* Takes over 'fd', a connected stream socket with lines on it, close-on-exec; also on failure. */
int px_link_adopt(int fd, int epfd, struct px_link **out, struct px_error *err);

/* Connected, and TLS and the upgrade done where there are such. */
bool px_link_is_open(const struct px_link *link);

/* Moves the content of 'msg' out as one message, and sends what goes now; kept until it is open. */
void px_link_send(struct px_link *link, struct evbuffer *msg);

/* Bytes that the kernel has not taken yet. */
size_t px_link_unsent(const struct px_link *link);

/*
 * Goes on with reaching the server, sends what waits, hands out what has come
 * until 'message' (NULL: nothing is wanted now) says stop, and settles what to
 * be woken for. Reads a bounded amount; while nothing is wanted it reads
 * nothing, so no ping is answered either. -1: the link is of no more use, and
 * everything that came before was handed out. Before it is open the error is
 * PX_ERROR_CONNECT (with 'sys' when the kernel refused) or, from one that does
 * not open a WebSocket, PX_ERROR_PEER; afterwards PX_ERROR_LOST, or
 * PX_ERROR_PEER from a server that breaks the protocol.
 */
int px_link_step(
    struct px_link *link, px_link_message_fn *message, void *arg, struct px_error *err);

/* Bytes that have come, of any kind: the peer's signs of life. */
uint64_t px_link_received(const struct px_link *link);

/* Asks for a sign of life, which px_link_step() swallows; does nothing where lines are spoken. */
void px_link_ping(struct px_link *link);

/* Says goodbye as the protocol wants it, without waiting, and frees; takes NULL. */
void px_link_close(struct px_link *link);

#endif

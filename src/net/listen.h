#ifndef PX_NET_LISTEN_H
#define PX_NET_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "net/url.h"

struct event_base;
struct px_listener;
struct px_net;
struct px_log;

/*
 * A new peer: 'fd' is its socket (non-blocking, O_CLOEXEC, TCP_NODELAY set) and
 * becomes the callee's; 'label' names it for the log.
 */
typedef void px_accept_fn(void *arg, const struct px_url *url, int fd, const char *label);

/*
 * Opens a socket at 'url' (UNIX or WS). A unix socket is created mode 0600; a
 * stale file is replaced, one that a live server answers on is not. Nothing is
 * accepted before px_listener_start(). PX_E_USAGE with the system's reason.
 */
int px_listener_open(struct event_base *base, const struct px_url *url, const struct px_log *log,
    struct px_listener **out, struct px_err *err);
void px_listener_start(struct px_listener *listener, px_accept_fn *accept, void *arg);

/* Does somebody wait to be accepted? */
bool px_listener_is_awaited(const struct px_listener *listener);

/*
 * Closes it, after the unix socket's file, which is removed if it is still ours:
 * nobody finds us any more then, and who was in between is reset before a byte of
 * his was read. Takes NULL.
 */
void px_listener_free(struct px_listener *listener);

/* With the port that the system chose. */
const struct px_url *px_listener_url(const struct px_listener *listener);

#endif

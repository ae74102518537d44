#ifndef PX_SERVER_LISTENERS_H
#define PX_SERVER_LISTENERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "net/listen.h"

struct event_base;
struct px_config;
struct px_log;

/* All that --listen names: sockets, and whether stdin and stdout are a connection too. */
struct px_listeners;

/*
 * Checks every URL before it opens any. PX_E_USAGE; on failure nothing stays
 * open. An address that is not loopback is refused unless the operator insists.
 */
int px_listeners_open(struct event_base *base, const struct px_config *config,
    const struct px_log *log, struct px_listeners **out, struct px_err *err);
void px_listeners_free(struct px_listeners *listeners); /* takes NULL */

/* Accepts from now on, and says so on stderr, a line for each, unless the log is for errors only.
 */
void px_listeners_start(struct px_listeners *listeners, px_accept_fn *accept, void *arg);

/* Does somebody wait to be accepted, at any of them? */
bool px_listeners_are_awaited(const struct px_listeners *listeners);

/* Accepts no more. */
void px_listeners_close(struct px_listeners *listeners);

bool px_listeners_have_stdio(const struct px_listeners *listeners);
bool px_listeners_have_sockets(const struct px_listeners *listeners); /* none after the close */

#endif

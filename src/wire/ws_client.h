#ifndef PX_WIRE_WS_CLIENT_H
#define PX_WIRE_WS_CLIENT_H

#include <stdbool.h>

#include "wire/framer.h"

/*
 * RFC 6455, client side. No extension and no subprotocol is asked for. As any
 * framing, but:
 *
 * - px_ws_client_hello() comes before the first feed.
 * - What wrap writes before the upgrade is done must be held back until then.
 * - PX_FEED_CLOSE fills 'err' also when the server has closed properly: PX_E_IO,
 *   with the close frame's code and reason. An answer that is no upgrade is
 *   PX_E_REQUEST, with its status and the first line of its body.
 */
extern const struct px_framing px_framing_ws_client;

/*
 * Appends the request for the upgrade to 'out'. 'host' is the Host header,
 * 'target' the path and query; both are the caller's and have been checked.
 */
void px_ws_client_hello(
    struct px_framer *f, const char *host, const char *target, struct evbuffer *out);

/* Is the upgrade done, and no end in sight? */
bool px_ws_client_is_open(const struct px_framer *f);

/*
 * The stream has ended and 'in' is what is left of it: had an answer begun that
 * is no upgrade? Then it fills 'err' with that.
 */
bool px_ws_client_was_refused(struct px_framer *f, struct evbuffer *in, struct px_err *err);

#endif

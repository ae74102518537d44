#ifndef PX_WIRE_WS_HANDSHAKE_H
#define PX_WIRE_WS_HANDSHAKE_H

#include <stddef.h>

#include "base/err.h"

struct evbuffer;
struct px_framer_handler;

/* The opening handshake, server side (RFC 6455 section 4.2), and what both sides compute. */

/* A Sec-WebSocket-Key is 16 bytes in base64, a Sec-WebSocket-Accept is a SHA-1. */
enum { PX_WS_KEY_BYTES = 16, PX_WS_KEY_LEN = 24, PX_WS_ACCEPT_LEN = 28 };

/* Writes the Sec-WebSocket-Accept to 'key', and a NUL: PX_WS_ACCEPT_LEN + 1 characters. */
void px_ws_accept(const char *key, char *out);

enum px_ws_handshake {
	PX_WS_HANDSHAKE_MORE, /* the head is not complete; nothing was taken from 'in' */
	PX_WS_HANDSHAKE_DONE, /* upgraded: the head is gone from 'in', frames follow; the 101 is in
				 'out' */
	PX_WS_HANDSHAKE_ANSWERED /* a whole HTTP response is in 'out'; 'err' is PX_OK when it is the
				    handler's */
};

/*
 * Looks for one request head at the front of 'in'. '*scanned' is 0 at first and
 * carries over how much of 'in' was looked at, so that a head which arrives in
 * many pieces is searched once. 'err' is not NULL.
 */
enum px_ws_handshake px_ws_handshake(size_t *scanned, struct evbuffer *in, struct evbuffer *out,
    const struct px_framer_handler *handler, void *arg, struct px_err *err);

#endif

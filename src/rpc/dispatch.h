#ifndef PX_RPC_DISPATCH_H
#define PX_RPC_DISPATCH_H

#include <stddef.h>

struct px_peer;

/* One message from the peer: parses it, checks the envelope, calls the method or answers the error.
 */
void px_dispatch(struct px_peer *peer, const char *text, size_t len);

#endif

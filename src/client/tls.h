#ifndef PX_CLIENT_TLS_H
#define PX_CLIENT_TLS_H

#include <stdbool.h>

#include <ptyexec/error.h>

struct evbuffer;

/*
 * The client's side of TLS 1.2 or later, as a pure conversion between
 * evbuffers: it touches no descriptor, so it cannot block or raise SIGPIPE.
 */
struct px_tls;

/*
 * 'from' holds what has come from the server, 'to' what is to be sent to it;
 * both are borrowed for as long as this lives. The server must have a valid
 * certificate for 'host', a name or an IP address, from an authority in the file
 * 'ca_file' (PEM), or, when that is NULL, one that the system trusts
 * (SSL_CTX_set_default_verify_paths(3)). PX_ERROR_SYSTEM or PX_ERROR_USAGE: that
 * file is no good.
 */
int px_tls_new(const char *host, const char *ca_file, struct evbuffer *from, struct evbuffer *to,
    struct px_tls **out, struct px_error *err);
void px_tls_free(struct px_tls *tls); /* takes NULL */

/* Is the handshake done? */
bool px_tls_is_open(const struct px_tls *tls);

/*
 * Goes on with the handshake, then appends to 'plain' all that 'from' holds. -1:
 * the end, and everything that came before it is in 'plain'; it stays so.
 * PX_ERROR_CONNECT before the handshake was done, else PX_ERROR_LOST.
 */
int px_tls_receive(struct px_tls *tls, struct evbuffer *plain, struct px_error *err);

/* Moves 'plain' to 'to', encrypted; once the handshake is done. What cannot be sent is dropped. */
void px_tls_send(struct px_tls *tls, struct evbuffer *plain);

/* Says goodbye: nothing is sent after it. */
void px_tls_close(struct px_tls *tls);

#endif

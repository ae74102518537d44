#ifndef PX_CLIENT_ADDRESS_H
#define PX_CLIENT_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include <ptyexec/error.h>
#include <sys/socket.h>

/*
 * Where a server is:
 *
 *   unix:///PATH, unix://PATH, unix:PATH    a unix socket, lines on it
 *   ws://HOST[:PORT][/PATH][?QUERY]         a WebSocket, port 80
 *   wss://HOST[:PORT][/PATH][?QUERY]        the same over TLS, port 443
 *
 * HOST is a name, an IPv4 address, or an IPv6 address in brackets.
 */

struct px_address_place {
	struct sockaddr_storage addr;
	socklen_t len;
};

/* Made by px_address_parse(), constant from then on. */
struct px_address {
	bool is_ws, is_tls;
	char *text;      /* the URL without its query, which may hold a secret */
	char *host;      /* WS: the name, or the IP address without brackets */
	char *authority; /* WS: the Host header: the port is in it unless it is the usual one */
	char *target;    /* WS: "/", "/path?query" */
	struct px_address_place *places; /* at least one, in the order to try them */
	size_t nplaces;
};

/*
 * A name is looked up here, which can block for as long as getaddrinfo(3) does:
 * several seconds when the name service is out of reach. 0 with '*out' the
 * caller's; -1: PX_ERROR_USAGE (the URL is wrong, and the text says how) or
 * PX_ERROR_CONNECT (the name has no address). Any thread.
 */
int px_address_parse(const char *url, struct px_address **out, struct px_error *err);

struct px_address *px_address_copy(const struct px_address *from);
void px_address_free(struct px_address *address); /* takes NULL */

/* For messages; lives as long as 'address'. */
const char *px_address_text(const struct px_address *address);

#endif

#ifndef PX_SERVER_ACCESS_H
#define PX_SERVER_ACCESS_H

struct px_config;
struct px_http_request;

/*
 * Who may talk to the WebSocket port. No web page may, or any site could run
 * programs here through its visitor's browser: a page's requests carry an Origin
 * (RFC 6454), and one whose name was made to point at us afterwards (DNS
 * rebinding) carries that name as Host.
 */
enum px_access {
	PX_ACCESS_GRANTED,
	PX_ACCESS_MALFORMED, /* no single Host; HTTP/1.0 may go without (RFC 9112 section 3.2) */
	PX_ACCESS_BAD_HOST,  /* not an IP address, "localhost" or in allow_host */
	PX_ACCESS_BAD_ORIGIN /* one that is not, letter by letter, in allow_origin */
};

/* '*out_value' is the header at fault, borrowed from 'req'; NULL when there is none. */
enum px_access px_access_check(
    const struct px_config *config, const struct px_http_request *req, const char **out_value);

#endif

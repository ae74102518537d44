#ifndef PX_WIRE_HTTP_H
#define PX_WIRE_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct evbuffer;

/*
 * As much of HTTP/1.1 (RFC 9112) as WebSocket needs of it: one request head,
 * one response, then the end or an upgrade. Both sides are here.
 */

enum { PX_HTTP_HEAD_MAX = 16384, PX_HTTP_HEADERS_MAX = 64 };

struct px_http_header {
	const char *name;  /* lower-cased */
	const char *value; /* surrounding white space removed */
};

struct px_http_headers {
	struct px_http_header list[PX_HTTP_HEADERS_MAX];
	size_t n;
};

struct px_http_request {
	const char *method; /* as sent, case kept */
	const char *path;   /* the target up to '?', origin-form only */
	const char *query;  /* what follows '?', or NULL */
	int minor;          /* HTTP/1.<minor>, 0 or 1 */
	struct px_http_headers headers;
};

struct px_http_response {
	int status;         /* 100 to 599 */
	const char *reason; /* as sent; may be empty */
	int minor;
	struct px_http_headers headers;
};

/*
 * The length of the head at the front of 'in', its empty line included, or 0
 * when its end has not come yet. '*scanned' is 0 at first and carries over how
 * much of 'in' was looked at, so that a head in many pieces is searched once.
 */
size_t px_http_head_length(size_t *scanned, struct evbuffer *in);

/*
 * Parses a whole head, 'len' bytes up to and including the empty line, in
 * place: 'head' is cut into NUL-terminated strings that 'out' points to.
 * Strict: refuses (PX_E_REQUEST, naming what is wrong) bare CR or LF inside a
 * line, NUL, obs-fold, white space before a colon, a name that is not a token,
 * a value with control characters, a target that is not origin-form, another
 * version, more than PX_HTTP_HEADERS_MAX headers.
 */
int px_http_parse(char *head, size_t len, struct px_http_request *out, struct px_err *err);

/* The same for the head of a response. */
int px_http_parse_response(
    char *head, size_t len, struct px_http_response *out, struct px_err *err);

/* Can 'text' stand in a request line: "/path" or "/path?query", with no character unescaped? */
bool px_http_is_target(const char *text);

/* The value of the first header 'name' (lower case), or NULL. */
const char *px_http_header(const struct px_http_headers *headers, const char *name);

/* How often 'name' occurs: who reads Host, Origin or Sec-WebSocket-Key refuses a second. */
size_t px_http_count(const struct px_http_headers *headers, const char *name);

/* Is 'token' in the comma-separated list of header 'name' (any case; RFC 9110 section 5.6.1)? */
bool px_http_has_token(const struct px_http_headers *headers, const char *name, const char *token);

/*
 * Appends a response with Content-Length, Connection: close and, unless NULL,
 * a Content-Type and one extra "Name: value" header. 'body' may be NULL. For
 * HEAD the caller sets 'head_only' and the body is counted but not sent. A 426
 * also carries the Upgrade header that RFC 9110 section 15.5.22 asks for.
 */
void px_http_respond(struct evbuffer *out, int status, const char *type, const char *extra,
    const char *body, size_t len, bool head_only);

#endif

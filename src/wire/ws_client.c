#include "wire/ws_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <event2/buffer.h>

#include "base/base64.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "wire/http.h"
#include "wire/ws_core.h"

enum { STATUS_MAX = 128, BODY_LINE_MAX = 200 };

struct ws_client {
	struct px_framer ws; /* first: a framer is one of these */
	char key[PX_WS_KEY_LEN + 1];
	char status[STATUS_MAX]; /* of an answer that is no upgrade, "HTTP 403 Forbidden"; or "" */
	size_t body_left;        /* of it; SIZE_MAX: up to the end of the stream */
};

/* ---- an answer that is no upgrade ---- */

/* Makes one line of what a peer wrote: the valid UTF-8 at its front, control characters replaced.
 */
static void
tidy(char *text, size_t len)
{
	len = px_utf8_valid_prefix(text, len);
	while (len > 0 && (text[len - 1] == '\r' || text[len - 1] == ' '))
		len--;
	text[len] = '\0';
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
}

/* Notes the status, and how much of the body may be read. */
static void
refusal_begin(struct ws_client *c, const struct px_http_response *res)
{
	const char *length = px_http_header(&res->headers, "content-length");
	const char *wrong = NULL;

	(void)snprintf(c->status, sizeof c->status, "HTTP %d%s%s", res->status,
	    res->reason[0] != '\0' ? " " : "", res->reason);
	tidy(c->status, strlen(c->status));
	c->body_left = SIZE_MAX;
	if (length != NULL)
		c->body_left = (size_t)strtonum(length, 0, INT32_MAX, &wrong);
	/* A body in chunks has numbers between its lines; what is broken is not shown. */
	if (wrong != NULL || px_http_count(&res->headers, "transfer-encoding") > 0)
		c->body_left = 0;
}

/* Fails with the status and the first line of the body, unless more of that is to be awaited. */
static enum px_ws_handshake
refusal_read(struct ws_client *c, struct evbuffer *in, bool ended, struct px_err *err)
{
	char line[BODY_LINE_MAX + 1];
	size_t wanted = c->body_left < BODY_LINE_MAX ? c->body_left : BODY_LINE_MAX;
	ev_ssize_t n = evbuffer_copyout(in, line, wanted);
	const char *end;

	n = n > 0 ? n : 0;
	end = memchr(line, '\n', (size_t)n);
	if (end == NULL && (size_t)n < wanted && !ended)
		return PX_WS_HANDSHAKE_MORE;
	tidy(line, end != NULL ? (size_t)(end - line) : (size_t)n);
	/* A page for a browser says nothing in its first line. */
	if (line[0] == '\0' || line[0] == '<')
		px_fail(err, PX_E_REQUEST, "%s", c->status);
	else
		px_fail(err, PX_E_REQUEST, "%s: %s", c->status, line);
	return PX_WS_HANDSHAKE_ANSWERED;
}

bool
px_ws_client_was_refused(struct px_framer *f, struct evbuffer *in, struct px_err *err)
{
	struct ws_client *c = (struct ws_client *)f;

	if (f->state != PX_WS_HEAD || c->status[0] == '\0')
		return false;
	refusal_read(c, in, true, err);
	f->state = PX_WS_DONE;
	return true;
}

/* ---- the upgrade ---- */

void
px_ws_client_hello(struct px_framer *f, const char *host, const char *target, struct evbuffer *out)
{
	struct ws_client *c = (struct ws_client *)f;
	uint8_t bytes[PX_WS_KEY_BYTES];

	arc4random_buf(bytes, sizeof bytes);
	px_base64_encode(bytes, sizeof bytes, c->key);
	evbuffer_add_printf(out,
	    "GET %s HTTP/1.1\r\n"
	    "Host: %s\r\n"
	    "Upgrade: websocket\r\n"
	    "Connection: Upgrade\r\n"
	    "Sec-WebSocket-Key: %s\r\n"
	    "Sec-WebSocket-Version: 13\r\n\r\n",
	    target, host, c->key);
}

/* RFC 6455 section 4.1, the checks of the server's answer. */
static int
check_switch(const struct ws_client *c, const struct px_http_response *res, struct px_err *err)
{
	const struct px_http_headers *headers = &res->headers;
	char accept[PX_WS_ACCEPT_LEN + 1];

	px_ws_accept(c->key, accept);
	if (res->minor < 1)
		return px_fail(err, PX_E_REQUEST, "the upgrade is answered in HTTP/1.0");
	if (!px_http_has_token(headers, "upgrade", "websocket"))
		return px_fail(err, PX_E_REQUEST, "the upgrade is to something else");
	if (!px_http_has_token(headers, "connection", "upgrade"))
		return px_fail(err, PX_E_REQUEST, "the Connection header does not name upgrade");
	if (px_http_count(headers, "sec-websocket-accept") != 1)
		return px_fail(
		    err, PX_E_REQUEST, "there is not exactly one Sec-WebSocket-Accept header");
	if (strcmp(px_http_header(headers, "sec-websocket-accept"), accept) != 0)
		return px_fail(err, PX_E_REQUEST, "the Sec-WebSocket-Accept is wrong");
	if (px_http_count(headers, "sec-websocket-extensions") > 0)
		return px_fail(err, PX_E_REQUEST, "there is an extension that was not asked for");
	if (px_http_count(headers, "sec-websocket-protocol") > 0)
		return px_fail(err, PX_E_REQUEST, "there is a subprotocol that was not asked for");
	return 0;
}

/* One whole head of 'len' bytes at the front of 'in'. */
static enum px_ws_handshake
client_on_head(struct ws_client *c, struct evbuffer *in, size_t len, struct px_err *err)
{
	char head[PX_HTTP_HEAD_MAX];
	struct px_http_response res;

	evbuffer_remove(in, head, len);
	c->ws.scanned = 0;
	if (px_http_parse_response(head, len, &res, err) == -1)
		return PX_WS_HANDSHAKE_ANSWERED;
	if (res.status == 101)
		return check_switch(c, &res, err) == 0 ? PX_WS_HANDSHAKE_DONE
						       : PX_WS_HANDSHAKE_ANSWERED;
	if (res.status >= 200)
		refusal_begin(c, &res);
	return PX_WS_HANDSHAKE_MORE;
}

/* Other answers may come before the last one (RFC 9110 section 15.2). */
static enum px_ws_handshake
client_handshake(struct px_framer *f, struct evbuffer *in, struct evbuffer *out,
    const struct px_framer_handler *handler, void *arg, struct px_err *err)
{
	struct ws_client *c = (struct ws_client *)f;
	enum px_ws_handshake result = PX_WS_HANDSHAKE_MORE;
	size_t len;

	(void)out;
	(void)handler;
	(void)arg;
	while (result == PX_WS_HANDSHAKE_MORE && c->status[0] == '\0') {
		len = px_http_head_length(&f->scanned, in);
		if (len > PX_HTTP_HEAD_MAX ||
		    (len == 0 && evbuffer_get_length(in) >= PX_HTTP_HEAD_MAX)) {
			px_fail(err, PX_E_REQUEST, "response head of more than %d bytes",
			    PX_HTTP_HEAD_MAX);
			return PX_WS_HANDSHAKE_ANSWERED;
		}
		if (len == 0)
			return PX_WS_HANDSHAKE_MORE;
		result = client_on_head(c, in, len, err);
	}
	return c->status[0] == '\0' ? result : refusal_read(c, in, false, err);
}

/* ---- the framing ---- */

static struct px_framer *
client_create(void)
{
	static const struct px_ws_side side = { .is_client = true, .handshake = client_handshake };
	struct ws_client *c = px_new(struct ws_client);

	px_ws_init(&c->ws, &side);
	return &c->ws;
}

bool
px_ws_client_is_open(const struct px_framer *f)
{
	return f->state == PX_WS_OPEN;
}

const struct px_framing px_framing_ws_client = {
	.name = "ws",
	.create = client_create,
	.destroy = px_ws_destroy,
	.feed = px_ws_feed,
	.wrap = px_ws_wrap,
	.finish = px_ws_finish,
	.ping = px_ws_ping,
};

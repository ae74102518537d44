#include "wire/ws_handshake.h"

#include <stdio.h>
#include <string.h>

#include <event2/buffer.h>

#include "base/base64.h"
#include "base/crypto.h"
#include "wire/framer.h"
#include "wire/http.h"

/* Fails with 'why'; returns the status to answer with. */
static int
refuse(struct px_err *err, int status, const char *why)
{
	px_fail(err, PX_E_REQUEST, "%s", why);
	return status;
}

/* RFC 9112 section 3.2: exactly one Host, but a HTTP/1.0 request may have none. */
static bool
host_is_right(const struct px_http_request *req)
{
	size_t n = px_http_count(&req->headers, "host");

	return n == 1 || (n == 0 && req->minor == 0);
}

static bool
key_is_right(const char *key)
{
	uint8_t bytes[PX_WS_KEY_LEN / 4 * 3];

	return strlen(key) == PX_WS_KEY_LEN &&
	       px_base64_decode(key, PX_WS_KEY_LEN, bytes) == PX_WS_KEY_BYTES;
}

static bool
has_body(const struct px_http_request *req)
{
	const char *length = px_http_header(&req->headers, "content-length");

	return (length != NULL && strcmp(length, "0") != 0) ||
	       px_http_count(&req->headers, "content-length") > 1 ||
	       px_http_count(&req->headers, "transfer-encoding") > 0;
}

/* RFC 6455 section 4.2.1. Returns 101, or another status with 'err' naming what is wrong. */
static int
check_upgrade(const struct px_http_request *req, struct px_err *err)
{
	const char *version = px_http_header(&req->headers, "sec-websocket-version");

	if (!px_http_has_token(&req->headers, "upgrade", "websocket"))
		return refuse(err, 426, "this port speaks WebSocket only");
	if (strcmp(req->method, "GET") != 0)
		return refuse(err, 400, "a WebSocket handshake must be a GET request");
	if (req->minor < 1)
		return refuse(err, 400, "a WebSocket handshake needs HTTP/1.1");
	if (!px_http_has_token(&req->headers, "connection", "upgrade"))
		return refuse(err, 400, "the Connection header does not name upgrade");
	if (px_http_count(&req->headers, "sec-websocket-version") > 1)
		return refuse(err, 400, "there is more than one Sec-WebSocket-Version header");
	if (version == NULL || strcmp(version, "13") != 0)
		return refuse(err, 426, "the Sec-WebSocket-Version is not 13");
	if (px_http_count(&req->headers, "sec-websocket-key") != 1)
		return refuse(err, 400, "there is not exactly one Sec-WebSocket-Key header");
	if (!key_is_right(px_http_header(&req->headers, "sec-websocket-key")))
		return refuse(err, 400, "the Sec-WebSocket-Key is not 16 bytes in base64");
	/* What follows the head is read as frames: a body there would be taken for them. */
	if (has_body(req))
		return refuse(err, 400, "a WebSocket handshake has no body");
	return 101;
}

void
px_ws_accept(const char *key, char *out)
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	char text[PX_WS_KEY_LEN + sizeof(guid)];
	uint8_t sha1[PX_SHA1_LEN];

	snprintf(text, sizeof(text), "%s%s", key, guid);
	px_sha1(text, strlen(text), sha1);
	px_base64_encode(sha1, sizeof(sha1), out);
	out[PX_WS_ACCEPT_LEN] = '\0';
}

static void
put_accept(struct evbuffer *out, const char *key)
{
	char accept[PX_WS_ACCEPT_LEN + 1];

	px_ws_accept(key, accept);
	evbuffer_add_printf(out,
	    "HTTP/1.1 101 Switching Protocols\r\n"
	    "Upgrade: websocket\r\n"
	    "Connection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: %s\r\n\r\n",
	    accept);
}

/* Answers with what 'err' says, as one line of text. */
static enum px_ws_handshake
answer(
    struct evbuffer *out, int status, const struct px_http_request *req, const struct px_err *err)
{
	bool head_only = req != NULL && strcmp(req->method, "HEAD") == 0;
	char body[sizeof(err->text) + 1];

	snprintf(body, sizeof(body), "%s\n", err->text);
	px_http_respond(out, status, "text/plain; charset=utf-8",
	    status == 426 ? "Sec-WebSocket-Version: 13" : NULL, body, strlen(body), head_only);
	return PX_WS_HANDSHAKE_ANSWERED;
}

enum px_ws_handshake
px_ws_handshake(size_t *scanned, struct evbuffer *in, struct evbuffer *out,
    const struct px_framer_handler *handler, void *arg, struct px_err *err)
{
	char head[PX_HTTP_HEAD_MAX];
	struct px_http_request req;
	size_t len = px_http_head_length(scanned, in);
	int status;

	if (len > PX_HTTP_HEAD_MAX || (len == 0 && evbuffer_get_length(in) >= PX_HTTP_HEAD_MAX)) {
		px_fail(err, PX_E_REQUEST, "request head of more than %d bytes", PX_HTTP_HEAD_MAX);
		return answer(out, 431, NULL, err);
	}
	if (len == 0)
		return PX_WS_HANDSHAKE_MORE;
	evbuffer_remove(in, head, len);
	if (px_http_parse(head, len, &req, err) == -1)
		return answer(out, 400, NULL, err);
	if (!host_is_right(&req)) {
		px_fail(err, PX_E_REQUEST, "there is not exactly one Host header");
		return answer(out, 400, &req, err);
	}
	if (handler->request != NULL && !handler->request(arg, &req, out))
		return PX_WS_HANDSHAKE_ANSWERED;
	if ((status = check_upgrade(&req, err)) != 101)
		return answer(out, status, &req, err);
	put_accept(out, px_http_header(&req.headers, "sec-websocket-key"));
	return PX_WS_HANDSHAKE_DONE;
}

#ifndef PX_TESTS_ASKED_H
#define PX_TESTS_ASKED_H

#include "replay.h"

#include "wire/ws_client.h"
#include "wire/ws_handshake.h"

/*
 * The client's side of a WebSocket, replayed. Its request and its masks are
 * random, so the answer is completed to fit, and what it sends is unmasked.
 */

/* Stands in an answer for the Sec-WebSocket-Accept that is right. */
#define ACCEPT "$ACCEPT"

#define SWITCHED                                                                            \
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
	"Sec-WebSocket-Accept: " ACCEPT "\r\n\r\n"

/* A framer whose request is in 'request'. */
static inline struct px_framer *
asked(struct evbuffer *request)
{
	struct px_framer *f = px_framing_ws_client.create();

	px_ws_client_hello(f, "h:1", "/p?q", request);
	return f;
}

/* Copies the stream, with what the request wants in place of the first ACCEPT. */
static inline struct evbuffer *
fitted(struct evbuffer *request, const void *data, size_t len)
{
	static const char header[] = "Sec-WebSocket-Key: ";
	struct evbuffer *stream = evbuffer_new();
	struct evbuffer_ptr at = evbuffer_search(request, header, sizeof header - 1, NULL);
	const char *key = (char *)evbuffer_pullup(request, -1) + at.pos + sizeof header - 1;
	const char *place = len == 0 ? NULL : memmem(data, len, ACCEPT, sizeof ACCEPT - 1);
	char accept[PX_WS_ACCEPT_LEN + 1], text[PX_WS_KEY_LEN + 1] = "";

	if (at.pos < 0)
		abort();
	memcpy(text, key, PX_WS_KEY_LEN);
	px_ws_accept(text, accept);
	if (place != NULL) {
		size_t before = (size_t)(place - (const char *)data);

		evbuffer_add(stream, data, before);
		evbuffer_add(stream, accept, PX_WS_ACCEPT_LEN);
		data = place + sizeof ACCEPT - 1;
		len -= before + sizeof ACCEPT - 1;
	}
	evbuffer_add(stream, data, len);
	return stream;
}

/* Moves whole frames from 'masked' to 'plain', unmasked; aborts for what is no such thing. */
static inline void
unmask(struct evbuffer *masked, struct evbuffer *plain)
{
	unsigned char h[14];

	while (evbuffer_get_length(masked) > 0) {
		size_t extra, len;
		unsigned char *p;

		if (evbuffer_remove(masked, h, 2) != 2 || (h[1] & 0x80) == 0)
			abort();
		h[1] &= 0x7f;
		extra = h[1] == 126 ? 2 : h[1] == 127 ? 8 : 0;
		if (evbuffer_remove(masked, h + 2, extra + 4) != (int)extra + 4)
			abort();
		len = extra == 0 ? h[1] : 0;
		for (size_t i = 0; i < extra; i++)
			len = len << 8 | h[2 + i];
		if (evbuffer_get_length(masked) < len)
			abort();
		evbuffer_add(plain, h, 2 + extra);
		p = evbuffer_pullup(masked, (ev_ssize_t)len);
		for (size_t i = 0; i < len; i++)
			p[i] ^= h[2 + extra + i % 4];
		evbuffer_add(plain, p, len);
		evbuffer_drain(masked, len);
	}
}

static inline void
asked_on_end(struct px_framer *f, struct evbuffer *in, struct evbuffer *log)
{
	struct px_err err;

	if (px_ws_client_was_refused(f, in, &err))
		evbuffer_add_printf(log, "refused: %s\n", err.text);
}

/* As replay(); 'out' becomes unmasked frames. */
static inline void
replay_client(const void *data, size_t len, size_t limit, struct replay_cut cut,
    struct evbuffer *log, struct evbuffer *out)
{
	struct evbuffer *request = evbuffer_new(), *masked = evbuffer_new(), *stream;
	struct px_framer *f = asked(request);

	stream = fitted(request, data, len);
	replay_framer(&px_framing_ws_client, f, evbuffer_pullup(stream, -1),
	    evbuffer_get_length(stream), limit, cut, log, masked, asked_on_end);
	unmask(masked, out);
	evbuffer_free(stream);
	evbuffer_free(masked);
	evbuffer_free(request);
}

#endif

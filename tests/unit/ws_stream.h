#ifndef PX_TESTS_WS_STREAM_H
#define PX_TESTS_WS_STREAM_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "../fuzz/replay.h"
#include "base/err.h"
#include "wire/framer.h"

/* What a WebSocket client sends, made by hand, and what the framing makes of it. */

enum { LIMIT = 70000 };

/* Opcodes with the FIN bit. */
enum { TEXT = 0x81, BINARY = 0x82, LAST = 0x80, CLOSE = 0x88, PING = 0x89, PONG = 0x8a };
/* And without. */
enum { TEXT_PART = 0x01, BINARY_PART = 0x02, PART = 0x00 };

/* The example of RFC 6455 section 1.3. */
#define KEY       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION   "Sec-WebSocket-Version: 13\r\n"
#define UPGRADE   "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define HOST      "Host: 127.0.0.1:1\r\n"
#define GET       "GET / HTTP/1.1\r\n"
#define HANDSHAKE GET HOST UPGRADE KEY VERSION "\r\n"
#define SWITCHING                                                                           \
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
#define REQUEST "request GET / -\n"

static inline void
put_raw(struct evbuffer *in, const void *data, size_t len)
{
	evbuffer_add(in, data, len);
}

/* The header of a frame with the shortest form of its length; 'mask' is 0x80 or 0. */
static inline void
put_header(struct evbuffer *in, int first, unsigned char mask, size_t len)
{
	unsigned char header[10] = { (unsigned char)first };
	size_t extra = len < 126 ? 0 : len < 65536 ? 2 : 8;

	header[1] = mask | (extra == 0 ? (unsigned char)len : extra == 2 ? 126 : 127);
	for (size_t i = 0; i < extra; i++)
		header[2 + i] = (unsigned char)(len >> (8 * (extra - 1 - i)));
	evbuffer_add(in, header, 2 + extra);
}

/* A masked frame. */
static inline void
put_frame(struct evbuffer *in, int first, const void *payload, size_t len)
{
	static const unsigned char key[4] = { 0x37, 0xfa, 0x21, 0x3d };

	put_header(in, first, 0x80, len);
	evbuffer_add(in, key, 4);
	for (size_t i = 0; i < len; i++)
		evbuffer_add(
		    in, &(unsigned char){ ((const unsigned char *)payload)[i] ^ key[i % 4] }, 1);
}

#define PUT(in, first, text) put_frame(in, first, text, sizeof(text) - 1)
#define PUT_RAW(in, bytes)   put_raw(in, bytes, sizeof(bytes) - 1)

/* A stream that begins with a handshake. */
static inline struct evbuffer *
upgraded(void)
{
	struct evbuffer *in = evbuffer_new();

	PUT_RAW(in, HANDSHAKE);
	return in;
}

/* Writes what the server's frames say, one per line. */
static inline void
decode_frames(struct evbuffer *out, struct evbuffer *to)
{
	unsigned char h[10];

	while (evbuffer_get_length(out) > 0) {
		size_t len, extra;
		unsigned char *p;

		ck_assert_int_eq(evbuffer_remove(out, h, 2), 2);
		extra = h[1] == 126 ? 2 : h[1] == 127 ? 8 : 0;
		len = extra == 0 ? h[1] : 0;
		ck_assert_int_eq(evbuffer_remove(out, h + 2, extra), (int)extra);
		for (size_t i = 0; i < extra; i++)
			len = len << 8 | h[2 + i];
		ck_assert_uint_lt(h[1], 0x80);
		ck_assert_uint_ge(len, extra == 8 ? 65536 : extra == 2 ? 126 : 0);
		ck_assert_uint_ge(evbuffer_get_length(out), len);
		p = evbuffer_pullup(out, (ev_ssize_t)len);
		if (h[0] == CLOSE && len >= 2) {
			evbuffer_add_printf(to, "close %d ", p[0] << 8 | p[1]);
			replay_escape(to, p + 2, len - 2);
		} else {
			evbuffer_add_printf(to, "%s ",
			    h[0] == TEXT    ? "text"
			    : h[0] == CLOSE ? "close"
			    : h[0] == PING  ? "ping"
			    : h[0] == PONG  ? "pong"
					    : "?");
			replay_escape(to, p, len);
		}
		evbuffer_add(to, "\n", 1);
		evbuffer_drain(out, len);
	}
}

static inline void
assert_text(struct evbuffer *buf, const char *expected, const char *what, size_t cut)
{
	evbuffer_add(buf, "", 1);
	ck_assert_msg(strcmp((char *)evbuffer_pullup(buf, -1), expected) == 0,
	    "%s with cut %zu is\n%s\nnot\n%s", what, cut, (char *)evbuffer_pullup(buf, -1),
	    expected);
}

/* What follows a handshake gives the same result for every way to cut it. Frees 'in'. */
static inline void
check_limit(struct evbuffer *in, size_t limit, const char *log, const char *frames)
{
	size_t len = evbuffer_get_length(in);
	const unsigned char *data = evbuffer_pullup(in, -1);

	for (size_t i = 0; i < REPLAY_CUTS; i++) {
		struct evbuffer *got = evbuffer_new();
		struct evbuffer *out = evbuffer_new();
		struct evbuffer *decoded = evbuffer_new();

		replay(&px_framing_ws, data, len, limit, replay_cuts[i], got, out);
		ck_assert_mem_eq(
		    evbuffer_pullup(out, sizeof(SWITCHING) - 1), SWITCHING, sizeof(SWITCHING) - 1);
		evbuffer_drain(out, sizeof(SWITCHING) - 1);
		ck_assert_mem_eq(
		    evbuffer_pullup(got, sizeof(REQUEST) - 1), REQUEST, sizeof(REQUEST) - 1);
		evbuffer_drain(got, sizeof(REQUEST) - 1);
		decode_frames(out, decoded);
		assert_text(got, log, "log", i);
		assert_text(decoded, frames, "output", i);
		evbuffer_free(got);
		evbuffer_free(out);
		evbuffer_free(decoded);
	}
	evbuffer_free(in);
}

static inline void
check(struct evbuffer *in, const char *log, const char *frames)
{
	check_limit(in, LIMIT, log, frames);
}

/* The peer broke a rule. */
static inline void
check_fault(struct evbuffer *in, int code, const char *why)
{
	char log[200];
	char frames[200];

	snprintf(log, sizeof(log), "close invalidRequest: %s\n", why);
	snprintf(frames, sizeof(frames), "close %d %s\n", code, why);
	check(in, log, frames);
}

static inline void
check_frame_fault(int first, const void *payload, size_t len, int code, const char *why)
{
	struct evbuffer *in = upgraded();

	put_frame(in, first, payload, len);
	PUT(in, TEXT, "lost");
	check_fault(in, code, why);
}

static inline void
check_raw_fault(const void *bytes, size_t len, const char *why)
{
	struct evbuffer *in = upgraded();

	put_raw(in, bytes, len);
	check_fault(in, 1002, why);
}

#define FRAME_FAULT(first, text, code, why) \
	check_frame_fault(first, text, sizeof(text) - 1, code, why)
#define RAW_FAULT(bytes, why) check_raw_fault(bytes, sizeof(bytes) - 1, why)

#endif

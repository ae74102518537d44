#include "wire/ws_frame.h"

#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <event2/buffer.h>
#include <wslay/wslay.h>

#include "base/utf8.h"

/* PIECE: what is masked in one go; with the head of an evbuffer's chain it makes 64 KiB. */
enum { FIN = 0x80, MASK = 0x80, KEY_LEN = 4, PIECE = 64 * 1024 - 128 };

/* Some clients drop a connection for one large frame (16 MiB), but not for a message of many. */
enum { FRAME_MAX = 4 * 1024 * 1024 };

/* A frame's header (section 5.2), without the key; 'first' is its first byte. */
static void
put_header(struct evbuffer *out, uint8_t first, uint64_t len, bool masked)
{
	uint8_t header[10] = { first };
	size_t extra = len <= PX_WS_CONTROL_MAX ? 0 : len <= UINT16_MAX ? 2 : 8;

	header[1] = extra == 0 ? (uint8_t)len : extra == 2 ? 126 : 127;
	if (masked)
		header[1] |= MASK;
	for (size_t i = 0; i < extra; i++)
		header[2 + i] = (uint8_t)(len >> (8 * (extra - 1 - i)));
	evbuffer_add(out, header, 2 + extra);
}

void
px_ws_mask(uint8_t *to, const uint8_t *from, size_t len, const uint8_t key[4], size_t at)
{
	uint8_t turned[8];
	uint64_t k, v[4];

	for (size_t i = 0; i < sizeof turned; i++)
		turned[i] = key[(at + i) % KEY_LEN];
	memcpy(&k, turned, sizeof k);
	for (; len >= sizeof v; len -= sizeof v, from += sizeof v, to += sizeof v) {
		memcpy(v, from, sizeof v);
		v[0] ^= k;
		v[1] ^= k;
		v[2] ^= k;
		v[3] ^= k;
		memcpy(to, v, sizeof v);
	}
	for (size_t i = 0; i < len; i++)
		to[i] = from[i] ^ turned[i % KEY_LEN];
}

/* An evbuffer may hold memory that is not its own, so the payload is not masked in place. */
static void
put_masked(struct evbuffer *out, struct evbuffer *msg, const uint8_t key[KEY_LEN])
{
	struct evbuffer_iovec to;
	const uint8_t *from;
	size_t at = 0, n;

	while (evbuffer_get_length(msg) > 0) {
		from = evbuffer_pullup(msg, 1);
		n = evbuffer_get_contiguous_space(msg);
		n = n < PIECE ? n : PIECE;
		if (from == NULL || evbuffer_reserve_space(out, (ev_ssize_t)n, &to, 1) != 1)
			abort();
		px_ws_mask(to.iov_base, from, n, key, at);
		to.iov_len = n;
		evbuffer_commit_space(out, &to, 1);
		evbuffer_drain(msg, n);
		at += n;
	}
}

void
px_ws_put_data(struct evbuffer *out, uint8_t opcode, struct evbuffer *msg, bool masked)
{
	uint8_t key[KEY_LEN];

	if (!masked) {
		for (; evbuffer_get_length(msg) > FRAME_MAX; opcode = WSLAY_CONTINUATION_FRAME) {
			put_header(out, opcode, FRAME_MAX, false);
			evbuffer_remove_buffer(msg, out, FRAME_MAX);
		}
		put_header(out, FIN | opcode, evbuffer_get_length(msg), false);
		evbuffer_add_buffer(out, msg);
		return;
	}
	put_header(out, FIN | opcode, evbuffer_get_length(msg), true);
	arc4random_buf(key, sizeof key);
	evbuffer_add(out, key, sizeof key);
	put_masked(out, msg, key);
}

void
px_ws_put_control(struct evbuffer *out, uint8_t opcode, const void *data, size_t len, bool masked)
{
	uint8_t payload[PX_WS_CONTROL_MAX];
	uint8_t key[KEY_LEN];

	put_header(out, FIN | opcode, len, masked);
	if (!masked) {
		evbuffer_add(out, data, len);
		return;
	}
	arc4random_buf(key, sizeof key);
	px_ws_mask(payload, data, len, key, 0);
	evbuffer_add(out, key, sizeof key);
	evbuffer_add(out, payload, len);
}

void
px_ws_put_close(struct evbuffer *out, enum px_end_reason reason, const char *text, bool masked)
{
	static const uint16_t codes[] = {
		[PX_END_NORMAL] = 1000,
		[PX_END_GOING_AWAY] = 1001,
		[PX_END_PROTOCOL] = 1002,
		[PX_END_BAD_TEXT] = 1007,
		[PX_END_POLICY] = 1008,
		[PX_END_TOO_BIG] = 1009,
		[PX_END_INTERNAL] = 1011,
	};
	uint8_t body[PX_WS_CONTROL_MAX] = { (uint8_t)(codes[reason] >> 8), (uint8_t)codes[reason] };
	size_t len =
	    text == NULL ? 0 : px_utf8_valid_prefix(text, strnlen(text, PX_WS_CONTROL_MAX - 2));

	if (len > 0)
		memcpy(body + 2, text, len);
	px_ws_put_control(out, WSLAY_CONNECTION_CLOSE, body, 2 + len, masked);
}

/* Section 7.4, and 1012 to 1014 registered since. */
bool
px_ws_close_code_is_valid(unsigned code)
{
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
	       (code >= 3000 && code <= 4999);
}

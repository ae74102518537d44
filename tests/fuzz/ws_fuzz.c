/*
 * A byte stream through the WebSocket framing: whatever it is, what comes out
 * must be the same however it is cut, and well-formed. The first byte chooses
 * the cut, the second the limit; when that is odd, a handshake goes before the
 * rest, which then is frames.
 */
#include "must.h"
#include "replay.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char handshake[] =
    "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n\r\n";

/* Whole unmasked frames in the shortest form, and nothing after a close frame. */
static void
check_frames(const uint8_t *p, size_t len)
{
	while (len > 0) {
		size_t payload, header;
		uint8_t first = p[0];

		MUST(len >= 2);
		MUST(first == 0x81 || first == 0x88 || first == 0x89 || first == 0x8a);
		/* Nothing that the handler or the framing sends here is longer. */
		MUST(p[1] <= 125);
		payload = p[1];
		header = 2;
		MUST(len - header >= payload);
		MUST(first != 0x88 || (payload != 1 && len == header + payload));
		p += header + payload;
		len -= header + payload;
	}
}

/* Either one HTTP response that closes, or a 101 and frames. */
static void
check_out(struct evbuffer *out)
{
	static const char switching[] = "HTTP/1.1 101 ";
	size_t len = evbuffer_get_length(out);
	struct evbuffer_ptr end;

	if (len == 0)
		return;
	end = evbuffer_search(out, "\r\n\r\n", 4, NULL);
	MUST(end.pos > 0);
	if (memcmp(evbuffer_pullup(out, -1), switching, sizeof(switching) - 1) != 0)
		return;
	check_frames(evbuffer_pullup(out, -1) + end.pos + 4, len - (size_t)end.pos - 4);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct evbuffer *stream = evbuffer_new();
	struct evbuffer *log[3];
	struct evbuffer *out[3];

	if (size >= 2) {
		if (data[1] & 1)
			evbuffer_add(stream, handshake, sizeof(handshake) - 1);
		evbuffer_add(stream, data + 2, size - 2);
	}
	for (size_t i = 0; i < 3; i++) {
		log[i] = evbuffer_new();
		out[i] = evbuffer_new();
		if (size >= 2)
			replay(&px_framing_ws, evbuffer_pullup(stream, -1),
			    evbuffer_get_length(stream), data[1], replay_fuzz_cut(data[0], i),
			    log[i], out[i]);
		MUST(replay_equal(log[i], log[0]) && replay_equal(out[i], out[0]));
	}
	check_out(out[0]);
	for (size_t i = 0; i < 3; i++) {
		evbuffer_free(log[i]);
		evbuffer_free(out[i]);
	}
	evbuffer_free(stream);
	return 0;
}

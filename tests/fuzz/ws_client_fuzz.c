/*
 * A byte stream through the client's side of the WebSocket framing, as a server
 * could send it: what comes out must be the same however it is cut, and
 * well-formed. The first byte chooses the cut, the second the limit; when that is
 * odd, a correct answer goes before the rest, which then is frames.
 */
#include "asked.h"
#include "must.h"

#include <stdint.h>

#include <bsd/stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Takes the place of the library's: the same input must give the same result. */
void
arc4random_buf(void *buf, size_t size)
{
	memset(buf, 0x5a, size);
}

/* Frames that a client may send, and nothing after a close frame; unmask() has seen their form. */
static void
check_frames(const uint8_t *p, size_t len)
{
	while (len > 0) {
		size_t payload = p[1];
		uint8_t first = p[0];

		MUST(first == 0x81 || first == 0x88 || first == 0x89 || first == 0x8a);
		/* Nothing that the handler or the framing sends here is longer. */
		MUST(payload <= 125);
		MUST(first != 0x88 || (payload != 1 && len == 2 + payload));
		p += 2 + payload;
		len -= 2 + payload;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct evbuffer *stream = evbuffer_new();
	struct evbuffer *log[3];
	struct evbuffer *out[3];

	if (size >= 2) {
		if (data[1] & 1)
			evbuffer_add(stream, SWITCHED, sizeof(SWITCHED) - 1);
		evbuffer_add(stream, data + 2, size - 2);
	}
	for (size_t i = 0; i < 3; i++) {
		log[i] = evbuffer_new();
		out[i] = evbuffer_new();
		if (size >= 2)
			replay_client(evbuffer_pullup(stream, -1), evbuffer_get_length(stream),
			    data[1], replay_fuzz_cut(data[0], i), log[i], out[i]);
		MUST(replay_equal(log[i], log[0]) && replay_equal(out[i], out[0]));
	}
	check_frames(evbuffer_pullup(out[0], -1), evbuffer_get_length(out[0]));
	for (size_t i = 0; i < 3; i++) {
		evbuffer_free(log[i]);
		evbuffer_free(out[i]);
	}
	evbuffer_free(stream);
	return 0;
}

#include "wire/ws_frame.h"

#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <wslay/wslay.h>

#include "cases.h"

enum { MIB = 1024 * 1024, FRAME_MAX = 4 * MIB };

/* Takes one unmasked frame off 'out', whose payload is 'x'; returns its first byte and its length.
 */
static uint8_t
take_frame(struct evbuffer *out, uint64_t *out_len)
{
	uint8_t header[10], *payload;
	size_t extra;

	ck_assert_int_eq(evbuffer_remove(out, header, 2), 2);
	ck_assert_int_eq(header[1] & 0x80, 0);
	extra = header[1] < 126 ? 0 : header[1] == 126 ? 2 : 8;
	ck_assert_int_eq(evbuffer_remove(out, header + 2, extra), (int)extra);
	*out_len = extra == 0 ? header[1] : 0;
	for (size_t i = 0; i < extra; i++)
		*out_len = *out_len << 8 | header[2 + i];
	payload = evbuffer_pullup(out, (ev_ssize_t)*out_len);
	/* All bytes are equal, so each is equal to the next. */
	ck_assert(*out_len == 0 || payload[0] == 'x');
	ck_assert(*out_len < 2 || memcmp(payload, payload + 1, *out_len - 1) == 0);
	evbuffer_drain(out, *out_len);
	return header[0];
}

static const struct {
	size_t len, frames;
} sizes[] = { { 0, 1 }, { 125, 1 }, { 70000, 1 }, { FRAME_MAX, 1 }, { FRAME_MAX + 1, 2 },
	{ 2 * FRAME_MAX, 2 }, { 2 * FRAME_MAX + 7, 3 } };

/* A text frame, continuation frames, and the last has FIN; none but the last is short of the most.
 */
START_TEST(test_fragments)
{
	struct evbuffer *msg = evbuffer_new(), *out = evbuffer_new();
	char *text = malloc(sizes[_i].len + 1);
	uint64_t len, sum = 0;

	memset(text, 'x', sizes[_i].len + 1);
	evbuffer_add(msg, text, sizes[_i].len);
	px_ws_put_data(out, WSLAY_TEXT_FRAME, msg, false);
	ck_assert_uint_eq(evbuffer_get_length(msg), 0);
	for (size_t i = 0; i < sizes[_i].frames; i++) {
		bool last = i + 1 == sizes[_i].frames;

		ck_assert_int_eq(take_frame(out, &len),
		    (i == 0 ? WSLAY_TEXT_FRAME : WSLAY_CONTINUATION_FRAME) | (last ? 0x80 : 0));
		ck_assert(last ? len <= FRAME_MAX : len == FRAME_MAX);
		sum += len;
	}
	ck_assert_uint_eq(sum, sizes[_i].len);
	ck_assert_uint_eq(evbuffer_get_length(out), 0);
	free(text);
	evbuffer_free(msg);
	evbuffer_free(out);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, test_fragments, 0, sizeof sizes / sizeof sizes[0]);
	return run_cases(tc);
}

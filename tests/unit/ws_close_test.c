/* The end of a conversation, what the server sends, and what depends on the calls. */
#include "ws_stream.h"

#include "cases.h"

static void
check_close(const void *body, size_t len, const char *frames)
{
	struct evbuffer *in = upgraded();

	put_frame(in, CLOSE, body, len);
	PUT(in, TEXT, "lost");
	PUT(in, PING, "lost");
	check(in, "close ok\n", frames);
}

START_TEST(test_peer_closes)
{
	static const int codes[] = { 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012,
		1013, 1014, 3000, 3999, 4000, 4999 };

	check_close("", 0, "close \n");
	check_close("\x03\xe8going \xc3\xa9", 10, "close 1000 \n");
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		unsigned char body[2] = { (unsigned char)(codes[i] >> 8), (unsigned char)codes[i] };
		char frames[40];

		snprintf(frames, sizeof(frames), "close %d \n", codes[i]);
		check_close(body, 2, frames);
	}
}
END_TEST

START_TEST(test_peer_closes_badly)
{
	static const int codes[] = { 0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000,
		65535 };

	FRAME_FAULT(CLOSE, "\x03", 1002, "close frame of one byte");
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		unsigned char body[2] = { (unsigned char)(codes[i] >> 8), (unsigned char)codes[i] };

		check_frame_fault(CLOSE, body, 2, 1002, "close frame with an invalid code");
	}
	FRAME_FAULT(CLOSE, "\x03\xe8\xff", 1007, "reason of the close frame is not UTF-8");
	FRAME_FAULT(CLOSE,
	    "\x03\xe8"
	    "ab\xff",
	    1007, "reason of the close frame is not UTF-8");
	FRAME_FAULT(CLOSE,
	    "\x03\xe8"
	    "abc\xe2\x82",
	    1007, "reason of the close frame is not UTF-8");
}
END_TEST

START_TEST(test_wrap_and_ping)
{
	struct evbuffer *in = upgraded();

	PUT(in, TEXT, "!wrap");
	PUT(in, TEXT, "!ping");
	PUT(in, TEXT, "!wrap");
	check(in, "message !wrap\nmessage !ping\nmessage !wrap\n",
	    "text wrapped\nping \ntext wrapped\n");
}
END_TEST

/* After our close frame only the peer's counts. */
START_TEST(test_finish_inside_message)
{
	struct evbuffer *in = upgraded();

	PUT(in, TEXT, "!finish");
	PUT(in, TEXT, "!wrap");
	PUT(in, TEXT, "not judged \xff");
	PUT(in, TEXT_PART, "in parts ");
	PUT(in, PING, "not answered");
	PUT(in, LAST, "too");
	PUT(in, CLOSE, "\x03\xe9");
	PUT(in, TEXT, "lost");
	check(in, "message !finish\nclose ok\n", "close 1001 bye\n");
}
END_TEST

START_TEST(test_fault_after_finish)
{
	struct evbuffer *in = upgraded();

	PUT(in, TEXT, "!finish");
	PUT(in, LAST, "");
	check(in, "message !finish\nclose invalidRequest: continuation frame without a message\n",
	    "close 1001 bye\n");
}
END_TEST

START_TEST(test_finish_unanswered)
{
	struct evbuffer *in = upgraded();

	PUT(in, TEXT, "!finish");
	PUT(in, BINARY, "a long message that would be over the limit by far");
	check_limit(in, 10, "message !finish\n", "close 1001 bye\n");
}
END_TEST

/* A framer after the handshake, for what a replay cannot show. */
struct open_ws {
	struct px_framer *f;
	struct evbuffer *in, *out;
	struct px_err err;
	size_t messages;
	bool go_on;
};

static bool
count_message(void *arg, const char *text, size_t len)
{
	struct open_ws *ws = arg;

	(void)text;
	(void)len;
	ws->messages++;
	return ws->go_on;
}

static enum px_feed
open_ws_feed(struct open_ws *ws, size_t limit)
{
	static const struct px_framer_handler handler = { .message = count_message };

	return px_framing_ws.feed(ws->f, ws->in, ws->out, limit, &handler, ws, &ws->err);
}

static void
open_ws_init(struct open_ws *ws)
{
	*ws =
	    (struct open_ws){ px_framing_ws.create(), upgraded(), evbuffer_new(), { 0 }, 0, true };
	ck_assert_int_eq(open_ws_feed(ws, LIMIT), PX_FEED_MORE);
	ck_assert_uint_eq(evbuffer_get_length(ws->in), 0);
	evbuffer_drain(ws->out, evbuffer_get_length(ws->out));
}

/* What was sent since, decoded. */
static void
open_ws_done(struct open_ws *ws, const char *frames)
{
	struct evbuffer *decoded = evbuffer_new();

	decode_frames(ws->out, decoded);
	assert_text(decoded, frames, "output", 0);
	evbuffer_free(decoded);
	evbuffer_free(ws->in);
	evbuffer_free(ws->out);
	px_framing_ws.destroy(ws->f);
}

/* What was not delivered stays where the caller can see it. */
START_TEST(test_pause_leaves_the_rest)
{
	struct open_ws ws;
	size_t one;

	open_ws_init(&ws);
	ws.go_on = false;
	PUT(ws.in, TEXT, "first");
	one = evbuffer_get_length(ws.in);
	PUT(ws.in, TEXT, "other");
	PUT(ws.in, PING, "!");
	ck_assert_int_eq(open_ws_feed(&ws, LIMIT), PX_FEED_PAUSE);
	ck_assert_uint_eq(ws.messages, 1);
	ck_assert_uint_eq(evbuffer_get_length(ws.in), one + 7);
	ck_assert_int_eq(open_ws_feed(&ws, LIMIT), PX_FEED_PAUSE);
	ck_assert_uint_eq(ws.messages, 2);
	ck_assert_uint_eq(evbuffer_get_length(ws.in), 7);
	ck_assert_uint_eq(evbuffer_get_length(ws.out), 0);
	ck_assert_int_eq(open_ws_feed(&ws, LIMIT), PX_FEED_MORE);
	open_ws_done(&ws, "pong !\n");
}
END_TEST

START_TEST(test_limit_changes)
{
	struct open_ws ws;

	open_ws_init(&ws);
	PUT(ws.in, TEXT_PART, "12345");
	ck_assert_int_eq(open_ws_feed(&ws, 5), PX_FEED_MORE);
	PUT(ws.in, LAST, "6789");
	ck_assert_int_eq(open_ws_feed(&ws, 9), PX_FEED_MORE);
	ck_assert_uint_eq(ws.messages, 1);
	PUT(ws.in, TEXT, "123456789a");
	ck_assert_int_eq(open_ws_feed(&ws, 9), PX_FEED_CLOSE);
	ck_assert_int_eq(ws.err.code, PX_E_LIMIT);
	ck_assert_str_eq(ws.err.limit, "max_message_bytes");
	ck_assert_int_eq(ws.err.value, 9);
	open_ws_done(&ws, "close 1009 message of more than 9 bytes\n");
}
END_TEST

static void
check_finish(enum px_end_reason reason, const char *text, const char *frames)
{
	struct open_ws ws;

	open_ws_init(&ws);
	ck_assert(px_framing_ws.finish(ws.f, reason, text, ws.out));
	/* Once only, and nothing else goes out. */
	ck_assert(px_framing_ws.finish(ws.f, PX_END_NORMAL, NULL, ws.out));
	px_framing_ws.ping(ws.f, 0, ws.out);
	evbuffer_add(ws.in, "x", 1);
	px_framing_ws.wrap(ws.f, ws.in, ws.out);
	ck_assert_uint_eq(evbuffer_get_length(ws.in), 0);
	PUT(ws.in, CLOSE, "");
	ck_assert_int_eq(open_ws_feed(&ws, LIMIT), PX_FEED_CLOSE);
	ck_assert_int_eq(ws.err.code, PX_OK);
	ck_assert(!px_framing_ws.finish(ws.f, PX_END_NORMAL, NULL, ws.out));
	open_ws_done(&ws, frames);
}

START_TEST(test_finish)
{
	char text[200];
	char frames[200];

	check_finish(PX_END_NORMAL, NULL, "close 1000 \n");
	check_finish(PX_END_GOING_AWAY, "", "close 1001 \n");
	check_finish(PX_END_PROTOCOL, "p", "close 1002 p\n");
	check_finish(PX_END_BAD_TEXT, NULL, "close 1007 \n");
	check_finish(PX_END_POLICY, "no", "close 1008 no\n");
	check_finish(PX_END_TOO_BIG, NULL, "close 1009 \n");
	check_finish(PX_END_INTERNAL, NULL, "close 1011 \n");
	/* 123 bytes fit, and a character is not cut. */
	memset(text, 'x', 124);
	text[124] = '\0';
	snprintf(frames, sizeof(frames), "close 1000 %.123s\n", text);
	check_finish(PX_END_NORMAL, text, frames);
	memcpy(text + 122, "\xc3\xa9", 3);
	snprintf(frames, sizeof(frames), "close 1000 %.122s\n", text);
	check_finish(PX_END_NORMAL, text, frames);
}
END_TEST

START_TEST(test_finish_before_the_upgrade)
{
	struct open_ws ws = { px_framing_ws.create(), upgraded(), evbuffer_new(), { 0 }, 0, true };

	px_framing_ws.ping(ws.f, 0, ws.out);
	ck_assert(!px_framing_ws.finish(ws.f, PX_END_NORMAL, "text", ws.out));
	ck_assert_int_eq(open_ws_feed(&ws, LIMIT), PX_FEED_CLOSE);
	ck_assert_int_eq(ws.err.code, PX_OK);
	ck_assert_uint_eq(evbuffer_get_length(ws.in), 0);
	open_ws_done(&ws, "");
	px_framing_ws.destroy(NULL);
}
END_TEST

static void
check_wrap(size_t len, const void *header, size_t header_len)
{
	struct open_ws ws;
	struct evbuffer *msg = evbuffer_new();
	char *text = malloc(len + 1);

	memset(text, 'x', len + 1);
	open_ws_init(&ws);
	evbuffer_add_reference(msg, text, len, NULL, NULL);
	px_framing_ws.wrap(ws.f, msg, ws.out);
	ck_assert_uint_eq(evbuffer_get_length(msg), 0);
	ck_assert_uint_eq(evbuffer_get_length(ws.out), header_len + len);
	ck_assert_mem_eq(evbuffer_pullup(ws.out, (ev_ssize_t)header_len), header, header_len);
	evbuffer_drain(ws.out, header_len);
	/* Moved, not copied. */
	if (len > 0)
		ck_assert_ptr_eq(evbuffer_pullup(ws.out, (ev_ssize_t)len), text);
	evbuffer_drain(ws.out, len);
	evbuffer_free(msg);
	open_ws_done(&ws, "");
	free(text);
}

START_TEST(test_wrap_lengths)
{
	check_wrap(0, "\x81\x00", 2);
	check_wrap(125, "\x81\x7d", 2);
	check_wrap(126, "\x81\x7e\x00\x7e", 4);
	check_wrap(65535, "\x81\x7e\xff\xff", 4);
	check_wrap(65536, "\x81\x7f\0\0\0\0\0\1\0\0", 10);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("ws_close");

	tcase_add_test(tc, test_peer_closes);
	tcase_add_test(tc, test_peer_closes_badly);
	tcase_add_test(tc, test_wrap_and_ping);
	tcase_add_test(tc, test_finish_inside_message);
	tcase_add_test(tc, test_fault_after_finish);
	tcase_add_test(tc, test_finish_unanswered);
	tcase_add_test(tc, test_pause_leaves_the_rest);
	tcase_add_test(tc, test_limit_changes);
	tcase_add_test(tc, test_finish);
	tcase_add_test(tc, test_finish_before_the_upgrade);
	tcase_add_test(tc, test_wrap_lengths);
	return run_cases(tc);
}

#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "../fuzz/replay.h"
#include "base/err.h"
#include "cases.h"
#include "wire/framer.h"

static void
assert_text(struct evbuffer *buf, const char *expected, const char *what, size_t cut)
{
	evbuffer_add(buf, "", 1);
	ck_assert_msg(strcmp((char *)evbuffer_pullup(buf, -1), expected) == 0,
	    "%s with cut %zu is\n%s\nnot\n%s", what, cut, (char *)evbuffer_pullup(buf, -1),
	    expected);
}

/* The same result for every way to cut the input. */
static void
check(const char *data, size_t len, size_t limit, const char *log, const char *out)
{
	for (size_t i = 0; i < REPLAY_CUTS; i++) {
		struct evbuffer *got_log = evbuffer_new();
		struct evbuffer *got_out = evbuffer_new();

		replay(&px_framing_lines, data, len, limit, replay_cuts[i], got_log, got_out);
		assert_text(got_log, log, "log", i);
		assert_text(got_out, out, "out", i);
		evbuffer_free(got_log);
		evbuffer_free(got_out);
	}
}

#define CHECK(data, limit, log, out) check(data, sizeof(data) - 1, limit, log, out)

START_TEST(test_lines)
{
	CHECK("", 100, "", "");
	CHECK("{}\n", 100, "message {}\n", "");
	CHECK("a\nbc\n\ndef\n", 100, "message a\nmessage bc\nmessage def\n", "");
	CHECK(" {\"a\": 1} \n", 100, "message  {\"a\": 1} \n", "");
}
END_TEST

START_TEST(test_carriage_return)
{
	CHECK("a\r\nb\r\n", 100, "message a\nmessage b\n", "");
	/* Only the one right before the line feed goes. */
	CHECK("a\rb\r\r\n", 100, "message a\\x0db\\x0d\n", "");
}
END_TEST

START_TEST(test_blank_lines)
{
	CHECK("\n\r\n\n", 100, "", "");
	CHECK("  \n\t\r\n \t \r\r\na\n", 100, "message a\n", "");
}
END_TEST

START_TEST(test_last_line_without_end)
{
	CHECK("a\nb", 100, "message a\n", "");
	CHECK("b\r", 100, "", "");
}
END_TEST

START_TEST(test_any_bytes)
{
	CHECK("a\0b\n\xff\xfe\n", 100, "message a\\x00b\nmessage \\xff\\xfe\n", "");
}
END_TEST

#define TOO_BIG "too big 4\nclose limitExceeded: line of more than 4 bytes\n"

START_TEST(test_limit)
{
	CHECK("1234\n", 4, "message 1234\n", "");
	CHECK("1234\r\n", 4, "message 1234\n", "");
	CHECK("12345\n", 4, TOO_BIG, "too big\n");
	CHECK("1234\r\r\n", 4, TOO_BIG, "too big\n");
	CHECK("1234\rx\n", 4, TOO_BIG, "too big\n");
	CHECK("ok\n12345\nlost\n", 4, "message ok\n" TOO_BIG, "too big\n");
	CHECK("     \n", 4, TOO_BIG, "too big\n");
	CHECK("\n\r\n", 0, "", "");
}
END_TEST

START_TEST(test_limit_before_the_end_of_the_line)
{
	CHECK("12345", 4, TOO_BIG, "too big\n");
	CHECK("1234\r", 4, "", "");
	CHECK("1234\r\r", 4, TOO_BIG, "too big\n");
}
END_TEST

START_TEST(test_finish_inside_message)
{
	CHECK("a\n!finish\nlost\n", 100, "message a\nmessage !finish\nclose ok\n", "");
}
END_TEST

START_TEST(test_wrap)
{
	CHECK("!wrap\n!ping\n!wrap\n", 100, "message !wrap\nmessage !ping\nmessage !wrap\n",
	    "wrapped\nwrapped\n");
}
END_TEST

START_TEST(test_wrap_moves)
{
	struct px_framer *f = px_framing_lines.create();
	struct evbuffer *msg = evbuffer_new();
	struct evbuffer *out = evbuffer_new();
	static const char text[] = "{\"not\":\"copied\"}";

	evbuffer_add_reference(msg, text, sizeof(text) - 1, NULL, NULL);
	px_framing_lines.wrap(f, msg, out);
	ck_assert_uint_eq(evbuffer_get_length(msg), 0);
	ck_assert_uint_eq(evbuffer_get_length(out), sizeof(text));
	ck_assert_ptr_eq(evbuffer_pullup(out, sizeof(text) - 1), text);
	evbuffer_free(msg);
	evbuffer_free(out);
	px_framing_lines.destroy(f);
}
END_TEST

START_TEST(test_wrap_after_finish)
{
	struct px_framer *f = px_framing_lines.create();
	struct evbuffer *msg = evbuffer_new();
	struct evbuffer *out = evbuffer_new();

	ck_assert(!px_framing_lines.finish(f, PX_END_NORMAL, NULL, out));
	evbuffer_add(msg, "x", 1);
	px_framing_lines.wrap(f, msg, out);
	ck_assert_uint_eq(evbuffer_get_length(msg), 0);
	ck_assert_uint_eq(evbuffer_get_length(out), 0);
	evbuffer_free(msg);
	evbuffer_free(out);
	px_framing_lines.destroy(f);
	px_framing_lines.destroy(NULL);
}
END_TEST

static bool
ignore_message(void *arg, const char *text, size_t len)
{
	(void)text;
	*(size_t *)arg += len;
	return true;
}

static enum px_feed
feed_text(struct px_framer *f, const char *text, size_t limit, size_t *total, struct px_err *err)
{
	static const struct px_framer_handler handler = { .message = ignore_message };
	struct evbuffer *in = evbuffer_new();
	enum px_feed result;

	evbuffer_add(in, text, strlen(text));
	result = px_framing_lines.feed(f, in, NULL, limit, &handler, total, err);
	if (evbuffer_get_length(in) != 0)
		ck_abort_msg("%zu bytes left", evbuffer_get_length(in));
	evbuffer_free(in);
	return result;
}

START_TEST(test_limit_changes_inside_a_line)
{
	struct px_framer *f = px_framing_lines.create();
	struct px_err err;
	size_t total = 0;

	ck_assert_int_eq(feed_text(f, "12345", 5, &total, &err), PX_FEED_MORE);
	ck_assert_int_eq(feed_text(f, "678\n", 8, &total, &err), PX_FEED_MORE);
	ck_assert_uint_eq(total, 8);
	ck_assert_int_eq(feed_text(f, "12345", 8, &total, NULL), PX_FEED_MORE);
	ck_assert_int_eq(feed_text(f, "\n", 4, &total, &err), PX_FEED_CLOSE);
	ck_assert_int_eq(err.code, PX_E_LIMIT);
	ck_assert_str_eq(err.limit, "max_message_bytes");
	ck_assert_int_eq(err.value, 4);
	ck_assert_uint_eq(total, 8);
	px_framing_lines.destroy(f);
}
END_TEST

/* 8 MiB in 64-byte pieces: only possible in linear time. */
START_TEST(test_long_line)
{
	struct px_framer *f = px_framing_lines.create();
	size_t total = 0;
	size_t closed = 0;
	char piece[65] = { 0 };

	memset(piece, 'x', 64);
	for (size_t i = 0; i < 1 << 17; i++)
		closed += feed_text(f, piece, 1 << 23, &total, NULL) != PX_FEED_MORE;
	ck_assert_uint_eq(closed, 0);
	ck_assert_int_eq(feed_text(f, "\n", 1 << 23, &total, NULL), PX_FEED_MORE);
	ck_assert_uint_eq(total, 1 << 23);
	px_framing_lines.destroy(f);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("lines");

	tcase_add_test(tc, test_lines);
	tcase_add_test(tc, test_carriage_return);
	tcase_add_test(tc, test_blank_lines);
	tcase_add_test(tc, test_last_line_without_end);
	tcase_add_test(tc, test_any_bytes);
	tcase_add_test(tc, test_limit);
	tcase_add_test(tc, test_limit_before_the_end_of_the_line);
	tcase_add_test(tc, test_finish_inside_message);
	tcase_add_test(tc, test_wrap);
	tcase_add_test(tc, test_wrap_moves);
	tcase_add_test(tc, test_wrap_after_finish);
	tcase_add_test(tc, test_limit_changes_inside_a_line);
	tcase_add_test(tc, test_long_line);
	return run_cases(tc);
}
